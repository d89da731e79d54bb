//! Transactions: all of a change, or nothing of it.

use super::StoreError;
use duckdb::Connection;

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
/// DDL out of the write-ahead log, where it is the most common cause of trouble.
///
/// # Errors
/// That of the change; then nothing is changed.
pub(super) fn transaction<T>(
    connection: &Connection,
    change: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("BEGIN")?;
    let _open = RolledBackOnPanic(connection);
    let changed = change();
    connection.execute_batch(if changed.is_ok() { "COMMIT; CHECKPOINT;" } else { "ROLLBACK" })?;
    changed
}
