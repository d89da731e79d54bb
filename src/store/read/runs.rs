//! The runs of the record, and what the newest accepted one knew.

use crate::domain::document::{Pair, RouteAnswer};
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::reading::{Known, RunStatus};
use crate::domain::record::{RunSummary, Trouble, with_run_summary};
use crate::domain::thresholds::EMPTY_ANSWER_HOURS;
use crate::domain::window::WindowKind;
use crate::store::columns::{self, each_row, naive, records, rows, select};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Duration, Utc};
use duckdb::Connection;
use std::collections::BTreeSet;

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// What is published of it.
    pub run: RunSummary,
    /// Whether the upstream was the simulator.
    pub simulated: bool,
    /// Result of the request for the comparison series; `None` if it was not requested.
    pub comparison: Option<RouteAnswer>,
    /// Name of the upstream.
    pub upstream_name: String,
}

impl Store {
    /// The window kind of the newest accepted run before a time that knew it.
    pub fn last_window_kind(&self, before: DateTime<Utc>) -> Result<Option<WindowKind>, StoreError> {
        let sql = "SELECT max_by(window_kind, run_no) AS kind FROM run WHERE window_kind <> 'unknown' AND status NOT IN ('failed', 'suspect') AND observed_at < CAST(? AS TIMESTAMP)";
        Ok(rows!(self.writer()?, sql, [naive(before)], |kind: Option<WindowKind>| kind).pop().flatten())
    }

    /// The state of the newest accepted run before a time. If that run is too old to show what is missing, only the
    /// window kind.
    pub fn known(&self, before: DateTime<Utc>) -> Result<Known, StoreError> {
        let window_kind = self.last_window_kind(before)?;
        let mut known = Known { window_kind, ..Known::default() };
        let oldest = before - Duration::hours(EMPTY_ANSWER_HOURS);
        let sql = "SELECT e.model, e.variant, bool_or(r.has_usage) AS used
             FROM reading r JOIN endpoint e USING (endpoint_no)
             WHERE r.run_no = (
                SELECT max(run_no) FROM run
                WHERE status NOT IN ('failed', 'suspect') AND observed_at < CAST(? AS TIMESTAMP)
                    AND observed_at >= CAST(? AS TIMESTAMP))
             GROUP BY ALL";
        let span = [naive(before), naive(oldest)];
        let pairs = rows!(self.writer()?, sql, span, |model: ModelSlug, variant: Variant, used: bool| {
            (Pair { model, variant }, used)
        });
        for (pair, used) in pairs {
            if used {
                known.used.insert(pair.clone());
            }
            known.listed.insert(pair);
        }
        Ok(known)
    }

    /// Whether an accepted run of the UTC day of `at` has what is requested once a day.
    pub fn has_daily(&self, at: DateTime<Utc>) -> Result<bool, StoreError> {
        self.has_run(at, "activity")
    }

    /// Whether an accepted run of the UTC day of `at` has the comparison series, or knows that it is not offered.
    pub fn has_comparison(&self, at: DateTime<Utc>) -> Result<bool, StoreError> {
        self.has_run(at, "comparison IN ('answered', 'not_offered')")
    }

    fn has_run(&self, at: DateTime<Utc>, condition: &str) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT run_id FROM run
             WHERE {condition} AND status NOT IN ('failed', 'suspect')
               AND CAST(observed_at AS DATE) = CAST(? AS DATE) LIMIT 1"
        );
        let day = at.date_naive().to_string();
        Ok(!rows!(self.writer()?, &sql, [&day], |run_id: String| run_id).is_empty())
    }

    /// The runs up to `as_of`, newest first, at most `limit`.
    pub fn runs(&self, as_of: DateTime<Utc>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let newest_first =
            format!("WHERE observed_at <= CAST(? AS TIMESTAMP) ORDER BY observed_at DESC LIMIT {limit}");
        self.runs_where(&newest_first, naive(as_of))
    }

    /// The runs that the end of a query selects.
    fn runs_where(&self, end: &str, parameter: String) -> Result<Vec<RunRow>, StoreError> {
        let sql = format!("SELECT * FROM run {end}");
        self.read(|connection| {
            let mut rows = Vec::new();
            for batch in columns::batches(&mut connection.prepare(&sql)?, [&parameter])? {
                let batch = batch?;
                macro_rules! summaries {
                    ($($field:ident),+) => {
                        records!(&batch, RunSummary { $($field),+ })
                    };
                }
                let mut runs = with_run_summary!(summaries).into_iter();
                each_row!(&batch, |simulated: bool,
                                   comparison: Option<RouteAnswer>,
                                   upstream_name: String| {
                    rows.extend(runs.next().map(|run| RunRow { run, simulated, comparison, upstream_name }));
                });
            }
            Ok(rows)
        })
    }

    /// What the newest runs up to `as_of` lack; `None` if the newest is complete, or if there is none.
    pub fn trouble(&self, as_of: DateTime<Utc>) -> Result<Option<Trouble>, StoreError> {
        let newest = self.runs(as_of, 1)?.pop().map(|row| row.run);
        let Some(newest) = newest.filter(|run| run.status != RunStatus::Ok) else { return Ok(None) };
        let good =
            if newest.status.is_accepted() { "status = 'ok'" } else { "status NOT IN ('failed', 'suspect')" };
        let sql = format!(
            "WITH good AS (SELECT max(observed_at) AS at FROM run
                WHERE {good} AND observed_at <= CAST(? AS TIMESTAMP))
             SELECT count(*) AS runs, min(observed_at) AS since, any_value(good.at) AS last_good FROM run, good
             WHERE observed_at <= CAST(? AS TIMESTAMP) AND (good.at IS NULL OR observed_at > good.at)"
        );
        let times = [naive(as_of), naive(as_of)];
        let found = select!(
            self,
            &sql,
            times,
            |runs: usize, since: Option<DateTime<Utc>>, last_good: Option<DateTime<Utc>>| (
                runs, since, last_good
            )
        );
        let Some((runs, Some(since), last_good)) = found?.pop() else { return Ok(None) };
        let (status, reason) = (newest.status, newest.failures.into_iter().next());
        Ok(Some(Trouble { status, since, runs, last_good, reason }))
    }

    /// The ids of all runs, including failed ones.
    pub fn run_ids(&self) -> Result<BTreeSet<String>, StoreError> {
        let ids = rows!(self.writer()?, "SELECT run_id FROM run", [], |run_id: String| run_id);
        Ok(ids.into_iter().collect())
    }

    /// The ids of the runs that are in the record: those that neither failed nor are suspect.
    pub fn accepted_ids(&self) -> Result<BTreeSet<String>, StoreError> {
        let sql = "SELECT run_id FROM run WHERE status NOT IN ('failed', 'suspect')";
        let ids = rows!(self.writer()?, sql, [], |run_id: String| run_id);
        Ok(ids.into_iter().collect())
    }

    /// The number of runs up to `as_of` and the time of the first.
    pub fn extent(&self, as_of: DateTime<Utc>) -> Result<(usize, Option<DateTime<Utc>>), StoreError> {
        let sql = "SELECT count(*) AS runs, min(observed_at) AS first FROM run WHERE observed_at <= CAST(? AS TIMESTAMP)";
        let extent =
            select!(self, sql, [naive(as_of)], |runs: usize, first: Option<DateTime<Utc>>| (runs, first));
        Ok(extent?.pop().unwrap_or_default())
    }

    /// The newest accepted run at or before `as_of`; `None` means no limit.
    pub fn newest_run(&self, as_of: Option<DateTime<Utc>>) -> Result<Option<RunRow>, StoreError> {
        let limit = as_of.map_or_else(|| "9999-12-31".to_owned(), naive);
        let newest = "WHERE observed_at <= CAST(? AS TIMESTAMP) AND status NOT IN ('failed', 'suspect') ORDER BY observed_at DESC LIMIT 1";
        Ok(self.runs_where(newest, limit)?.pop())
    }

    /// Time of the newest accepted run.
    pub fn newest_accepted(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(self.newest_run(None)?.map(|row| row.run.observed_at))
    }

    /// The run with an id, whatever its status.
    pub fn run(&self, run_id: &str) -> Result<Option<RunRow>, StoreError> {
        Ok(self.runs_where("WHERE run_id = ?", run_id.to_owned())?.pop())
    }

    /// The newest run at or before `as_of` that did not fail, if it is suspect.
    pub fn suspect_run(&self, as_of: DateTime<Utc>) -> Result<Option<RunRow>, StoreError> {
        let newest = "WHERE observed_at <= CAST(? AS TIMESTAMP) AND status <> 'failed' ORDER BY observed_at DESC LIMIT 1";
        let newest = self.runs_where(newest, naive(as_of))?.pop();
        Ok(newest.filter(|row| row.run.status == RunStatus::Suspect))
    }

    /// Time of the newest run, including failed ones.
    pub fn newest_time(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let connection = self.writer()?;
        newest_time(&connection)
    }
}

/// Time of the newest run, including failed ones.
pub(in crate::store) fn newest_time(connection: &Connection) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT max(observed_at) AS newest FROM run";
    Ok(rows!(connection, sql, [], |newest: Option<DateTime<Utc>>| newest).pop().flatten())
}
