//! Exports readings, hourly rates, days and recommendations to files: DuckDB writes them to the work folder, and the caller moves or
//! streams them to their destination.

use super::columns::{self, naive, select};
use super::hourly::HOURLY;
use super::read::DAYS;
use super::{Store, StoreError};
use crate::domain::ids::names;
use crate::domain::record::{RecentReading, with_recent_reading};
use crate::domain::thresholds::{HOURLY_MIN_TOKENS, HOURLY_TOLERANCE};
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::params;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The oldest run whose readings are among the newest N. Parameters: from, to, N.
const FIRST_RUN: &str = "
    WITH counted AS (
        SELECT observed_at, sum(endpoints) OVER (ORDER BY observed_at DESC) - endpoints AS newer
        FROM run
        WHERE observed_at >= CAST($1 AS TIMESTAMP) AND observed_at < CAST($2 AS TIMESTAMP) AND status NOT IN ('failed', 'suspect')
    )
    SELECT min(observed_at) AS first FROM counted WHERE newer < CAST($3 AS BIGINT)";
pub(super) const READINGS: &str = include_str!("../../queries/analysis/readings.sql");
pub(super) const HOURLY_EXPORT: &str = include_str!("../../queries/analysis/hourly_export.sql");
pub(super) const DAYS_EXPORT: &str = include_str!("../../queries/analysis/days_export.sql");
const IMPORTED_EXPORT: &str = include_str!("../../queries/imports/export.sql");
const RECOMMENDATIONS_EXPORT: &str = include_str!("../../queries/recommendations/export.sql");

const IMPORTED_TIMES: &[&str] = &["read_at"];
/// Time columns of `export days` and `export recommendations`.
const DAY_TIMES: &[&str] = &["last_reading_at"];
const RECOMMENDATION_TIMES: &[&str] = &["closed_at"];

names! {
    /// File formats of an export.
    ExportFormat {
        /// Comma-separated values with a header row; times in RFC 3339; null is empty.
        Csv = "csv",
        /// One JSON array of objects; times in RFC 3339.
        Json = "json",
        /// Parquet, compressed with zstd; times are naive UTC timestamps.
        Parquet = "parquet",
    }
}

impl ExportFormat {
    fn copy_options(self) -> &'static str {
        match self {
            Self::Csv => "FORMAT csv, HEADER",
            Self::Json => "FORMAT json, ARRAY true",
            Self::Parquet => "FORMAT parquet, COMPRESSION zstd",
        }
    }

    /// The columns, with times in the representation of the format.
    fn columns(self, times: &[&str]) -> String {
        let text = |name: &&str| format!("strftime({name}, '%Y-%m-%dT%H:%M:%SZ') AS {name}");
        match self {
            Self::Parquet => "*".to_owned(),
            Self::Csv | Self::Json => {
                format!("* REPLACE ({})", times.iter().map(text).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Time columns of `export readings` and `export hourly`.
const READING_TIMES: [&str; 5] =
    ["observed_at", "window_start", "window_end", "deprecation_date", "created_at"];
const HOURLY_TIMES: [&str; 3] = ["observed_at", "window_start", "window_end"];

static EXPORTS: AtomicU64 = AtomicU64::new(0);

impl Store {
    /// Writes the readings of `[from, to)` to a new file in the work folder and returns its path; the caller moves or
    /// removes it.
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn export_readings(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        format: ExportFormat,
    ) -> Result<PathBuf, StoreError> {
        self.export(&in_span(READINGS, from, to), &READING_TIMES, format)
    }

    /// Writes the hourly rates of the runs in `[from, to)`, including refused ones, like [`Store::export_readings`].
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn export_hourly(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        format: ExportFormat,
    ) -> Result<PathBuf, StoreError> {
        let hourly = in_span(HOURLY, from, to)
            .replace("$3", &HOURLY_MIN_TOKENS.to_string())
            .replace("$4", &HOURLY_TOLERANCE.to_string());
        self.export(&format!("WITH hourly AS ({hourly}) {HOURLY_EXPORT}"), &HOURLY_TIMES, format)
    }

    /// Writes one row per endpoint and UTC day in `[from, to]` to a file, like [`Store::export_readings`]. The
    /// numbers are those of [`Store::days`] as of the newest run; days without a reading are included.
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn export_days(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        format: ExportFormat,
    ) -> Result<PathBuf, StoreError> {
        // Without a run there are no rows, whatever the time span.
        let as_of = self.newest_run(None)?.map_or(DateTime::UNIX_EPOCH, |row| row.run.observed_at);
        let query = format!("WITH days AS ({DAYS}) SELECT * FROM ({DAYS_EXPORT})")
            .replace("$1", &format!("'{from}'"))
            .replace("$2", &format!("'{to}'"))
            .replace("$3", &format!("'{}'", naive(as_of)));
        self.export(&query, DAY_TIMES, format)
    }

    /// Writes one row per model and closed UTC day in `[from, to]` to a file, like [`Store::export_readings`]: what a
    /// version of the method recommended at the end of the day.
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn export_recommendations(
        &self,
        method_version: u32,
        (from, to): (NaiveDate, NaiveDate),
        format: ExportFormat,
    ) -> Result<PathBuf, StoreError> {
        let query = RECOMMENDATIONS_EXPORT
            .replace("$1", &format!("'{from}'"))
            .replace("$2", &format!("'{to}'"))
            .replace("$3", &method_version.to_string());
        self.export(&query, RECOMMENDATION_TIMES, format)
    }

    /// Writes one row per source, endpoint and UTC day in `[from, to]` of imported data to a file, like
    /// [`Store::export_readings`].
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn export_imported(
        &self,
        (from, to): (NaiveDate, NaiveDate),
        format: ExportFormat,
    ) -> Result<PathBuf, StoreError> {
        let query = IMPORTED_EXPORT.replace("$1", &format!("'{from}'")).replace("$2", &format!("'{to}'"));
        self.export(&query, IMPORTED_TIMES, format)
    }

    fn export(&self, query: &str, times: &[&str], format: ExportFormat) -> Result<PathBuf, StoreError> {
        let path = work_file(&self.options().work_dir)?;
        let sql = format!(
            "COPY (SELECT {} FROM ({query})) TO '{}' ({})",
            format.columns(times),
            path.to_string_lossy().replace('\'', "''"),
            format.copy_options()
        );
        let written = self.read(|connection| Ok(connection.execute_batch(&sql)?));
        if written.is_err() {
            // A partial file is useless. The removal may fail because the file does not exist.
            let _ = std::fs::remove_file(&path);
        }
        written.map(|()| path)
    }

    /// The newest `most` readings of `[from, to)`, oldest run first.
    pub fn newest_readings(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<RecentReading>, StoreError> {
        let parameters = params![naive(from), naive(to), most];
        let first = select!(self, FIRST_RUN, parameters, |first: Option<DateTime<Utc>>| first)?;
        let first = first.into_iter().next().flatten();
        let mut rows = self.readings(first.unwrap_or(from), to)?;
        rows.drain(..rows.len().saturating_sub(most));
        Ok(rows)
    }

    /// The readings of `[from, to)` as rows, oldest run first.
    pub fn readings(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<RecentReading>, StoreError> {
        macro_rules! read {
            ($($field:ident),+) => {
                select!(self, READINGS, [naive(from), naive(to)], RecentReading { $($field),+ })
            };
        }
        with_recent_reading!(read)
    }
}

/// The path of a new file in the work folder.
pub(super) fn work_file(folder: &Path) -> Result<PathBuf, StoreError> {
    work_file_as("export", folder)
}

/// The path of a new file in the work folder whose name begins with a word.
pub(super) fn work_file_as(word: &str, folder: &Path) -> Result<PathBuf, StoreError> {
    let number = EXPORTS.fetch_add(1, Ordering::Relaxed);
    let folder =
        std::fs::canonicalize(folder).map_err(|source| StoreError::Io { path: folder.to_owned(), source })?;
    Ok(folder.join(format!("{word}-{}-{number}", std::process::id())))
}

/// A query with its time span inlined: COPY accepts no parameters, and this program renders both times itself.
pub(super) fn in_span(query: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    query.replace("$1", &format!("'{}'", naive(from))).replace("$2", &format!("'{}'", naive(to)))
}
