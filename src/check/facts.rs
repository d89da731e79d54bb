//! What only the process that has the store open can read.

use super::numbers::{self, CheckedRun};
use crate::domain::reading::RunStatus;
use crate::pipeline::{DataDir, Health};
use crate::snapshot;
use crate::store::{Store, StoreError};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A run in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRun {
    /// Its id.
    pub run_id: String,
    /// Its time.
    pub observed_at: DateTime<Utc>,
    /// Its outcome.
    pub status: RunStatus,
}

/// What the checks need of the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreFacts {
    /// Version of the schema.
    pub schema: i64,
    /// All runs, newest first.
    pub runs: Vec<StoredRun>,
    /// The acceptance numbers of all runs, or why there are none.
    pub numbers: Result<Vec<CheckedRun>, String>,
    /// The state of the server's pipeline; null if no server runs.
    pub health: Option<Health>,
}

impl StoreFacts {
    /// Reads them from the store of a data folder.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(store: &Store, data: &DataDir) -> Result<Self, StoreError> {
        let runs = store.runs(far(), usize::MAX >> 1)?;
        let runs = runs.into_iter().map(|row| StoredRun {
            run_id: row.run.run_id,
            observed_at: row.run.observed_at,
            status: row.run.status,
        });
        // A snapshot that cannot be read is a finding of its own.
        let snapshot = snapshot::store::load(&data.snapshots()).ok().flatten();
        Ok(Self {
            schema: store.schema()?,
            runs: runs.collect(),
            numbers: numbers::read(store, snapshot.as_ref()),
            health: None,
        })
    }

    /// Time of the newest run that was accepted.
    pub fn newest_accepted(&self) -> Option<DateTime<Utc>> {
        self.runs.iter().find(|run| run.status.is_accepted()).map(|run| run.observed_at)
    }
}

/// A time after every run that DuckDB can express as text.
fn far() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or_default()
}
