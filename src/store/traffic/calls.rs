//! The calls as the answers need them.

use super::TrafficStore;
use crate::request_log::{Name, PaidKind, SessionKind, Status, Tokens};
use crate::store::StoreError;
use crate::store::columns::{self, naive, records};
use chrono::{DateTime, Utc};
use duckdb::arrow::array::RecordBatch;
use duckdb::params;
use std::collections::HashSet;
use std::sync::Arc;

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
        let time = |time: Option<DateTime<Utc>>| time.map(naive);
        let sql = include_str!("../../../queries/traffic/calls.sql");
        self.read(|connection| {
            let parameters = params![
                time(filter.from),
                time(filter.to),
                filter.model.as_deref(),
                filter.source.as_deref()
            ];
            let mut calls = Vec::new();
            let mut names = Shared::default();
            for batch in columns::batches(&mut connection.prepare(sql)?, parameters)? {
                let batch = batch?;
                for (call, tokens) in of_batch(&batch)? {
                    calls.push(names.share(OwnCall { tokens, ..call }));
                }
            }
            Ok(calls)
        })
    }
}

/// The calls of a batch and their tokens.
fn of_batch(batch: &RecordBatch) -> Result<impl Iterator<Item = (OwnCall, Tokens)>, StoreError> {
    let tokens =
        records!(batch, Tokens { uncached, read, write, write_5m, write_1h, output_text, reasoning });
    let calls = records!(
        batch,
        OwnCall {
            at: called_at,
            session,
            session_kind,
            agent,
            platform,
            model,
            model_key,
            provider_name,
            provider_key,
            provider_tag,
            endpoint_id,
            is_ambiguous,
            paid,
            paid_kind,
            status,
            finish,
            gateway_cache_hit,
            latency_ms,
            ttft_ms,
            ..OwnCall::default()
        }
    );
    Ok(calls.into_iter().zip(tokens))
}

/// The texts that calls have in common, each once in memory.
#[derive(Default)]
struct Shared(HashSet<Name>);

impl Shared {
    fn share(&mut self, mut call: OwnCall) -> OwnCall {
        let texts = [
            &mut call.session,
            &mut call.agent,
            &mut call.platform,
            &mut call.model,
            &mut call.model_key,
            &mut call.provider_name,
            &mut call.provider_key,
            &mut call.provider_tag,
            &mut call.endpoint_id,
            &mut call.finish,
        ];
        for text in texts.into_iter().flatten() {
            match self.0.get(text) {
                Some(shared) => *text = Arc::clone(shared),
                None => {
                    self.0.insert(Arc::clone(text));
                }
            }
        }
        call
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
    /// Agent or subagent; a session of several agents has one prompt for each.
    pub agent: Option<Name>,
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
