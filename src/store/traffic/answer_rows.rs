//! The rows that answers on own traffic are computed from: one struct for each query of `queries/traffic/answers`.

use chrono::{DateTime, NaiveDate, Utc};

/// Which calls to read, and by what to group them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// Calls from this time on.
    pub from: Option<DateTime<Utc>>,
    /// Calls before this time.
    pub to: Option<DateTime<Utc>>,
    /// Only this model: its name in the catalogue or in the log.
    pub model: Option<String>,
    /// Only this provider: its name, slug or tag, in any case.
    pub provider: Option<String>,
    /// Only this source.
    pub source: Option<String>,
    /// `endpoint`, `model`, `provider`, `platform`, `key`, `app`, `source`, `month` or `day`.
    pub by: &'static str,
}

/// Calls of a group. Counts are calls without replays and sums; token sums are null if no call states the count.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of groups.sql")]
pub struct GroupRow {
    /// Key of the group.
    pub g: i64,
    pub model: Option<String>,
    pub provider: Option<String>,
    pub value: Option<String>,
    pub provider_key: Option<String>,
    pub provider_tag: Option<String>,
    pub model_is_known: bool,
    pub endpoint_id: Option<String>,
    pub calls: i64,
    pub replays: i64,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    /// Calls of sources that state failures, and the failures among them.
    pub stating: i64,
    pub failures: i64,
    pub rate_limited: i64,
    pub timeouts: i64,
    pub cancelled: i64,
    pub refused: i64,
    pub server_errors: i64,
    pub client_errors: i64,
    pub other_errors: i64,
    pub prompt: Option<i64>,
    pub read: Option<i64>,
    /// Prompt tokens of calls that state the tokens read.
    pub prompt_with_read: Option<i64>,
    /// What caching saved according to the log, USD, and the tokens read by calls that do not state it.
    pub cache_saving: Option<f64>,
    pub read_without_saving: Option<i64>,
    pub written: Option<i64>,
    pub output: Option<i64>,
    pub reasoning: Option<i64>,
    pub unpriced: i64,
    pub answered: i64,
    pub successful: i64,
    pub finish_not_recorded: i64,
    pub empty: i64,
    pub reasoning_only: i64,
    pub cut_off: i64,
}

/// Sums over the clusters (sessions) of a group, from which its hit rate and interval are computed.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of rates.sql")]
pub struct RateRow {
    /// Key of the group; null for all groups together.
    pub g: Option<i64>,
    /// Calls that state the tokens read; the sums below are over these calls.
    pub calls: i64,
    pub without_session: i64,
    pub sessions: i64,
    pub clusters: i64,
    pub read: i64,
    pub prompt: i64,
    /// Sums of squares and products of the clusters' sums.
    pub read_read: f64,
    pub read_prompt: f64,
    pub prompt_prompt: f64,
    /// Without the first request of each session.
    pub later_read: i64,
    pub later_prompt: i64,
    pub hits: i64,
    pub reusable: i64,
    pub reused: i64,
    pub frozen: i64,
}

/// Money of one kind in a group.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of paid.sql")]
pub struct PaidRow {
    pub g: i64,
    pub kind: String,
    pub usd: f64,
    pub calls: i64,
    pub successes: i64,
    pub output_tokens: Option<i64>,
}

/// Percentiles of the times of a group and size class.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of times.sql")]
pub struct TimesRow {
    pub g: i64,
    /// Size class: 0 is below 8,000 prompt tokens, 1 below 32,000, 2 below 128,000, 3 the rest.
    pub size: i64,
    pub latencies: i64,
    pub latency_50: Option<f64>,
    pub latency_95: Option<f64>,
    pub ttfts: i64,
    pub ttft_50: Option<f64>,
    pub ttft_95: Option<f64>,
}

/// Spend of one platform, model, month, key or app.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of spend.sql")]
pub struct SpendRow {
    pub what: String,
    pub value: Option<String>,
    pub kind: String,
    pub usd: Option<f64>,
    pub calls: i64,
    pub unpriced: i64,
}

/// Sums over requests.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of aggregates.sql")]
pub struct AggregateRow {
    pub source: String,
    pub platform: Option<String>,
    pub model: Option<String>,
    pub kind: String,
    pub rows: i64,
    pub requests: Option<i64>,
    pub prompt: Option<i64>,
    pub read: Option<i64>,
    pub written: Option<i64>,
    pub output: Option<i64>,
    pub reasoning: Option<i64>,
    pub usd: Option<f64>,
}

/// Sums of one measured overhead on one platform.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of overheads.sql")]
pub struct OverheadRow {
    /// `router_ms` or `overhead_ms`.
    pub measure: &'static str,
    pub platform: Option<String>,
    pub without_session: i64,
    pub calls: i64,
    pub clusters: i64,
    pub added: Option<f64>,
    pub added_added: Option<f64>,
    pub added_calls: Option<f64>,
    pub calls_calls: Option<f64>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub share: Option<f64>,
}

/// One UTC day of a model at a provider.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of days.sql")]
pub struct DayRow {
    pub model: Option<String>,
    pub provider: Option<String>,
    pub day: NaiveDate,
    pub calls: i64,
    pub with_read: i64,
    pub read: i64,
    pub prompt: i64,
    pub prompts: i64,
    pub typical_prompt: Option<f64>,
    pub outputs: i64,
    pub typical_output: Option<f64>,
}

/// One imported source.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of sources.sql")]
pub struct SourceRow {
    pub source: String,
    pub format: String,
    pub files: i64,
    pub calls: i64,
    pub without_time: i64,
    pub states_failures: bool,
}

/// What is known about the host of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostFacts {
    /// Key of the group.
    pub g: i64,
    /// Lifetime of its cache, seconds.
    pub lifetime: f64,
    /// Shortest prompt that it caches, tokens.
    pub minimum: Option<u64>,
    /// Price of a token that was not read above the price of a read, USD per million.
    pub price: Option<f64>,
}

/// Judged calls of a group with one cause and one class of pause.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of misses.sql")]
pub struct MissRow {
    pub g: i64,
    /// Position in the list of causes; null if the calls are not misses.
    pub cause: Option<i64>,
    /// Class of the pause: 0 is below 1 minute, 1 below 5, 2 below 10, 3 up to an hour, 4 the rest; null if unknown.
    pub gap: Option<i64>,
    pub calls: i64,
    pub hits: i64,
    pub reusable: i64,
    pub unread: i64,
    pub with_unread: i64,
}

/// One miss.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of miss_examples.sql")]
pub struct ExampleRow {
    pub g: i64,
    pub session: String,
    pub time: Option<DateTime<Utc>>,
    pub cause: i64,
    pub pause: Option<f64>,
    pub prompt: i64,
    pub read: i64,
    pub unread: i64,
}

/// Calls whose hits cannot be judged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of unjudged.sql")]
pub struct UnjudgedRow {
    pub calls: i64,
    pub without_session: i64,
    pub without_prompt: i64,
    pub without_read: i64,
}

/// Number and typical size of sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of session_totals.sql")]
pub struct SessionTotals {
    pub sessions: i64,
    pub without_session: i64,
    pub turns: Option<f64>,
    pub prompt: Option<f64>,
    pub seconds: Option<f64>,
    pub hit_rate: Option<f64>,
}

/// One call of one of the largest sessions.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the columns of session_calls.sql")]
pub struct SessionCallRow {
    /// Place of the session, from 1.
    pub place: i64,
    pub session: String,
    pub kind: String,
    pub agent: Option<String>,
    pub parent: Option<String>,
    pub source: String,
    pub time: Option<DateTime<Utc>>,
    pub model: Option<String>,
    pub provider: Option<String>,
    pub host: Option<String>,
    pub prompt: Option<i64>,
    pub read: Option<i64>,
    pub output: Option<i64>,
    pub paid: Option<f64>,
    pub paid_kind: String,
    pub is_failure: bool,
}
