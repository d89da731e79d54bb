//! What the usage exports of accounts have in common: buckets of time with results, each a sum over many requests.

use super::outcome::key;
use crate::request_log::call::{Call, IdKind, Name, Rule, Status};
use crate::request_log::entry::{Object, name_of, time_of};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The results of an entry with the buckets that hold them: those of a page `{data: [{…, results: […]}]}`, of one
/// bucket, or the entry itself if it is a row.
pub fn results(entry: &Object) -> Vec<(&Object, &Object)> {
    if let Some(buckets) = entry.get("data").and_then(Value::as_array) {
        return buckets
            .iter()
            .flat_map(|bucket| {
                of_bucket(bucket)
                    .unwrap_or_else(|| bucket.as_object().map(|row| (row, row)).into_iter().collect())
            })
            .collect();
    }
    match entry.get("results").or_else(|| entry.get("result")).and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(Value::as_object).map(|result| (entry, result)).collect(),
        None => vec![(entry, entry)],
    }
}

/// The results of one bucket; `None` if it is a row.
fn of_bucket(bucket: &Value) -> Option<Vec<(&Object, &Object)>> {
    let bucket = bucket.as_object()?;
    let results = bucket.get("results").or_else(|| bucket.get("result"))?.as_array()?;
    Some(results.iter().filter_map(Value::as_object).map(|result| (bucket, result)).collect())
}

/// Whether an entry is a page or a bucket, which may be empty.
pub fn is_page(entry: &Object) -> bool {
    entry.get("data").is_some_and(Value::is_array) || entry.get("results").is_some_and(Value::is_array)
}

/// The id of a sum: what it is a sum of, which are the texts, the flags and the start of its bucket. Its counts are not
/// part of it, so the same sum in two exports is one, also if one of them was made before the bucket was over.
pub fn sum_id(holders: &[&Object]) -> Box<str> {
    let starts = ["start_time", "starting_at", "date"];
    let mut digest = Sha256::new();
    for holder in holders {
        for (key, value) in *holder {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) if starts.contains(&key.as_str()) => number.to_string(),
                _ => continue,
            };
            digest.update(format!("{key}={text};").as_bytes());
        }
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// A sum over requests, with what all accounts state of it.
pub fn sum(bucket: &Object, result: &Object, platform: &str, rule: Rule, line: u64) -> Call {
    let started =
        time_of(bucket, &["starting_at", "start_time", "start_time_iso", "from", "date", "usage_date_utc"]);
    let ended = time_of(bucket, &["ending_at", "end_time", "end_time_iso", "until"]);
    Call {
        line,
        started_at: started.map(|(at, _)| at),
        ended_at: ended.map(|(at, _)| at),
        zone_known: started.or(ended).is_some_and(|(_, known)| known),
        platform: Some(Name::from(platform)),
        model_served: name_of(result, &["model", "model_version"]),
        key: key(result.get("api_key_id")).or_else(|| key(result.get("api_key"))),
        service_tier: name_of(result, &["service_tier", "usage_type"]),
        rule,
        status: Status::Unknown,
        id: Some(sum_id(&[bucket, result])),
        id_kind: IdKind::Row,
        aggregated: Some(0),
        ..Call::default()
    }
}
