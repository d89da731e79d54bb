//! Endpoints of models as rows.

use super::{Cell, Row};
use crate::domain::flag::names;
use crate::snapshot::{Endpoint, ModelEntry};

/// An endpoint of a model with the cost of a session under the default workload.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    /// The model.
    pub model: &'a ModelEntry,
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Cost of a session in USD under the default workload.
    pub session_cost: Option<f64>,
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
            Cell::maybe(one.quantization.as_ref()),
            Cell::Whole(one.context_length),
            Cell::Text(names(&one.flags)),
            Cell::Number(one.list.cache_write_1h),
            Cell::Whole(one.max_prompt_tokens),
            Cell::Time(one.deprecation_date),
            Cell::Time(one.created_at),
        ]
    }
}
