//! Shifts, outages and lasting statuses: what the change-point method reads and writes, and the events as rows.

use super::append::append;
use super::columns::{self, naive, rows, select};
use super::transaction::{of_file, transaction};
use super::{Store, StoreError};
use crate::domain::change::{Change, ChangedField};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::shift::Shift;
use crate::domain::thresholds::{
    OUTAGE_DEEP_UPTIME, OUTAGE_GAP_MINUTES, OUTAGE_MIN_READINGS, OUTAGE_UPTIME, STATUS_MIN_HOURS,
    STATUS_MIN_READINGS,
};
use crate::domain::tier_history::RunDay;
use crate::failpoint;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::{Connection, params};
use std::collections::BTreeMap;
use uuid::Uuid;

const LIST_MOVES: &str = include_str!("../../queries/shifts/list_moves.sql");
const CHANGES: &str = include_str!("../../queries/shifts/changes.sql");
const OUTAGES: &str = include_str!("../../queries/shifts/outages.sql");
const STATUSES: &str = include_str!("../../queries/shifts/statuses.sql");

/// The endpoint of an event, with the names of that time.
#[derive(Debug, Clone, PartialEq)]
pub struct EventEndpoint {
    /// Canonical slug of the model.
    pub model: ModelSlug,
    /// Its variant.
    pub variant: Variant,
    /// Its public name.
    pub model_id: Option<String>,
    /// The endpoint.
    pub endpoint_id: Uuid,
    /// Base slug of the provider.
    pub provider: Option<ProviderSlug>,
    /// Routing name.
    pub tag: Option<Tag>,
}

impl EventEndpoint {
    /// A change of this endpoint.
    pub fn name(self, change: Change) -> Change {
        Change {
            model: Some(self.model),
            variant: Some(self.variant),
            model_id: self.model_id,
            endpoint_id: Some(self.endpoint_id),
            provider: self.provider,
            tag: self.tag,
            ..change
        }
    }
}

/// A recorded shift with its endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftRow {
    /// Time of the first reading after the shift.
    pub at: DateTime<Utc>,
    /// What shifted.
    pub field: ChangedField,
    /// Level before, in the unit of the field.
    pub level_before: f64,
    /// Level after, in the unit of the field.
    pub level_after: f64,
    /// Hours that were compared before the shift.
    pub hours_before: i64,
    /// Hours that were compared after it.
    pub hours_after: i64,
    /// Number of readings before the shift.
    pub readings_before: usize,
    /// Number of readings after it.
    pub readings_after: usize,
    /// Scatter, as a standard deviation in the unit of the field.
    pub scatter: f64,
    /// Probability of such a shift by chance.
    pub p_value: f64,
    /// The same after the correction for the number of series.
    pub q_value: f64,
    /// The endpoint.
    pub endpoint: EventEndpoint,
}

/// An outage of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct OutageRow {
    /// Time of the first bad reading.
    pub at: DateTime<Utc>,
    /// Time of the first reading after the outage; `None` while it lasts.
    pub until: Option<DateTime<Utc>>,
    /// Number of bad readings.
    pub readings: usize,
    /// Lowest uptime over 30 minutes, 0..1; `None` if none was published.
    pub lowest: Option<f64>,
    /// The last uptime over 30 minutes before it, at most a day old.
    pub uptime_before: Option<f64>,
    /// The worst status code.
    pub status: Option<i32>,
    /// The endpoint.
    pub endpoint: EventEndpoint,
}

/// A lasting change of the upstream's status of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusRow {
    /// Time of the first reading with the new status.
    pub at: DateTime<Utc>,
    /// The lasting status before.
    pub status_before: i32,
    /// The new status.
    pub status: i32,
    /// Number of consecutive readings that showed it.
    pub readings: usize,
    /// Hours that they span.
    pub hours: i64,
    /// The endpoint.
    pub endpoint: EventEndpoint,
}

/// The rows of a query about events: the named columns, and those of the endpoint.
macro_rules! events {
    ($store:expr, $sql:expr, $parameters:expr, $type:ident { $($field:ident: $kind:ty),+ $(,)? }) => {
        select!(
            $store,
            $sql,
            $parameters,
            |$($field: $kind,)+
             model: ModelSlug,
             variant: Variant,
             model_id: Option<String>,
             endpoint_id: Uuid,
             provider: Option<ProviderSlug>,
             tag: Option<Tag>| {
                let endpoint = EventEndpoint { model, variant, model_id, endpoint_id, provider, tag };
                $type { $($field,)+ endpoint }
            }
        )
    };
}

impl Store {
    /// The newest UTC day before `before` that was examined for shifts by this version of the method.
    pub fn newest_shift_day(
        &self,
        method_version: u32,
        before: NaiveDate,
    ) -> Result<Option<NaiveDate>, StoreError> {
        let sql =
            "SELECT max(day) AS newest FROM shift_day WHERE method_version = ? AND day < CAST(? AS DATE)";
        let parameters = params![method_version, before.to_string()];
        Ok(rows!(self.writer()?, sql, parameters, |newest: Option<NaiveDate>| newest).pop().flatten())
    }

    /// Start of the newest shift of each endpoint and field that was found before a day.
    pub fn reported_shifts(
        &self,
        method_version: u32,
        before: NaiveDate,
    ) -> Result<BTreeMap<(i64, ChangedField), DateTime<Utc>>, StoreError> {
        let sql =
            "SELECT CAST(endpoint_no AS BIGINT) AS endpoint_no, field, max(shift_from) AS newest FROM shift
             WHERE method_version = ? AND day < CAST(? AS DATE) GROUP BY endpoint_no, field";
        let parameters = params![method_version, before.to_string()];
        let found = select!(
            self,
            sql,
            parameters,
            |endpoint_no: i64, field: ChangedField, newest: DateTime<Utc>| { ((endpoint_no, field), newest) }
        )?;
        Ok(found.into_iter().collect())
    }

    /// When list prices of prompt tokens moved in `[from, to]`, by endpoint, as known at `to`.
    pub fn list_moves(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<BTreeMap<i64, Vec<DateTime<Utc>>>, StoreError> {
        let parameters = params![naive(from), naive(to)];
        let moves =
            select!(self, LIST_MOVES, parameters, |endpoint_no: i64, at: DateTime<Utc>| (endpoint_no, at))?;
        let mut by_endpoint: BTreeMap<i64, Vec<DateTime<Utc>>> = BTreeMap::new();
        for (endpoint, at) in moves {
            by_endpoint.entry(endpoint).or_default().push(at);
        }
        Ok(by_endpoint)
    }

    /// Stores the shifts that were found at the end of a day, in one transaction. A day that is already stored is
    /// replaced.
    ///
    /// # Errors
    /// [`StoreError::Query`]; then nothing is changed.
    pub fn close_shift_day(
        &self,
        method_version: u32,
        day: RunDay,
        examined: usize,
        shifts: &[Shift],
    ) -> Result<(), StoreError> {
        let connection = self.writer()?;
        transaction(&connection, || {
            write(&connection, method_version, day, (examined, shifts))?;
            failpoint::reach("days.shifts").map_err(of_file(&connection))
        })
    }

    /// The shifts that began in `[from, to)`, as known at `as_of`, newest first.
    pub fn shifts(
        &self,
        method_version: u32,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        as_of: DateTime<Utc>,
    ) -> Result<Vec<ShiftRow>, StoreError> {
        let parameters = params![method_version, naive(from), naive(to), naive(as_of)];
        events!(self, CHANGES, parameters, ShiftRow {
            at: DateTime<Utc>,
            field: ChangedField,
            level_before: f64,
            level_after: f64,
            hours_before: i64,
            hours_after: i64,
            readings_before: usize,
            readings_after: usize,
            scatter: f64,
            p_value: f64,
            q_value: f64,
        })
    }

    /// The outages that began in `[from, to)`, as known at `as_of`, newest first.
    pub fn outages(
        &self,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        as_of: DateTime<Utc>,
    ) -> Result<Vec<OutageRow>, StoreError> {
        let parameters = params![
            naive(from),
            naive(to),
            naive(as_of),
            OUTAGE_UPTIME,
            OUTAGE_GAP_MINUTES,
            OUTAGE_MIN_READINGS,
            OUTAGE_DEEP_UPTIME
        ];
        events!(self, OUTAGES, parameters, OutageRow {
            at: DateTime<Utc>,
            until: Option<DateTime<Utc>>,
            readings: usize,
            lowest: Option<f64>,
            uptime_before: Option<f64>,
            status: Option<i32>,
        })
    }

    /// The lasting changes of the upstream's status that began in `[from, to)`, as known at `as_of`, newest first.
    pub fn status_changes(
        &self,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        as_of: DateTime<Utc>,
    ) -> Result<Vec<StatusRow>, StoreError> {
        let parameters = params![naive(from), naive(to), naive(as_of), STATUS_MIN_READINGS, STATUS_MIN_HOURS];
        events!(self, STATUSES, parameters, StatusRow {
            at: DateTime<Utc>,
            status_before: i32,
            status: i32,
            readings: usize,
            hours: i64,
        })
    }
}

fn write(
    connection: &Connection,
    method_version: u32,
    day: RunDay,
    (examined, shifts): (usize, &[Shift]),
) -> Result<(), StoreError> {
    let date = day.day.to_string();
    for table in ["shift_day", "shift"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE method_version = ? AND day = CAST(? AS DATE)"),
            params![method_version, date],
        )?;
    }
    append!(connection, "shift_day", () in [()] => {
        method_version: method_version,
        day: date,
        closing: naive(day.closing),
        examined: examined as u64,
    });
    append!(connection, "shift", shift in shifts => {
        method_version: method_version,
        day: date,
        endpoint_no: shift.endpoint,
        field: shift.field.as_str(),
        shift_from: naive(shift.from),
        shift_at: naive(shift.at),
        level_before: shift.before,
        level_after: shift.after,
        hours_before: shift.hours_before,
        hours_after: shift.hours_after,
        readings_before: shift.evidence.readings_before as u64,
        readings_after: shift.evidence.readings_after as u64,
        scatter: shift.evidence.scatter,
        p_value: shift.evidence.p_value,
        q_value: shift.evidence.q_value,
    });
    Ok(())
}
