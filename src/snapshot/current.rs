//! The snapshot being served: swapped whole, so that a reader never sees half of a publication.

use super::Snapshot;
use arc_swap::ArcSwapOption;
use std::sync::Arc;

/// Holds the newest snapshot; empty until the first publication of a new installation.
#[derive(Debug, Default)]
pub struct Current(ArcSwapOption<Snapshot>);

impl Current {
    /// Starts with what was loaded from disk, if anything.
    pub fn new(snapshot: Option<Snapshot>) -> Self {
        Self(ArcSwapOption::from(snapshot.map(Arc::new)))
    }
    /// The newest snapshot.
    pub fn get(&self) -> Option<Arc<Snapshot>> {
        self.0.load_full()
    }
    /// Publishes a snapshot.
    pub fn set(&self, snapshot: Arc<Snapshot>) {
        self.0.store(Some(snapshot));
    }
}
