//! The backtest of the record, as of any moment in it.

use super::PipelineError;
use crate::analysis;
use crate::domain::backtest::{Backtest, ExpectedCost, PricedDay};
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

/// Like [`backtest`], with the cost that the policy `hitrate` expects for each endpoint on the day after the newest
/// priced one.
pub(super) fn with_expectations(
    store: &Store,
    days: DayRange,
    as_of: DateTime<Utc>,
) -> Result<(Option<Backtest>, BTreeMap<Uuid, ExpectedCost>), PipelineError> {
    let panel = panel(store, days, as_of)?;
    let ids = store.endpoint_ids()?;
    let expected = analysis::backtest::expected_costs(&panel);
    let by_id = expected.into_iter().filter_map(|(key, cost)| Some((*ids.get(&key)?, cost)));
    Ok((analysis::backtest::backtest(&panel, days), by_id.collect()))
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
    let newest = store.newest_run(None)?.ok_or_else(|| PipelineError::NoRun(String::new()))?;
    let as_of = newest.run.observed_at;
    let (_, first) = store.extent(as_of)?;
    let days = DayRange {
        from: from.unwrap_or_else(|| first.unwrap_or(as_of).date_naive()),
        to: to.unwrap_or_else(|| as_of.date_naive()),
    };
    backtest(store, days, as_of)
}
