//! The calls as the answers need them.

use super::TrafficStore;
use crate::request_log::{Name, PaidKind, SessionKind, Status, Tokens};
use crate::store::StoreError;
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

impl TrafficStore {
    /// The calls in chronological order, then by file and line; calls without a time come last. Sums are left out.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn calls(&self, filter: &CallFilter) -> Result<Vec<OwnCall>, StoreError> {
        let _ = filter;
        Ok(Vec::new())
    }
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
    /// The model in the public catalogue: its slug, for a variant other than `standard` its id.
    pub model_key: Option<Name>,
    /// Provider as written in the log.
    pub provider_name: Option<Name>,
    /// Base slug of the provider in the public catalogue.
    pub provider_key: Option<Name>,
    /// Tag of the endpoint.
    pub provider_tag: Option<Name>,
    /// The upstream's id of the endpoint.
    pub endpoint_id: Option<Name>,
    /// Whether several endpoints of its provider fit, so that none was chosen.
    pub is_ambiguous: bool,
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
