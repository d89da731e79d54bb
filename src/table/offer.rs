//! Endpoints of models as rows.

use super::{Cell, columns};
use crate::domain::flag::names;
use crate::snapshot::{Endpoint, ModelEntry, Prices};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An endpoint with the id of its model, without its days.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = ListedEndpoint)]
pub struct Offer<'a> {
    /// Public name of the model.
    #[serde(rename = "model_id", serialize_with = "id")]
    #[schema(value_type = String)]
    pub model: &'a ModelEntry,
    /// The endpoint.
    #[serde(flatten, serialize_with = "without_days")]
    #[schema(schema_with = schema_without_days)]
    pub endpoint: &'a Endpoint,
    /// Cost of a session in USD under a workload; only in tables, because the JSON has the costs under all workloads.
    #[serde(skip)]
    pub session_cost: Option<f64>,
    /// The same at the list prices of now.
    #[serde(skip)]
    pub session_cost_now: Option<f64>,
}

fn id<S: Serializer>(model: &&ModelEntry, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&model.model_id)
}

fn without_days<S: Serializer>(endpoint: &&Endpoint, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(endpoint).map_err(S::Error::custom)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("days");
    }
    value.serialize(serializer)
}

fn schema_without_days() -> RefOr<Schema> {
    let mut schema = Endpoint::schema();
    if let RefOr::T(Schema::AllOf(endpoint)) = &mut schema {
        for part in &mut endpoint.items {
            let RefOr::T(Schema::Object(part)) = part else { continue };
            part.properties.remove("days");
            part.required.retain(|name| name != "days");
        }
    }
    schema
}

impl<'a> Offer<'a> {
    /// An endpoint of a model under a workload.
    pub fn of(model: &'a ModelEntry, endpoint: &'a Endpoint, workload: &str) -> Self {
        let of = |costs: &BTreeMap<String, f64>| costs.get(workload).copied();
        let (session_cost, session_cost_now) = (of(&endpoint.session_cost), of(&endpoint.session_cost_now));
        Self { model, endpoint, session_cost, session_cost_now }
    }
}

/// A mean list price of the lens window.
fn usual(endpoint: &Endpoint, price: fn(&Prices) -> Option<f64>) -> Option<f64> {
    endpoint.list_window.as_ref().and_then(|window| price(&window.usual))
}

columns!(Offer<'_>, |row| {
    "model_id": Cell::text(&row.model.model_id),
    "provider": Cell::text(&row.endpoint.provider),
    "name": Cell::text(&row.endpoint.name),
    "tag": Cell::text(&row.endpoint.tag),
    "endpoint_id": Cell::text(row.endpoint.endpoint_id),
    "tier": Cell::tier(row.endpoint.tier),
    "session_cost": Cell::Number(row.session_cost),
    "effective_input": Cell::Number(row.endpoint.effective.input),
    "effective_output": Cell::Number(row.endpoint.effective.output),
    "list_input": Cell::Number(row.endpoint.list.input),
    "list_cache_read": Cell::Number(row.endpoint.list.cache_read),
    "list_cache_write": Cell::Number(row.endpoint.list.cache_write),
    "list_output": Cell::Number(row.endpoint.list.output),
    "hit_rate": Cell::Number(row.endpoint.hit_rate),
    "tokens_per_day": Cell::Number(row.endpoint.tokens_per_day),
    "uptime_1d": Cell::Number(row.endpoint.uptime_1d),
    "availability": Cell::Number(row.endpoint.availability),
    "throughput": Cell::Number(row.endpoint.throughput),
    "latency_ms": Cell::Number(row.endpoint.latency_ms),
    "quantization": Cell::maybe(row.endpoint.facts.quantization.as_ref()),
    "context_length": Cell::Whole(row.endpoint.facts.context_length),
    "flags": Cell::Text(names(&row.endpoint.flags)),
    "list_cache_write_1h": Cell::Number(row.endpoint.list.cache_write_1h),
    "max_prompt_tokens": Cell::Whole(row.endpoint.facts.max_prompt_tokens),
    "deprecation_date": Cell::Time(row.endpoint.facts.deprecation_date),
    "created_at": Cell::Time(row.endpoint.facts.created_at),
    "session_cost_now": Cell::Number(row.session_cost_now),
    "hit_rate_used": Cell::Number(row.endpoint.hit_rate_used),
    "written_share": Cell::Number(row.endpoint.written_share),
    "tokens_per_request": Cell::Number(row.endpoint.tokens_per_request),
    "usual_input": Cell::Number(usual(row.endpoint, |prices| prices.input)),
    "usual_cache_read": Cell::Number(usual(row.endpoint, |prices| prices.cache_read)),
    "usual_cache_write": Cell::Number(usual(row.endpoint, |prices| prices.cache_write)),
    "usual_cache_write_1h": Cell::Number(usual(row.endpoint, |prices| prices.cache_write_1h)),
    "usual_output": Cell::Number(usual(row.endpoint, |prices| prices.output)),
    "list_moves": Cell::Whole(row.endpoint.list_window.as_ref().map(|window| window.moves)),
    "variant": Cell::text(&row.model.variant),
    "trains_on_prompts": Cell::Flag(row.endpoint.facts.trains_on_prompts),
    "retains_prompts": Cell::Flag(row.endpoint.facts.retains_prompts),
});
