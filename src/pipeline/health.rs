//! The state of the pipeline besides its data: whether the store is open, what is set aside, and what failed last.

use super::Pipeline;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether the store can be read and written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StoreHealth {
    /// It is open.
    #[default]
    Ok,
    /// DuckDB declared it invalid. It is opened again at the next attempt, without a restart.
    Reopening {
        /// When this was found.
        since: DateTime<Utc>,
        /// The error of DuckDB.
        reason: String,
    },
    /// A new store is built from the archive; the old one stays in use until the new one is complete.
    Rebuilding {
        /// When the rebuild began.
        since: DateTime<Utc>,
        /// Why it is rebuilt.
        reason: String,
        /// Archived runs that were processed.
        done: usize,
        /// Archived runs.
        total: usize,
    },
}

/// An error and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened, where, and what to do.
    pub message: String,
}

/// The state of a pipeline: what `/readyz`, the metrics and `hitrate check` report besides the data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether the store can be used.
    pub store: StoreHealth,
    /// Times that the store was opened again after a fatal error of DuckDB, since the start.
    pub store_reopened: u64,
    /// Archived runs that could not be stored yet because of the machine, for example a full disk. They are stored before
    /// the next run.
    pub pending: Vec<String>,
    /// Problems of the archive, one sentence for each.
    pub archive_problems: Vec<String>,
    /// Files and archived runs that are set aside because they are damaged or have a wrong date.
    pub set_aside: usize,
    /// Why no run can be collected: the clock of this machine contradicts the record. `None` if it does not.
    pub clock: Option<String>,
    /// The newest error since the start. It stays after a success: compare its time.
    pub last_error: Option<Failure>,
}

impl Health {
    /// Whether everything is in order now: the store is open, no run waits, and the clock is plausible.
    pub fn is_ok(&self) -> bool {
        self.store == StoreHealth::Ok && self.pending.is_empty() && self.clock.is_none()
    }
}

/// The state of a pipeline, which its steps update.
#[derive(Debug, Default)]
pub(super) struct Monitor {
    health: Mutex<Health>,
    /// What DuckDB said about a damaged file of the store, until it is replaced.
    damage: Mutex<Option<String>>,
    /// When a rebuild of the record failed last.
    rebuild_failed: Mutex<Option<Instant>>,
    /// What the archive lacks of the record, as it was compared last.
    lacking: Mutex<Vec<String>>,
    /// How many of the pending runs wait for a rebuild of the record that failed.
    waiting: Mutex<usize>,
}

impl Monitor {
    /// The state, to read or to change.
    pub fn lock(&self) -> MutexGuard<'_, Health> {
        locked(&self.health)
    }

    /// Keeps an error as the newest one.
    pub fn failed(&self, at: DateTime<Utc>, message: String) {
        self.lock().last_error = Some(Failure { at, message });
    }

    /// Keeps what the archive lacks of the record.
    pub fn lacking(&self, notes: &[String]) {
        *locked(&self.lacking) = notes.to_vec();
    }

    /// Keeps how many of the pending runs wait for a rebuild that failed.
    pub fn set_waiting(&self, runs: usize) {
        *locked(&self.waiting) = runs;
    }

    /// How many of the pending runs wait for a rebuild that failed.
    pub fn waiting(&self) -> usize {
        *locked(&self.waiting)
    }

    /// Keeps that the store is damaged.
    pub fn damaged(&self, detail: String) {
        *locked(&self.damage) = Some(detail);
    }

    /// Keeps that the store is whole again.
    pub fn repaired(&self) {
        *locked(&self.damage) = None;
    }

    /// What is damaged, if the store is.
    pub fn damage(&self) -> Option<String> {
        locked(&self.damage).clone()
    }

    /// Whether the store is damaged.
    pub fn is_damaged(&self) -> bool {
        locked(&self.damage).is_some()
    }

    /// Keeps when a rebuild failed.
    pub fn rebuild_failed(&self, at: Instant) {
        *locked(&self.rebuild_failed) = Some(at);
    }

    /// Whether no rebuild failed within a time.
    pub fn may_rebuild(&self, pause: Duration) -> bool {
        locked(&self.rebuild_failed).is_none_or(|failed| failed.elapsed() >= pause)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipeline {
    /// The state of the pipeline now.
    pub fn health(&self) -> Health {
        let mut health = self.monitor.lock().clone();
        health.archive_problems.extend(locked(&self.monitor.lacking).iter().cloned());
        health.archive_problems.extend(self.damaged_files());
        health
    }
}
