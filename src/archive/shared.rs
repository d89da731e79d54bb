//! What a process knows about an archive: which bodies it has checked, and what is missing or damaged.

use super::manifest::Location;
use super::substitutes::Substitutes;
use super::{ArchiveError, run_id_of};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A file of the archive that is missing, damaged or unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// The runs that need it, oldest first; as far as known.
    pub run_ids: Vec<String>,
    /// What is wrong with it, and what that means.
    pub what: String,
    /// Whether something is lost without the file. Not if other packs have all bodies that a pack lacks.
    pub is_loss: bool,
}

impl Problem {
    /// A manifest that cannot be read.
    pub(super) fn of_manifest(path: &Path, error: &ArchiveError) -> Self {
        Self { path: path.to_owned(), run_ids: vec![run_id_of(path)], what: error.to_string(), is_loss: true }
    }
}

/// A pack as it was when it was read: length and time of the last change.
pub(super) type Stamp = (u64, Option<SystemTime>);

/// The knowledge of all clones of an archive.
#[derive(Debug, Default)]
pub(super) struct Shared {
    problems: Mutex<BTreeMap<PathBuf, Problem>>,
    checked: Mutex<HashMap<Location, Stamp>>,
    substitutes: Mutex<Option<Arc<Substitutes>>>,
}

impl Shared {
    /// Notes a problem; the first time in this process, it is logged.
    pub fn note(&self, problem: Problem) {
        let mut problems = locked(&self.problems);
        if !problems.contains_key(&problem.path) {
            let (path, runs) = (problem.path.display(), problem.run_ids.join(", "));
            tracing::error!(%path, runs, what = problem.what, "a file of the archive cannot be used");
        }
        problems.insert(problem.path.clone(), problem);
    }

    /// All problems so far.
    pub fn problems(&self) -> Vec<Problem> {
        locked(&self.problems).values().cloned().collect()
    }

    /// The bodies that were found in their packs, with the state of the pack at that time.
    pub fn checked(&self) -> MutexGuard<'_, HashMap<Location, Stamp>> {
        locked(&self.checked)
    }

    /// Where else the bodies of unreadable packs are.
    pub fn substitutes(&self) -> MutexGuard<'_, Option<Arc<Substitutes>>> {
        locked(&self.substitutes)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
