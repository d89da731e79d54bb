//! Rolls hourly readings up to days: of each endpoint and day, the readings that lists as of the end of the day need are
//! kept, and the others are removed. The row of the day is in `endpoint_day` since the day was closed.

use super::columns::{self, naive, rows};
use super::export::in_span;
use super::hourly::HOURLY;
use super::transaction::{of_file, transaction};
use super::{Store, StoreError};
use crate::domain::thresholds::{HOURLY_MIN_TOKENS, HOURLY_TOLERANCE};
use crate::domain::window::midnight;
use crate::failpoint;
use chrono::{DateTime, Days, NaiveDate, Utc};
use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};

const KEPT: &str = include_str!("../../queries/retention/kept.sql");
const SIZES: &str = include_str!("../../queries/retention/sizes.sql");
const REMOVE: &str = include_str!("../../queries/retention/remove.sql");

/// Which readings are kept, in the column `rollup.method`.
const METHOD: &str = "day-end-1";

/// Number of days that are rolled up at once; limits the memory use.
const DAYS_AT_ONCE: u64 = 14;

/// A step of rolling readings up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledUp {
    /// First UTC day.
    pub first_day: NaiveDate,
    /// Last UTC day.
    pub last_day: NaiveDate,
    /// Readings that were removed.
    pub removed: u64,
    /// Readings of these days that are kept.
    pub kept: u64,
}

impl Store {
    /// The last UTC day that is rolled up; `None` if all readings are kept.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn rolled_until(&self) -> Result<Option<NaiveDate>, StoreError> {
        self.read(rolled_until)
    }

    /// Rolls up the UTC days up to `last`, in one transaction. `None` if there is nothing to roll up. Only days before
    /// the day of the newest run are rolled up, because these are closed. With `dry_run`, nothing is changed: the result
    /// is what would be.
    ///
    /// # Errors
    /// [`StoreError::Query`]; then nothing is changed.
    pub fn roll_up(&self, last: NaiveDate, dry_run: bool) -> Result<Option<RolledUp>, StoreError> {
        let connection = self.writer()?;
        let Some((first, last, newest)) = range(&connection, last)? else { return Ok(None) };
        if dry_run {
            return Ok(Some(counted(&connection, first, last)?));
        }
        let rolled = transaction(&connection, || {
            let mut rolled = RolledUp { first_day: first, last_day: last, removed: 0, kept: 0 };
            for (from, to) in spans(first, last) {
                keep_sizes(&connection, from, to)?;
                connection.execute(KEPT, params![from.to_string(), to.to_string()])?;
                let removed = connection.execute(REMOVE, params![from.to_string(), to.to_string()])?;
                rolled.removed += u64::try_from(removed).unwrap_or(0);
                rolled.kept += kept(&connection)?;
            }
            connection.execute(
                "INSERT INTO rollup VALUES (?, ?, ?, ?, ?, ?)",
                params![
                    first.to_string(),
                    last.to_string(),
                    naive(newest),
                    rolled.removed,
                    rolled.kept,
                    METHOD
                ],
            )?;
            failpoint::reach("rollup.removed").map_err(of_file(&connection))?;
            Ok(rolled)
        })?;
        connection.execute_batch("DROP TABLE IF EXISTS kept_reading; FORCE CHECKPOINT")?;
        Ok(Some(rolled))
    }
}

fn rolled_until(connection: &Connection) -> Result<Option<NaiveDate>, StoreError> {
    let sql = "SELECT max(last_day) AS last_day FROM rollup";
    Ok(rows!(connection, sql, [], |last_day: Option<NaiveDate>| last_day).pop().flatten())
}

/// The days to roll up, up to `last`, and the time of the newest accepted run.
fn range(
    connection: &Connection,
    last: NaiveDate,
) -> Result<Option<(NaiveDate, NaiveDate, DateTime<Utc>)>, StoreError> {
    let sql = "SELECT min(observed_at) AS first, max(observed_at) AS newest FROM run WHERE status NOT IN ('failed', 'suspect')";
    let extent =
        rows!(connection, sql, [], |first: Option<DateTime<Utc>>, newest: Option<DateTime<Utc>>| first
            .zip(newest));
    let Some((first, newest)) = extent.into_iter().next().flatten() else { return Ok(None) };
    let day = newest.date_naive();
    let last = last.min(day.pred_opt().unwrap_or(day));
    let first = match rolled_until(connection)? {
        Some(rolled) => rolled.succ_opt().unwrap_or(rolled),
        None => first.date_naive(),
    };
    Ok((first <= last && last < day).then_some((first, last, newest)))
}

/// The days in pieces.
fn spans(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = (NaiveDate, NaiveDate)> {
    let end_of =
        move |from: NaiveDate| from.checked_add_days(Days::new(DAYS_AT_ONCE - 1)).unwrap_or(last).min(last);
    let next = move |(_, to): &(NaiveDate, NaiveDate)| {
        to.succ_opt().filter(|from| *from <= last).map(|from| (from, end_of(from)))
    };
    std::iter::successors(Some((first, end_of(first))), next)
}

fn counted(connection: &Connection, first: NaiveDate, last: NaiveDate) -> Result<RolledUp, StoreError> {
    let mut rolled = RolledUp { first_day: first, last_day: last, removed: 0, kept: 0 };
    let sql = "SELECT count(*) AS readings FROM stored_reading WHERE run_no IN (
            SELECT run_no FROM run WHERE CAST(observed_at AS DATE) BETWEEN CAST(? AS DATE) AND CAST(? AS DATE))";
    for (from, to) in spans(first, last) {
        let bounds = params![from.to_string(), to.to_string()];
        let all = rows!(connection, sql, bounds, |readings: i64| readings).pop().unwrap_or(0);
        connection.execute(KEPT, params![from.to_string(), to.to_string()])?;
        let kept = kept(connection)?;
        rolled.kept += kept;
        rolled.removed += u64::try_from(all).unwrap_or(0).saturating_sub(kept);
    }
    connection.execute_batch("DROP TABLE IF EXISTS kept_reading")?;
    Ok(rolled)
}

fn kept(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) AS kept FROM kept_reading";
    let kept = rows!(connection, sql, [], |kept: i64| kept).pop().unwrap_or(0);
    Ok(u64::try_from(kept).unwrap_or(0))
}

/// Keeps the sizes of requests of each day, which need its hourly rates.
fn keep_sizes(connection: &Connection, from: NaiveDate, to: NaiveDate) -> Result<(), StoreError> {
    for day in from.iter_days().take_while(|day| *day <= to) {
        let next = day.succ_opt().unwrap_or(day);
        let hourly = in_span(HOURLY, midnight(day), midnight(next))
            .replace("$3", &HOURLY_MIN_TOKENS.to_string())
            .replace("$4", &HOURLY_TOLERANCE.to_string());
        let sql =
            SIZES.replace("FROM hourly", &format!("FROM ({hourly})")).replace("{day}", &day.to_string());
        connection.execute(&sql, [])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_days_once() {
        let day = |number: u64| NaiveDate::default() + Days::new(number);
        let pieces: Vec<_> = spans(day(0), day(30)).collect();
        assert_eq!(pieces, [(day(0), day(13)), (day(14), day(27)), (day(28), day(30))]);
        assert_eq!(spans(day(5), day(5)).collect::<Vec<_>>(), [(day(5), day(5))]);
    }
}
