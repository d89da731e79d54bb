//! The user's own sessions.

use super::report::{Paid, Question};
use crate::request_log::SessionKind;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The answer of `traffic sessions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    /// Which calls it covers.
    pub question: Question,
    /// Number of sessions of these calls.
    pub sessions: u64,
    /// Calls without a session; they are in none of the lines.
    pub without_session: u64,
    /// Statistics over all sessions.
    pub typical: Typical,
    /// The largest sessions, most prompt tokens first.
    pub largest: Vec<SessionLine>,
    /// Remarks for the reader, as sentences.
    pub notes: Vec<String>,
}

/// Medians over all sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Typical {
    /// Calls.
    pub turns: Option<f64>,
    /// Prompt tokens.
    pub prompt_tokens: Option<f64>,
    /// Duration, seconds.
    pub seconds: Option<f64>,
    /// Hit rate, 0..1.
    pub hit_rate: Option<f64>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionLine {
    /// Name as written in the log, or a name of the import if it was guessed.
    pub session: String,
    /// What it is based on.
    pub kind: SessionKind,
    /// Name of the subagent; null for the main conversation.
    pub agent: Option<String>,
    /// The session that started this one.
    pub parent: Option<String>,
    /// Source of the import.
    pub source: String,
    /// Start, UTC; null if the log has no times.
    pub start: Option<DateTime<Utc>>,
    /// Last call, UTC.
    pub end: Option<DateTime<Utc>>,
    /// Calls.
    pub turns: u64,
    /// Failed calls.
    pub failures: u64,
    /// Models in the order of their first call.
    pub models: Vec<String>,
    /// Providers in the order of their first call.
    pub providers: Vec<String>,
    /// Prompt tokens.
    pub prompt_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// Hit rate, 0..1; null if tokens read are not recorded.
    pub hit_rate: Option<f64>,
    /// Retention, 0..1: reusable tokens that were read ÷ reusable tokens.
    pub retention: Option<f64>,
    /// Paid, by kind of money.
    pub paid: Vec<Paid>,
    /// Longest pause between two calls, seconds.
    pub longest_pause_seconds: Option<f64>,
    /// Pauses longer than 5 minutes.
    pub long_pauses: u64,
    /// How often the provider changed from one call to the next.
    pub provider_changes: u64,
    /// How often the model changed.
    pub model_changes: u64,
    /// How often the prompt fell below half of the previous one: the context was compacted or cleared.
    pub compactions: u64,
    /// Cache misses.
    pub misses: u64,
}
