//! The record of all runs in DuckDB. The only module that names duckdb: open, migrate, write, read, and the bridge from
//! Arrow to data frames.

mod backtest;
mod columns;
mod days;
mod export;
mod frame;
mod hourly;
mod ingest;
mod migrate;
mod open;
mod read;
mod status;
mod tiers;
mod uptime;

pub use export::{ExportFormat, ReadingRow};
pub use hourly::HourlyRecord;
pub use ingest::{Ingested, RunRecord};
pub use open::{Store, StoreOptions};
pub use read::{EndpointDayRow, EndpointNow, PastValues, RunCounts, RunRow};
pub use status::{ComparisonRow, DriftRow, EventRow, QuarantineRow, SourceRow};
pub use tiers::TierChangeRow;

use std::path::PathBuf;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error(
        "the store {path} is in use by another process ({holder}); stop it, or ask it: verbs that can do so go through its address by themselves"
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// What DuckDB says of the holder.
        holder: String,
    },
    /// The file was written by a newer version.
    #[error(
        "the store was written by a newer version of hitrate (schema {found}, this one knows {known}); update hitrate, or rebuild with `hitrate replay`"
    )]
    TooNew {
        /// Schema version of the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// A migration is not the one that was applied.
    #[error(
        "migration {version} of the store is not the one this version of hitrate ships; rebuild with `hitrate replay --into DIR`"
    )]
    MigrationChanged {
        /// Which.
        version: i64,
    },
    /// Runs must come in order of time: history is kept as rows that are valid from-to.
    #[error(
        "the run at {observed_at} is older than the newest one in the store ({newest}); collect in order, or rebuild with `hitrate replay`"
    )]
    OutOfOrder {
        /// Of the run.
        observed_at: String,
        /// Of the newest one stored.
        newest: String,
    },
    /// The store cannot be opened.
    #[error(
        "cannot open the store {path}: {detail}. The archive beside it is the source of truth: `hitrate replay --into DIR` rebuilds the store from it"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// What DuckDB says.
        detail: String,
    },
    /// A column of a query cannot become a data frame column.
    #[error("column `{column}` has the type {kind}, which data frames do not take: cast it in the SQL")]
    UnsupportedColumn {
        /// The column.
        column: String,
        /// Its Arrow type.
        kind: String,
    },
    /// A query took longer than it may.
    #[error("a query took longer than {seconds} s and was stopped")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// A file could not be written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stored value is not what was written.
    #[error("the store holds a {what} that cannot be read: {detail}")]
    Content {
        /// Which.
        what: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// Anything else that DuckDB says.
    #[error("store: {0}")]
    Query(#[from] duckdb::Error),
}

/// How DuckDB's messages begin where the machine or the file is at fault and not the data: disk, memory, rights, limits,
/// and a database that gave up.
const OF_THE_MACHINE: [&str; 8] = [
    "IO Error",
    "Out of Memory Error",
    "Permission Error",
    "FATAL Error",
    "INTERNAL Error",
    "INTERRUPT Error",
    "TransactionContext Error",
    "Connection Error",
];

impl StoreError {
    /// Whether the data that were to be stored are at fault, so that other data may be stored. A locked file, a full disk
    /// or a lack of memory is not: it would hit all data alike.
    pub fn concerns_content(&self) -> bool {
        match self {
            Self::OutOfOrder { .. } | Self::Content { .. } => true,
            Self::Query(error) => {
                let message = error.to_string();
                !OF_THE_MACHINE.iter().any(|kind| message.starts_with(kind))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn errors_of_the_data_are_told_from_errors_of_the_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = |memory: &str| StoreOptions {
            path: folder.path().join(format!("{memory}.duckdb")),
            work_dir: folder.path().join("work"),
            memory: memory.into(),
            threads: 1,
            query_timeout: Duration::from_secs(60),
        };
        let store = Store::open(options("256MB")).expect("it opens");
        let fails = |store: &Store, sql: &str| {
            store.read(|connection| Ok(connection.execute_batch(sql)?)).expect_err(sql)
        };
        for sql in [
            "SELECT CAST('1000000000' AS DECIMAL(18, 9))",
            "SELECT CAST(1e19 AS BIGINT)",
            "SELECT CAST('+58375-01-01' AS TIMESTAMP)",
            "INSERT INTO run SELECT NULL FROM range(1)",
        ] {
            let error = fails(&store, sql);
            assert!(error.concerns_content(), "{sql}: {error}");
        }
        for sql in ["COPY (SELECT 1) TO '/nowhere/at/all.csv'", "ROLLBACK"] {
            let error = fails(&store, sql);
            assert!(!error.concerns_content(), "{sql}: {error}");
        }
        let small = Store::open(options("20MB")).expect("it opens");
        let error = fails(&small, "SELECT list(range) FROM range(20000000)");
        assert!(!error.concerns_content(), "{error}");
        let locked = StoreError::Locked { path: PathBuf::new(), holder: String::new() };
        assert!(!locked.concerns_content());
    }
}
