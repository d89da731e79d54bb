//! The backtest of the record, as of any moment of it.

use super::PipelineError;
use crate::analysis;
use crate::domain::backtest::{Backtest, ExpectedCost, PricedDay};
use crate::domain::thresholds::BACKTEST_HISTORY_DAYS;
use crate::domain::tier_list::DayRange;
use crate::store::Store;
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

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
    Ok(analysis::backtest::backtest(&panel(store, days, as_of)?, days))
}

/// As [`backtest`], with what the policy `hitrate` expects each endpoint to cost on the day after the newest priced one.
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
    // The last choice is charged the price of the day after it.
    let to = days.to.succ_opt().unwrap_or(days.to);
    Ok(store.priced_days(from, to, as_of)?)
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
