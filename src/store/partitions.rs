//! The views by month, as Parquet files that DuckDB, Polars and pandas read as they are: times are UTC instants, days
//! are dates, prices are floating point, ids are texts.

use super::columns::{self, rows, select};
use super::export::work_file;
use super::views::{self, ViewDescription};
use super::{Store, StoreError};
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use duckdb::Connection;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A month of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// The view.
    pub view: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Number of rows, at least 1.
    pub rows: usize,
    /// Digest of the rows in any order. Another version of DuckDB may compute another one for the same rows.
    pub content: String,
    /// Earliest time or day of the rows.
    pub earliest: DateTime<Utc>,
    /// Latest time or day of the rows.
    pub latest: DateTime<Utc>,
}

/// What a dataset is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetPlan {
    /// Time of the newest accepted run.
    pub as_of: DateTime<Utc>,
    /// Base addresses of the upstream.
    pub upstreams: Vec<String>,
    /// Whether a run is of the simulator.
    pub simulated: bool,
    /// The last UTC day that is rolled up; null if all readings are kept.
    pub rolled_until: Option<NaiveDate>,
    /// The views.
    pub views: Vec<ViewDescription>,
}

impl Store {
    /// The views, and what the manifest of a dataset states about all of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn dataset_plan(&self) -> Result<DatasetPlan, StoreError> {
        let as_of = self.read(views::as_of)?;
        let sql =
            "SELECT upstream, bool_or(simulated) AS simulated FROM run GROUP BY upstream ORDER BY upstream";
        let upstreams = select!(self, sql, [], |upstream: String, simulated: bool| (upstream, simulated))?;
        let simulated = upstreams.iter().any(|(_, simulated)| *simulated);
        Ok(DatasetPlan {
            as_of,
            upstreams: upstreams.into_iter().map(|(upstream, _)| upstream).collect(),
            simulated,
            rolled_until: self.rolled_until()?,
            views: self.views()?,
        })
    }

    /// The months of a view that have rows, oldest first; of these months only, unless `only` is empty.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if there is no such view, otherwise [`StoreError`].
    pub fn partitions(&self, view: &str, only: &[NaiveDate]) -> Result<Vec<Partition>, StoreError> {
        let time =
            views::time(view).ok_or_else(|| StoreError::Refused(format!("there is no view `{view}`")))?;
        let mut all = self.read(months)?;
        all.retain(|month| only.is_empty() || only.contains(month));
        // Each month has the whole time limit of a query.
        let of = |month| self.read(|connection| partition(connection, (view, time), month)).transpose();
        all.into_iter().filter_map(of).collect()
    }

    /// Writes a month of a view to a new Parquet file in the work folder and returns its path; the caller moves or
    /// removes it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if there is no such view, otherwise [`StoreError`]; then no file is left behind.
    pub fn export_partition(&self, view: &str, month: NaiveDate) -> Result<PathBuf, StoreError> {
        let path = work_file(&self.options().work_dir)?;
        let written = self.read(|connection| {
            let as_of = views::as_of(connection)?;
            let query = views::query(view, span(month), as_of)
                .ok_or_else(|| StoreError::Refused(format!("there is no view `{view}`")))?;
            write(connection, &query, &path)
        });
        if written.is_err() {
            // A partial file is useless. The removal may fail because the file does not exist.
            let _ = std::fs::remove_file(&path);
        }
        written.map(|()| path)
    }
}

/// A month of a view; `None` if it has no rows.
fn partition(
    connection: &Connection,
    (view, time): (&str, &str),
    month: NaiveDate,
) -> Result<Option<Partition>, StoreError> {
    let Some(query) = views::query(view, span(month), views::as_of(connection)?) else { return Ok(None) };
    let sql = format!(
        "SELECT count(*) AS counted, CAST(sum(CAST(hash(one) AS HUGEINT)) AS VARCHAR) AS content,
            epoch_us(CAST(min({time}) AS TIMESTAMP)) AS earliest, epoch_us(CAST(max({time}) AS TIMESTAMP)) AS latest
         FROM ({query}) one
         HAVING count(*) > 0"
    );
    let found =
        rows!(connection, &sql, [], |counted: usize,
                                     content: String,
                                     earliest: DateTime<Utc>,
                                     latest: DateTime<Utc>| Partition {
            view: view.to_owned(),
            month,
            rows: counted,
            content,
            earliest,
            latest
        });
    Ok(found.into_iter().next())
}

/// The months that may have rows: charts reach back up to a year before the first run.
fn months(connection: &Connection) -> Result<Vec<NaiveDate>, StoreError> {
    // Imported data may be older than the record.
    let sql = "SELECT least(min(observed_at) - INTERVAL 12 MONTH, (SELECT min(CAST(day AS TIMESTAMP)) FROM imported_day),
            (SELECT min(since) FROM imported_price)) AS first, max(observed_at) AS last
        FROM run";
    let extent =
        rows!(connection, sql, [], |first: Option<DateTime<Utc>>, last: Option<DateTime<Utc>>| first
            .zip(last));
    let Some((first, last)) = extent.into_iter().next().flatten() else { return Ok(Vec::new()) };
    let first_of = |time: DateTime<Utc>| time.date_naive().with_day(1);
    let begin = first_of(first);
    let next = |month: &NaiveDate| month.checked_add_months(Months::new(1));
    let all = std::iter::successors(begin, next).take_while(|month| *month <= last.date_naive());
    Ok(all.collect())
}

/// The days of a month: the first one, and the first one of the next month.
fn span(month: NaiveDate) -> (NaiveDate, NaiveDate) {
    (month, month.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX))
}

/// Writes the rows of a query. Naive times become UTC instants.
fn write(connection: &Connection, query: &str, path: &std::path::Path) -> Result<(), StoreError> {
    let types = format!("DESCRIBE {query}");
    let types =
        rows!(connection, &types, [], |column_name: String, column_type: String| (column_name, column_type));
    let columns = types.iter().map(|(name, kind)| match kind.as_str() {
        "TIMESTAMP" => format!("CAST(\"{name}\" AS TIMESTAMPTZ) AS \"{name}\""),
        _ => format!("\"{name}\""),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let path = path.to_string_lossy().replace('\'', "''");
    connection.execute_batch("SET TimeZone = 'UTC'")?;
    Ok(connection.execute_batch(&format!(
        "COPY (SELECT {columns} FROM ({query})) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
    ))?)
}
