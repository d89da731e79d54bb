//! Data from before the record or from outside it: what the upstream still offers of past days, and files. Imported data
//! never enters readings or tier lists; every row keeps its source and the basis of its hit rate.

use super::ids::{ModelSlug, ProviderSlug, Tag, Variant, names};
use super::window::Basis;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

names! {
    /// Where imported data comes from.
    ImportKind as "kind of source" {
        /// The upstream's daily charts of effective prices.
        PriceCharts = "price_charts",
        /// The upstream's log of list prices.
        ListedPrices = "listed_prices",
        /// The upstream's uptime by hour.
        UptimeHours = "uptime_hours",
        /// The upstream's closing hit rates.
        ClosingRates = "closing_rates",
        /// The upstream's activity of models.
        Activity = "activity",
        /// A CSV or Parquet file in one of the forms that `hitrate export` writes.
        Export = "export",
        /// A folder of archived bodies.
        Bodies = "bodies",
        /// A series that someone else recorded.
        Series = "series",
    }
}

/// The source of a batch of imported data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSource {
    /// Its kind.
    pub kind: ImportKind,
    /// Address or file name, for people.
    pub origin: String,
    /// sha256 of the content, hex: the same content is imported once.
    pub sha256: String,
    /// When it was fetched, or when the file was imported.
    pub fetched_at: DateTime<Utc>,
}

/// The endpoint that a row is about, as far as its source names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImportedEndpoint {
    /// Canonical slug.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Id; `None` if the source has none.
    pub endpoint_id: Option<Uuid>,
    /// Base slug of the provider; `None` if the source only has a display name.
    pub provider: Option<ProviderSlug>,
    /// Display name, untrusted.
    pub provider_name: Option<String>,
    /// Routing name.
    pub tag: Option<Tag>,
}

/// One UTC day of an endpoint. Rates are fractions, prices USD per million tokens; absent is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedDay {
    /// The endpoint.
    pub endpoint: ImportedEndpoint,
    /// The day.
    pub day: NaiveDate,
    /// Hit rate, 0..1.
    pub hit_rate: Option<f64>,
    /// Basis of the hit rate. Always given with it.
    pub basis: Option<Basis>,
    /// Tokens of the day.
    pub tokens: Option<i64>,
    /// Effective input price.
    pub effective_input: Option<f64>,
    /// Effective output price.
    pub effective_output: Option<f64>,
    /// Uptime, 0..1.
    pub uptime: Option<f64>,
    /// Output speed, tokens a second.
    pub throughput: Option<f64>,
    /// Time to first token, milliseconds.
    pub latency_ms: Option<f64>,
}

/// The list prices of an endpoint from a moment on, USD per million tokens after discount.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedPrices {
    /// The endpoint; for a price of a model as a whole, without id, provider and tag.
    pub endpoint: ImportedEndpoint,
    /// Since when they hold, or when they were seen.
    pub at: DateTime<Utc>,
    /// Input.
    pub input: Option<f64>,
    /// Output.
    pub output: Option<f64>,
    /// Cache reads.
    pub cache_read: Option<f64>,
    /// Cache writes.
    pub cache_write: Option<f64>,
    /// Discount that is already subtracted, fraction.
    pub discount: Option<f64>,
}

/// One hour of an endpoint's uptime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedUptime {
    /// The endpoint.
    pub endpoint: ImportedEndpoint,
    /// Start of the hour.
    pub hour: DateTime<Utc>,
    /// Uptime, 0..1.
    pub uptime: f64,
}

/// One UTC day of a model's activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedActivity {
    /// Canonical slug.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// The day.
    pub day: NaiveDate,
    /// Prompt tokens.
    pub prompt_tokens: i64,
    /// Completion tokens.
    pub completion_tokens: i64,
    /// Prompt tokens found in the cache.
    pub cached_tokens: Option<i64>,
    /// Requests.
    pub requests: Option<i64>,
}

/// What was read from one source.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportBatch {
    /// The source.
    pub source: ImportSource,
    /// Days of endpoints.
    pub days: Vec<ImportedDay>,
    /// List prices.
    pub prices: Vec<ImportedPrices>,
    /// Hours of uptime.
    pub uptimes: Vec<ImportedUptime>,
    /// Days of models.
    pub activity: Vec<ImportedActivity>,
    /// Rows that could not be used: where, and why.
    pub refused: Vec<(String, String)>,
}

/// What importing a batch did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Rows that were stored.
    pub stored: usize,
    /// Rows that the record or an earlier import already has, with the same value.
    pub known: usize,
    /// Rows whose value differs from that of the record or an earlier import. The record counts; both are kept.
    pub disagreements: usize,
    /// Rows of endpoints that the record does not know; they are kept under their own names.
    pub unmatched: usize,
    /// Rows that could not be used.
    pub refused: usize,
    /// Examples of disagreements and refused rows, at most 20.
    pub examples: Vec<String>,
}

/// Values of an endpoint that cover a UTC day only up to the time at which they were read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedReading {
    /// When they were read.
    pub at: DateTime<Utc>,
    /// The values; the basis of a hit rate is [`Basis::Observed`].
    pub values: ImportedDay,
}

/// Rows of a file that are shorter than the units of an [`ImportBatch`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImportedParts {
    /// Days that were not over when they were read.
    pub readings: Vec<ImportedReading>,
    /// Uptimes of half hours; `hour` is the start of the half hour.
    pub half_hours: Vec<ImportedUptime>,
}

/// An imported source, and what importing it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportSummary {
    /// Name of the source, unique.
    pub name: String,
    /// Its kind: `price_charts`, `listed_prices`, `uptime_hours`, `closing_rates`, `activity`, `export`, `bodies` or
    /// `series`.
    #[schema(value_type = String)]
    pub kind: ImportKind,
    /// Address or file name.
    pub origin: String,
    /// sha256 of the content, hex.
    pub sha256: String,
    /// When it was fetched, or when the file was imported.
    pub fetched_at: DateTime<Utc>,
    /// What importing it did.
    #[serde(flatten)]
    pub report: ImportReport,
}

impl ImportSummary {
    /// The upstream that it is a batch of: scheme and host of its address. `None` for files.
    pub fn upstream(&self) -> Option<&str> {
        if matches!(self.kind, ImportKind::Export | ImportKind::Bodies | ImportKind::Series) {
            return None;
        }
        let host = self.origin.find("://")? + 3;
        let end = self.origin.get(host..)?.find('/').map_or(self.origin.len(), |at| host + at);
        self.origin.get(..end)
    }
}
