//! Copies of a database for backups, and what such a copy contains.

use super::columns::{self, rows};
use super::export::work_file;
use super::{Store, StoreError, StoreOptions, TrafficStore, migrate, open};
use duckdb::Connection;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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

fn copy(connection: &Connection, options: &StoreOptions) -> Result<PathBuf, StoreError> {
    let path = work_file(&options.work_dir)?;
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
