//! What one run says about one endpoint, before any derivation.

use super::document::RouteAnswer;
use super::endpoint::{EndpointFacts, ListPrices, Model, Provider};
use super::ids::{ModelSlug, Variant};
use super::units::HitRate;
use super::window::WindowKind;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Usage of an endpoint over the run's window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Cached prompt tokens over prompt tokens.
    pub hit_rate: Option<HitRate>,
    /// Prompt and completion tokens.
    pub tokens: i64,
    /// What was paid for a prompt token, USD per million; a measurement, hence a float.
    pub effective_input: Option<f64>,
    /// What was paid for a completion token, USD per million.
    pub effective_output: Option<f64>,
}

/// Outcomes of requests over some stretch, as published until 2026-07-31.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Answered.
    pub success: i64,
    /// Failed in a way that counts against the endpoint.
    pub error: i64,
    /// Refused by rate limits: left out of the published uptime.
    pub rate_limited: i64,
}

impl Counters {
    /// success / (success + error), as published; `None` without requests.
    pub fn uptime(&self) -> Option<f64> {
        share(self.success, self.success + self.error)
    }
    /// success / (success + error + rate-limited); `None` without requests.
    pub fn availability(&self) -> Option<f64> {
        share(self.success, self.success + self.error + self.rate_limited)
    }
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Health of an endpoint when the run saw it. Fractions, never percent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The upstream's status: 0 good, -2 uptime under 95 %, -5 under 80 %, -3 de-ranked, -10 disabled.
    pub status: Option<i32>,
    /// Published uptime over 5 minutes.
    pub uptime_5m: Option<f64>,
    /// Published uptime over 30 minutes.
    pub uptime_30m: Option<f64>,
    /// Published uptime over a day.
    pub uptime_1d: Option<f64>,
    /// Request outcomes over a day.
    pub counters_1d: Option<Counters>,
    /// Median output speed over 30 minutes, tokens a second.
    pub throughput: Option<f64>,
    /// Median time to first token over 30 minutes, milliseconds.
    pub latency_ms: Option<f64>,
    /// Requests in those 30 minutes.
    pub requests_30m: Option<i64>,
}

/// Everything one run says about one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which endpoint, and what is known of it.
    pub facts: EndpointFacts,
    /// Its list prices.
    pub prices: ListPrices,
    /// Its health.
    pub health: Health,
    /// Its usage; `None` where the upstream published no summary (no traffic).
    pub usage: Option<Usage>,
    /// Closing effective prices of past days, from the daily charts: day to (input, output), USD per million.
    pub closing_prices: BTreeMap<NaiveDate, (Option<f64>, Option<f64>)>,
}

/// The upstream's own aggregate over a model's endpoints: a check on ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// Model.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Token-weighted hit rate, fraction.
    pub hit_rate: Option<f64>,
    /// Weighted effective input price, USD per million.
    pub effective_input: Option<f64>,
    /// Weighted effective output price, USD per million.
    pub effective_output: Option<f64>,
}

/// One day of a model over all its endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Model.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// UTC day; the newest is partial.
    pub day: NaiveDate,
    /// Prompt tokens.
    pub prompt_tokens: i64,
    /// Completion tokens.
    pub completion_tokens: i64,
    /// Prompt tokens found in a cache.
    pub cached_tokens: i64,
    /// Requests.
    pub requests: i64,
}

/// The closing hit rate of one endpoint over a whole, past UTC day, as the comparison series tells it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClosingRate {
    /// The upstream's UUID.
    pub endpoint_id: Uuid,
    /// A UTC day that was over when the run looked.
    pub day: NaiveDate,
    /// Cached prompt tokens over prompt tokens of that day, told to a hundredth of a percent.
    pub hit_rate: HitRate,
}

/// Input that could not be used: kept with its reason, counted, shown on the status page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Machine name. Of a row: `undecodable`, `ambiguous_name`, `no_such_endpoint`, `hit_rate_out_of_range`, … Of a single
    /// field, which then counts as absent: `unreadable_field`, `value_out_of_range`.
    pub reason: String,
    /// Kind of document it came from.
    pub kind: String,
    /// Model, where it is known.
    pub model: Option<ModelSlug>,
    /// Variant, where it is known.
    pub variant: Option<Variant>,
    /// JSON path inside the body.
    pub path: String,
    /// What was wrong, for people.
    pub detail: String,
    /// Tokens that are lost with it.
    pub tokens: Option<i64>,
    /// sha256 of the archived body, hex.
    pub sha256: String,
}

/// A field that the wire types do not know: counted, never fatal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DriftPath {
    /// Kind of document.
    pub kind: String,
    /// JSON path with `*` for list positions and map keys.
    pub path: String,
}

/// How one source of a run went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// `openrouter-api` or `openrouter-stats`.
    pub source: String,
    /// Documents asked for.
    pub planned: usize,
    /// Answered with a body that decoded.
    pub ok: usize,
    /// Answered "nothing here" (404 or an empty body): a fact, not a failure.
    pub no_data: usize,
    /// Not answered, refused, or not decodable.
    pub failed: usize,
}

/// A whole run, decoded and joined, ready to be stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReadings {
    /// When the run looked at the upstream.
    pub observed_at: DateTime<Utc>,
    /// What the usage summaries cover; detected once a run.
    pub window_kind: WindowKind,
    /// The models swept.
    pub models: Vec<Model>,
    /// The providers listed.
    pub providers: Vec<Provider>,
    /// One reading an endpoint, sorted by model, variant, endpoint.
    pub readings: Vec<Reading>,
    /// The upstream's aggregates.
    pub model_usage: Vec<ModelUsage>,
    /// Model activity by day, where it was collected.
    pub activity: Vec<Activity>,
    /// Closing hit rates of past days, where the comparison series was collected; sorted by endpoint and day.
    pub closing_rates: Vec<ClosingRate>,
    /// What came of asking for that series; `None` where it was not asked for.
    pub comparison: Option<RouteAnswer>,
    /// What could not be used.
    pub quarantined: Vec<Quarantined>,
    /// Unknown fields and how often they came.
    pub drift: BTreeMap<DriftPath, usize>,
    /// (model, variant) pairs whose endpoint list was not answered: what is known of them stays as it was.
    pub unanswered: Vec<(ModelSlug, Variant)>,
    /// How each source went.
    pub sources: Vec<SourceReport>,
}
