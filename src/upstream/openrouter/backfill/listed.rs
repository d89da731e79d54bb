//! The log of list prices: for each endpoint and price, the moments at which it changed.
//!
//! No source states whether the prices are before or after the discount that the log lists beside them. The record's
//! prices are after discount, so a document in which an endpoint has a discount now decides it: the newest price of the
//! log equals the record's price with the discount subtracted, or without. If nothing decides, the prices of times with a
//! discount are unknown, and so is what was paid then.

use super::rows::{Names, by_id};
use super::values;
use crate::domain::bounds::{DISCOUNT, EFFECTIVE_PRICE};
use crate::domain::document::Pair;
use crate::domain::ids::ProviderSlug;
use crate::domain::imported::{ImportedEndpoint, ImportedPrices};
use crate::upstream::Outcome;
use crate::upstream::history::{KnownEndpoint, PastBody};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Relative difference up to which a price of the log and one of the record are the same.
const SAME: f64 = 1e-3;

/// What the prices of a document are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Discounts {
    /// Already subtracted.
    Subtracted,
    /// Not subtracted yet.
    Due,
}

/// The prices of the log from a moment on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Step {
    input: Option<f64>,
    output: Option<f64>,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    discount: Option<f64>,
}

impl Step {
    fn has_discount(&self) -> bool {
        self.discount.is_some_and(|discount| discount != 0.0)
    }
}

/// One endpoint of the log.
struct Series {
    endpoint: ImportedEndpoint,
    steps: BTreeMap<DateTime<Utc>, Step>,
}

/// Reads the log of a pair.
pub fn read(outcome: &Outcome<'_>, known: &[KnownEndpoint], body: &mut PastBody) {
    let Some(pair) = outcome.request.pair.as_ref() else { return };
    let json: Value = match serde_json::from_slice(outcome.body) {
        Ok(json) => json,
        Err(error) => return body.refused.push(("$".to_owned(), error.to_string())),
    };
    let data = &json["data"];
    if data.is_null() && json.get("data").is_some() {
        return;
    }
    let Some(series) = data["series"].as_array() else {
        return body.refused.push(("$.data.series".to_owned(), "expected a list of endpoints".to_owned()));
    };
    let mut all: Vec<Series> = Vec::new();
    for (position, row) in series.iter().enumerate() {
        let path = format!("$.data.series[{position}]");
        match endpoint(row, pair, known) {
            Ok(endpoint) if all.iter().any(|one| one.endpoint == endpoint) => {
                body.refused.push((path, "a second series of the same endpoint".to_owned()));
            }
            Ok(endpoint) => all.push(Series { endpoint, steps: steps(row, &path, &mut body.refused) }),
            Err(why) => body.refused.push((path, why)),
        }
    }
    let discounts = decide(&all, known);
    for Series { endpoint, steps } in all {
        let rows = steps.into_iter().map(|(at, step)| prices(endpoint.clone(), at, step, discounts));
        body.prices.extend(rows);
    }
    body.prices.sort_by(|a, b| (&a.endpoint, a.at).cmp(&(&b.endpoint, b.at)));
}

/// The endpoint of a series.
fn endpoint(row: &Value, pair: &Pair, known: &[KnownEndpoint]) -> Result<ImportedEndpoint, String> {
    let text = |field: &str| row[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let id = match &row["endpointId"] {
        Value::Null => None,
        Value::String(id) => Some(
            Uuid::parse_str(id).map_err(|_| format!("{} is not a UUID", values::clip(&row["endpointId"])))?,
        ),
        other => return Err(format!("{} is not a UUID", values::clip(other))),
    };
    let mut found = match id {
        Some(id) => by_id(pair, id, known, &Names::default()),
        None => ImportedEndpoint {
            model: pair.model.clone(),
            variant: pair.variant.clone(),
            endpoint_id: None,
            provider: None,
            provider_name: None,
            tag: None,
        },
    };
    found.provider = found.provider.or_else(|| text("providerSlug").map(ProviderSlug::new));
    found.provider_name = found.provider_name.or_else(|| text("providerName"));
    if found.endpoint_id.is_none() && found.provider_name.is_none() {
        return Err("neither the id nor the name of the endpoint".to_owned());
    }
    Ok(found)
}

/// The changes of all prices of a series, merged by time: each step has the prices in force from then on.
fn steps(row: &Value, path: &str, refused: &mut Vec<(String, String)>) -> BTreeMap<DateTime<Utc>, Step> {
    type Set = fn(&mut Step, Option<f64>);
    let fields: [(&str, Set); 5] = [
        ("input", |step, price| step.input = price),
        ("output", |step, price| step.output = price),
        ("cacheRead", |step, price| step.cache_read = price),
        ("cacheWrite", |step, price| step.cache_write = price),
        ("discount", |step, price| step.discount = price),
    ];
    let mut changes: BTreeMap<DateTime<Utc>, Vec<(Set, Option<f64>)>> = BTreeMap::new();
    for (field, set) in fields {
        let points = match &row[field] {
            Value::Null => continue,
            Value::Array(points) => points,
            other => {
                refused.push((format!("{path}.{field}"), format!("{} is not a list", values::clip(other))));
                continue;
            }
        };
        let bounds = if field == "discount" { &DISCOUNT } else { &EFFECTIVE_PRICE };
        for (position, point) in points.iter().enumerate() {
            let value = values::number(&point["value"])
                .and_then(|value| value.map(|value| bounds.check(value)).transpose());
            match values::time(&point["at"]).and_then(|at| Ok((at, value?))) {
                Ok((at, value)) => changes.entry(at).or_default().push((set, value)),
                Err(why) => refused.push((format!("{path}.{field}[{position}]"), why)),
            }
        }
    }
    let mut step = Step::default();
    let mut steps = BTreeMap::new();
    for (at, changed) in changes {
        changed.into_iter().for_each(|(set, value)| set(&mut step, value));
        steps.insert(at, step);
    }
    steps
}

/// Whether the discount is subtracted, as the endpoints with a discount now show; `None` if they show nothing, or
/// contradict each other.
fn decide(all: &[Series], known: &[KnownEndpoint]) -> Option<Discounts> {
    let is = |price: f64, listed: f64| (price - listed).abs() <= SAME * listed.abs();
    let mut found = all.iter().filter_map(|series| {
        let (_, newest) = series.steps.last_key_value()?;
        let id = series.endpoint.endpoint_id?;
        let listed = known.iter().find(|known| known.endpoint.endpoint_id == Some(id))?.list.input?;
        let (price, discount) = (newest.input?, newest.discount.filter(|discount| *discount != 0.0)?);
        match (is(price, listed), is(price * (1.0 - discount), listed)) {
            (true, false) => Some(Discounts::Subtracted),
            (false, true) => Some(Discounts::Due),
            _ => None,
        }
    });
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

fn prices(
    endpoint: ImportedEndpoint,
    at: DateTime<Utc>,
    step: Step,
    discounts: Option<Discounts>,
) -> ImportedPrices {
    let factor = match (step.has_discount(), discounts) {
        (false, _) | (true, Some(Discounts::Subtracted)) => Some(1.0),
        (true, Some(Discounts::Due)) => step.discount.map(|discount| 1.0 - discount),
        (true, None) => None,
    };
    let after = |price: Option<f64>| price.zip(factor).map(|(price, factor)| price * factor);
    ImportedPrices {
        endpoint,
        at,
        input: after(step.input),
        output: after(step.output),
        cache_read: after(step.cache_read),
        cache_write: after(step.cache_write),
        discount: step.discount,
    }
}
