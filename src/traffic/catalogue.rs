//! Finds models and endpoints of the public catalogue from the names in logs.

use crate::request_log::Call;
use crate::snapshot::Snapshot;
use crate::store::Resolved;

/// The models, providers and endpoints of a snapshot by the names that logs use for them.
#[derive(Debug)]
pub struct Catalogue<'a> {
    snapshot: &'a Snapshot,
}

impl<'a> Catalogue<'a> {
    /// The catalogue of a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot }
    }

    /// Model and endpoint of a call.
    pub fn resolve(&self, call: &Call) -> Resolved {
        let _ = (call, self.snapshot);
        Resolved::default()
    }
}
