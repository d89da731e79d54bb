//! Uptime by hour: `{"history": [{"date", "uptime"}]}`, percent, newest first.

use super::rows::{Names, by_id};
use super::values;
use crate::domain::bounds::PERCENT;
use crate::domain::imported::ImportedUptime;
use crate::upstream::Outcome;
use crate::upstream::history::{KnownEndpoint, PastBody};
use chrono::{Duration, DurationRound};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The route with the name of its parameter.
pub const PATH: &str = "/api/frontend/v1/stats/uptime-hourly?id=";

/// Reads the hours that were over when the document was fetched. A null is an hour without requests, not an outage.
pub fn read(outcome: &Outcome<'_>, known: &[KnownEndpoint], body: &mut PastBody) {
    let refuse = |body: &mut PastBody, path: &str, why: String| body.refused.push((path.to_owned(), why));
    let id = outcome.request.path.strip_prefix(PATH).and_then(|id| Uuid::parse_str(id).ok());
    let (Some(id), Some(pair)) = (id, outcome.request.pair.as_ref()) else {
        return refuse(body, "$", "the archive does not name the endpoint of this document".to_owned());
    };
    let json: Value = match serde_json::from_slice(outcome.body) {
        Ok(json) => json,
        Err(error) => return refuse(body, "$", error.to_string()),
    };
    let data = &json["data"];
    if data.is_null() && json.get("data").is_some() {
        return;
    }
    let Some(history) = data["history"].as_array() else {
        return refuse(body, "$.data.history", "expected a list of hours".to_owned());
    };
    let endpoint = by_id(pair, id, known, &Names::default());
    let mut hours = BTreeMap::new();
    for (position, row) in history.iter().enumerate() {
        let path = format!("$.data.history[{position}]");
        let read = values::time(&row["date"]).and_then(|time| {
            let hour = time.duration_trunc(Duration::hours(1)).map_err(|error| error.to_string())?;
            Ok((hour, values::number(&row["uptime"])?))
        });
        match read {
            Ok((_, None)) => {}
            Ok((hour, Some(percent))) => match PERCENT.check(percent) {
                Ok(percent) if hour + Duration::hours(1) <= outcome.fetched_at => {
                    hours.entry(hour).or_insert(percent / 100.0);
                }
                Ok(_) => {}
                Err(why) => refuse(body, &path, why),
            },
            Err(why) => refuse(body, &path, why),
        }
    }
    body.uptimes.extend(hours.into_iter().map(|(hour, uptime)| ImportedUptime {
        endpoint: endpoint.clone(),
        hour,
        uptime,
    }));
}
