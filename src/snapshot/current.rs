//! The snapshot being served: swapped whole, so that a reader never sees half of a publication.

use super::Snapshot;
use arc_swap::ArcSwapOption;
use std::fmt;
use std::sync::{Arc, OnceLock};

type Preparation = Box<dyn Fn(&Arc<Snapshot>) + Send + Sync>;

/// Holds the newest snapshot; empty until the first publication of a new installation.
#[derive(Default)]
pub struct Current {
    newest: ArcSwapOption<Snapshot>,
    preparation: OnceLock<Preparation>,
}

impl Current {
    /// Starts with what was loaded from disk, if anything.
    pub fn new(snapshot: Option<Snapshot>) -> Self {
        Self::holding(snapshot.map(Arc::new))
    }
    /// Starts with a snapshot that others hold too.
    pub fn holding(snapshot: Option<Arc<Snapshot>>) -> Self {
        Self { newest: ArcSwapOption::from(snapshot), preparation: OnceLock::new() }
    }
    /// The newest snapshot.
    pub fn get(&self) -> Option<Arc<Snapshot>> {
        self.newest.load_full()
    }
    /// Has something done with every snapshot before it is swapped in, in the thread that publishes; the first caller
    /// wins.
    pub fn prepare_with(&self, preparation: impl Fn(&Arc<Snapshot>) + Send + Sync + 'static) {
        drop(self.preparation.set(Box::new(preparation)));
    }
    /// Publishes a snapshot.
    pub fn set(&self, snapshot: Arc<Snapshot>) {
        if let Some(prepare) = self.preparation.get() {
            prepare(&snapshot);
        }
        self.newest.store(Some(snapshot));
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.get().map(|snapshot| snapshot.id.clone());
        f.debug_struct("Current").field("newest", &id).finish_non_exhaustive()
    }
}
