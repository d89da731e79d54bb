//! What a process knows about an archive: which bodies it has checked, and what is missing or damaged.

use super::manifest::Location;
use super::substitutes::Substitutes;
use super::{ArchiveError, run_id_of};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
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

/// A problem that was found, and the bodies that its file did not hold.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    problem: Problem,
    /// Empty for a manifest.
    pub lost: HashSet<Location>,
}

/// The knowledge of all clones of an archive.
#[derive(Debug, Default)]
pub(super) struct Shared {
    problems: Mutex<BTreeMap<PathBuf, Noted>>,
    checked: Mutex<HashMap<Location, Stamp>>,
    substitutes: Mutex<Option<Arc<Substitutes>>>,
}

impl Shared {
    /// Notes a problem and the body that its file does not hold, if it is a pack. The first time, it is logged.
    pub fn note(&self, problem: Problem, body: Option<Location>) {
        let mut problems = locked(&self.problems);
        let known = problems.remove(&problem.path);
        if known.is_none() {
            let (path, runs) = (problem.path.display(), problem.run_ids.join(", "));
            tracing::error!(%path, runs, what = problem.what, "a file of the archive cannot be used");
        }
        let mut lost = known.map(|noted| noted.lost).unwrap_or_default();
        lost.extend(body);
        problems.insert(problem.path.clone(), Noted { problem, lost });
    }

    /// Removes the problem of a file that can be used again: it was repaired.
    pub fn repaired(&self, path: &Path) {
        if locked(&self.problems).remove(path).is_some() {
            tracing::info!(path = %path.display(), "a file of the archive can be used again");
            // A pack that was taken for lost may have the bodies.
            *self.substitutes() = None;
        }
    }

    /// The problems with the bodies that are lost, by path.
    pub fn noted(&self) -> BTreeMap<PathBuf, Noted> {
        locked(&self.problems).clone()
    }

    /// The problems that were not repaired, as far as is known.
    pub fn problems(&self) -> Vec<Problem> {
        locked(&self.problems).values().map(|noted| noted.problem.clone()).collect()
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
