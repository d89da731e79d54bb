//! The backtest of the record, as of any moment of it.

use super::PipelineError;
use crate::analysis;
use crate::domain::backtest::Backtest;
use crate::domain::thresholds::BACKTEST_HISTORY_DAYS;
use crate::domain::tier_list::DayRange;
use crate::store::Store;
use chrono::{DateTime, Days, NaiveDate, Utc};

/// Tests the choices of `days` from what the record knew at `as_of`. `None` where there is nothing to choose: two days
/// running with closing prices and a model with two endpoints of enough traffic are needed.
///
/// # Errors
/// What the store says.
pub fn backtest(
    store: &Store,
    days: DayRange,
    as_of: DateTime<Utc>,
) -> Result<Option<Backtest>, PipelineError> {
    let from = days.from.checked_sub_days(Days::new(BACKTEST_HISTORY_DAYS)).unwrap_or(days.from);
    // The last choice is charged the price of the day after it.
    let to = days.to.succ_opt().unwrap_or(days.to);
    Ok(analysis::backtest::backtest(&store.priced_days(from, to, as_of)?, days))
}

/// Tests the choices of `[from, to]` over the whole record; a bound that is left out is the record's own.
///
/// # Errors
/// [`PipelineError::NoRun`] where the record is empty; otherwise what the store says.
pub fn backtest_record(
    store: &Store,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Option<Backtest>, PipelineError> {
    let newest = store.newest_run(None)?.ok_or_else(|| PipelineError::NoRun(String::new()))?;
    let as_of = newest.observed_at;
    let (_, first) = store.extent(as_of)?;
    let days = DayRange {
        from: from.unwrap_or_else(|| first.unwrap_or(as_of).date_naive()),
        to: to.unwrap_or_else(|| as_of.date_naive()),
    };
    backtest(store, days, as_of)
}
