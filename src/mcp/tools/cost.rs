//! `session_cost`.

use super::super::address::Address;
use super::super::arguments::{SessionCost, count};
use super::super::failure::Failure;
use super::super::reply::{Reply, list, picked, text};
use super::super::source::{Received, Source};
use crate::domain::format::usd;
use serde_json::Value;

const MODEL: [&str; 10] = [
    "model_id",
    "slug",
    "variant",
    "workload",
    "prompt_tokens",
    "output_tokens",
    "longest_prompt",
    "cheapest",
    "by_list",
    "notes",
];
/// What is kept of an endpoint.
const ENDPOINT: [&str; 14] = [
    "tag",
    "provider",
    "tier",
    "list",
    "cost",
    "cost_now",
    "low",
    "high",
    "hit_rate",
    "assumed",
    "is_choice",
    "why",
    "cheapest",
    "cheapest_by_list",
];

pub(super) async fn answer(source: &Source, wanted: SessionCost) -> Result<Reply, Failure> {
    let limit = count("limit", wanted.limit, 8, 50)?;
    let address = Address::of_model("/api/v1/cost", &wanted.model)?.with_fields(&wanted, &["model", "limit"]);
    let Received { data: all, meta } = source.get(&address).await?;
    let endpoints = list(&all, "endpoints");
    let shown = &endpoints[..endpoints.len().min(limit)];
    let mut data = picked(&all, &MODEL);
    let rows = shown.iter().map(|one| Value::Object(picked(one, &ENDPOINT)));
    data.insert("endpoints".to_owned(), rows.collect());
    let left_off = endpoints.len() - shown.len();
    Ok(Reply::new(summary(&all), Value::Object(data), meta, &address).left_off("endpoints", left_off))
}

fn summary(all: &Value) -> String {
    let model = text(all, "model_id");
    let workload = all.pointer("/workload/name").and_then(Value::as_str).unwrap_or_default();
    let best = list(all, "endpoints").iter().find(|one| one.get("cheapest") == Some(&Value::Bool(true)));
    let Some((best, cost)) = best.and_then(|one| Some((one, one.get("cost")?.as_f64()?))) else {
        return format!("{model}: no endpoint has a known session cost ({workload})");
    };
    let end = |field: &str| best.get(field).and_then(Value::as_f64);
    let interval = match end("low").zip(end("high")) {
        Some((low, high)) => format!("90 % interval {} to {}", usd(low), usd(high)),
        None => "interval unknown".to_owned(),
    };
    format!(
        "{model}: the cheapest session ({workload}) is {} at {} ({interval})",
        usd(cost),
        text(best, "tag")
    )
}
