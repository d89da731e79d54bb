//! Lasting shifts: each UTC day is examined once, when the first run of a later day is stored, with what was known at
//! its last run. Live collection and a replay see the record in the same state at that point.

use super::super::{Pipeline, PipelineError};
use crate::analysis::shifts::{Background, Readings, SHIFT_METHOD_VERSION, detect};
use crate::domain::change::{Change, ChangeValue, ShiftEvidence};
use crate::domain::shift::shift_kind;
use crate::domain::thresholds::SHIFT_WINDOW_DAYS;
use crate::domain::tier_history::RunDay;
use crate::domain::window::midnight;
use crate::store::{ShiftRow, Store};
use crate::upstream::caught;
use crate::wording::shifts as wording;
use chrono::{DateTime, Duration, NaiveDate, Utc};

/// Days between two progress messages of a long walk.
const PROGRESS_EVERY: usize = 30;

/// Examines the days before `day` that are not examined yet, oldest first, because a shift that is reported ends the
/// comparison with what was before it. Days that are stored are not examined again.
///
/// # Errors
/// The error of the store or the analysis; the days before it are stored.
pub fn examine_shifts(store: &Store, day: NaiveDate) -> Result<(), PipelineError> {
    let closed = store.newest_shift_day(SHIFT_METHOD_VERSION, day)?;
    let open = store.run_days(closed, day)?;
    for (number, run_day) in open.iter().enumerate() {
        if number > 0 && number % PROGRESS_EVERY == 0 {
            tracing::info!(days = number, of = open.len(), "examining the record for shifts");
        }
        close_day(store, *run_day)?;
    }
    Ok(())
}

fn close_day(store: &Store, run_day: RunDay) -> Result<(), PipelineError> {
    let from = midnight(run_day.day) - Duration::days(SHIFT_WINDOW_DAYS - 1);
    let (usage, health) = store.shift_frames(from, run_day.closing)?;
    let background = Background {
        reported: store.reported_shifts(SHIFT_METHOD_VERSION, run_day.day)?,
        list_moves: store.list_moves(from, run_day.closing)?,
    };
    let found = detect(&Readings { usage, health }, &background, run_day.day)?;
    tracing::debug!(day = %run_day.day, series = found.examined, shifts = found.shifts.len(), "examined for shifts");
    Ok(store.close_shift_day(SHIFT_METHOD_VERSION, run_day, found.examined, &found.shifts)?)
}

/// The same. A failure or a panic is only logged: collection and publication continue, and the next run or publication
/// tries again.
pub(in crate::pipeline) fn examine_shifts_or_log(store: &Store, day: NaiveDate) {
    let error = match caught(|| examine_shifts(store, day)) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic,
    };
    tracing::error!(error, %day, "cannot examine the previous days for shifts; retrying with the next run");
}

impl Pipeline {
    /// Examines the days before the day of a run that was stored.
    pub(in crate::pipeline) fn close_shift_days_before(&self, day: NaiveDate) {
        examine_shifts_or_log(&self.store, day);
    }
}

/// The shifts that began in `[from, to)`, as known at `as_of`, newest first.
pub(in crate::pipeline) fn shifts(
    store: &Store,
    range: (DateTime<Utc>, DateTime<Utc>),
    as_of: DateTime<Utc>,
) -> Result<Vec<Change>, PipelineError> {
    let rows = store.shifts(SHIFT_METHOD_VERSION, range, as_of)?;
    Ok(rows.into_iter().filter_map(change).collect())
}

fn change(row: ShiftRow) -> Option<Change> {
    let (before, after) = (row.level_before, row.level_after);
    let hours = (row.hours_before, row.hours_after);
    let why = wording::shift(row.field, (before, after), (row.at, row.scatter), hours);
    let change = Change {
        field: Some(row.field),
        before: Some(ChangeValue::Number(before)),
        after: Some(ChangeValue::Number(after)),
        percent: row.field.change(Some(before), Some(after)),
        evidence: Some(ShiftEvidence {
            readings_before: row.readings_before,
            readings_after: row.readings_after,
            scatter: row.scatter,
            p_value: row.p_value,
            q_value: row.q_value,
        }),
        why,
        ..Change::new(row.at, shift_kind(row.field)?)
    };
    Some(row.endpoint.name(change))
}
