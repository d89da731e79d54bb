//! Helpers for several test files: times, folders, settings, and direct access to the database file.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use hitrate::config::Config;
use hitrate::pipeline::{DataDir, open_store};
use hitrate::store::{Store, StoreError};
use tempfile::TempDir;

/// A time from its RFC 3339 text.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// A folder that is deleted with its guard.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The default settings, overridden by a text.
pub fn config(text: &str) -> Config {
    Config::parse(text, Path::new("hitrate.toml")).expect("valid settings")
}

/// The store of a data folder, under the default settings.
pub fn try_store(folder: &Path) -> Result<Store, StoreError> {
    open_store(&config(""), &DataDir::new(folder))
}

/// The same; panics if it cannot be opened.
pub fn store(folder: &Path) -> Store {
    try_store(folder).expect("the store opens")
}

/// The database file of a data folder, opened directly; no store may have it open.
#[allow(clippy::disallowed_methods)]
fn file(folder: &Path) -> duckdb::Connection {
    duckdb::Connection::open(DataDir::new(folder).store()).expect("the database file opens")
}

/// The names of the files in a folder that were set aside, in order.
pub fn set_aside(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable"));
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.contains(".damaged-") || name.contains(".misdated-"));
    names.sort();
    names
}

/// Runs statements directly on the database file.
pub fn tamper(folder: &Path, sql: &str) {
    file(folder).execute_batch(sql).expect("the statements run");
}

/// The texts that a query on the database file gives in its first column.
pub fn column(folder: &Path, query: &str) -> Vec<String> {
    texts(&file(folder), query)
}

/// The rows of a query on the database file, each as one text.
pub fn rows(folder: &Path, query: &str) -> Vec<String> {
    column(folder, &format!("SELECT CAST(one AS VARCHAR) FROM ({query}) one"))
}

/// Every table of the database file with its rows in a fixed order.
pub fn dump(folder: &Path) -> Vec<(String, Vec<String>)> {
    let connection = file(folder);
    let tables = texts(&connection, "SELECT table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY 1");
    let of = |table: &String| {
        texts(&connection, &format!("SELECT CAST(t AS VARCHAR) AS row FROM {table} t ORDER BY row"))
    };
    tables.iter().map(|table| (table.clone(), of(table))).collect()
}

fn texts(connection: &duckdb::Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("a valid query");
    let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
    rows.collect::<Result<_, _>>().expect("texts")
}

/// The rows of a query over a table on a copy of the database file and its write-ahead log, each as one text, or the error;
/// none if there is no file or no such table. The original stays as it is: opening a database replays its log.
#[allow(clippy::disallowed_methods)]
pub fn rows_of_copy(folder: &Path, table: &str, query: &str) -> Result<Vec<String>, String> {
    let (store, copied) = (DataDir::new(folder).store(), tempfile::tempdir().expect("a temporary folder"));
    if !store.is_file() {
        return Ok(Vec::new());
    }
    for ending in ["", ".wal"] {
        let from = format!("{}{ending}", store.display());
        if Path::new(&from).is_file() {
            let to = copied.path().join(format!("hitrate.duckdb{ending}"));
            std::fs::copy(from, to).expect("copied");
        }
    }
    let read = || -> Result<Vec<String>, duckdb::Error> {
        let connection = duckdb::Connection::open(DataDir::new(copied.path()).store())?;
        let texts = |sql: &str| -> Result<Vec<String>, duckdb::Error> {
            connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
        };
        if texts("SELECT table_name FROM duckdb_tables()")?.iter().all(|name| name != table) {
            return Ok(Vec::new());
        }
        texts(query)
    };
    read().map_err(|error| error.to_string())
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable").map(|entry| entry.expect("readable")) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("copied");
        }
    }
}

/// All files of a folder, in its folders too.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
