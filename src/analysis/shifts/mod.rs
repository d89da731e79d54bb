//! Lasting shifts of hit rate, effective price, speed and uptime of single endpoints: a change-point scan of each series
//! at the end of a day, with the share of false alarms controlled over all of them. See "Shifts" in the method.

mod periods;
mod scan;
mod student;

pub use periods::Readings;

use super::AnalysisError;
use super::discovery::q_values;
use crate::domain::change::{ChangedField, ShiftEvidence};
use crate::domain::shift::Shift;
use crate::domain::thresholds::{
    SHIFT_FALSE_DISCOVERY, SHIFT_LIST_MOVE_HOURS, SHIFT_MIN_HIT_RATE, SHIFT_MIN_PRICE, SHIFT_MIN_SPEED,
    SHIFT_MIN_TOKENS, SHIFT_MIN_UPTIME, SHIFT_PERIOD_HOURS,
};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use periods::Series;
use scan::{Candidate, PERIODS_A_DAY, Period, Rule, scan};
use std::collections::BTreeMap;

/// Version of the change-point method, incremented whenever a shift could be found that was not found before, or the
/// other way round.
pub const SHIFT_METHOD_VERSION: u32 = 1;

/// What is known besides the readings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Background {
    /// Start of the newest reported shift of an endpoint and field. Later shifts are compared with what followed it.
    pub reported: BTreeMap<(i64, ChangedField), DateTime<Utc>>,
    /// When list prices of prompt tokens moved, by endpoint.
    pub list_moves: BTreeMap<i64, Vec<DateTime<Utc>>>,
}

/// The shifts that are found at the end of a day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Number of series that were examined.
    pub examined: usize,
    /// The shifts, by endpoint and field.
    pub shifts: Vec<Shift>,
}

/// Examines all series that have readings on `day`, the newest day of `readings`.
///
/// # Errors
/// [`AnalysisError`] if a column of the frames is missing or has another type.
pub fn detect(readings: &Readings, background: &Background, day: NaiveDate) -> Result<Found, AnalysisError> {
    let tokens = periods::tokens_per_day(readings)?;
    let is_busy =
        |series: &Series| tokens.get(&series.endpoint).is_some_and(|tokens| *tokens >= SHIFT_MIN_TOKENS);
    let mut found: Vec<(Series, Candidate)> = Vec::new();
    for mut series in periods::series(readings)?.into_iter().filter(is_busy) {
        let after = background.reported.get(&(series.endpoint, series.field));
        series.periods.retain(|period| after.is_none_or(|after| start(period) >= *after));
        if series.periods.last().is_some_and(|last| is_of(last, day)) {
            let candidate = rule(series.field).and_then(|rule| scan(&series.periods, rule));
            found.extend(candidate.map(|candidate| (series, candidate)));
        }
    }
    let is_shift = |(series, candidate): &(Series, Candidate)| {
        candidate.counts && !follows_a_list_price(series, candidate, background)
    };
    // A series without a shift of the least size is not a discovery, however clear its small change is.
    let p_values: Vec<f64> =
        found.iter().map(|one| if is_shift(one) { one.1.p_value } else { 1.0 }).collect();
    let q_values = q_values(&p_values);
    let reported = found.iter().zip(q_values).filter(|(one, q)| is_shift(one) && *q <= SHIFT_FALSE_DISCOVERY);
    let mut shifts: Vec<Shift> =
        reported.filter_map(|((series, candidate), q)| shift(series, candidate, q)).collect();
    shifts.sort_by_key(|shift| (shift.endpoint, shift.field));
    Ok(Found { examined: found.len(), shifts })
}

/// What counts as a shift of a field.
fn rule(field: ChangedField) -> Option<Rule> {
    let (least, is_relative, floor, by_days) = match field {
        ChangedField::HitRate => (SHIFT_MIN_HIT_RATE, false, 0.01, true),
        ChangedField::EffectiveInput => (SHIFT_MIN_PRICE, true, 0.02, true),
        ChangedField::Throughput | ChangedField::LatencyMs => (SHIFT_MIN_SPEED, true, 0.05, false),
        ChangedField::Uptime => (SHIFT_MIN_UPTIME, false, 0.005, false),
        _ => return None,
    };
    Some(Rule { least, is_relative, floor, by_days })
}

fn start(period: &Period) -> DateTime<Utc> {
    time(period.slot * SHIFT_PERIOD_HOURS * 3_600)
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

fn is_of(period: &Period, day: NaiveDate) -> bool {
    period.slot.div_euclid(PERIODS_A_DAY) >= i64::from(day.to_epoch_days())
}

/// Whether a shift of an effective price is only the consequence of a list price that moved at that time.
fn follows_a_list_price(series: &Series, candidate: &Candidate, background: &Background) -> bool {
    let Some(first) = series.periods.get(candidate.split) else { return false };
    let reach = Duration::hours(SHIFT_LIST_MOVE_HOURS);
    let (from, to) = (start(first) - reach, time(first.first_s) + reach);
    let moves =
        background.list_moves.get(&series.endpoint).filter(|_| series.field == ChangedField::EffectiveInput);
    moves.is_some_and(|moves| moves.iter().any(|at| (from..=to).contains(at)))
}

fn shift(series: &Series, candidate: &Candidate, q_value: f64) -> Option<Shift> {
    let (before, after) = series.periods.split_at_checked(candidate.split)?;
    let count = |periods: &[Period]| {
        usize::try_from(periods.iter().map(|period| period.readings).sum::<i64>()).unwrap_or(0)
    };
    let hours = |seconds: i64| (seconds + 1_800).div_euclid(3_600);
    let first = after.first()?;
    let from = start(first);
    Some(Shift {
        endpoint: series.endpoint,
        field: series.field,
        from,
        at: time(first.first_s),
        before: candidate.before,
        after: candidate.after,
        hours_before: hours(from.timestamp() - start(before.first()?).timestamp()),
        hours_after: hours(after.last()?.last_s - from.timestamp()),
        evidence: ShiftEvidence {
            readings_before: count(before),
            readings_after: count(after),
            scatter: candidate.scatter,
            p_value: candidate.p_value,
            q_value,
        },
    })
}

#[cfg(test)]
mod tests;
