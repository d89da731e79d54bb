//! The user's own traffic by model.

use super::report::{Failures, OwnRate, Paid, Question, TokenSums};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The answer of `traffic models`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Models {
    /// Which calls it covers.
    pub question: Question,
    /// Models, most prompt tokens first.
    pub models: Vec<ModelLine>,
    /// Remarks for the reader, as sentences.
    pub notes: Vec<String>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelLine {
    /// Slug in the public catalogue, otherwise the name as written; null if not recorded.
    pub model: Option<String>,
    /// Whether it is a slug of the public catalogue.
    pub is_known: bool,
    /// Names as written in the logs, sorted; at most ten.
    pub written: Vec<String>,
    /// Providers that answered, most prompt tokens first.
    pub providers: Vec<ProviderShare>,
    /// Calls.
    pub calls: u64,
    /// Sessions.
    pub sessions: u64,
    /// First call, UTC.
    pub first: Option<DateTime<Utc>>,
    /// Last call, UTC.
    pub last: Option<DateTime<Utc>>,
    /// Failed calls.
    pub failures: Failures,
    /// Token sums.
    pub tokens: TokenSums,
    /// Own hit rate.
    pub hit_rate: OwnRate,
    /// Paid, by kind of money.
    pub paid: Vec<Paid>,
}

/// The part of a provider in a model's calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderShare {
    /// Tag or name; null if not recorded.
    pub provider: Option<String>,
    /// Calls.
    pub calls: u64,
    /// Own hit rate there, 0..1.
    pub hit_rate: Option<f64>,
}
