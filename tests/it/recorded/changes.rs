//! The changes of the recorded days against consecutive readings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hitrate::domain::change::{Change, ChangeKind, ChangeValue};
use serde_json::Value;

use crate::binary::hitrate;

/// Endpoint, time, field, before, after; prices as bits, so that they have an order.
type Move = (String, String, String, Option<u64>, Option<u64>);

/// Every change of a list price between consecutive readings of an endpoint is listed once, alone or in a schedule, and
/// nothing else is.
pub fn have_every_move_of_a_price_once(data: &Path) {
    const PRICES: [&str; 5] =
        ["list_input", "list_output", "list_cache_read", "list_cache_write", "list_cache_write_1h"];
    let span = ["--from", "2026-01-01T00:00:00Z", "--to", "2027-01-01T00:00:00Z"];
    let ran = hitrate(data, &[&["export", "readings", "--format", "json"][..], &span].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let readings: Vec<Value> = serde_json::from_str(&ran.out).expect("JSON");
    let number = |value: &Value| value.as_f64().map(f64::to_bits);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut last: BTreeMap<String, &Value> = BTreeMap::new();
    let mut expected: BTreeSet<Move> = BTreeSet::new();
    for reading in &readings {
        let endpoint = text(&reading["endpoint_id"]);
        if let Some(before) = last.insert(endpoint.clone(), reading) {
            let moved = PRICES.into_iter().filter(|field| before[field] != reading[field]);
            expected.extend(moved.map(|field| {
                let (from, to) = (number(&before[field]), number(&reading[field]));
                (endpoint.clone(), text(&reading["observed_at"]), field.to_owned(), from, to)
            }));
        }
    }
    let ran = hitrate(data, &["changes", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let changes: Vec<Change> = serde_json::from_value(ran.json()["changes"].clone()).expect("changes");
    let mut found: Vec<Move> = Vec::new();
    for change in &changes {
        let endpoint = || change.endpoint_id.expect("an endpoint").to_string();
        let time = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let field = change.field.map_or("", |field| field.as_str());
        if change.kind == ChangeKind::PriceChanged && PRICES.contains(&field) {
            let value =
                |value: &Option<ChangeValue>| value.as_ref().and_then(ChangeValue::number).map(f64::to_bits);
            found.push((
                endpoint(),
                time(change.at),
                field.to_owned(),
                value(&change.before),
                value(&change.after),
            ));
        }
        let included = change.includes.iter().filter(|one| PRICES.contains(&one.field.as_str()));
        found.extend(included.map(|one| {
            let (from, to) = (one.before.map(f64::to_bits), one.after.map(f64::to_bits));
            (endpoint(), time(one.at), one.field.as_str().to_owned(), from, to)
        }));
        assert!(!change.why.is_empty(), "{change:?}");
    }
    let distinct: BTreeSet<Move> = found.iter().cloned().collect();
    assert_eq!(distinct.len(), found.len(), "no move is listed twice");
    assert!(expected.len() > 100, "prices move on the recorded days: {}", expected.len());
    assert_eq!(distinct, expected);
}
