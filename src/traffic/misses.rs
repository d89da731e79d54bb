//! The cache misses of the user's own traffic and their causes.

use super::report::Question;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The answer of `traffic misses`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Misses {
    /// Which calls it covers.
    pub question: Question,
    /// Calls that could be judged: they belong to a session, and their log states the prompt and the tokens read.
    pub judged: u64,
    /// Calls that could not be judged.
    pub not_judged: u64,
    /// Misses: judged calls that read less than half of what they could have read.
    pub misses: u64,
    /// Tokens that the previous prompt of the session could have left in the cache, over judged calls.
    pub reusable_tokens: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
    /// What they cost above the price of a read, USD; null if no price is known.
    pub usd: Option<f64>,
    /// Misses by cause, in the order in which causes are tried.
    pub causes: Vec<CauseLine>,
    /// Reusable tokens left unread by calls that are not misses.
    pub partial: CauseLine,
    /// Judged calls by pause since the previous call of the session.
    pub gaps: Vec<GapLine>,
    /// Misses by model and provider, most expensive first.
    pub groups: Vec<MissGroup>,
    /// The most expensive misses.
    pub examples: Vec<MissExample>,
    /// Remarks for the reader, as sentences.
    pub notes: Vec<String>,
}

/// Why a call missed the cache. The first cause that applies is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It is the first call of its session.
    FirstCall,
    /// The prompt is below the minimum length that the host caches.
    BelowMinimum,
    /// The previous call of the session went to another model.
    ModelChanged,
    /// The previous call of the session went to another provider.
    ProviderChanged,
    /// The pause since the previous call was longer than the lifetime of the cache.
    Idle,
    /// The prompt is shorter than the previous one, so its beginning changed: compaction, an edit or a new task.
    PrefixChanged,
    /// None of the above: the provider lost the entry, or the prefix changed in a way that the log does not show.
    Unknown,
}

impl Cause {
    /// All causes, in the order in which they are tried.
    pub const ALL: [Self; 7] = [
        Self::FirstCall,
        Self::BelowMinimum,
        Self::ModelChanged,
        Self::ProviderChanged,
        Self::Idle,
        Self::PrefixChanged,
        Self::Unknown,
    ];

    /// The cause as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstCall => "first_call",
            Self::BelowMinimum => "below_minimum",
            Self::ModelChanged => "model_changed",
            Self::ProviderChanged => "provider_changed",
            Self::Idle => "idle",
            Self::PrefixChanged => "prefix_changed",
            Self::Unknown => "unknown",
        }
    }

    /// The cause for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::FirstCall => "first call of the session",
            Self::BelowMinimum => "prompt below the minimum length",
            Self::ModelChanged => "model changed",
            Self::ProviderChanged => "provider changed",
            Self::Idle => "idle past the lifetime of the cache",
            Self::PrefixChanged => "prefix changed",
            Self::Unknown => "unknown (lost by the provider)",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Misses of one cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CauseLine {
    /// The cause; null for the line of calls that are not misses.
    pub cause: Option<Cause>,
    /// Calls.
    pub calls: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
    /// What they cost above the price of a read, USD: unread × (input price − read price); null if no price is known.
    pub usd: Option<f64>,
    /// Calls with unread tokens whose endpoint has no known price.
    pub unpriced: u64,
}

/// Judged calls whose pause since the previous call of the session is in one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GapLine {
    /// Shortest pause of the class, minutes.
    pub from_minutes: u32,
    /// Pauses of the class are shorter than this, minutes; null for the last class.
    pub to_minutes: Option<u32>,
    /// Calls.
    pub calls: u64,
    /// Calls that read anything.
    pub hits: u64,
    /// Share of the calls that read anything, 0..1; null without calls.
    pub hit_share: Option<f64>,
    /// Reusable tokens.
    pub reusable_tokens: u64,
    /// Share of the reusable tokens that was read, 0..1.
    pub retention: Option<f64>,
    /// Misses.
    pub misses: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
}

/// Misses of a model at a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissGroup {
    /// Model.
    pub model: Option<String>,
    /// Provider: tag or name.
    pub provider: Option<String>,
    /// Judged calls.
    pub judged: u64,
    /// Misses.
    pub misses: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
    /// What they cost above the price of a read, USD; null if no price is known.
    pub usd: Option<f64>,
    /// Price of a million prompt tokens, USD.
    pub input_price: Option<f64>,
    /// Price of a million tokens read from the cache, USD.
    pub read_price: Option<f64>,
    /// Lifetime of the cache that was assumed, minutes.
    pub lifetime_minutes: f64,
    /// Whether the lifetime is known for the host; otherwise the default is assumed.
    pub lifetime_is_known: bool,
    /// By cause, in the order in which causes are tried; only causes with calls.
    pub causes: Vec<CauseLine>,
}

/// One miss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissExample {
    /// Time, UTC.
    pub at: Option<DateTime<Utc>>,
    /// Session.
    pub session: String,
    /// Model.
    pub model: Option<String>,
    /// Provider.
    pub provider: Option<String>,
    /// Cause.
    pub cause: Cause,
    /// Pause since the previous call, seconds.
    pub pause_seconds: Option<f64>,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Tokens read.
    pub read_tokens: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
    /// What they cost above the price of a read, USD.
    pub usd: Option<f64>,
}
