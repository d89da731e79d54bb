//! The snapshot being served. It is swapped atomically, so that a reader never sees a partial publication.

use super::{HourlyRates, Snapshot, Status};
use arc_swap::ArcSwapOption;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Number of earlier snapshots that are kept, in reduced form: one day of hourly snapshots.
const EARLIER: usize = 24;

type Preparation = Box<dyn Fn(&Arc<Snapshot>) + Send + Sync>;

/// Holds the newest snapshot; empty until the first publication of a new installation. Of earlier snapshots it keeps,
/// in memory only, the data that preferences are derived from.
#[derive(Default)]
pub struct Current {
    newest: ArcSwapOption<Snapshot>,
    preparation: OnceLock<Preparation>,
    earlier: Mutex<VecDeque<Arc<Snapshot>>>,
}

impl Current {
    /// Starts with the snapshot loaded from disk, if any.
    pub fn new(snapshot: Option<Snapshot>) -> Self {
        Self::holding(snapshot.map(Arc::new))
    }
    /// Starts with a shared snapshot.
    pub fn holding(snapshot: Option<Arc<Snapshot>>) -> Self {
        Self { newest: ArcSwapOption::from(snapshot), ..Self::default() }
    }
    /// The newest snapshot.
    pub fn get(&self) -> Option<Arc<Snapshot>> {
        self.newest.load_full()
    }
    /// Registers a preparation that runs on every snapshot before it is swapped in, on the publishing thread; only the
    /// first registration takes effect.
    pub fn prepare_with(&self, preparation: impl Fn(&Arc<Snapshot>) + Send + Sync + 'static) {
        drop(self.preparation.set(Box::new(preparation)));
    }
    /// Publishes a snapshot.
    pub fn set(&self, snapshot: Arc<Snapshot>) {
        if let Some(prepare) = self.preparation.get() {
            prepare(&snapshot);
        }
        let id = snapshot.id.clone();
        if let Some(before) = self.newest.swap(Some(snapshot)).filter(|before| before.id != id) {
            let lean = Arc::new(lean(&before));
            let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
            earlier.retain(|kept| kept.id != lean.id && kept.id != id);
            earlier.push_front(lean);
            earlier.truncate(EARLIER);
        }
    }
    /// A snapshot by its id. The newest is complete; an earlier one is reduced to what preferences need (models and
    /// endpoints without their record and sentences). `None` if it is no longer kept.
    pub fn of_id(&self, id: &str) -> Option<Arc<Snapshot>> {
        if let Some(newest) = self.get().filter(|newest| newest.id == id) {
            return Some(newest);
        }
        let earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        earlier.iter().find(|kept| kept.id == id).cloned()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.get().map(|snapshot| snapshot.id.clone());
        f.debug_struct("Current").field("newest", &id).finish_non_exhaustive()
    }
}

/// A copy with the data that preferences need, without other large parts.
fn lean(snapshot: &Snapshot) -> Snapshot {
    let mut lean = snapshot.clone();
    for endpoint in lean.models.iter_mut().flat_map(|model| &mut model.endpoints) {
        // The newest day shows whether there are recent readings.
        endpoint.days = endpoint.days.pop().into_iter().collect();
        endpoint.verdicts.clear();
        endpoint.why = String::new();
    }
    lean.tier_lists = Vec::new();
    lean.providers = Vec::new();
    lean.readings = Vec::new();
    lean.hourly = HourlyRates::default();
    lean.status = Status::default();
    lean.changes = Vec::new();
    lean
}
