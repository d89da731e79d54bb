//! Opens the database of the user's own traffic for as long as it is used.

use crate::store::link::Reader;
use crate::store::migrate;
use crate::store::open::{Database, Kind, create_private_log, make_private};
use crate::store::transaction::transaction_in_log;
use crate::store::{StoreError, StoreOptions};
use duckdb::Connection;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long [`TrafficStore::open`] waits for another user of the file.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it tries.
const PAUSE: Duration = Duration::from_millis(50);

/// The user's own traffic.
const TRAFFIC: Kind = Kind {
    migrations: migrate::TRAFFIC,
    advice: "The log files you imported are unchanged: move this file away and import them again",
    keeps_copy: false,
    when_damaged: "The log files you imported are unchanged: move this file away and import them again",
    name: "the database of your own traffic",
    while_in_use: IN_USE,
    is_private: true,
};

/// What to do while the file is in use.
const IN_USE: &str = "it is opened only as long as a question or an import takes: wait until that has ended, then run the command again";

/// The files that this process has open. DuckDB's lock keeps out other processes only, so two parts of a server would
/// open the same file at the same time.
static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
/// Notified when a file is closed.
static CLOSED: Condvar = Condvar::new();

/// The database of the user's own traffic. Close it (drop it) as soon as a question is answered: while it is open, no
/// other process can open it.
///
/// Every method that returns a result fails with [`StoreError::Query`] if DuckDB does, and a query that takes too long
/// with [`StoreError::TimedOut`].
pub struct TrafficStore {
    // Before the claim: fields are dropped in this order.
    database: Database,
    _claim: Claim,
}

impl std::fmt::Debug for TrafficStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrafficStore").field("path", &self.database.options().path).finish_non_exhaustive()
    }
}

impl TrafficStore {
    /// Opens the database, creates it if there is none, and migrates its schema. Only the owner of the file and of its
    /// folder can read it.
    /// Waits up to ten seconds for another process, or another part of this one, that is using it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is still in use after that, [`StoreError::TooNew`], [`StoreError::Damaged`],
    /// [`StoreError::Open`].
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        Self::open_within(options, PATIENCE)
    }

    /// Opens the database as [`TrafficStore::open`] does, and waits at most for a given time.
    ///
    /// # Errors
    /// As [`TrafficStore::open`].
    pub fn open_within(options: StoreOptions, patience: Duration) -> Result<Self, StoreError> {
        let until = Instant::now() + patience;
        private_folder(&options.path)?;
        let claim = Claim::of(&options.path, until)?;
        let database = loop {
            match Database::open(options.clone(), &TRAFFIC) {
                Err(StoreError::Locked { .. }) if Instant::now() < until => std::thread::sleep(PAUSE),
                opened => break opened?,
            }
        };
        let store = Self { database, _claim: claim };
        store.keep_private()?;
        Ok(store)
    }

    /// Opens the database if there is one; a question about no traffic creates no file.
    ///
    /// # Errors
    /// As [`TrafficStore::open`].
    pub fn open_existing(options: StoreOptions) -> Result<Option<Self>, StoreError> {
        if !options.path.exists() {
            return Ok(None);
        }
        Self::open(options).map(Some)
    }

    /// Runs a query on a separate connection and stops it after the time limit.
    pub(in crate::store) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.database.read(query)
    }

    /// The database.
    pub(in crate::store) fn database(&self) -> &Database {
        &self.database
    }

    /// A connection for several queries, with temporary tables of its own.
    pub(super) fn reader(&self) -> Result<Reader, StoreError> {
        self.database.reader()
    }

    /// Runs a query on a connection of [`TrafficStore::reader`] and stops it after the time limit.
    pub(super) fn read_on<T>(
        &self,
        connection: &Connection,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.database.read_on(connection, query)
    }

    /// Makes a change in a transaction. The database is checkpointed when it is closed.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.database.writer()?;
        create_private_log(&self.database.options().path)?;
        let changed = transaction_in_log(&connection, || change(&connection));
        drop(connection);
        self.keep_private()?;
        changed
    }

    /// Writes the database into a new file and puts it in the place of the old one: a deletion leaves the old bytes in
    /// the file.
    pub(super) fn rewrite(&self) -> Result<(), StoreError> {
        self.database.rewrite(&TRAFFIC, PATIENCE)?;
        self.keep_private()
    }

    fn keep_private(&self) -> Result<(), StoreError> {
        make_private(&self.database.options().path)
    }
}

/// Creates the folder of a file for its owner alone: files that the database creates in it, such as spilled rows, have the
/// mode of the process.
fn private_folder(file: &Path) -> Result<(), StoreError> {
    let Some(folder) = file.parent().filter(|folder| !folder.exists()) else { return Ok(()) };
    let failed = |source| StoreError::Io { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder.parent().unwrap_or(folder)).map_err(failed)?;
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map_err(failed),
    }
}

/// The right of one part of this process to open a file.
struct Claim(PathBuf);

impl Claim {
    /// Waits until no other part of this process has the file open.
    fn of(path: &Path, until: Instant) -> Result<Self, StoreError> {
        // The file may not exist yet, its folder may.
        let folder = crate::durable::folder_of(path);
        let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let place = path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name));
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = until.saturating_duration_since(Instant::now());
        let (mut open, _) = CLOSED
            .wait_timeout_while(open, patience, |open| open.contains(&place))
            .unwrap_or_else(PoisonError::into_inner);
        if !open.insert(place.clone()) {
            let holder = format!("another part of this process (PID {})", std::process::id());
            return Err(StoreError::Locked {
                what: TRAFFIC.name,
                path: path.to_owned(),
                holder,
                advice: IN_USE,
            });
        }
        Ok(Self(place))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        CLOSED.notify_all();
    }
}
