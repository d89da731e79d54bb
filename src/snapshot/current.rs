//! The snapshot being served: swapped whole, so that a reader never sees half of a publication.

use super::{HourlyRates, Snapshot, Status};
use arc_swap::ArcSwapOption;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many earlier snapshots are kept, in the lean form: a day of hourly ones.
const EARLIER: usize = 24;

type Preparation = Box<dyn Fn(&Arc<Snapshot>) + Send + Sync>;

/// Holds the newest snapshot; empty until the first publication of a new installation. Of earlier ones it keeps what
/// preferences were made from, in memory alone.
#[derive(Default)]
pub struct Current {
    newest: ArcSwapOption<Snapshot>,
    preparation: OnceLock<Preparation>,
    earlier: Mutex<VecDeque<Arc<Snapshot>>>,
}

impl Current {
    /// Starts with what was loaded from disk, if anything.
    pub fn new(snapshot: Option<Snapshot>) -> Self {
        Self::holding(snapshot.map(Arc::new))
    }
    /// Starts with a snapshot that others hold too.
    pub fn holding(snapshot: Option<Arc<Snapshot>>) -> Self {
        Self { newest: ArcSwapOption::from(snapshot), ..Self::default() }
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
        let id = snapshot.id.clone();
        if let Some(before) = self.newest.swap(Some(snapshot)).filter(|before| before.id != id) {
            let lean = Arc::new(lean(&before));
            let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
            earlier.retain(|kept| kept.id != lean.id && kept.id != id);
            earlier.push_front(lean);
            earlier.truncate(EARLIER);
        }
    }
    /// A snapshot by its id: the newest whole, an earlier one as far as preferences need it (models and endpoints without
    /// their record and sentences); `None` where it is not kept.
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

/// What preferences are chosen from, and nothing else that is large.
fn lean(snapshot: &Snapshot) -> Snapshot {
    let mut lean = snapshot.clone();
    for endpoint in lean.models.iter_mut().flat_map(|model| &mut model.endpoints) {
        // The newest day tells whether anything was read lately.
        endpoint.days = endpoint.days.pop().into_iter().collect();
        endpoint.verdicts.clear();
        endpoint.why = String::new();
    }
    lean.tier_lists = Vec::new();
    lean.providers = Vec::new();
    lean.readings = Vec::new();
    lean.hourly = HourlyRates::default();
    lean.status = Status::default();
    lean
}
