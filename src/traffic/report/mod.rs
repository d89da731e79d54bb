//! The report on the user's own traffic: hit rates, failures, latency and spend.
//!
//! Rates are fractions, times UTC, money USD, durations milliseconds. A value that the log does not state is null, never
//! zero.

mod build;
mod notes;
pub(super) mod public;
pub mod watch;

pub use super::question::{By, Question};
use crate::request_log::PaidKind;
pub use build::report;
pub(super) use build::{count, grouped, kind, scope, served};
use chrono::{DateTime, NaiveDate, Utc};
pub(super) use notes::{NO_MATCH, NOTHING_IMPORTED, ONLY_SUMS};
use serde::{Deserialize, Serialize};

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which calls it covers.
    pub question: Question,
    /// What the groups are grouped by.
    pub by: By,
    /// Time of the first call; null if no call has a time.
    pub first: Option<DateTime<Utc>>,
    /// Time of the last call.
    pub last: Option<DateTime<Utc>>,
    /// The imported sources, with what their formats can state.
    pub sources: Vec<SourceLine>,
    /// All calls together.
    pub total: Group,
    /// The calls by group, most prompt tokens first.
    pub groups: Vec<Group>,
    /// Spend, split by kind of money.
    pub spend: Spend,
    /// Sums over several requests: they are never counted as calls.
    pub aggregates: Vec<Aggregate>,
    /// Time that routers and gateways add.
    pub overheads: Vec<Overhead>,
    /// Model × provider pairs whose own hit rate dropped against their own baseline.
    pub regressions: Vec<Regression>,
    /// Days on which the size of prompts or outputs jumped.
    pub jumps: Vec<Jump>,
    /// Remarks for the reader, as sentences: what is missing, and what to do about it.
    pub notes: Vec<String>,
}

/// One imported source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceLine {
    /// Its name.
    pub source: String,
    /// Identifier of its format.
    pub format: String,
    /// Number of imported files.
    pub files: u64,
    /// Number of calls in the report.
    pub calls: u64,
    /// Whether the format states failures.
    pub states_failures: bool,
}

/// Calls of one group: a model at an endpoint, a month, a key, …
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Model: its slug in the public catalogue, otherwise as written; null if not recorded or not grouped by.
    pub model: Option<String>,
    /// Whether `model` is a slug of the public catalogue.
    pub model_is_known: bool,
    /// Provider: the tag of the endpoint if known, otherwise the name as written; null if not recorded or not grouped by.
    pub provider: Option<String>,
    /// Upstream's id of the endpoint, if all calls of the group name the same one.
    pub endpoint_id: Option<String>,
    /// The value of any other grouping, such as a month (`2026-11`), a key or an app.
    pub value: Option<String>,
    /// Calls: answered ones, failures and ones whose end is unknown; neither replays nor sums.
    pub calls: u64,
    /// Replies that a gateway replayed; nothing was sent to the model.
    pub replays: u64,
    /// Number of sessions; calls without a session are not counted.
    pub sessions: u64,
    /// Time of the first call.
    pub first: Option<DateTime<Utc>>,
    /// Time of the last call.
    pub last: Option<DateTime<Utc>>,
    /// Failed calls.
    pub failures: Failures,
    /// Token sums.
    pub tokens: TokenSums,
    /// Own hit rate.
    pub hit_rate: OwnRate,
    /// Public hit rate of the same days; null if the group is not a model at a provider.
    pub public: Option<PublicRate>,
    /// What the difference between own and public rate may mean, in one sentence; null without both.
    pub difference: Option<String>,
    /// Paid, by kind of money.
    pub paid: Vec<Paid>,
    /// Calls without an amount.
    pub unpriced: u64,
    /// Cost of successful outputs, by kind of money.
    pub cost: Vec<OutputCost>,
    /// Quality of the answers.
    pub answers: Answers,
    /// Latency of successful calls by size of the prompt, smallest first; only classes with calls.
    pub times: Vec<Times>,
}

/// Failed calls by class.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// Calls of sources that state failures: the denominator. 0 if no source states them.
    pub calls: u64,
    /// All failures; null ("not recorded") if no source of the calls states failures.
    pub all: Option<u64>,
    /// Failures ÷ calls of sources that state failures, 0..1.
    pub share: Option<f64>,
    /// Failures by class, most frequent first; empty if there are none or they are not recorded.
    pub classes: Vec<FailureClass>,
}

/// Failures of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureClass {
    /// Class: `rate_limited`, `timeout`, `cancelled`, `refused`, `server_error` (HTTP 5xx), `client_error` (HTTP 4xx) or
    /// `error`.
    pub class: String,
    /// Number of calls.
    pub calls: u64,
}

/// Sums of disjoint token counts; null if no call states the count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSums {
    /// All prompt tokens.
    pub prompt: Option<u64>,
    /// Read from the cache.
    pub read: Option<u64>,
    /// Written to the cache.
    pub written: Option<u64>,
    /// All output tokens, including reasoning.
    pub output: Option<u64>,
    /// Reasoning tokens.
    pub reasoning: Option<u64>,
}

/// An interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Nominal coverage, 0..1.
    pub coverage: f64,
}

/// The own hit rate: tokens read from the cache ÷ prompt tokens, over calls whose log states the tokens read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnRate {
    /// Token-weighted rate, 0..1; null if no call states the tokens read.
    pub rate: Option<f64>,
    /// Its interval, clustered by session; null with the reason in `no_interval`.
    pub interval: Option<Interval>,
    /// Why there is no interval.
    pub no_interval: Option<String>,
    /// Calls that state the tokens read: the n of the rate.
    pub calls: u64,
    /// Sessions (clusters) of these calls.
    pub sessions: u64,
    /// Prompt tokens of these calls.
    pub prompt_tokens: u64,
    /// The rate without the first request of each session, which cannot hit; null if there is no later request.
    pub without_first: Option<f64>,
    /// Share of these calls with any token read, 0..1.
    pub any_hit_share: Option<f64>,
    /// Tokens that the previous prompt of the same session could have left in the cache: min(prompt, previous prompt),
    /// over calls whose prompt did not shrink.
    pub reusable_tokens: u64,
    /// Retention: reusable tokens that were read ÷ reusable tokens, 0..1; null if nothing was reusable.
    pub retention: Option<f64>,
}

/// The public hit rate beside the own one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublicRate {
    /// Rate over the same days, weighted by the public tokens of each day, 0..1; null with the reason in `why`.
    pub rate: Option<f64>,
    /// Lowest rate among the endpoints that the calls may have used; equals `rate` if the endpoint is known.
    pub low: Option<f64>,
    /// Highest rate among them.
    pub high: Option<f64>,
    /// Tags of these endpoints.
    pub endpoints: Vec<String>,
    /// Whether several endpoints are possible.
    pub is_ambiguous: bool,
    /// Days with calls that have a public rate.
    pub days: u64,
    /// Days with calls.
    pub own_days: u64,
    /// Public retention of the endpoint over the lens window, 0..1; null if unknown or ambiguous.
    pub retention: Option<f64>,
    /// Why there is no rate.
    pub why: Option<String>,
}

/// Money of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Paid {
    /// Kind of money. Sums of different kinds are never added up.
    pub kind: PaidKind,
    /// Sum, USD.
    pub usd: f64,
    /// Calls with an amount of this kind.
    pub calls: u64,
}

/// The cost of successful outputs, for one kind of money: everything paid, failures and cancelled calls included, divided
/// by the successful outputs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OutputCost {
    /// Kind of money.
    pub kind: PaidKind,
    /// Paid for calls of this kind, USD.
    pub usd: f64,
    /// Successful outputs among these calls.
    pub successes: u64,
    /// Output tokens of the successful outputs, including reasoning; null if not recorded.
    pub output_tokens: Option<u64>,
    /// USD per successful output; null without one.
    pub usd_per_success: Option<f64>,
    /// USD per 1,000 output tokens of successful outputs; null without tokens.
    pub usd_per_1000_tokens: Option<f64>,
}

/// Quality of the answers as far as the log shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Calls that did not fail.
    pub answered: u64,
    /// Successful outputs: ended normally (`stop`, `tool_calls`, `end_turn` and the like), not empty, not reasoning alone.
    pub successful: u64,
    /// Answered calls whose log states no reason for the end; they count as successful unless empty or reasoning alone.
    pub finish_not_recorded: u64,
    /// Answered calls without output tokens and tool calls.
    pub empty: u64,
    /// Answered calls with reasoning tokens only.
    pub reasoning_only: u64,
    /// Answered calls cut off by the maximum length.
    pub cut_off: u64,
    /// Frozen answers: at least the fourth consecutive answer of a session with the same number of output tokens (16 or
    /// more).
    pub frozen: u64,
}

/// Latency and time to first token of successful calls with prompts of one size class. Percentiles by nearest rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Smallest prompt of the class, tokens.
    pub from_tokens: u64,
    /// Prompts of the class are shorter than this, tokens; null for the last class.
    pub to_tokens: Option<u64>,
    /// Request to complete answer.
    pub latency: Percentiles,
    /// Time to first token, streamed answers only.
    pub ttft: Percentiles,
}

/// Percentiles by nearest rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Number of calls with a value.
    pub calls: u64,
    /// 50th percentile, ms.
    pub p50_ms: Option<f64>,
    /// 95th percentile, ms; null with fewer than 20 calls.
    pub p95_ms: Option<f64>,
}

/// Spend by platform, model, month, key and app. Each line has one kind of money.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spend {
    /// In all, by kind.
    pub total: Vec<Paid>,
    /// By platform.
    pub by_platform: Vec<SpendLine>,
    /// By model.
    pub by_model: Vec<SpendLine>,
    /// By UTC month, oldest first.
    pub by_month: Vec<SpendLine>,
    /// By API key.
    pub by_key: Vec<SpendLine>,
    /// By application.
    pub by_app: Vec<SpendLine>,
}

/// Spend of one value, for one kind of money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpendLine {
    /// The platform, model, month, key or app; null if not recorded.
    pub value: Option<String>,
    /// Kind of money.
    pub kind: PaidKind,
    /// Sum, USD; null if no call of the line states an amount.
    pub usd: Option<f64>,
    /// Calls, with and without an amount.
    pub calls: u64,
    /// Calls without an amount.
    pub unpriced: u64,
}

/// Sums over requests that a source exports instead of calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Source.
    pub source: String,
    /// Platform.
    pub platform: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Rows.
    pub rows: u64,
    /// Requests in these rows; null if a row does not state it.
    pub requests: Option<u64>,
    /// Token sums.
    pub tokens: TokenSums,
    /// Kind of money.
    pub kind: PaidKind,
    /// Sum, USD.
    pub usd: Option<f64>,
}

/// Time that a router or gateway adds to calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overhead {
    /// What is measured: `router_ms` (before the request was sent on) or `overhead_ms` (in all).
    pub measure: String,
    /// Platform.
    pub platform: Option<String>,
    /// Calls with a value.
    pub calls: u64,
    /// Mean, ms.
    pub mean_ms: f64,
    /// Interval of the mean, clustered by session; null with too few sessions.
    pub interval: Option<Interval>,
    /// 50th percentile, ms.
    pub p50_ms: f64,
    /// 95th percentile, ms; null with fewer than 20 calls.
    pub p95_ms: Option<f64>,
    /// Share of the latency of calls that state both, 0..1.
    pub share_of_latency: Option<f64>,
}

/// A drop of the own hit rate of a model at a provider against its own baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    /// Model.
    pub model: String,
    /// Provider: tag or name.
    pub provider: String,
    /// First UTC day of the recent calls.
    pub since: NaiveDate,
    /// Last UTC day of the recent calls.
    pub until: NaiveDate,
    /// Hit rate of the recent calls, 0..1.
    pub recent: f64,
    /// Recent calls.
    pub recent_calls: u64,
    /// Hit rate of the baseline, 0..1.
    pub baseline: f64,
    /// Calls of the baseline.
    pub baseline_calls: u64,
    /// The regression as a sentence.
    pub text: String,
}

/// A day on which the typical size of prompts or outputs changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Jump {
    /// Model.
    pub model: String,
    /// Provider: tag or name; null if not recorded.
    pub provider: Option<String>,
    /// `prompt` or `output`.
    pub what: String,
    /// UTC day.
    pub day: NaiveDate,
    /// Typical size (geometric mean) before, tokens.
    pub before: f64,
    /// Typical size on the day, tokens.
    pub after: f64,
    /// Calls on the day.
    pub calls: u64,
}
