//! Endpoints of models as rows.

use super::{Cell, Row};
use crate::domain::flag::names;
use crate::snapshot::{Endpoint, ModelEntry};
use serde::ser::Error;
use serde::{Serialize, Serializer};
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
        Self { model, endpoint, session_cost: endpoint.session_cost.get(workload).copied() }
    }
}

impl Row<26> for Offer<'_> {
    const COLUMNS: [&'static str; 26] = [
        "model_id",
        "provider",
        "name",
        "tag",
        "endpoint_id",
        "tier",
        "session_cost",
        "effective_input",
        "effective_output",
        "list_input",
        "list_cache_read",
        "list_cache_write",
        "list_output",
        "hit_rate",
        "tokens_per_day",
        "uptime_1d",
        "availability",
        "throughput",
        "latency_ms",
        "quantization",
        "context_length",
        "flags",
        "list_cache_write_1h",
        "max_prompt_tokens",
        "deprecation_date",
        "created_at",
    ];
    fn cells(&self) -> [Cell; 26] {
        let one = self.endpoint;
        [
            Cell::text(&self.model.model_id),
            Cell::text(&one.provider),
            Cell::text(&one.name),
            Cell::text(&one.tag),
            Cell::text(one.endpoint_id),
            Cell::tier(one.tier),
            Cell::Number(self.session_cost),
            Cell::Number(one.effective.input),
            Cell::Number(one.effective.output),
            Cell::Number(one.list.input),
            Cell::Number(one.list.cache_read),
            Cell::Number(one.list.cache_write),
            Cell::Number(one.list.output),
            Cell::Number(one.hit_rate),
            Cell::Number(one.tokens_per_day),
            Cell::Number(one.uptime_1d),
            Cell::Number(one.availability),
            Cell::Number(one.throughput),
            Cell::Number(one.latency_ms),
            Cell::maybe(one.facts.quantization.as_ref()),
            Cell::Whole(one.facts.context_length),
            Cell::Text(names(&one.flags)),
            Cell::Number(one.list.cache_write_1h),
            Cell::Whole(one.facts.max_prompt_tokens),
            Cell::Time(one.facts.deprecation_date),
            Cell::Time(one.facts.created_at),
        ]
    }
}
