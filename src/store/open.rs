//! Opens the store with explicit limits and without access to files outside its work folder.

use super::StoreError;
use super::columns::{self, rows};
use super::damage::{self, log_of};
use super::link::{Link, Reader};
use super::migrate::{self, Migration};
use crate::failpoint;
use duckdb::{Config, Connection};
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

/// Limits of the embedded database.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The database file.
    pub path: PathBuf,
    /// The only folder that queries may write to (exports, spilling).
    pub work_dir: PathBuf,
    /// Memory limit in DuckDB's notation, for example `1GB`.
    pub memory: String,
    /// Number of threads.
    pub threads: i64,
    /// Time limit of a read query.
    pub query_timeout: Duration,
}

/// The record of all runs.
///
/// Every method that returns a result fails with [`StoreError::Query`] if DuckDB does, and a query that takes too long
/// with [`StoreError::TimedOut`].
pub struct Store(pub(super) Database);

/// One database file of this program.
pub(super) struct Database(pub(super) Link);

/// What distinguishes the databases of this program.
pub(super) struct Kind {
    /// The steps of its schema.
    pub migrations: &'static [Migration],
    /// What to do if it cannot be opened, as a sentence.
    pub advice: &'static str,
    /// What it is, for errors.
    pub name: &'static str,
    /// What to do while another process uses it.
    pub while_in_use: &'static str,
    /// Whether only the owner of the file may read it.
    pub is_private: bool,
    /// Whether a copy of the file is kept before its schema is migrated.
    pub keeps_copy: bool,
    /// What to do if the file is damaged, as a sentence.
    pub when_damaged: &'static str,
}

/// Gives a database file and its write-ahead log to their owner alone.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    [path.to_owned(), log_of(path)].iter().try_for_each(|file| private(file))
}

/// Creates an empty write-ahead log that only its owner can read, if there is none: DuckDB would create one that
/// everyone can read.
pub(super) fn create_private_log(path: &Path) -> Result<(), StoreError> {
    let log = log_of(path);
    match new_private(&log) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::Io { path: log, source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn new_private(file: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

#[cfg(not(unix))]
fn new_private(file: &Path) -> std::io::Result<std::fs::File> {
    std::fs::File::create_new(file)
}

#[cfg(unix)]
fn private(file: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        changed => changed.map_err(|source| StoreError::Io { path: file.to_owned(), source }),
    }
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// How long a compacted file may be held by another process.
const REOPEN_PATIENCE: Duration = Duration::from_secs(10);

/// The record of all runs.
pub(super) const RECORD: Kind = Kind {
    migrations: migrate::RECORD,
    advice: "Run `hitrate replay --into DIR` to rebuild the store from the archive beside it, which is the source of truth",
    name: "the store",
    while_in_use: "stop that process first (if it is a running server, verbs that can query it do so automatically)",
    is_private: false,
    keeps_copy: true,
    when_damaged: "`hitrate serve` and `hitrate collect` set the file aside and rebuild the store from the archive beside it; `hitrate replay --into DIR` rebuilds it elsewhere",
};

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.options().path).finish_non_exhaustive()
    }
}

impl Store {
    /// The error about damage that was found in the content.
    pub(super) fn damaged(&self, detail: String) -> StoreError {
        damaged(self.options(), &RECORD, detail)
    }

    /// Opens the store, creates it if there is none, and migrates its schema.
    ///
    /// A write-ahead log that cannot be replayed is set aside (renamed, never deleted) if the file opens without it: the
    /// runs in that log are in the archive. Before a migration, a copy of the file is kept.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process holds it, [`StoreError::TooNew`], [`StoreError::Denied`] if a right is
    /// missing, [`StoreError::Damaged`], [`StoreError::Open`].
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        Database::open(options, &RECORD).map(Self)
    }

    /// The options it was opened with.
    pub fn options(&self) -> &StoreOptions {
        self.0.options()
    }

    /// The write connection, for the lifetime of the guard.
    pub(super) fn writer(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        self.0.writer()
    }

    /// A connection of its own for a reader.
    pub(super) fn reader(&self) -> Result<Reader, StoreError> {
        self.0.reader()
    }

    /// Runs a query on a separate connection and stops it after the time limit.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.0.read(query)
    }

    /// Gives the free space of the database file back to the disk, if it is at least a fifth of the file, and returns the
    /// number of bytes. It copies the record: only for a process that has no other readers.
    ///
    /// # Errors
    /// [`StoreError`]; then the file is as before.
    pub fn compact(&self) -> Result<u64, StoreError> {
        self.0.checkpoint()?;
        let sql = "SELECT total_blocks, free_blocks FROM pragma_database_size() WHERE database_name = current_database()";
        let blocks = self.read(|connection| {
            Ok(rows!(connection, sql, [], |total_blocks: i64, free_blocks: i64| (total_blocks, free_blocks)))
        })?;
        let size = || std::fs::metadata(&self.options().path).map_or(0, |file| file.len());
        let before = size();
        if blocks.into_iter().next().is_none_or(|(total, free)| free == 0 || free * 5 < total) {
            return Ok(0);
        }
        self.0.rewrite(&RECORD, REOPEN_PATIENCE)?;
        Ok(before.saturating_sub(size()))
    }

    /// Writes everything to the database file and empties the write-ahead log.
    ///
    /// # Errors
    /// [`StoreError::Query`] if DuckDB cannot.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        self.0.checkpoint()
    }
}

impl Database {
    /// Opens a database as [`Store::open`] does.
    pub fn open(options: StoreOptions, kind: &Kind) -> Result<Self, StoreError> {
        let connection = opened(&options, kind)?;
        Ok(Self(Link::new(connection, options)))
    }

    /// The options it was opened with.
    pub fn options(&self) -> &StoreOptions {
        self.0.options()
    }

    /// The write connection, for the lifetime of the guard.
    pub fn writer(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        self.0.writer()
    }

    /// Runs a query on a separate connection and stops it after the time limit.
    pub fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let reader = self.reader()?;
        self.0.read_on(&reader, query)
    }

    /// A connection for several queries of a reader.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        self.0.reader()
    }

    /// Runs a query on a connection of [`Database::reader`] and stops it after the time limit.
    pub fn read_on<T>(
        &self,
        connection: &Connection,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.0.read_on(connection, query)
    }

    /// Writes everything to the database file and empties the write-ahead log.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.writer()?.execute_batch("FORCE CHECKPOINT")?)
    }

    /// Copies the database into a new file and puts it in the place of the old one. A reader that started before still
    /// reads the old file. Waits at most `patience` if another process opens the new file first.
    pub fn rewrite(&self, kind: &Kind, patience: Duration) -> Result<(), StoreError> {
        let options = self.options();
        let failed = |source| StoreError::Io { path: options.path.clone(), source };
        let mut writer = self.writer()?;
        writer.execute_batch("FORCE CHECKPOINT")?;
        let work_dir = std::fs::canonicalize(&options.work_dir).map_err(failed)?;
        // Removed when it is dropped, unless it was moved.
        let folder = tempfile::Builder::new().prefix("rewrite-").tempdir_in(&work_dir).map_err(failed)?;
        let fresh = folder.path().join("fresh.duckdb");
        let quoted = fresh.to_string_lossy().replace('\'', "''");
        let sql = "SELECT current_database() AS name";
        let name = rows!(writer, sql, [], |name: String| name).pop().unwrap_or_default();
        let name = name.replace('"', "\"\"");
        writer.execute_batch(&format!("ATTACH '{quoted}' AS fresh"))?;
        let copied = writer.execute_batch(&format!("COPY FROM DATABASE \"{name}\" TO fresh"));
        writer.execute_batch("DETACH fresh")?;
        copied?;
        if kind.is_private {
            make_private(&fresh)?;
        }
        // While the old file is still open, so that no other process writes to it in between.
        failpoint::reach("compact.copied").map_err(failed)?;
        std::fs::rename(&fresh, &options.path).map_err(failed)?;
        failpoint::reach("compact.renamed").map_err(failed)?;
        let until = Instant::now() + patience;
        let reopened = loop {
            match connect(options, kind) {
                Err(StoreError::Locked { .. }) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                opened => break opened?,
            }
        };
        confine(&reopened, &options.work_dir)?;
        *writer = reopened;
        Ok(())
    }
}

/// Opens a database file: its folders, the connection, its schema, and the limits of its queries.
pub(super) fn opened(options: &StoreOptions, kind: &Kind) -> Result<Connection, StoreError> {
    for folder in [options.path.parent().unwrap_or(Path::new(".")), options.work_dir.as_path()] {
        std::fs::create_dir_all(folder)
            .map_err(|source| StoreError::Io { path: folder.to_owned(), source })?;
    }
    let is_new = !options.path.exists();
    damage::set_orphaned_log_aside(&options.path)?;
    if kind.keeps_copy && std::fs::metadata(&options.path).is_ok_and(|file| file.is_file() && file.len() == 0)
    {
        return Err(damaged(options, kind, "it is empty".to_owned()));
    }
    let mut connection = match connect(options, kind) {
        Err(StoreError::Open { detail, .. }) => opened_despite(options, kind, detail)?,
        connected => connected?,
    };
    let named = |error| match error {
        StoreError::Query(error) if damage::is_damage(&error.to_string()) => {
            damaged(options, kind, error.to_string())
        }
        other => other,
    };
    if kind.is_private {
        make_private(&options.path)?;
        if is_new {
            create_private_log(&options.path)?;
        }
    }
    if kind.keeps_copy
        && let Some(version) = migrate::outdated(&connection, kind.migrations).map_err(named)?
    {
        migrate::keep_copy(&connection, &options.path, version).map_err(named)?;
        drop(connection);
        connection = connect(options, kind)?;
    }
    migrate::migrate(&connection, kind.migrations).map_err(named)?;
    confine(&connection, &options.work_dir)?;
    Ok(connection)
}

/// After an attempt that failed: names a right that is missing, opens the file without a damaged log, or says that the
/// file itself is damaged. A log is set aside only if the file opens without it.
fn opened_despite(options: &StoreOptions, kind: &Kind, detail: String) -> Result<Connection, StoreError> {
    let path = &options.path;
    if let Some(denied) = [path.clone(), log_of(path)].iter().find_map(|file| damage::denied(file)) {
        return Err(denied);
    }
    if !damage::is_damage(&detail) {
        return Err(StoreError::Open { path: path.clone(), detail, advice: kind.advice });
    }
    match damage::without_log(path, || connect(options, kind))? {
        Some(connection) => Ok(connection),
        None => Err(damaged(options, kind, detail)),
    }
}

fn damaged(options: &StoreOptions, kind: &Kind, detail: String) -> StoreError {
    StoreError::Damaged { what: kind.name, path: options.path.clone(), detail, advice: kind.when_damaged }
}

#[expect(clippy::disallowed_methods, reason = "the only place that opens DuckDB")]
pub(super) fn connect(options: &StoreOptions, kind: &Kind) -> Result<Connection, StoreError> {
    let config = Config::default()
        .enable_autoload_extension(false)?
        .max_memory(&options.memory)?
        .threads(options.threads)?
        .with("allow_community_extensions", "false")?
        .with("temp_directory", options.work_dir.to_string_lossy())?;
    Connection::open_with_flags(&options.path, config).map_err(|error| {
        let detail = error.to_string();
        if detail.contains("lock on file") {
            StoreError::Locked {
                what: kind.name,
                path: options.path.clone(),
                holder: format!("another process ({})", holder(&detail)),
                advice: kind.while_in_use,
            }
        } else {
            StoreError::Open { path: options.path.clone(), detail, advice: kind.advice }
        }
    })
}

/// What DuckDB reports about the process that holds the lock.
fn holder(detail: &str) -> String {
    let start = detail.find("held in").map_or(0, |at| at + "held in ".len());
    detail[start..].split(". ").next().unwrap_or(detail).trim().to_owned()
}

/// Restricts queries to the work folder; the restriction cannot be lifted while the process runs.
pub(super) fn confine(connection: &Connection, work_dir: &Path) -> Result<(), StoreError> {
    let folder = std::fs::canonicalize(work_dir)
        .map_err(|source| StoreError::Io { path: work_dir.to_owned(), source })?;
    let quoted = folder.to_string_lossy().replace('\'', "''");
    connection.execute_batch(&format!(
        "SET allowed_directories = ['{quoted}']; SET enable_external_access = false;"
    ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &Path, query_timeout: Duration) -> Store {
        let path = folder.join("record.duckdb");
        let work_dir = folder.join("work");
        Store::open(StoreOptions { path, work_dir, memory: "256MB".into(), threads: 1, query_timeout })
            .expect("the store opens")
    }

    #[test]
    fn queries_reach_the_work_folder_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = opened(folder.path(), Duration::from_secs(60));
        let run = |sql: &str| store.read(|connection| Ok(connection.execute_batch(sql)?));
        let copy = |to: &Path| run(&format!("COPY (SELECT 1) TO '{}' (FORMAT csv)", to.display()));
        let inside = store.options().work_dir.canonicalize().expect("there").join("a.csv");
        copy(&inside).expect("the work folder is open");
        let outside = folder.path().canonicalize().expect("there").join("b.csv");
        assert!(copy(&outside).is_err() && !outside.exists());
        assert!(copy(&inside.parent().expect("a folder").join("../c.csv")).is_err());
        let secret = folder.path().join("secret.csv");
        std::fs::write(&secret, "x").expect("written");
        for sql in [
            format!("SELECT * FROM read_csv('{}')", secret.display()),
            format!("ATTACH '{}'", folder.path().join("other.duckdb").display()),
            "INSTALL httpfs".to_owned(),
            "SET enable_external_access = true".to_owned(),
            "SET allowed_directories = ['/']".to_owned(),
        ] {
            assert!(run(&sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn a_query_that_takes_too_long_is_stopped_and_the_next_one_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = opened(folder.path(), Duration::from_millis(50));
        let endless =
            "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = 1";
        let stopped = store.read(|connection| Ok(connection.execute_batch(endless)?)).expect_err("stopped");
        assert!(matches!(stopped, StoreError::TimedOut { .. }), "{stopped}");
        store.read(|connection| Ok(connection.execute_batch("SELECT 1")?)).expect("it is well again");
    }
}
