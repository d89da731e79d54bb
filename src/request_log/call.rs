//! One call record, whatever the log: what a client's log states about one request to a model.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A text that many calls share, such as a model or a session.
pub type Name = Arc<str>;

/// One call of a log, or a sum over several if [`Call::aggregated`] is set.
///
/// A value that the log does not state is `None`, never zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Call {
    /// Position in the file: the line, the row or the entry, counted from 1.
    pub line: u64,
    /// Id of the call.
    pub id: Option<Box<str>>,
    /// What the id names. Ids of different kinds never equal each other.
    pub id_kind: IdKind,
    /// When the client sent the request.
    pub started_at: Option<DateTime<Utc>>,
    /// When the answer was complete.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether the log states the time zone; a time without one is read as UTC.
    pub zone_known: bool,
    /// Session, conversation or trace.
    pub session: Option<Name>,
    /// What the session's name is based on.
    pub session_kind: SessionKind,
    /// The session that started this one, for a subagent.
    pub parent_session: Option<Name>,
    /// Name of the agent or subagent.
    pub agent: Option<Name>,
    /// Who was billed or billed the client: `openrouter`, `anthropic`, `litellm:openai`, …
    pub platform: Option<Name>,
    /// The model that the client requested.
    pub model_sent: Option<Name>,
    /// The model that answered.
    pub model_served: Option<Name>,
    /// Display name of the provider.
    pub provider_name: Option<Name>,
    /// Tag of the provider's endpoint, such as `novita/fp8`.
    pub provider_tag: Option<Name>,
    /// The upstream's id of the endpoint.
    pub endpoint_id: Option<Name>,
    /// Application that made the call.
    pub app: Option<Name>,
    /// Name (never the secret) of the API key, or its hash.
    pub key: Option<Name>,
    /// The token counts as written in the log.
    pub raw: RawCounts,
    /// The rule that turns the counts as written into disjoint ones.
    pub rule: Rule,
    /// The usual rule of the program that wrote the record, if the format covers several; otherwise that of the format.
    pub usual_rule: Option<Rule>,
    /// Whether the output is a lower bound: the log kept a placeholder.
    pub output_is_minimum: bool,
    /// What the client paid, USD.
    pub paid: Option<f64>,
    /// What kind of money that is.
    pub paid_kind: PaidKind,
    /// What caching saved, USD; negative if writes cost more than reads saved.
    pub cache_saving: Option<f64>,
    /// Time from request to complete answer, ms.
    pub latency_ms: Option<f64>,
    /// Time to the first token, ms; only of streamed answers.
    pub ttft_ms: Option<f64>,
    /// Time that the router spent before it sent the request on, ms.
    pub router_ms: Option<f64>,
    /// Time that a gateway added in all, ms.
    pub overhead_ms: Option<f64>,
    /// How the call ended.
    pub status: Status,
    /// HTTP status, if it was an error.
    pub http: Option<u16>,
    /// Class of the error, as the log names it.
    pub error_class: Option<Name>,
    /// Number of attempts that the router made.
    pub attempts: Option<u32>,
    /// Normalised reason why the output ended: `stop`, `length`, `tool_calls`, …
    pub finish: Option<Name>,
    /// Number of tool calls in the answer.
    pub tool_calls: Option<u32>,
    /// Whether the answer was streamed.
    pub streamed: Option<bool>,
    /// Service tier, such as `priority` or `batch`.
    pub service_tier: Option<Name>,
    /// Whether the client used a provider's key of its own.
    pub is_byok: Option<bool>,
    /// Whether a gateway replayed a stored reply: not a prompt-cache hit, and nothing was sent to the model.
    pub gateway_cache_hit: bool,
    /// Number of requests in this sum; `None` for a single call. A sum whose number of requests is unknown has 0.
    pub aggregated: Option<u64>,
}

/// What an id names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdKind {
    /// A router's generation.
    Generation,
    /// A response of the API.
    Response,
    /// A message of a client.
    Message,
    /// A span of a trace: trace id and span id.
    Span,
    /// A row of a table.
    Row,
    /// No id: the position in the file.
    #[default]
    Position,
}

/// What the name of a session is based on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// The log names it.
    Given,
    /// The log names it, but gives nearly every call another one.
    GivenPerRequest,
    /// The file is the session.
    File,
    /// Inferred from times and growing prompts.
    Guessed,
    /// There is none.
    #[default]
    None,
}

/// What kind of money a call's `paid` is. Sums over several kinds are reported by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaidKind {
    /// The platform's bill.
    Billed,
    /// The platform's fee plus what the provider charged the client's own key.
    BilledPlusByok,
    /// The platform's fee alone: the provider's charge is not in the log.
    FeeOnly,
    /// Computed by the tool that wrote the log, from a price list.
    ComputedByTool,
    /// Zero, because a subscription pays.
    SubscriptionZero,
    /// Unknown.
    #[default]
    Unknown,
}

impl PaidKind {
    /// Its name in data.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Billed => "billed",
            Self::BilledPlusByok => "billed_plus_byok",
            Self::FeeOnly => "fee_only",
            Self::ComputedByTool => "computed_by_tool",
            Self::SubscriptionZero => "subscription_zero",
            Self::Unknown => "unknown",
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Answered.
    #[default]
    Ok,
    /// Failed with an error.
    Error,
    /// The client stopped it.
    Cancelled,
    /// The model or its provider refused to answer.
    Refused,
    /// Rejected by a rate limit.
    RateLimited,
    /// Timed out.
    Timeout,
    /// The log does not state it.
    Unknown,
}

impl Status {
    /// Whether the call failed. A cancelled call is one too; an unknown one is not.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Ok | Self::Unknown)
    }
}

/// Token counts as written in a log, before any rule is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawCounts {
    /// The input field.
    pub input: Option<u64>,
    /// Tokens read from the cache.
    pub read: Option<u64>,
    /// Tokens written to the cache, if the log does not state for how long.
    pub write: Option<u64>,
    /// Tokens written for five minutes.
    pub write_5m: Option<u64>,
    /// Tokens written for an hour.
    pub write_1h: Option<u64>,
    /// The output field.
    pub output: Option<u64>,
    /// Reasoning tokens.
    pub reasoning: Option<u64>,
    /// The total of the same record.
    pub total: Option<u64>,
}

/// What the input and output fields of a log include.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// What the input field includes.
    pub input: InputRule,
    /// What the output field includes.
    pub output: OutputRule,
}

/// What the input field of a log includes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputRule {
    /// Tokens read from and written to the cache.
    #[default]
    IncludesReadAndWritten,
    /// Tokens read from the cache; written ones are beside it.
    IncludesRead,
    /// Tokens written to the cache; read ones are beside it.
    IncludesWritten,
    /// Neither: it counts uncached tokens only.
    Excludes,
}

/// What the output field of a log includes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputRule {
    /// Reasoning tokens.
    #[default]
    IncludesReasoning,
    /// Reasoning tokens are beside it.
    ExcludesReasoning,
}

/// Disjoint token counts: prompt = uncached + read + writes, output = text + reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Prompt tokens that were neither read from nor written to a cache.
    pub uncached: Option<u64>,
    /// Prompt tokens read from the cache.
    pub read: Option<u64>,
    /// Prompt tokens written to the cache for an unknown time.
    pub write: Option<u64>,
    /// Prompt tokens written for five minutes.
    pub write_5m: Option<u64>,
    /// Prompt tokens written for an hour.
    pub write_1h: Option<u64>,
    /// Output tokens that are not reasoning; all of them if the log does not separate them.
    pub output_text: Option<u64>,
    /// Reasoning tokens.
    pub reasoning: Option<u64>,
}

impl Tokens {
    /// All written tokens; `None` if the log states none of the counts.
    pub fn written(&self) -> Option<u64> {
        sum([self.write, self.write_5m, self.write_1h])
    }

    /// All prompt tokens; `None` if the log states none of the counts.
    pub fn prompt(&self) -> Option<u64> {
        sum([self.uncached, self.read, self.written()])
    }

    /// All output tokens, including reasoning.
    pub fn output(&self) -> Option<u64> {
        sum([self.output_text, self.reasoning])
    }
}

/// The sum of the counts that are stated; `None` if none is.
pub fn sum<const N: usize>(counts: [Option<u64>; N]) -> Option<u64> {
    counts.into_iter().flatten().reduce(u64::saturating_add)
}

impl RawCounts {
    /// All written tokens as written.
    pub fn written(&self) -> Option<u64> {
        sum([self.write, self.write_5m, self.write_1h])
    }

    /// The disjoint counts under a rule. A part that is larger than its whole leaves a rest of zero; choosing the rule
    /// so that this does not happen is the work of `inclusion`.
    pub fn disjoint(&self, rule: Rule) -> Tokens {
        let read = self.read.unwrap_or(0);
        let written = self.written().unwrap_or(0);
        let inside = match rule.input {
            InputRule::IncludesReadAndWritten => read.saturating_add(written),
            InputRule::IncludesRead => read,
            InputRule::IncludesWritten => written,
            InputRule::Excludes => 0,
        };
        let reasoning_inside = match rule.output {
            OutputRule::IncludesReasoning => self.reasoning.unwrap_or(0),
            OutputRule::ExcludesReasoning => 0,
        };
        Tokens {
            uncached: self.input.map(|input| input.saturating_sub(inside)),
            read: self.read,
            write: self.write,
            write_5m: self.write_5m,
            write_1h: self.write_1h,
            output_text: self.output.map(|output| output.saturating_sub(reasoning_inside)),
            reasoning: self.reasoning,
        }
    }
}

impl Call {
    /// The disjoint token counts.
    pub fn tokens(&self) -> Tokens {
        self.raw.disjoint(self.rule)
    }

    /// The model that answered, or the one requested.
    pub fn model(&self) -> Option<&Name> {
        self.model_served.as_ref().or(self.model_sent.as_ref())
    }

    /// The time of the call: its start, otherwise its end.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.started_at.or(self.ended_at)
    }

    /// Whether this is one answered call: neither a failure nor a replay nor a sum.
    pub fn is_answered(&self) -> bool {
        self.aggregated.is_none() && !self.gateway_cache_hit && !self.status.is_failure()
    }
}
