//! What the preferences of the recorded days were worth on later days.

use super::backtest::extent;
use super::{PipelineError, build_snapshot};
use crate::analysis::backtest::charged;
use crate::domain::tier_history::RunDay;
use crate::domain::tier_list::DayRange;
use crate::domain::workload::Workload;
use crate::preferences::{Paid, PaidDay, PreferenceCount, PreferenceReport, workload_among};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::collections::BTreeMap;

/// Days between a preference and the later one of the two days that it is charged.
const LATER: u64 = 7;

/// Makes the preferences of every recorded day in `[from, to]` as they were after its last run, by a workload, and charges
/// them the closing prices of the following day and of the day a week later. The bounds default to those of the record. A
/// day counts if it has an accepted run and the following day has prices. `progress` is called after each day with the
/// number of days that are done and of all.
///
/// # Errors
/// [`PipelineError::Unknown`] if there is no such workload, [`PipelineError::NoRun`] if the record is empty; otherwise the
/// error of the store or the analysis.
pub fn realised_preferences(
    store: &Store,
    workloads: &[Workload],
    (from, to): (Option<NaiveDate>, Option<NaiveDate>),
    workload: &str,
    progress: &dyn Fn(usize, usize),
) -> Result<PreferenceReport, PipelineError> {
    workload_among(workloads, workload).map_err(PipelineError::Unknown)?;
    let (days, as_of) = extent(store, from, to)?;
    let paid = paid_days(store, days, as_of)?;
    let after = |day: NaiveDate, days: u64| paid.get(&day.checked_add_days(Days::new(days))?);
    let mut made = store.run_days(days.from.pred_opt(), days.to.succ_opt().unwrap_or(days.to))?;
    made.retain(|one| after(one.day, 1).is_some());
    let mut count = PreferenceCount::of(workload);
    for (at, RunDay { day, closing }) in made.iter().enumerate() {
        let snapshot = build_snapshot(store, Some(*closing), workloads.to_vec(), *closing)?;
        if let Some(day_after) = after(*day, 1) {
            count.see(&snapshot, day_after, after(*day, LATER));
        }
        progress(at + 1, made.len());
    }
    Ok(count.report())
}

/// What endpoints were paid on the days on which preferences of `days` are charged, as known at `as_of`.
fn paid_days(
    store: &Store,
    days: DayRange,
    as_of: DateTime<Utc>,
) -> Result<BTreeMap<NaiveDate, PaidDay>, StoreError> {
    let to = days.to.checked_add_days(Days::new(LATER)).unwrap_or(days.to);
    let ids = store.endpoint_ids()?;
    let mut by_day: BTreeMap<NaiveDate, Vec<Paid>> = BTreeMap::new();
    for row in store.priced_days(days.from, to, as_of)? {
        if let Some((cost, endpoint)) = charged(&row).zip(ids.get(&row.endpoint)) {
            let tokens = row.tokens.map_or(0.0, |tokens| tokens.max(0) as f64);
            let paid = Paid { endpoint: *endpoint, model: row.model, cost, tokens };
            by_day.entry(row.day).or_default().push(paid);
        }
    }
    Ok(by_day.into_iter().map(|(day, paid)| (day, paid.into_iter().collect())).collect())
}
