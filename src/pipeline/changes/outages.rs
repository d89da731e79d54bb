//! Outages with their length, and lasting changes of the upstream's status: both are derived from the readings.

use super::super::PipelineError;
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use crate::store::{OutageRow, StatusRow, Store};
use crate::wording::shifts as wording;
use chrono::{DateTime, Utc};

/// The outages and the lasting changes of a status that began in `[from, to)`, as known at `as_of`, newest first.
pub(in crate::pipeline) fn outages(
    store: &Store,
    range: (DateTime<Utc>, DateTime<Utc>),
    as_of: DateTime<Utc>,
) -> Result<Vec<Change>, PipelineError> {
    let outages = store.outages(range, as_of)?.into_iter().map(|row| outage(row, as_of));
    let statuses = store.status_changes(range, as_of)?.into_iter().map(status);
    let mut changes: Vec<Change> = outages.chain(statuses).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.at));
    Ok(changes)
}

/// The uptime went from the last one before the outage to the lowest one in it.
fn outage(row: OutageRow, as_of: DateTime<Utc>) -> Change {
    let change = Change {
        field: row.lowest.map(|_| ChangedField::Uptime),
        before: row.uptime_before.filter(|_| row.lowest.is_some()).map(ChangeValue::Number),
        after: row.lowest.map(ChangeValue::Number),
        percent: row.lowest.zip(row.uptime_before).map(|(lowest, before)| (lowest - before) * 100.0),
        until: row.until,
        why: wording::outage((row.at, row.until, as_of), row.lowest, row.status, row.readings),
        ..Change::new(row.at, ChangeKind::Outage)
    };
    row.endpoint.name(change)
}

fn status(row: StatusRow) -> Change {
    let change = Change {
        field: Some(ChangedField::Status),
        before: Some(ChangeValue::Number(f64::from(row.status_before))),
        after: Some(ChangeValue::Number(f64::from(row.status))),
        why: wording::status(row.status_before, row.status, row.readings, row.hours),
        ..Change::new(row.at, ChangeKind::StatusChanged)
    };
    row.endpoint.name(change)
}
