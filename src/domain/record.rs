//! Rows of the record that are published as they are stored. Rates are fractions, prices USD per million tokens, times
//! UTC; absent is null.

use super::document::RouteAnswer;
use super::ids::{ModelSlug, ProviderSlug, Tag, Variant, listed_fields};
use super::reading::RunStatus;
use super::window::{Basis, WindowKind};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// One UTC day of an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EndpointDay {
    /// The day.
    pub day: NaiveDate,
    /// Hit rate, 0..1.
    pub hit_rate: Option<f64>,
    /// Source of the hit rate; null if there is none.
    pub basis: Option<Basis>,
    /// Tokens of the day's last reading; null on days without one.
    pub tokens: Option<i64>,
    /// Effective input price: the closing price if a later chart publishes it.
    pub effective_input: Option<f64>,
    /// Effective output price.
    pub effective_output: Option<f64>,
    /// Share of the day that its last reading covers, 0..1.
    pub coverage: Option<f64>,
    /// List input price at the end of the day.
    #[serde(default)]
    pub list_input: Option<f64>,
    /// Published uptime over a day, as of its last reading; the mean of the 30-minute uptimes if that is unknown.
    /// Fraction.
    #[serde(default)]
    pub uptime: Option<f64>,
    /// Mean of the published median output speeds, tokens a second.
    #[serde(default)]
    pub throughput: Option<f64>,
    /// Mean of the published median times to first token, milliseconds.
    #[serde(default)]
    pub latency_ms: Option<f64>,
}

impl EndpointDay {
    /// Whether the hit rate was derived from the day's price instead of being published by the upstream.
    pub fn derived(&self) -> bool {
        self.basis == Some(Basis::Derived)
    }
}

listed_fields! {
    /// A recent reading, as returned by the API's `readings` route and `export readings`.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
    RecentReading: with_recent_reading;
    /// Run.
    run_id: String,
    /// Time of the run.
    observed_at: DateTime<Utc>,
    /// Window kind of the usage.
    window_kind: WindowKind,
    /// Start of the window; null if unknown.
    window_start: Option<DateTime<Utc>>,
    /// End of the window.
    window_end: Option<DateTime<Utc>>,
    /// Canonical slug.
    model: ModelSlug,
    /// Variant.
    variant: Variant,
    /// Endpoint.
    #[schema(value_type = String, format = "uuid")]
    endpoint_id: Uuid,
    /// Base slug.
    provider: ProviderSlug,
    /// Display name, untrusted.
    provider_name: String,
    /// Routing name at the time.
    tag: Tag,
    /// Hit rate, 0..1.
    hit_rate: Option<f64>,
    /// Tokens of the window.
    tokens: Option<i64>,
    /// Effective input price.
    effective_input: Option<f64>,
    /// Effective output price.
    effective_output: Option<f64>,
    /// List input price.
    list_input: Option<f64>,
    /// List output price.
    list_output: Option<f64>,
    /// List cache read price.
    list_cache_read: Option<f64>,
    /// List cache write price.
    list_cache_write: Option<f64>,
    /// Published uptime over 5 minutes, fraction.
    uptime_5m: Option<f64>,
    /// Published uptime over 30 minutes, fraction.
    uptime_30m: Option<f64>,
    /// Published uptime over a day, fraction.
    uptime_1d: Option<f64>,
    /// Upstream status code.
    status: Option<i32>,
    /// List price of cache writes for an hour.
    #[serde(default)]
    list_cache_write_1h: Option<f64>,
    /// Longest prompt, tokens.
    #[serde(default)]
    max_prompt_tokens: Option<i64>,
    /// When the upstream stops offering the endpoint.
    #[serde(default)]
    deprecation_date: Option<DateTime<Utc>>,
    /// When the upstream began to offer it.
    #[serde(default)]
    created_at: Option<DateTime<Utc>>,
}

listed_fields! {
    /// One run.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
    RunSummary: with_run_summary;
    /// Id.
    run_id: String,
    /// Time of the run.
    observed_at: DateTime<Utc>,
    /// `ok`, `partial`, `suspect` or `failed`.
    #[schema(value_type = String)]
    status: RunStatus,
    /// Window kind it detected.
    window_kind: WindowKind,
    /// Requests sent.
    requests: usize,
    /// Documents archived.
    documents: usize,
    /// Readings with usage.
    readings: usize,
    /// Number of endpoints found.
    endpoints: usize,
    /// Quarantined rows.
    quarantined: usize,
    /// Distinct unknown paths.
    drift: usize,
    /// Duration.
    duration_ms: i64,
    /// Failures, at most 20 lines.
    failures: Vec<String>,
}

/// The newest runs in a row that lack something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trouble {
    /// Outcome of the newest run: `partial`, `suspect` or `failed`.
    #[schema(value_type = String)]
    pub status: RunStatus,
    /// Time of the first of these runs.
    pub since: DateTime<Utc>,
    /// Number of these runs. After a failed or suspect run, those that failed or are suspect; after a partial run, all that
    /// were not complete.
    pub runs: usize,
    /// Time of the run before them; null if there is none.
    pub last_good: Option<DateTime<Utc>>,
    /// The first failure of the newest run.
    pub reason: Option<String>,
}

/// Newest data of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceAge {
    /// `openrouter-api` or `openrouter-stats`.
    pub source: String,
    /// Time of its last response.
    pub newest: Option<DateTime<Utc>>,
    /// Documents requested in the newest run.
    pub planned: usize,
    /// Answered with data.
    pub ok: usize,
    /// Answered "nothing here".
    pub no_data: usize,
    /// Failed.
    pub failed: usize,
}

/// The daily series of hit rates, which provides closing values of past days and fills days without collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparisonAge {
    /// Result of the last request for it.
    pub answer: RouteAnswer,
    /// Time of that request.
    pub asked_at: DateTime<Utc>,
    /// Newest UTC day with a closing value.
    pub newest_day: Option<NaiveDate>,
}

/// Rows quarantined for one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineCount {
    /// Machine-readable reason.
    pub reason: String,
    /// Rows.
    pub rows: usize,
    /// Tokens lost with them.
    pub tokens: i64,
    /// An example: document kind, model and JSON path.
    pub example: String,
}

/// An unknown field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DriftCount {
    /// Kind of document.
    pub kind: String,
    /// JSON path.
    pub path: String,
    /// Number of occurrences.
    pub count: usize,
}

/// The counts of one accepted run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Time of the run.
    pub observed_at: DateTime<Utc>,
    /// Listed models.
    pub models: usize,
    /// Endpoints.
    pub endpoints: usize,
    /// Endpoints with usage.
    pub readings: usize,
    /// Tokens of all its readings.
    pub tokens: f64,
}
