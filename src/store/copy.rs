//! Copies of a database for backups, and what such a copy contains.

use super::columns::{self, rows};
use super::export::work_file_as;
use super::{Store, StoreError, StoreOptions, TrafficStore, migrate, open};
use duckdb::Connection;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// How the name of a copy begins; a process and a number follow.
const COPY: &str = "copy";

/// A table of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableContent {
    /// Its name.
    pub table: String,
    /// Number of rows.
    pub rows: usize,
    /// Digest of the rows in any order. Another version of DuckDB may compute another one for the same rows.
    pub digest: String,
}

/// What a database contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreContent {
    /// Version of the schema.
    pub schema: i64,
    /// Version of DuckDB that computed the digests.
    pub duckdb: String,
    /// The tables, by name.
    pub tables: Vec<TableContent>,
}

impl StoreContent {
    /// How another content differs from this one, one sentence for each table. Digests count only if the same version of
    /// DuckDB computed them.
    pub fn differences(&self, found: &Self) -> Vec<String> {
        let compare_digests = self.duckdb == found.duckdb;
        let mut all = Vec::new();
        if self.schema != found.schema {
            all.push(format!("the schema is {}, expected {}", found.schema, self.schema));
        }
        for expected in &self.tables {
            match found.tables.iter().find(|table| table.table == expected.table) {
                None => all.push(format!("the table `{}` is missing", expected.table)),
                Some(table) if table.rows != expected.rows => all.push(format!(
                    "the table `{}` has {} rows, expected {}",
                    table.table, table.rows, expected.rows
                )),
                Some(table) if compare_digests && table.digest != expected.digest => {
                    all.push(format!("the rows of the table `{}` differ", table.table));
                }
                Some(_) => {}
            }
        }
        all
    }

    /// Number of rows of a table; 0 if there is no such table.
    pub fn rows_of(&self, table: &str) -> usize {
        self.tables.iter().find(|one| one.table == table).map_or(0, |one| one.rows)
    }
}

impl Store {
    /// Writes a consistent copy of the record to a new file in the work folder and returns its path; the caller moves or
    /// removes it. Runs can be stored meanwhile: the copy has the state of its start.
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn copy(&self) -> Result<PathBuf, StoreError> {
        let connection = self.reader()?;
        copy(&connection, self.options())
    }

    /// Counts and digests of all tables.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn content(&self) -> Result<StoreContent, StoreError> {
        let connection = self.reader()?;
        content(&connection)
    }

    /// The version of the schema.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn schema(&self) -> Result<i64, StoreError> {
        self.read(migrate::version)
    }
}

impl TrafficStore {
    /// Writes a consistent copy of the user's own traffic, like [`Store::copy`].
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn copy(&self) -> Result<PathBuf, StoreError> {
        let database = self.database();
        let connection = database.reader()?;
        let copied = copy(&connection, database.options())?;
        open::make_private(&copied)?;
        Ok(copied)
    }
}

/// As long as a process has one of these, no process removes copies from a work folder. The system ends it with the
/// process, also if that is killed.
#[derive(Debug)]
pub struct CopiesInUse {
    /// `None` if the file system has no locks for folders; then stale copies are not removed either.
    _lock: Option<File>,
}

impl CopiesInUse {
    /// Begins before the first copy is made. Waits while another process removes stale ones.
    pub fn begin(work_dir: &Path) -> Self {
        // Without the folder, the copy fails and says so.
        _ = fs::create_dir_all(work_dir);
        // The folder itself is locked, so that the lock needs no file.
        let locked = File::open(work_dir).and_then(|folder| folder.lock_shared().map(|()| folder));
        Self { _lock: locked.ok() }
    }
}

/// Removes the copies of databases that killed processes left in a work folder, unless a process makes or uses one now.
/// Returns how many.
pub fn remove_stale_copies(work_dir: &Path) -> usize {
    let Ok(folder) = File::open(work_dir) else { return 0 };
    if folder.try_lock().is_err() {
        return 0;
    }
    let Ok(entries) = fs::read_dir(work_dir) else { return 0 };
    let is_copy = |entry: &fs::DirEntry| {
        entry.file_type().is_ok_and(|kind| kind.is_file()) && is_copy(&entry.file_name().to_string_lossy())
    };
    let mut removed = 0;
    for path in entries.filter_map(Result::ok).filter(is_copy).map(|entry| entry.path()) {
        match fs::remove_file(&path) {
            Ok(()) => {
                removed += 1;
                tracing::warn!(path = %path.display(), "removed a copy of the database that a killed process left");
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a copy of the database that a killed process left stays");
            }
        }
    }
    removed
}

/// Whether a file of a work folder is a copy of a database or its write-ahead log, by its name.
fn is_copy(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let name = name.strip_suffix(".wal").unwrap_or(name);
    let numbers =
        name.strip_prefix(COPY).and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.split_once('-'));
    numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
}

fn copy(connection: &Connection, options: &StoreOptions) -> Result<PathBuf, StoreError> {
    let _in_use = CopiesInUse::begin(&options.work_dir);
    let path = work_file_as(COPY, &options.work_dir)?;
    // Databases are attached to all connections, so each copy has a name of its own.
    let name = path.file_name().map(|name| name.to_string_lossy().replace('-', "_")).unwrap_or_default();
    let quoted = path.to_string_lossy().replace('\'', "''");
    let sql = "SELECT current_database() AS name";
    let source = rows!(connection, sql, [], |name: String| name).pop().unwrap_or_default();
    let source = source.replace('"', "\"\"");
    let run = |sql: &str| connection.execute_batch(sql).map_err(StoreError::from);
    let copied = run(&format!("ATTACH '{quoted}' AS {name}")).and_then(|()| {
        // In one transaction, so that all tables have the state of one moment. The checkpoint leaves no write-ahead log.
        let copied =
            run(&format!("BEGIN; COPY FROM DATABASE \"{source}\" TO {name}; COMMIT; CHECKPOINT {name}"));
        if copied.is_err() {
            // There is none to take back if the checkpoint failed.
            let _ = run("ROLLBACK");
        }
        copied.and(run(&format!("DETACH {name}")))
    });
    if copied.is_err() {
        // A partial copy is useless. The removal may fail because the file does not exist.
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_file(format!("{}.wal", path.display()));
    }
    copied.map(|()| path)
}

fn content(connection: &Connection) -> Result<StoreContent, StoreError> {
    let sql = "SELECT table_name AS name FROM duckdb_tables()
        WHERE NOT internal AND NOT temporary AND database_name = current_database()
        ORDER BY name";
    let names = rows!(connection, sql, [], |name: String| name);
    let table = |name: String| -> Result<TableContent, StoreError> {
        let quoted = name.replace('"', "\"\"");
        let sql = format!(
            "SELECT count(*) AS counted, CAST(COALESCE(sum(CAST(hash(one) AS HUGEINT)), 0) AS VARCHAR) AS digest
             FROM \"{quoted}\" one"
        );
        let found = rows!(connection, &sql, [], |counted: usize, digest: String| (counted, digest)).pop();
        let (rows, digest) = found.unwrap_or_default();
        Ok(TableContent { table: name, rows, digest })
    };
    let tables = names.into_iter().map(table).collect::<Result<_, _>>()?;
    let duckdb = rows!(connection, "SELECT version() AS version", [], |version: String| version).pop();
    Ok(StoreContent { schema: migrate::version(connection)?, duckdb: duckdb.unwrap_or_default(), tables })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_copies_are_removed_but_nothing_else_and_none_in_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let others = ["copy", "copy-1", "copy-1-a", "copy-1-2.csv", "export-1-2", "my-copy-1-2", "copy--2"];
        for name in ["copy-1-0", "copy-4194304-12", "copy-1-0.wal"].iter().chain(&others) {
            fs::write(folder.path().join(name), name).expect("written");
        }
        fs::create_dir(folder.path().join("copy-7-7")).expect("created");
        let first = CopiesInUse::begin(folder.path());
        let second = CopiesInUse::begin(folder.path());
        drop(first);
        assert_eq!(remove_stale_copies(folder.path()), 0, "another backup still runs");
        drop(second);
        assert_eq!(remove_stale_copies(folder.path()), 3);
        let names =
            fs::read_dir(folder.path()).expect("listed").map(|entry| entry.expect("there").file_name());
        let mut left: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        left.sort();
        let mut expected = [&others[..], &["copy-7-7"]].concat();
        expected.sort_unstable();
        assert_eq!(left, expected);
        assert_eq!(remove_stale_copies(&folder.path().join("nowhere")), 0);
    }
}
