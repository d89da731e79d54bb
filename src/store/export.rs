//! Exports readings, hourly rates and days to files: DuckDB writes them to the work folder, and the caller moves or
//! streams them to their destination.

use super::columns::naive;
use super::columns::{self, Columns, Floats, Integers};
use super::hourly::HOURLY;
use super::read::DAYS;
use super::{Store, StoreError};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant, names};
use crate::domain::thresholds::{HOURLY_MIN_TOKENS, HOURLY_TOLERANCE};
use crate::domain::window::WindowKind;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::params;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// The oldest run whose readings are among the newest N. Parameters: from, to, N.
const FIRST_RUN: &str = "
    WITH counted AS (
        SELECT observed_at, sum(endpoints) OVER (ORDER BY observed_at DESC) - endpoints AS newer
        FROM run
        WHERE observed_at >= CAST($1 AS TIMESTAMP) AND observed_at < CAST($2 AS TIMESTAMP) AND status NOT IN ('failed', 'suspect')
    )
    SELECT epoch_us(min(observed_at)) FROM counted WHERE newer < CAST($3 AS BIGINT)";
const READINGS: &str = include_str!("../../queries/analysis/readings.sql");
const HOURLY_EXPORT: &str = include_str!("../../queries/analysis/hourly_export.sql");
const DAYS_EXPORT: &str = include_str!("../../queries/analysis/days_export.sql");

/// Time columns of `export days`.
const DAY_TIMES: &[&str] = &["last_reading_at"];

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

/// A row of the export.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingRow {
    /// Run.
    pub run_id: String,
    /// Time of the run.
    pub observed_at: DateTime<Utc>,
    /// Kind of window that the usage covers.
    pub window_kind: WindowKind,
    /// Bounds of the window, if known.
    pub window: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Model.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Endpoint.
    pub endpoint_id: Uuid,
    /// Provider.
    pub provider: ProviderSlug,
    /// Display name.
    pub provider_name: String,
    /// Routing name at that time.
    pub tag: Tag,
    /// Hit rate.
    pub hit_rate: Option<f64>,
    /// Tokens.
    pub tokens: Option<i64>,
    /// Effective input and output price.
    pub effective: [Option<f64>; 2],
    /// List prices: input, output, cache read, cache write, cache write with a lifetime of one hour.
    pub list: [Option<f64>; 5],
    /// Uptime over 5 minutes, 30 minutes and one day.
    pub uptime: [Option<f64>; 3],
    /// Upstream status code.
    pub status: Option<i32>,
    /// Maximum prompt length, tokens.
    pub max_prompt_tokens: Option<i64>,
    /// When the upstream stops offering the endpoint.
    pub deprecation_date: Option<DateTime<Utc>>,
    /// When the upstream began to offer the endpoint.
    pub created_at: Option<DateTime<Utc>>,
}

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
        let as_of = self.newest_run(None)?.map_or(DateTime::UNIX_EPOCH, |run| run.observed_at);
        let query = format!("WITH days AS ({DAYS}) SELECT * FROM ({DAYS_EXPORT})")
            .replace("$1", &format!("'{from}'"))
            .replace("$2", &format!("'{to}'"))
            .replace("$3", &format!("'{}'", naive(as_of)));
        self.export(&query, DAY_TIMES, format)
    }

    fn export(&self, query: &str, times: &[&str], format: ExportFormat) -> Result<PathBuf, StoreError> {
        let number = EXPORTS.fetch_add(1, Ordering::Relaxed);
        let folder = std::fs::canonicalize(&self.options().work_dir)
            .map_err(|source| StoreError::Io { path: self.options().work_dir.clone(), source })?;
        let path = folder.join(format!("export-{}-{number}", std::process::id()));
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
    ) -> Result<Vec<ReadingRow>, StoreError> {
        let from = self.read(|connection| {
            let first: Option<i64> =
                connection.query_row(FIRST_RUN, params![naive(from), naive(to), most], |row| row.get(0))?;
            Ok(first.and_then(DateTime::from_timestamp_micros).unwrap_or(from))
        })?;
        let mut rows = self.readings(from, to)?;
        rows.drain(..rows.len().saturating_sub(most));
        Ok(rows)
    }

    /// The readings of `[from, to)` as rows, oldest run first.
    pub fn readings(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<ReadingRow>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT * EXCLUDE (observed_at, window_start, window_end, deprecation_date, created_at),
                    epoch_us(observed_at) AS observed_us, epoch_us(window_start) AS window_start_us,
                    epoch_us(window_end) AS window_end_us,
                    epoch_us(deprecation_date) AS deprecation_us, epoch_us(created_at) AS created_us FROM ({READINGS}) ORDER BY observed_at, model, variant, endpoint_id"
            );
            columns::rows(connection, &sql, params![naive(from), naive(to)], reading_rows)
        })
    }
}

/// A query with its time span inlined: COPY accepts no parameters, and this program renders both times itself.
fn in_span(query: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    query.replace("$1", &format!("'{}'", naive(from))).replace("$2", &format!("'{}'", naive(to)))
}

fn reading_rows(columns: Columns<'_>, rows: &mut Vec<ReadingRow>) -> Result<(), StoreError> {
    let unreadable = |what: &'static str, detail: String| StoreError::Content { what, detail };
    let (observed, run_id, kind) =
        (columns.integers("observed_us")?, columns.texts("run_id")?, columns.texts("window_kind")?);
    let (model, variant, endpoint) =
        (columns.texts("model")?, columns.texts("variant")?, columns.texts("endpoint_id")?);
    let (provider, name, tag) =
        (columns.texts("provider")?, columns.texts("provider_name")?, columns.texts("tag")?);
    let (window_start, window_end) =
        (columns.integers("window_start_us")?, columns.integers("window_end_us")?);
    let (tokens, status) = (columns.integers("tokens")?, columns.integers("status")?);
    let hit_rate = columns.floats("hit_rate")?;
    let effective = [columns.floats("effective_input")?, columns.floats("effective_output")?];
    let list = [
        columns.floats("list_input")?,
        columns.floats("list_output")?,
        columns.floats("list_cache_read")?,
        columns.floats("list_cache_write")?,
        columns.floats("list_cache_write_1h")?,
    ];
    let max_prompt_tokens = columns.integers("max_prompt_tokens")?;
    let (deprecation, created) = (columns.integers("deprecation_us")?, columns.integers("created_us")?);
    let uptime = [columns.floats("uptime_5m")?, columns.floats("uptime_30m")?, columns.floats("uptime_1d")?];
    for row in 0..columns.height() {
        let micros = observed.must(row)?;
        let observed_at =
            DateTime::from_timestamp_micros(micros).ok_or_else(|| unreadable("time", micros.to_string()))?;
        let kind = kind.must(row)?;
        let window_kind =
            WindowKind::parse(kind).ok_or_else(|| unreadable("window kind", kind.to_owned()))?;
        let tokens = tokens.get(row);
        rows.push(ReadingRow {
            run_id: run_id.must(row)?.to_owned(),
            observed_at,
            window_kind,
            window: time(&window_start, row).zip(time(&window_end, row)),
            model: ModelSlug::new(model.must(row)?),
            variant: Variant::new(variant.must(row)?),
            endpoint_id: endpoint.uuid(row)?,
            provider: ProviderSlug::new(provider.must(row)?),
            provider_name: name.must(row)?.to_owned(),
            tag: Tag::new(tag.must(row)?),
            hit_rate: hit_rate.get(row),
            tokens,
            effective: each(&effective, row),
            list: each(&list, row),
            uptime: each(&uptime, row),
            status: status.get(row).and_then(|status| i32::try_from(status).ok()),
            max_prompt_tokens: max_prompt_tokens.get(row),
            deprecation_date: time(&deprecation, row),
            created_at: time(&created, row),
        });
    }
    Ok(())
}

/// The time in a column of microseconds since 1970.
fn time(column: &Integers<'_>, row: usize) -> Option<DateTime<Utc>> {
    column.get(row).and_then(DateTime::from_timestamp_micros)
}

fn each<const N: usize>(columns: &[Floats<'_>; N], row: usize) -> [Option<f64>; N] {
    columns.each_ref().map(|column| column.get(row))
}
