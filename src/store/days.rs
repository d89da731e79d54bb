//! Closed days, with one row per endpoint: the source of the tier lists and the monthly pages, so that they need not
//! read every hour again. A day is closed when a run of a later day is stored. A late reading of a closed day is added
//! as a newer row.

use super::columns::{self, naive, rows};
use super::transaction::transaction;
use super::{Store, StoreError};
use chrono::{DateTime, Duration, NaiveTime, Utc};
use duckdb::Connection;

const CLOSE_DAYS: &str = include_str!("../../queries/ingest/close_days.sql");
const LATE_DAYS: &str = include_str!("../../queries/ingest/late_days.sql");
const THIN_USAGE: &str = include_str!("../../queries/ingest/thin_usage.sql");

/// Number of days aggregated per step of a full rebuild; limits the memory use.
const DAYS_AT_ONCE: i64 = 14;

/// Closes the open days before the day of `time`, inside the caller's transaction.
pub(super) fn close_before(connection: &Connection, time: DateTime<Utc>) -> Result<(), StoreError> {
    connection.execute(CLOSE_DAYS, [naive(time)])?;
    connection.execute(THIN_USAGE, [naive(time)])?;
    Ok(())
}

/// Adds the late readings of the runs `[first, last]` to closed days, inside the caller's transaction.
pub(super) fn add_late(connection: &Connection, first: i32, last: i32) -> Result<(), StoreError> {
    connection.execute(LATE_DAYS, [first, last])?;
    Ok(())
}

impl Store {
    /// Rebuilds the rows of all closed days that are not rolled up from their readings and returns the number of rows. The content does not
    /// change: for checks and benchmarks.
    ///
    /// # Errors
    /// [`StoreError::Query`]; then nothing is changed.
    pub fn rebuild_days(&self) -> Result<usize, StoreError> {
        let connection = self.writer()?;
        transaction(&connection, || rebuild(&connection))
    }
}

fn rebuild(connection: &Connection) -> Result<usize, StoreError> {
    connection.execute_batch(
        "DELETE FROM endpoint_day WHERE day > (SELECT coalesce(max(last_day), DATE '1970-01-01') FROM rollup)",
    )?;
    let sql = "SELECT min(observed_at) AS first, max(observed_at) AS last FROM run WHERE status NOT IN ('failed', 'suspect')";
    let extent =
        rows!(connection, sql, [], |first: Option<DateTime<Utc>>, last: Option<DateTime<Utc>>| first
            .zip(last));
    let Some((first, last)) = extent.into_iter().next().flatten() else { return Ok(0) };
    let mut until = first.date_naive().and_time(NaiveTime::MIN).and_utc();
    while until < last {
        until = (until + Duration::days(DAYS_AT_ONCE)).min(last);
        connection.execute(CLOSE_DAYS, [naive(until)])?;
    }
    // One run after the other, in their original order: each is compared with what was known before it.
    let sql = "SELECT coalesce(max(run_no), 0) AS newest FROM run";
    let newest = rows!(connection, sql, [], |newest: i32| newest);
    add_late(connection, 1, newest.first().copied().unwrap_or(0))?;
    Ok(rows!(connection, "SELECT count(*) AS closed FROM endpoint_day", [], |closed: usize| closed)
        .pop()
        .unwrap_or(0))
}
