//! The connections to one database file. The file can be closed and opened again while the program runs: after a fatal
//! error of DuckDB, or to put another file in its place.

use super::{StoreError, StoreOptions};
use duckdb::{Connection, InterruptHandle};
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How often [`Link::exchange`] looks whether the readers are done.
const PAUSE: Duration = Duration::from_millis(20);

/// One connection writes, under a lock; readers use clones of it.
pub(super) struct Link {
    writer: Mutex<Connection>,
    /// Why the file is closed, while it is.
    closed: Mutex<Option<String>>,
    /// Each reader holds a clone.
    readers: Arc<()>,
    options: StoreOptions,
}

/// A connection of its own for a reader. While it exists, the file is not closed.
#[derive(Debug)]
pub(super) struct Reader {
    connection: Connection,
    _counted: Arc<()>,
}

impl Deref for Reader {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Link {
    /// Holds an open connection.
    pub fn new(connection: Connection, options: StoreOptions) -> Self {
        Self { writer: Mutex::new(connection), closed: Mutex::default(), readers: Arc::default(), options }
    }

    /// The options it was opened with.
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// The write connection, for the lifetime of the guard.
    ///
    /// # Errors
    /// [`StoreError::Closed`] if the file could not be opened again.
    pub fn writer(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        let writer = self.connection();
        match self.closed.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(reason) => Err(self.closed_by(reason)),
            None => Ok(writer),
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while a run is stored rolls back its transaction, so the connection remains usable.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed_by(&self, reason: String) -> StoreError {
        StoreError::Closed { path: self.options.path.clone(), reason }
    }

    /// A connection for several queries of a reader.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let writer = self.writer()?;
        // Counted under the lock: `exchange` must not close the file between the two.
        let counted = self.readers.clone();
        Ok(Reader { connection: writer.try_clone()?, _counted: counted })
    }

    /// Runs a query on a connection of [`Link::reader`] and stops it after the time limit.
    pub fn read_on<T>(
        &self,
        connection: &Connection,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let limit = self.options.query_timeout;
        let (done, wait) = mpsc::channel::<()>();
        let watchdog = stop_after(connection.interrupt_handle(), limit, wait)
            .map_err(|source| StoreError::Io { path: self.options.path.clone(), source })?;
        let answer = query(connection);
        drop(done);
        let timed_out = watchdog.join().unwrap_or(false);
        match answer {
            Err(_) if timed_out => Err(StoreError::TimedOut { seconds: limit.as_secs() }),
            Err(StoreError::Query(error)) if is_fatal(&error.to_string()) => {
                Err(self.closed_by(error.to_string()))
            }
            answer => answer,
        }
    }

    /// Why the database cannot be used until it is opened again; `None` if it can.
    pub fn invalid_reason(&self) -> Option<String> {
        let tried = self.reader().and_then(|reader| Ok(reader.execute_batch("SELECT 1")?));
        match tried {
            Err(StoreError::Closed { reason, .. }) => Some(reason),
            Err(error) => Some(error.to_string()).filter(|detail| is_fatal(detail)),
            Ok(()) => None,
        }
    }

    /// Closes the file, does something with it, and opens it again with `open`. Waits at most `patience` until no reader
    /// uses it: only then can it be closed, and DuckDB's lock on it is lost if the same file is open twice.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if readers still use it; then nothing happened. Otherwise the error of `between`, and the
    /// file is open again, or that of `open`, and it stays closed until the next call.
    pub fn exchange(
        &self,
        patience: Duration,
        between: impl FnOnce(&Path) -> Result<(), StoreError>,
        open: impl FnOnce(&StoreOptions) -> Result<Connection, StoreError>,
    ) -> Result<(), StoreError> {
        let mut writer = self.connection();
        let until = Instant::now() + patience;
        while Arc::strong_count(&self.readers) > 1 {
            if Instant::now() >= until {
                return Err(StoreError::Busy { path: self.options.path.clone() });
            }
            std::thread::sleep(PAUSE);
        }
        let nothing = in_place_of_it()?;
        let closed = |reason| *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        closed(Some("it is being opened again".to_owned()));
        // Dropping the connection closes the file.
        *writer = nothing;
        let done = between(&self.options.path);
        match open(&self.options) {
            Ok(opened) => {
                *writer = opened;
                closed(None);
                done
            }
            Err(error) => {
                closed(Some(error.to_string()));
                Err(error)
            }
        }
    }
}

/// What takes the place of a connection while the file is closed. It is never used.
#[expect(clippy::disallowed_methods, reason = "an empty database in memory, which is never used")]
fn in_place_of_it() -> Result<Connection, StoreError> {
    Ok(Connection::open_in_memory()?)
}

/// Interrupts a query if nothing arrives on the channel within the limit; the thread returns whether it did.
fn stop_after(
    handle: Arc<InterruptHandle>,
    limit: Duration,
    wait: mpsc::Receiver<()>,
) -> std::io::Result<std::thread::JoinHandle<bool>> {
    // Unlike `thread::spawn`, it does not panic if the system allows no further thread.
    std::thread::Builder::new().name("query limit".to_owned()).spawn(move || {
        let timed_out = wait.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        if timed_out {
            handle.interrupt();
        }
        timed_out
    })
}

/// Whether a message of DuckDB says that the database cannot be used until it is opened again.
fn is_fatal(message: &str) -> bool {
    message.contains("FATAL Error") || message.contains("database has been invalidated")
}
