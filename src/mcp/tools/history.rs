//! `history`.

use super::super::address::Address;
use super::super::arguments::{Every, History, count};
use super::super::failure::Failure;
use super::super::reply::{Reply, list, named, picked, text};
use super::super::source::{Listed, Received, Source};
use super::unknown_endpoint;
use serde_json::{Map, Value};

/// Endpoints of a model that are returned if none is named.
const ENDPOINTS: usize = 3;
const NAMES: [&str; 3] = ["endpoint_id", "tag", "provider"];
/// What is kept of a reading.
const READING: [&str; 7] = [
    "observed_at",
    "hit_rate",
    "effective_input",
    "effective_output",
    "list_input",
    "list_cache_read",
    "list_output",
];

pub(super) async fn answer(source: &Source, wanted: History) -> Result<Reply, Failure> {
    match wanted.every.unwrap_or_default() {
        Every::Day => days(source, &wanted).await,
        Every::Hour => hours(source, &wanted).await,
    }
}

async fn days(source: &Source, wanted: &History) -> Result<Reply, Failure> {
    let last = count("last", wanted.last, 14, 30)?;
    let address = Address::of_model("/api/v1/models", &wanted.model)?;
    let Received { data: model, meta } = source.get(&address).await?;
    let mut all = list(&model, "endpoints").to_vec();
    let tokens = |one: &Value| one.get("tokens_per_day").and_then(Value::as_f64).unwrap_or(f64::NEG_INFINITY);
    all.sort_by(|a, b| tokens(b).total_cmp(&tokens(a)));
    let (chosen, left_off) = chosen(all, wanted)?;
    let mut cut = 0;
    let rows: Vec<Value> = chosen
        .iter()
        .map(|one| {
            let mut row = picked(one, &NAMES);
            row.extend(picked(one, &["hit_rate", "list", "effective"]));
            cut += newest(&mut row, "days", list(one, "days"), last);
            Value::Object(row)
        })
        .collect();
    let mut data = picked(&model, &["model_id"]);
    data.insert("endpoints".to_owned(), Value::Array(rows));
    let summary = summary(&model, &chosen, &format!("up to {last} UTC days each"));
    let reply = Reply::new(summary, Value::Object(data), meta, &address);
    Ok(reply.left_off("endpoints", left_off).left_off("days", cut))
}

async fn hours(source: &Source, wanted: &History) -> Result<Reply, Failure> {
    let last = count("last", wanted.last, 24, 200)?;
    let address = Address::of_model("/api/v1/hourly", &wanted.model)?;
    let Received { data: hourly, meta } = source.get(&address).await?;
    let (chosen, left_off) = chosen(list(&hourly, "endpoints").to_vec(), wanted)?;
    let readings = Address::of("/api/v1/readings").with("model", text(&hourly, "model_id"));
    let readings = match chosen.as_slice() {
        // The readings of one provider are fewer.
        [one] => readings.with("provider", text(one, "provider")),
        _ => readings,
    };
    let Listed { entries, .. } = source.list(&readings).await?;
    let (mut cut_hours, mut cut_readings) = (0, 0);
    let rows: Vec<Value> = chosen
        .iter()
        .map(|one| {
            let mut row = picked(one, &NAMES);
            cut_hours += newest(&mut row, "hours", list(one, "hours"), last);
            // The API returns the newest reading first.
            let own = entries.iter().rev().filter(|entry| entry.get("endpoint_id") == one.get("endpoint_id"));
            let own: Vec<Value> = own.map(|entry| Value::Object(picked(entry, &READING))).collect();
            cut_readings += newest(&mut row, "readings", &own, last);
            Value::Object(row)
        })
        .collect();
    let mut data = picked(&hourly, &["model_id", "approximate", "from", "to"]);
    data.insert("endpoints".to_owned(), Value::Array(rows));
    let scope = format!("up to {last} hourly rates and readings with prices each");
    let reply = Reply::new(summary(&hourly, &chosen, &scope), Value::Object(data), meta, &address);
    let reply = reply.left_off("endpoints", left_off).left_off("hours", cut_hours);
    Ok(reply.left_off("readings", cut_readings))
}

/// The endpoint with the requested tag, or else the first few of those with the most traffic, and how many are left off.
fn chosen(mut all: Vec<Value>, wanted: &History) -> Result<(Vec<Value>, usize), Failure> {
    if let Some(tag) = &wanted.endpoint {
        let known = named(&all, "tag");
        all.retain(|one| text(one, "tag") == tag);
        return if all.is_empty() { Err(unknown_endpoint(tag, &wanted.model, &known)) } else { Ok((all, 0)) };
    }
    let left_off = all.len().saturating_sub(ENDPOINTS);
    all.truncate(ENDPOINTS);
    Ok((all, left_off))
}

/// Puts the newest entries of a list, which is sorted from the oldest, into a row, and returns how many are left off.
fn newest(row: &mut Map<String, Value>, field: &str, entries: &[Value], last: usize) -> usize {
    let cut = entries.len().saturating_sub(last);
    row.insert(field.to_owned(), Value::Array(entries[cut..].to_vec()));
    cut
}

fn summary(model: &Value, chosen: &[Value], scope: &str) -> String {
    format!("{}: {}; {scope}, oldest first", text(model, "model_id"), named(chosen, "tag"))
}
