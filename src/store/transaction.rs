//! Transactions: all of a change, or nothing of it.

use super::StoreError;
use crate::failpoint;
use duckdb::Connection;
use std::io;
use std::path::Path;

/// Rolls back the transaction of a connection if the thread panics, because the connection is used again.
struct RolledBackOnPanic<'a>(&'a Connection);

impl Drop for RolledBackOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Err(error) = self.0.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "cannot roll back the transaction of a change that panicked");
        }
    }
}

/// Makes a change in a transaction. It is committed if the change succeeds, and followed by a checkpoint, which keeps
/// DDL out of the write-ahead log, where it is the most common cause of trouble. A checkpoint that fails is logged: the
/// change is stored, and the next checkpoint comes soon.
///
/// # Errors
/// That of the change or of the commit; then nothing is changed.
pub(super) fn transaction<T>(
    connection: &Connection,
    change: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let changed = transaction_in_log(connection, change)?;
    checkpoint(connection, || failpoint::reach("store.committed"));
    Ok(changed)
}

/// Writes a checkpoint after a change that is committed; `reached` is the failpoint between the two. A failure is logged.
pub(super) fn checkpoint(connection: &Connection, reached: impl FnOnce() -> io::Result<()>) {
    let written = reached()
        .map_err(of_file(connection))
        .and_then(|()| Ok(connection.execute_batch("CHECKPOINT")?))
        .and_then(|()| failpoint::reach("store.checkpointed").map_err(of_file(connection)));
    if let Err(error) = written {
        tracing::warn!(%error, "cannot write a checkpoint; the change is stored");
    }
}

/// Makes an error of the system one of the database file of a connection.
pub(super) fn of_file(connection: &Connection) -> impl FnOnce(io::Error) -> StoreError + '_ {
    |source| StoreError::Io { path: connection.path().unwrap_or(Path::new("")).to_owned(), source }
}

/// Makes a change in a transaction without a checkpoint, for many small changes in a row that contain no DDL of tables
/// that stay.
///
/// # Errors
/// As [`transaction`].
pub(super) fn transaction_in_log<T>(
    connection: &Connection,
    change: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("BEGIN")?;
    let _open = RolledBackOnPanic(connection);
    let changed = change().and_then(|changed| {
        failpoint::reach("store.commit").map_err(of_file(connection))?;
        Ok(changed)
    });
    if changed.is_err() {
        if let Err(error) = connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "cannot roll back the transaction of a change that failed");
        }
        return changed;
    }
    connection.execute_batch("COMMIT")?;
    changed
}

/// Makes a change in a transaction and takes it back, to report what the change would do.
///
/// # Errors
/// That of the change.
pub(super) fn taken_back<T>(
    connection: &Connection,
    change: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("BEGIN")?;
    let _open = RolledBackOnPanic(connection);
    let changed = change();
    connection.execute_batch("ROLLBACK")?;
    changed
}
