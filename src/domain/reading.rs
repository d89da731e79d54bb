//! The data of one run about one endpoint, before any derivation.

use super::document::{Pair, RouteAnswer, Subject};
use super::endpoint::{EndpointFacts, ListPrices, Model, Provider};
use super::ids::{DocumentName, ModelSlug, Variant, names};
use super::units::HitRate;
use super::window::WindowKind;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Usage of an endpoint over the run's window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Cached prompt tokens divided by prompt tokens.
    pub hit_rate: Option<HitRate>,
    /// Prompt and completion tokens; absent is not zero.
    pub tokens: Option<i64>,
    /// Effective price of prompt tokens, USD per million; a measurement, hence a float.
    pub effective_input: Option<f64>,
    /// Effective price of completion tokens, USD per million.
    pub effective_output: Option<f64>,
    /// The UTC day that the summary covers, according to the body's last chart point; `None`: the day of the run.
    pub day: Option<NaiveDate>,
    /// When the body was read; `None`: at the start of the run.
    pub read_at: Option<DateTime<Utc>>,
}

impl Usage {
    /// Whether the summary has any data.
    pub fn is_empty(&self) -> bool {
        self.hit_rate.is_none()
            && self.tokens.is_none()
            && self.effective_input.is_none()
            && self.effective_output.is_none()
    }
}

/// Outcomes of requests over a period, as published until 2026-07-31.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Answered.
    pub success: i64,
    /// Failed in a way that counts against the endpoint.
    pub error: i64,
    /// Rejected by rate limits; not part of the published uptime.
    pub rate_limited: i64,
}

impl Counters {
    /// success / (success + error), as published; `None` without requests.
    pub fn uptime(&self) -> Option<f64> {
        let whole = self.success + self.error;
        (whole > 0).then(|| self.success as f64 / whole as f64)
    }
}

/// Health of an endpoint at the time of the run. Fractions, never percent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The upstream's status: 0 good, -2 uptime below 95 %, -5 below 80 %, -3 de-ranked, -10 disabled.
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

/// All data of one run about one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The endpoint and its facts.
    pub facts: EndpointFacts,
    /// Its list prices.
    pub prices: ListPrices,
    /// Its health.
    pub health: Health,
    /// Its usage; `None` if the upstream published no summary (no traffic).
    pub usage: Option<Usage>,
    /// Closing effective prices of past days, from the daily charts: day to (input, output), USD per million.
    pub closing_prices: BTreeMap<NaiveDate, (Option<f64>, Option<f64>)>,
}

/// The upstream's own aggregate over a model's endpoints, for comparison with ours.
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
    /// Prompt tokens found in a cache; absent is not zero.
    pub cached_tokens: Option<i64>,
    /// Requests; absent is not zero.
    pub requests: Option<i64>,
}

/// The closing hit rate of one endpoint over a complete past UTC day, from the comparison series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClosingRate {
    /// The upstream's UUID.
    pub endpoint_id: Uuid,
    /// A UTC day that had ended by the time of the run.
    pub day: NaiveDate,
    /// Cached prompt tokens divided by prompt tokens of that day, published to a hundredth of a percent.
    pub hit_rate: HitRate,
}

names! {
    /// Outcome of a run.
    RunStatus {
        /// Everything that was requested arrived and is usable.
        Ok = "ok",
        /// Some of it is missing or unusable.
        Partial = "partial",
        /// Fields seem to have changed their meaning; an operator must accept them.
        Suspect = "suspect",
        /// Nothing of it is usable, or the sweep was cut short.
        Failed = "failed",
    }
}

impl RunStatus {
    /// Whether such a run is in the record. For a failed or suspect run, only the run report is kept.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Ok | Self::Partial)
    }
}

names! {
    /// Why input is quarantined. Sorted by name, which is the order of the reports.
    QuarantineReason {
        /// Several endpoints have the display name of a summary.
        AmbiguousName = "ambiguous_name",
        /// Several endpoints carry the tag.
        AmbiguousTag = "ambiguous_tag",
        /// A second row of an endpoint.
        DuplicateEndpoint = "duplicate_endpoint",
        /// A second row of a model.
        DuplicateModel = "duplicate_model",
        /// A second row of a provider.
        DuplicateProvider = "duplicate_provider",
        /// A second summary of an endpoint.
        DuplicateSummary = "duplicate_summary",
        /// An empty response where the previous run had rows.
        EmptyAnswer = "empty_answer",
        /// A summary without a response for the endpoints of its model.
        EndpointListMissing = "endpoint_list_missing",
        /// A summary of a day that has not begun.
        FutureDay = "future_day",
        /// A hit rate outside 0 to 1.
        HitRateOutOfRange = "hit_rate_out_of_range",
        /// A negative count of tokens.
        NegativeTokens = "negative_tokens",
        /// A summary or a chart of an endpoint that is not listed.
        NoSuchEndpoint = "no_such_endpoint",
        /// A row of another model than the requested one.
        OtherModel = "other_model",
        /// A row or document that cannot be read.
        Undecodable = "undecodable",
        /// A conditional price that is never applied: it has an unknown condition, or no condition at all.
        UnknownCondition = "unknown_condition",
        /// A single field that cannot be read; it counts as absent.
        UnreadableField = "unreadable_field",
        /// A single field that is missing although rows need it.
        ValueMissing = "value_missing",
        /// A single field with an impossible value; it counts as absent.
        ValueOutOfRange = "value_out_of_range",
    }
}

/// Input that could not be used. It is kept with its reason, counted, and shown on the status page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Why.
    pub reason: QuarantineReason,
    /// Kind of the document that it came from.
    pub kind: DocumentName,
    /// Model, if known.
    pub model: Option<ModelSlug>,
    /// Variant, if known.
    pub variant: Option<Variant>,
    /// JSON path inside the body.
    pub path: String,
    /// What was wrong, in words.
    pub detail: String,
    /// Tokens lost with it.
    pub tokens: Option<i64>,
    /// sha256 of the archived body, hex.
    pub sha256: String,
}

impl Quarantined {
    /// Input of a document about a pair, if any, without a count of tokens.
    pub fn new(
        reason: QuarantineReason,
        kind: impl Into<DocumentName>,
        pair: Option<&Pair>,
        path: impl Into<String>,
        detail: String,
        sha256: &str,
    ) -> Self {
        Self {
            reason,
            kind: kind.into(),
            model: pair.map(|pair| pair.model.clone()),
            variant: pair.map(|pair| pair.variant.clone()),
            path: path.into(),
            detail,
            tokens: None,
            sha256: sha256.to_owned(),
        }
    }
}

/// A field that the wire types do not know: counted, never fatal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DriftPath {
    /// Kind of document.
    pub kind: String,
    /// JSON path with `*` for list positions and map keys.
    pub path: String,
}

/// Result of one source of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// The upstream's name of the source.
    pub source: String,
    /// Documents requested.
    pub planned: usize,
    /// Answered with a body that decoded.
    pub ok: usize,
    /// Answered "nothing here" (404, `data: null` or empty lists): a fact, not a failure.
    pub no_data: usize,
    /// Not answered, rejected, or not decodable.
    pub failed: usize,
}

/// Result of one kind of document of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentReport {
    /// What these documents are about.
    pub about: Subject,
    /// Their counts; `source` is the name of the kind.
    pub counts: SourceReport,
}

/// Data of the last accepted run. A response without rows is a failure if that run had some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Window kind of the newest accepted run in which it was known.
    pub window_kind: Option<WindowKind>,
    /// Pairs with endpoints.
    pub listed: BTreeSet<Pair>,
    /// Pairs with usage.
    pub used: BTreeSet<Pair>,
}

impl Known {
    /// Extracts this from a run.
    pub fn of(run: &RunReadings) -> Self {
        let pair = |reading: &Reading| Pair {
            model: reading.facts.model.clone(),
            variant: reading.facts.variant.clone(),
        };
        Self {
            window_kind: Some(run.window_kind).filter(|kind| *kind != WindowKind::Unknown),
            listed: run.readings.iter().map(pair).collect(),
            used: run.readings.iter().filter(|reading| reading.usage.is_some()).map(pair).collect(),
        }
    }
}

/// Compares one figure of the statistics, a list price or the status, with the same figure of the documented API, over
/// the endpoints of a run that both sources list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceAgreement {
    /// Endpoints for which both sources have the figure.
    pub compared: usize,
    /// Endpoints for which the two differ by more than a rounding error.
    pub differ: usize,
    /// Endpoints for which only the documented API has the figure.
    pub missing: usize,
    /// Statistics figure divided by documented figure, one for each endpoint where they differ and neither is 0.
    pub ratios: Vec<f64>,
}

impl SourceAgreement {
    /// Relative difference up to which two figures count as equal.
    const ROUNDING: f64 = 1e-6;

    /// Adds one endpoint.
    pub fn add(&mut self, statistics: Option<f64>, documented: Option<f64>) {
        let Some(documented) = documented else { return };
        let Some(statistics) = statistics else {
            self.missing += 1;
            return;
        };
        self.compared += 1;
        if (statistics - documented).abs() > Self::ROUNDING * documented.abs().max(statistics.abs()) {
            self.differ += 1;
            let ratio = statistics / documented;
            self.ratios.extend(Some(ratio).filter(|ratio| ratio.is_finite() && *ratio > 0.0));
        }
    }
}

/// A whole run, decoded and joined, ready to be stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReadings {
    /// When the run read the upstream.
    pub observed_at: DateTime<Utc>,
    /// What the usage summaries cover; detected once per run.
    pub window_kind: WindowKind,
    /// The models swept.
    pub models: Vec<Model>,
    /// The providers listed.
    pub providers: Vec<Provider>,
    /// One reading per endpoint, sorted by model, variant, endpoint.
    pub readings: Vec<Reading>,
    /// The upstream's aggregates.
    pub model_usage: Vec<ModelUsage>,
    /// Model activity by day, if collected.
    pub activity: Vec<Activity>,
    /// Closing hit rates of past days, if the comparison series was collected; sorted by endpoint and day.
    pub closing_rates: Vec<ClosingRate>,
    /// Result of requesting that series; `None` if it was not requested.
    pub comparison: Option<RouteAnswer>,
    /// Quarantined input.
    pub quarantined: Vec<Quarantined>,
    /// Unknown fields and how often they occurred.
    pub drift: BTreeMap<DriftPath, usize>,
    /// (model, variant) pairs without a response for the endpoint list; their stored data stay unchanged.
    pub unanswered: Vec<(ModelSlug, Variant)>,
    /// Pairs whose endpoint list has unreadable rows; endpoints missing from the list stay unchanged.
    pub incomplete: Vec<(ModelSlug, Variant)>,
    /// Result of each source.
    pub sources: Vec<SourceReport>,
    /// Result of each kind of document.
    #[serde(default)]
    pub documents: Vec<DocumentReport>,
    /// Comparison of the list prices and the status of the two sources, by domain path.
    #[serde(default)]
    pub agreement: BTreeMap<String, SourceAgreement>,
}
