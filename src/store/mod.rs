//! The record of all runs in DuckDB. The only module that uses duckdb: it opens, migrates, writes and reads the store,
//! and converts Arrow data to data frames.

mod append;
mod backtest;
mod changes;
mod columns;
mod copy;
mod damage;
mod days;
mod export;
mod facts;
mod frame;
mod hourly;
mod imported;
mod ingest;
mod link;
mod migrate;
mod open;
mod parquet;
mod partitions;
mod query;
mod read;
mod recommendations;
mod reopen;
mod rollup;
mod seasons;
mod shifts;
mod status;
mod tiers;
mod traffic;
mod transaction;
mod uptime;
mod views;

pub use changes::{ChangeNames, FactsRow, ListedModel, WindowMove};
pub use copy::{CopiesInUse, StoreContent, TableContent, remove_stale_copies};
pub use export::ExportFormat;
pub use frame::Answer;
pub use hourly::HourlyRecord;
pub use imported::{ImportedAs, ImportedDayRow};
pub use ingest::{Ingested, RunRecord};
pub use open::{Store, StoreOptions};
pub use parquet::ParquetWriter;
pub use partitions::{DatasetPlan, Partition};
pub use query::{MAX_QUERY_TIME, MAX_ROWS, MAX_SQL, QueryAnswer, QueryColumn, QueryCut, QueryLimits};
pub use read::{EndpointDayRow, EndpointNow, PastValues, PriceSpan, RunRow};
pub use recommendations::{
    PastRecommendations, Recommendation, RecommendationChange, RecommendationKind, RecommendedDay,
};
pub use rollup::RolledUp;
pub use shifts::{EventEndpoint, OutageRow, ShiftRow, StatusRow};
pub use tiers::TierChangeRow;
pub use traffic::answers;
pub use traffic::{
    CallFilter, Forget, Forgotten, ImportOptions, Imported, ImportedFile, Overlap, OwnCall, Resolved,
    TrafficStore,
};
pub use views::{ViewColumn, ViewDescription};

use chrono::{DateTime, Utc};
use std::path::PathBuf;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum StoreError {
    /// Another process has locked the file.
    #[error("{what} {path} is in use by {holder}; {advice}")]
    Locked { what: &'static str, path: PathBuf, holder: String, advice: &'static str },
    /// The file was written by a newer version.
    #[error(
        "the store was written by a newer version of hitrate (schema {found}; this version supports up to {known}); update hitrate, put a copy from before the update (`hitrate.duckdb.schema-{known}`, beside the store) in its place, or rebuild with `hitrate replay --into DIR`"
    )]
    TooNew { found: i64, known: i64 },
    /// The text of a migration differs from the one that was applied.
    #[error(
        "migration {version} of the store differs from the one in this version of hitrate; rebuild with `hitrate replay --into DIR`"
    )]
    MigrationChanged { version: i64 },
    /// Runs must be stored in chronological order: the history consists of rows with a validity period.
    #[error(
        "the run at {} is older than the newest one in the store ({}); collect in chronological order, or rebuild with `hitrate replay`",
        observed_at.to_rfc3339(), newest.to_rfc3339()
    )]
    OutOfOrder { observed_at: DateTime<Utc>, newest: DateTime<Utc> },
    /// The store cannot be opened.
    #[error("cannot open the store {path}: {detail}. {advice}")]
    Open { path: PathBuf, detail: String, advice: &'static str },
    /// A file of the store is damaged.
    #[error("{what} {path} is damaged: {detail}. {advice}")]
    Damaged { what: &'static str, path: PathBuf, detail: String, advice: &'static str },
    /// This process lacks a right for a file.
    #[error(
        "this process may not read and write {path}: {source}; give its user both rights (`chown`, `chmod u+rw`) and start again. The file is not known to be damaged"
    )]
    Denied { path: PathBuf, source: std::io::Error },
    /// The file is closed after a fatal error of the database.
    #[error(
        "the store {path} is closed ({reason}); the running service opens it again by itself, so try again in a minute. Nothing is lost: the archive has every run"
    )]
    Closed { path: PathBuf, reason: String },
    /// Readers use the file, so it cannot be closed.
    #[error(
        "the store {path} is in use by queries of this process, so it cannot be opened again yet; the next attempt is in a minute"
    )]
    Busy { path: PathBuf },
    /// A log overlaps with another source of the user's own traffic.
    #[error("{0}")]
    Overlap(Box<Overlap>),
    /// A query column cannot be converted to a data frame column.
    #[error("column `{column}` has the type {kind}, which data frames do not support; cast it in the SQL")]
    UnsupportedColumn { column: String, kind: String },
    /// A query exceeded its time limit.
    #[error("a query took longer than {seconds} s and was stopped")]
    TimedOut { seconds: u64 },
    /// A question took too much memory.
    #[error(
        "the query took more than {mib} MiB for intermediate results and was stopped; filter or group earlier"
    )]
    TooMuchMemory { mib: i64 },
    /// A question that is not answered.
    #[error("{0}")]
    Refused(String),
    /// A file could not be written.
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// A stored value cannot be read.
    #[error("the store contains an unreadable {what}: {detail}")]
    Content { what: &'static str, detail: String },
    /// Any other error of DuckDB.
    #[error("store: {0}")]
    Query(#[from] duckdb::Error),
}

/// Prefixes of DuckDB messages that blame the machine or the file and not the data: disk, memory, permissions, limits,
/// and a database that was invalidated.
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
    /// Whether the data to be stored caused the error, so that other data may still be stored. A locked file, a full
    /// disk or a lack of memory would affect all data.
    pub fn concerns_content(&self) -> bool {
        match self {
            Self::OutOfOrder { .. } | Self::Content { .. } => true,
            Self::Query(error) => {
                let message = error.to_string();
                !OF_THE_MACHINE.iter().any(|kind| message.starts_with(kind)) && !damage::is_damage(&message)
            }
            _ => false,
        }
    }

    /// What DuckDB says about the damage, if a file of the store is damaged: only a new file helps.
    pub fn damage(&self) -> Option<String> {
        match self {
            Self::Damaged { detail, .. } => Some(detail.clone()),
            // Of a store that is opened read-only; otherwise damage is recognised when it is opened.
            Self::Open { detail, .. } => Some(detail.clone()).filter(|detail| damage::is_damage(detail)),
            Self::Closed { reason, .. } => Some(reason.clone()).filter(|reason| damage::is_damage(reason)),
            Self::Query(error) => Some(error.to_string()).filter(|detail| damage::is_damage(detail)),
            _ => None,
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
        let locked = StoreError::Locked {
            what: "the store",
            path: PathBuf::new(),
            holder: String::new(),
            advice: "stop it",
        };
        assert!(!locked.concerns_content());
    }
}
