//! `compare_endpoints`.

use super::super::address::Address;
use super::super::arguments::{CompareEndpoints, count};
use super::super::failure::Failure;
use super::super::reply::{Reply, list, named, picked, text};
use super::super::source::Source;
use super::unknown_endpoint;
use serde_json::{Map, Value};

const MODEL: [&str; 6] = ["model_id", "slug", "variant", "context_length", "hit_rate", "tokens_per_day"];
/// What is kept of an endpoint.
const ENDPOINT: [&str; 19] = [
    "tag",
    "provider",
    "tier",
    "why",
    "hit_rate",
    "hit_rate_used",
    "tokens_per_day",
    "list",
    "effective",
    "uptime_1d",
    "availability",
    "throughput",
    "latency_ms",
    "quantization",
    "context_length",
    "max_prompt_tokens",
    "region",
    "trains_on_prompts",
    "retains_prompts",
];
/// What is kept of its session cost.
const SESSION: [&str; 8] =
    ["cost", "cost_now", "low", "high", "is_choice", "why", "cheapest", "cheapest_by_list"];

pub(super) async fn answer(source: &Source, wanted: CompareEndpoints) -> Result<Reply, Failure> {
    let limit = count("limit", wanted.limit, 10, 50)?;
    let costs = Address::of_model("/api/v1/cost", &wanted.model)?;
    let costs = match &wanted.workload {
        Some(workload) => costs.with("workload", workload),
        None => costs,
    };
    let model = Address::of_model("/api/v1/models", &wanted.model)?;
    let (costs, model_data) = (source.get(&costs).await?, source.get(&model).await?);
    let (of_model, meta) = (model_data.data, model_data.meta);
    let mut ordered = list(&costs.data, "endpoints").to_vec();
    if let Some(tags) = &wanted.endpoints {
        for tag in tags {
            if !ordered.iter().any(|one| text(one, "tag") == tag) {
                return Err(unknown_endpoint(tag, &wanted.model, &named(&ordered, "tag")));
            }
        }
        ordered.retain(|one| tags.iter().any(|tag| text(one, "tag") == tag));
    }
    let left_off = ordered.len().saturating_sub(limit);
    ordered.truncate(limit);
    let rows: Vec<Value> = ordered.iter().map(|session| row(&of_model, session)).collect();
    let mut data = picked(&of_model, &MODEL);
    let workload = costs.data.pointer("/workload/name").cloned().unwrap_or(Value::Null);
    data.insert("workload".to_owned(), workload);
    data.insert("endpoints".to_owned(), Value::Array(rows));
    let summary = format!(
        "{}: {} endpoints by the cost of a session ({}): {}",
        text(&of_model, "model_id"),
        ordered.len(),
        costs.data.pointer("/workload/name").and_then(Value::as_str).unwrap_or_default(),
        named(&ordered, "tag")
    );
    Ok(Reply::new(summary, Value::Object(data), meta, &model).left_off("endpoints", left_off))
}

/// An endpoint with its session cost and its flags, each flag with its name and sentence.
fn row(model: &Value, session: &Value) -> Value {
    let id = session.get("endpoint_id");
    let endpoint = list(model, "endpoints").iter().find(|one| one.get("endpoint_id") == id);
    // Both come from the same snapshot, unless a new one was published between the two requests.
    let Some(endpoint) = endpoint else {
        return Value::Object(picked(session, &["tag", "provider", "tier"]));
    };
    let mut row = picked(endpoint, &ENDPOINT);
    let flags = list(endpoint, "flags").iter().map(|flag| Value::Object(picked(flag, &["name", "why"])));
    row.insert("flags".to_owned(), flags.collect());
    let session: Map<String, Value> = picked(session, &SESSION);
    row.insert("session".to_owned(), Value::Object(session));
    Value::Object(row)
}
