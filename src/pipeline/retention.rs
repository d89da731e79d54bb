//! Rolls up the readings that are older than the setting, and what remains known about days that are rolled up.

use super::{Pipeline, PipelineError};
use crate::store::{RolledUp, Store, StoreError};
use crate::upstream::caught;
use chrono::{DateTime, Days, NaiveDate, Utc};

/// Checks that the list of a run can still be computed: on a day that is rolled up, only that of its last run.
pub(super) fn known_at(store: &Store, as_of: DateTime<Utc>) -> Result<(), PipelineError> {
    let day = as_of.date_naive();
    if store.rolled_until()?.is_none_or(|rolled| day > rolled) {
        return Ok(());
    }
    let of_day = store.run_days(day.pred_opt(), day.succ_opt().unwrap_or(day))?;
    if of_day.iter().any(|one| one.day == day && one.closing == as_of) {
        return Ok(());
    }
    let advice = "name a date for the list as of its end, or replay the archive without the setting";
    Err(PipelineError::RolledUp { day, advice })
}

/// The first day with all of its readings; `None` if no day is rolled up.
///
/// # Errors
/// [`PipelineError::RolledUp`] if that day is after `last`.
pub(super) fn first_with_hours(store: &Store, last: NaiveDate) -> Result<Option<NaiveDate>, PipelineError> {
    let first = store.rolled_until()?.and_then(|rolled| rolled.succ_opt());
    match first {
        Some(first) if first > last => {
            let advice = "choose later days, or replay the archive without the setting";
            Err(PipelineError::RolledUp { day: last, advice })
        }
        first => Ok(first),
    }
}

/// Rolls up the days that are older than a number of days; 0 keeps everything. Ages count from the newest run, so that a
/// replay rolls up the same days. `None` if there are none. With `dry_run`, nothing is changed: the result is what would
/// be.
///
/// # Errors
/// The error of the store; then nothing is changed.
pub fn roll_up(store: &Store, hourly_days: u32, dry_run: bool) -> Result<Option<RolledUp>, StoreError> {
    let newest = store.newest_accepted()?.filter(|_| hourly_days > 0);
    match newest.and_then(|newest| newest.date_naive().checked_sub_days(Days::new(hourly_days.into()))) {
        Some(last) => store.roll_up(last, dry_run),
        None => Ok(None),
    }
}

impl Pipeline {
    /// Rolls up the days that are older than the setting `retention.hourly_days`, while no runs are recorded. `None` if
    /// there are none.
    ///
    /// # Errors
    /// The error of the store; then nothing is changed.
    pub fn roll_up(&self, dry_run: bool) -> Result<Option<RolledUp>, StoreError> {
        let _alone = self.record_alone();
        roll_up(&self.store, self.config.retention.hourly_days, dry_run)
    }

    /// The same. A failure or a panic is only logged: the next run tries again.
    pub fn roll_up_or_log(&self) {
        let error = match caught(|| self.roll_up(false)) {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(RolledUp { first_day, last_day, removed, kept }))) => {
                tracing::info!(%first_day, %last_day, removed, kept, "rolled hourly readings up to days");
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic,
        };
        tracing::error!(error, "cannot roll up old readings; retrying after the next run");
    }
}
