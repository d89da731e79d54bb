//! The arguments of the tools. Their schemas are what clients see, so each description is short.

use super::failure::Failure;
use crate::preferences::Mode;
use crate::preferences::targets::Target;
use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

/// Arguments of `find_model`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindModel {
    /// Words of the id or name, such as `kimi k2.6`.
    pub query: String,
    /// Most models to return. Default: 10.
    #[schemars(range(min = 1, max = 50))]
    pub limit: Option<usize>,
}

fn targets() -> Vec<&'static str> {
    Target::names().collect()
}

/// Arguments of `recommend_host`: those of the API's preferences.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecommendHost {
    /// Model id, such as `moonshotai/kimi-k2.6`.
    pub model: String,
    /// Tool to write the configuration for. Default: the body of a request to the router.
    #[schemars(extend("enum" = targets()))]
    pub target: Option<String>,
    /// How strict: `shortlist` (default), `avoid`, `pin`, or `order`, which turns off sticky routing.
    #[schemars(extend("enum" = Mode::ALL.map(Mode::as_str)))]
    pub mode: Option<String>,
    /// Workload that ranks the hosts, such as `coding-agent`, or `traffic`.
    pub workload: Option<String>,
    /// Limit: coarsest weight format, such as `fp8`.
    pub quant_floor: Option<String>,
    /// Limit: no training on prompts.
    pub no_training: Option<bool>,
    /// Limit: prompts are not kept.
    pub no_retention: Option<bool>,
    /// Limit: zero data retention.
    pub zdr: Option<bool>,
    /// Limit: request parameters that must be supported, such as `tools`.
    pub parameters: Option<Vec<String>>,
    /// Limit: minimum context, tokens.
    #[schemars(range(min = 1))]
    pub context: Option<i64>,
    /// Limit: `eu`, `us` or a region's name.
    pub region: Option<String>,
    /// Limit: maximum list price of prompt tokens, USD per million.
    #[schemars(range(min = 0))]
    pub max_input: Option<f64>,
    /// Limit: maximum list price of completion tokens, USD per million.
    #[schemars(range(min = 0))]
    pub max_output: Option<f64>,
    /// Limit: minimum availability over a day, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub min_availability: Option<f64>,
}

/// Arguments of `compare_endpoints`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareEndpoints {
    /// Model id.
    pub model: String,
    /// Tags of the endpoints to compare, such as `deepinfra/fp4`. Default: the cheapest ones.
    pub endpoints: Option<Vec<String>>,
    /// Workload whose session cost orders them. Default: `coding-agent`.
    pub workload: Option<String>,
    /// Most endpoints to return. Default: 10.
    #[schemars(range(min = 1, max = 50))]
    pub limit: Option<usize>,
}

/// The length of an entry of a history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Every {
    /// UTC days.
    #[default]
    Day,
    /// Hours.
    Hour,
}

/// Arguments of `history`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    /// Model id.
    pub model: String,
    /// Tag of an endpoint, such as `deepinfra/fp4`. Default: the three endpoints with the most traffic.
    pub endpoint: Option<String>,
    /// `day` (default, up to 30 days) or `hour` (hit rates of up to eight days, prices of up to 48 hours).
    pub every: Option<Every>,
    /// Newest days or hours to return. Default: 14 days or 24 hours.
    #[schemars(range(min = 1, max = 200))]
    pub last: Option<usize>,
}

/// Arguments of `session_cost`: those of the API's costs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionCost {
    /// Model id.
    pub model: String,
    /// Workload, such as `coding-agent`. Default: the first one. The numbers below override its numbers.
    pub workload: Option<String>,
    /// Turns per session.
    #[schemars(range(min = 1, max = 2000))]
    pub turns: Option<u32>,
    /// Tokens of the first prompt before the user's first input.
    #[schemars(range(min = 0))]
    pub first_prompt: Option<f64>,
    /// New input tokens per turn.
    #[schemars(range(min = 0))]
    pub new_input: Option<f64>,
    /// Output tokens per turn.
    #[schemars(range(min = 0))]
    pub output: Option<f64>,
    /// Whether outputs can be found in the cache on the next turn.
    pub output_cached: Option<bool>,
    /// Lifetime of cache writes: `5m` or `1h`.
    #[schemars(extend("enum" = ["5m", "1h"]))]
    pub cache_ttl: Option<String>,
    /// Most endpoints to return. Default: 8.
    #[schemars(range(min = 1, max = 50))]
    pub limit: Option<usize>,
}

/// Arguments of `what_changed`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhatChanged {
    /// Only changes of this model id.
    pub model: Option<String>,
    /// Only changes of this provider, by base slug such as `deepinfra`.
    pub provider: Option<String>,
    /// Only changes of this kind, such as `price_changed`, `endpoint_changed` or `tier_changed`.
    pub kind: Option<String>,
    /// Only changes of this endpoint: its UUID or its tag.
    pub endpoint: Option<String>,
    /// Only changes at or after this time: RFC 3339, or a UTC day such as `2026-08-08` for its start.
    pub since: Option<String>,
    /// Only changes of at least this many percent, up or down.
    pub min_percent: Option<f64>,
    /// Most changes to return. Default: 20.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<usize>,
}

/// A count within its bounds, or its default.
///
/// # Errors
/// If it is outside of the bounds.
pub(super) fn count(name: &str, given: Option<usize>, default: usize, most: usize) -> Result<usize, Failure> {
    let given = given.unwrap_or(default);
    if (1..=most).contains(&given) {
        return Ok(given);
    }
    Err(Failure::Argument(format!("`{name}` is {given}; expected 1 to {most}")))
}
