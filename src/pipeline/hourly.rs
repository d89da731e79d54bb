//! Hourly rates in the form that the snapshot holds.

use crate::domain::thresholds;
use crate::snapshot::{HourlyRate, HourlyRates};
use crate::store::HourlyRecord;
use chrono::{DateTime, Days, NaiveTime, Utc};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The midnight at which the published hourly rates begin.
pub(super) fn first(as_of: DateTime<Utc>) -> DateTime<Utc> {
    let today = as_of.date_naive();
    let first = today.checked_sub_days(Days::new(thresholds::HOURLY_DAYS - 1)).unwrap_or(today);
    first.and_time(NaiveTime::MIN).and_utc()
}

/// The hourly rates of the endpoints that the snapshot shows.
pub(super) fn rates(record: HourlyRecord, as_of: DateTime<Utc>, shown: &BTreeSet<Uuid>) -> HourlyRates {
    let from = first(as_of);
    let stretches = record.stretches.into_iter().filter(|(endpoint, _)| shown.contains(endpoint));
    HourlyRates {
        from,
        to: as_of,
        endpoints: stretches
            .map(|(endpoint, list)| (endpoint, list.iter().map(|s| HourlyRate::new(from, s)).collect()))
            .collect(),
        refused: record.refused,
    }
}
