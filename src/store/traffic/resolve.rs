//! Models and endpoints of the public catalogue, found when a file is imported or later.

use super::TrafficStore;
use crate::request_log::{Call, Name};
use crate::store::StoreError;
use crate::store::columns::{self, rows};
use duckdb::params;
use std::collections::HashMap;

/// What the public catalogue knows about a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Slug of the model; for a variant other than `standard` its id. Both find the model in a snapshot.
    pub model_key: Option<Name>,
    /// Base slug of the provider.
    pub provider_key: Option<Name>,
    /// Tag of the endpoint, if only one fits.
    pub provider_tag: Option<Name>,
    /// The upstream's id of the endpoint, if only one fits.
    pub endpoint_id: Option<Name>,
    /// Whether several endpoints of its provider fit, so that none was chosen.
    pub ambiguous: bool,
}

/// What the public catalogue knows about each call of a file. Few combinations of names occur in a file.
pub(super) struct Names {
    found: Vec<Resolved>,
    places: Vec<usize>,
}

impl Names {
    /// Looks up each combination of names once.
    pub fn of_calls(calls: &[Call], resolve: &dyn Fn(&Call) -> Resolved) -> Self {
        let mut known: HashMap<[Option<&str>; 5], usize> = HashMap::new();
        let mut found = Vec::new();
        let places = calls.iter().map(|call| {
            let names = [
                &call.model_sent,
                &call.model_served,
                &call.provider_name,
                &call.provider_tag,
                &call.endpoint_id,
            ];
            *known.entry(names.map(|name| name.as_deref())).or_insert_with(|| {
                found.push(resolve(call));
                found.len() - 1
            })
        });
        let places = places.collect();
        Self { found, places }
    }

    /// What is known about the call at a position.
    pub fn of(&self, number: usize) -> &Resolved {
        &self.found[self.places[number]]
    }
}

impl TrafficStore {
    /// Looks up the calls whose model is not known yet, and returns the number of calls that were completed.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn resolve(&self, resolve: &dyn Fn(&Call) -> Resolved) -> Result<u64, StoreError> {
        let sql = include_str!("../../../queries/traffic/unresolved.sql");
        let unknown: Vec<Call> = self.read(|connection| {
            Ok(rows!(
                connection,
                sql,
                [],
                Call {
                    model_sent,
                    model_served,
                    provider_name,
                    provider_tag,
                    endpoint_id,
                    ..Call::default()
                }
            ))
        })?;
        let mut found: Vec<(&Call, Resolved)> = unknown.iter().map(|call| (call, resolve(call))).collect();
        found.retain(|(_, resolved)| resolved.model_key.is_some());
        if found.is_empty() {
            return Ok(0);
        }
        self.change(|connection| {
            let mut statement = connection.prepare(include_str!("../../../queries/traffic/resolve.sql"))?;
            let mut completed = 0;
            for (call, resolved) in &found {
                completed += statement.execute(params![
                    call.model_sent.as_deref(),
                    call.model_served.as_deref(),
                    call.provider_name.as_deref(),
                    call.provider_tag.as_deref(),
                    call.endpoint_id.as_deref(),
                    resolved.model_key.as_deref(),
                    resolved.provider_key.as_deref(),
                    resolved.provider_tag.as_deref(),
                    resolved.endpoint_id.as_deref(),
                    resolved.ambiguous,
                ])?;
            }
            Ok(completed as u64)
        })
    }
}
