//! Opens the store again while the program runs: after a fatal error of DuckDB, or with another file in its place.

use super::damage;
use super::open::{RECORD, connect, opened};
use super::{Store, StoreError, StoreOptions};
use std::path::Path;
use std::time::Duration;

impl Store {
    /// Why the store cannot be used until [`Store::reopen`]: a fatal error of DuckDB invalidated it, or it could not be
    /// opened again. `None` if it can be used.
    pub fn invalid_reason(&self) -> Option<String> {
        self.0.0.invalid_reason()
    }

    /// The error that says which other process holds a store; `None` if none does.
    pub fn in_use(options: &StoreOptions) -> Option<StoreError> {
        connect(options, &RECORD).err().filter(|error| matches!(error, StoreError::Locked { .. }))
    }

    /// Closes the database file and opens it again, with its write-ahead log as at a start. Waits at most `patience` until
    /// no reader uses it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if readers still use it; otherwise as [`Store::open`], and the store stays closed until the
    /// next call.
    pub fn reopen(&self, patience: Duration) -> Result<(), StoreError> {
        self.0.0.exchange(patience, |_| Ok(()), |options| opened(options, &RECORD))
    }

    /// Puts a complete database file in the place of this one. `set_aside` gets the place first, to move away what is
    /// there. `fresh` must not be open.
    ///
    /// # Errors
    /// As [`Store::reopen`]. If a file cannot be moved, the store is open again with what is there.
    pub fn exchange(
        &self,
        fresh: &Path,
        patience: Duration,
        set_aside: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<(), StoreError> {
        let put = |path: &Path| {
            let failed = |source| StoreError::Io { path: path.to_owned(), source };
            set_aside(path).map_err(failed)?;
            // A log of the old file would be replayed into the new one, and every run in it would be there twice.
            damage::set_left_log_aside(path)?;
            std::fs::rename(fresh, path).map_err(failed)
        };
        self.0.0.exchange(patience, put, |options| opened(options, &RECORD))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::columns::{self, rows};

    fn opened(folder: &Path) -> Store {
        let path = folder.join("record.duckdb");
        let work_dir = folder.join("work");
        let query_timeout = Duration::from_secs(60);
        Store::open(StoreOptions { path, work_dir, memory: "256MB".into(), threads: 1, query_timeout })
            .expect("the store opens")
    }

    /// Writes a row and makes the checkpoint after it fail, as a full disk does.
    fn invalidate(store: &Store) {
        let writer = store.writer().expect("open");
        let sql =
            "SET debug_checkpoint_abort = 'before_header'; CREATE OR REPLACE TABLE kept AS SELECT 7 AS n";
        writer.execute_batch(sql).expect("written");
        writer.execute_batch("CHECKPOINT").expect_err("aborted");
    }

    #[test]
    fn a_store_that_became_invalid_is_opened_again_with_what_was_committed() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = opened(folder.path());
        assert_eq!(store.invalid_reason(), None);
        let count = |store: &Store| {
            store.read(|connection| {
                Ok(rows!(connection, "SELECT n FROM kept", [], |n: i32| n).into_iter().sum::<i32>())
            })
        };
        let reader = store.reader().expect("a reader");
        invalidate(&store);
        assert!(store.invalid_reason().is_some_and(|reason| reason.contains("invalidated")));
        let refused = count(&store).expect_err("invalid");
        assert!(matches!(refused, StoreError::Closed { .. }), "{refused}");
        assert!(!refused.concerns_content(), "no run is set aside for it");
        let busy = store.reopen(Duration::from_millis(50)).expect_err("a reader is left");
        assert!(matches!(busy, StoreError::Busy { .. }), "{busy}");
        drop(reader);
        store.reopen(Duration::from_secs(1)).expect("opened again");
        assert_eq!(store.invalid_reason(), None);
        assert_eq!(count(&store).expect("readable"), 7);
    }

    #[test]
    fn a_store_that_cannot_be_opened_again_stays_closed_until_it_can() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = opened(folder.path());
        let path = store.options().path.clone();
        let moved = folder.path().join("moved");
        let garbage = folder.path().join("garbage");
        std::fs::write(&garbage, vec![7; 20_000]).expect("written");
        let aside = |place: &Path| std::fs::rename(place, &moved);
        let refused = store.exchange(&garbage, Duration::from_secs(1), aside).expect_err("no database");
        assert!(refused.damage().is_some(), "{refused}");
        let closed = store.newest_time().expect_err("closed");
        assert!(matches!(closed, StoreError::Closed { .. }), "{closed}");
        assert!(store.invalid_reason().is_some());
        std::fs::rename(&moved, &path).expect("moved back");
        store.reopen(Duration::from_secs(1)).expect("opened again");
        assert_eq!(store.newest_time().expect("readable"), None);
    }
}
