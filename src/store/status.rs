//! The state of the collection, as rows for the status page.

use super::columns::{self, naive, select};
use super::{Store, StoreError};
use crate::domain::record::{ComparisonAge, DriftCount, QuarantineCount, SourceAge};
use chrono::{DateTime, Utc};

const NEWEST_RUN: &str = "(SELECT max(run_no) AS run_no FROM run WHERE observed_at <= CAST($1 AS TIMESTAMP))";

impl Store {
    /// The sources of the newest run at `as_of`.
    pub fn sources(&self, as_of: DateTime<Utc>) -> Result<Vec<SourceAge>, StoreError> {
        let sql = format!(
            "WITH ages AS (
                SELECT s.source, max(r.observed_at) FILTER (WHERE s.ok > 0) AS newest
                FROM run_source s JOIN run r USING (run_no)
                WHERE r.observed_at <= CAST($1 AS TIMESTAMP) GROUP BY s.source)
             SELECT source, newest, coalesce(planned, 0) AS planned, coalesce(ok, 0) AS ok,
                coalesce(no_data, 0) AS no_data, coalesce(failed, 0) AS failed
             FROM ages LEFT JOIN (SELECT s.* FROM run_source s JOIN {NEWEST_RUN} USING (run_no)) USING (source)
             ORDER BY source"
        );
        select!(self, &sql, [naive(as_of)], SourceAge { source, newest, planned, ok, no_data, failed })
    }

    /// The last request for the comparison series as of `as_of`; `None` if it was never requested.
    pub fn comparison(&self, as_of: DateTime<Utc>) -> Result<Option<ComparisonAge>, StoreError> {
        let sql = "SELECT comparison, observed_at,
                (SELECT max(day) FROM closing_rate c JOIN run r USING (run_no)
                 WHERE r.observed_at <= CAST($1 AS TIMESTAMP)) AS newest_day
             FROM run WHERE comparison IS NOT NULL AND observed_at <= CAST($1 AS TIMESTAMP)
             ORDER BY observed_at DESC LIMIT 1";
        let answers = select!(
            self,
            sql,
            [naive(as_of)],
            ComparisonAge { answer: comparison, asked_at: observed_at, newest_day }
        );
        Ok(answers?.pop())
    }

    /// The quarantined rows of the newest run at `as_of`, by reason, most tokens first.
    pub fn quarantined(&self, as_of: DateTime<Utc>) -> Result<Vec<QuarantineCount>, StoreError> {
        let sql = format!(
            "SELECT reason, count(*) AS lines, CAST(coalesce(sum(tokens), 0) AS BIGINT) AS lost,
                    min(concat(kind, ' ', coalesce(model, ''), ' ', path, ': ', detail)) AS example
             FROM quarantine JOIN {NEWEST_RUN} USING (run_no)
             GROUP BY reason ORDER BY lost DESC, reason"
        );
        select!(self, &sql, [naive(as_of)], QuarantineCount { reason, rows: lines, tokens: lost, example })
    }

    /// The unknown fields of the newest run at `as_of`.
    pub fn drift(&self, as_of: DateTime<Utc>) -> Result<Vec<DriftCount>, StoreError> {
        let sql = format!(
            "SELECT kind, path, count FROM drift JOIN {NEWEST_RUN} USING (run_no) ORDER BY kind, path LIMIT 200"
        );
        select!(self, &sql, [naive(as_of)], DriftCount { kind, path, count })
    }
}
