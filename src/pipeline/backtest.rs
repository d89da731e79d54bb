//! The backtest of the record, as of any moment in it.

use super::{PipelineError, retention};
use crate::analysis::{self, backtest::HourlyTest};
use crate::domain::backtest::{Backtest, ExpectedCost, HourlyBacktest, PricedDay, UnderWay};
use crate::domain::thresholds::BACKTEST_HISTORY_DAYS;
use crate::domain::tier_list::DayRange;
use crate::store::Store;
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Backtests the choices of `days` with what the record knew at `as_of`. `None` if there is nothing to choose: a
/// backtest needs two consecutive days with closing prices and a model with two endpoints that have enough traffic.
///
/// # Errors
/// The error of the store.
pub fn backtest(
    store: &Store,
    days: DayRange,
    as_of: DateTime<Utc>,
) -> Result<Option<Backtest>, PipelineError> {
    Ok(analysis::backtest::backtest(&panel(store, days, as_of)?, days))
}

/// Like [`backtest`], with the cost that the policy `hitrate` expects for each endpoint from what is known at `as_of`.
pub(super) fn with_expectations(
    store: &Store,
    days: DayRange,
    as_of: DateTime<Utc>,
) -> Result<(Option<Backtest>, BTreeMap<Uuid, ExpectedCost>), PipelineError> {
    let panel = panel(store, days, as_of)?;
    let expected = expected_of(store, &panel, as_of)?;
    Ok((analysis::backtest::backtest(&panel, days), expected))
}

/// The expected costs of [`with_expectations`] without the backtest.
pub(super) fn expectations(
    store: &Store,
    days: DayRange,
    as_of: DateTime<Utc>,
) -> Result<BTreeMap<Uuid, ExpectedCost>, PipelineError> {
    expected_of(store, &panel(store, days, as_of)?, as_of)
}

fn expected_of(
    store: &Store,
    panel: &[PricedDay],
    as_of: DateTime<Utc>,
) -> Result<BTreeMap<Uuid, ExpectedCost>, PipelineError> {
    let ids = store.endpoint_ids()?;
    let under_way = UnderWay {
        at: as_of,
        readings: store.so_far(as_of.date_naive(), as_of)?,
        lists: store.listed(as_of)?,
    };
    let expected = analysis::backtest::expected_costs(panel, &under_way);
    Ok(expected.into_iter().filter_map(|(key, cost)| Some((*ids.get(&key)?, cost))).collect())
}

fn panel(store: &Store, days: DayRange, as_of: DateTime<Utc>) -> Result<Vec<PricedDay>, PipelineError> {
    let from = days.from.checked_sub_days(Days::new(BACKTEST_HISTORY_DAYS)).unwrap_or(days.from);
    // The last choice pays the price of the following day.
    let to = days.to.succ_opt().unwrap_or(days.to);
    Ok(store.priced_days(from, to, as_of)?)
}

/// Backtests the choices of `[from, to]` over the whole record; the bounds default to those of the record.
///
/// # Errors
/// [`PipelineError::NoRun`] if the record is empty; otherwise the error of the store.
pub fn backtest_record(
    store: &Store,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Option<Backtest>, PipelineError> {
    let (whole, as_of) = extent(store, None, None)?;
    let days = DayRange { from: from.unwrap_or(whole.from), to: to.unwrap_or(whole.to) };
    backtest(store, days, as_of)
}

/// Backtests the choices by the hour of the recorded days in `[from, to]`; the bounds default to those of the record.
/// Days whose readings are rolled up are left out. `progress` is called after each day with the number of days that are
/// done and of all.
///
/// # Errors
/// [`PipelineError::NoRun`] if the record is empty, [`PipelineError::RolledUp`] if the readings of all these days are;
/// otherwise the error of the store.
pub fn backtest_by_hour(
    store: &Store,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    progress: &dyn Fn(usize, usize),
) -> Result<HourlyBacktest, PipelineError> {
    let (mut days, as_of) = extent(store, from, to)?;
    days.from = days.from.max(retention::first_with_hours(store, days.to)?.unwrap_or(days.from));
    let history = days.from.checked_sub_days(Days::new(BACKTEST_HISTORY_DAYS)).unwrap_or(days.from);
    let (closings, lists) = (store.closings(history, days.to)?, store.listed(as_of)?);
    let mut test = HourlyTest::new(&closings, &lists);
    let each: Vec<NaiveDate> = days.from.iter_days().take_while(|day| *day <= days.to).collect();
    for (at, day) in each.iter().enumerate() {
        test.day(*day, &store.so_far(*day, as_of)?);
        progress(at + 1, each.len());
    }
    Ok(test.result(days))
}

/// The days of the record in `[from, to]`, and the time of its newest run.
pub(super) fn extent(
    store: &Store,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<(DayRange, DateTime<Utc>), PipelineError> {
    let newest = store.newest_run(None)?.ok_or_else(|| PipelineError::NoRun(String::new()))?;
    let as_of = newest.run.observed_at;
    let (_, first) = store.extent(as_of)?;
    let (first, last) = (first.unwrap_or(as_of).date_naive(), as_of.date_naive());
    let days =
        DayRange { from: from.map_or(first, |from| from.max(first)), to: to.map_or(last, |to| to.min(last)) };
    Ok((days, as_of))
}
