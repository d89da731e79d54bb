//! The calls as the answers need them.

use crate::request_log::{Name, PaidKind, SessionKind, Status, Tokens};
use chrono::{DateTime, Utc};

/// Which calls to read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallFilter {
    /// Calls from this time on.
    pub from: Option<DateTime<Utc>>,
    /// Calls before this time.
    pub to: Option<DateTime<Utc>>,
    /// Only this model of the catalogue.
    pub model: Option<String>,
    /// Only this source.
    pub source: Option<String>,
}

/// One call of the store: a call, a failure or a replay, never a sum.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnCall {
    /// Start of the call, or its end if only that is known.
    pub at: Option<DateTime<Utc>>,
    /// Session.
    pub session: Option<Name>,
    /// What the session is based on.
    pub session_kind: SessionKind,
    /// Platform.
    pub platform: Option<Name>,
    /// The model as written in the log.
    pub model: Option<Name>,
    /// The model's slug in the public catalogue.
    pub model_key: Option<Name>,
    /// Provider as written in the log.
    pub provider_name: Option<Name>,
    /// Tag of the endpoint.
    pub provider_tag: Option<Name>,
    /// The upstream's id of the endpoint.
    pub endpoint_id: Option<Name>,
    /// Disjoint token counts.
    pub tokens: Tokens,
    /// What the client paid, USD.
    pub paid: Option<f64>,
    /// What kind of money that is.
    pub paid_kind: PaidKind,
    /// How the call ended.
    pub status: Status,
    /// Why the output ended.
    pub finish: Option<Name>,
    /// Whether a gateway replayed a stored reply.
    pub gateway_cache_hit: bool,
    /// Request to complete answer, ms.
    pub latency_ms: Option<f64>,
    /// Time to the first token, ms.
    pub ttft_ms: Option<f64>,
}
