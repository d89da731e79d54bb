//! The state of the collection, as rows for the status page.

use super::columns::naive;
use super::{Store, StoreError};
use crate::domain::document::RouteAnswer;
use crate::domain::event::EventKind;
use chrono::{DateTime, NaiveDate, Utc};

/// A source in the newest run, and when it last returned data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Name.
    pub source: String,
    /// Newest run in which it returned data.
    pub newest: Option<DateTime<Utc>>,
    /// Documents of the newest run: planned, ok, no data, failed.
    pub counts: [usize; 4],
}

/// The last request for the comparison series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparisonRow {
    /// Its result.
    pub answer: RouteAnswer,
    /// Time of the request.
    pub asked_at: DateTime<Utc>,
    /// Newest day that has a closing value.
    pub newest_day: Option<NaiveDate>,
}

/// Rows of the newest run that were quarantined for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Reason.
    pub reason: String,
    /// Rows.
    pub rows: usize,
    /// Tokens of these rows.
    pub tokens: i64,
    /// One example.
    pub example: String,
}

/// An unknown field of the newest run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRow {
    /// Kind of document.
    pub kind: String,
    /// JSON path.
    pub path: String,
    /// Number of occurrences.
    pub count: usize,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// When it was observed.
    pub at: DateTime<Utc>,
    /// Kind of event.
    pub kind: EventKind,
    /// Public name of the model.
    pub model_id: Option<String>,
    /// Tag of the endpoint.
    pub tag: Option<String>,
    /// Description for people.
    pub detail: String,
}

const NEWEST_RUN: &str = "(SELECT max(run_no) AS run_no FROM run WHERE observed_at <= CAST($1 AS TIMESTAMP))";

fn count(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

fn micros(value: Option<i64>) -> Option<DateTime<Utc>> {
    value.and_then(DateTime::from_timestamp_micros)
}

impl Store {
    /// The sources of the newest run at `as_of`.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn source_rows(&self, as_of: DateTime<Utc>) -> Result<Vec<SourceRow>, StoreError> {
        let sql = format!(
            "WITH ages AS (
                SELECT s.source, epoch_us(max(r.observed_at) FILTER (WHERE s.ok > 0)) AS newest
                FROM run_source s JOIN run r USING (run_no)
                WHERE r.observed_at <= CAST($1 AS TIMESTAMP) GROUP BY s.source)
             SELECT source, newest, coalesce(planned, 0), coalesce(ok, 0), coalesce(no_data, 0), coalesce(failed, 0)
             FROM ages LEFT JOIN (SELECT s.* FROM run_source s JOIN {NEWEST_RUN} USING (run_no)) USING (source)
             ORDER BY source"
        );
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([naive(as_of)], |row| {
                let mut counts = [0; 4];
                for (position, value) in counts.iter_mut().enumerate() {
                    *value = count(row.get(2 + position)?);
                }
                Ok(SourceRow { source: row.get(0)?, newest: micros(row.get(1)?), counts })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The last request for the comparison series as of `as_of`; `None` if it was never requested.
    pub fn comparison(&self, as_of: DateTime<Utc>) -> Result<Option<ComparisonRow>, StoreError> {
        let sql = "SELECT comparison, epoch_us(observed_at),
                (SELECT CAST(max(day) AS VARCHAR) FROM closing_rate c JOIN run r USING (run_no)
                 WHERE r.observed_at <= CAST($1 AS TIMESTAMP)) AS newest_day
             FROM run WHERE comparison IS NOT NULL AND observed_at <= CAST($1 AS TIMESTAMP)
             ORDER BY observed_at DESC LIMIT 1";
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([naive(as_of)])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let (name, asked, day): (String, i64, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let unreadable = |detail: String| StoreError::Content { what: "comparison", detail };
            Ok(Some(ComparisonRow {
                answer: RouteAnswer::parse(&name).ok_or_else(|| unreadable(name))?,
                asked_at: micros(Some(asked)).ok_or_else(|| unreadable(asked.to_string()))?,
                newest_day: day.and_then(|day| day.parse().ok()),
            }))
        })
    }

    /// The quarantined rows of the newest run at `as_of`, by reason, most tokens first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn quarantine_rows(&self, as_of: DateTime<Utc>) -> Result<Vec<QuarantineRow>, StoreError> {
        let sql = format!(
            "SELECT reason, count(*), CAST(coalesce(sum(tokens), 0) AS BIGINT) AS lost,
                    min(concat(kind, ' ', coalesce(model, ''), ' ', path, ': ', detail))
             FROM quarantine JOIN {NEWEST_RUN} USING (run_no)
             GROUP BY reason ORDER BY lost DESC, reason"
        );
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([naive(as_of)], |row| {
                Ok(QuarantineRow {
                    reason: row.get(0)?,
                    rows: count(row.get(1)?),
                    tokens: row.get(2)?,
                    example: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The unknown fields of the newest run at `as_of`.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn drift_rows(&self, as_of: DateTime<Utc>) -> Result<Vec<DriftRow>, StoreError> {
        let sql = format!(
            "SELECT kind, path, count FROM drift JOIN {NEWEST_RUN} USING (run_no) ORDER BY kind, path LIMIT 200"
        );
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([naive(as_of)], |row| {
                Ok(DriftRow { kind: row.get(0)?, path: row.get(1)?, count: count(row.get(2)?) })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The events up to `as_of`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn event_rows(&self, as_of: DateTime<Utc>, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let sql = format!(
            "SELECT epoch_us(v.seen_at), v.kind, m.model_id, h.tag, v.detail
             FROM event v
             LEFT JOIN endpoint e USING (endpoint_no)
             LEFT JOIN (SELECT endpoint_no, max_by(tag, valid_from) AS tag FROM endpoint_history GROUP BY ALL) h
                 USING (endpoint_no)
             LEFT JOIN (SELECT model, variant, max_by(model_id, valid_from) AS model_id FROM model_history GROUP BY ALL) m
                 ON m.model = e.model AND m.variant = e.variant
             WHERE v.seen_at <= CAST($1 AS TIMESTAMP)
             ORDER BY v.seen_at DESC, v.kind DESC, m.model_id, h.tag LIMIT {limit}"
        );
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([naive(as_of)], |row| {
                let (at, kind): (_, String) = (micros(row.get(0)?).unwrap_or(as_of), row.get(1)?);
                let (model_id, tag, detail) = (row.get(2)?, row.get(3)?, row.get(4)?);
                Ok(match EventKind::parse(&kind) {
                    Some(kind) => Ok(EventRow { at, kind, model_id, tag, detail }),
                    None => Err(StoreError::Content { what: "kind of event", detail: kind }),
                })
            })?;
            rows.map(|row| row?).collect()
        })
    }
}
