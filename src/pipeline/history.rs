//! The history of tiers: each UTC day starts from the previous one and is closed once, by its last run.
//!
//! A day is closed when the first run of a later day is stored, in live collection and in a replay: both see the record
//! in the same state at that point, and a day is read as it was known at its last run. Days that are not closed yet (the
//! store is from an older version, or the version of the method has changed) are walked one by one.

use super::analyse::analysis_at;
use super::{Pipeline, PipelineError};
use crate::analysis::flips::{FlipCount, FlipReport};
use crate::analysis::{self, METHOD_VERSION};
use crate::domain::event::EventKind;
use crate::domain::tier_history::{History, RunDay};
use crate::domain::tier_list::TierList;
use crate::domain::workload::Workload;
use crate::snapshot::Event;
use crate::store::{Store, StoreError};
use crate::upstream::caught;
use crate::wording::changes::tier_change;
use chrono::{DateTime, NaiveDate, Utc};

/// Days between two progress messages of a long walk.
const PROGRESS_EVERY: usize = 30;

/// The tiers held before a UTC day: read from the stored days, and walked from there if some are missing. Writes
/// nothing.
pub(super) fn held_before(
    store: &Store,
    workloads: &[Workload],
    day: NaiveDate,
) -> Result<History, PipelineError> {
    walk(store, workloads, day, |_, _| Ok(()))
}

/// Walks the days before `day` that are not stored, starting from the last stored one, and calls `visit` with the tiers
/// held at the end of each. Returns the tiers held at the end of the last one.
fn walk(
    store: &Store,
    workloads: &[Workload],
    day: NaiveDate,
    mut visit: impl FnMut(RunDay, &History) -> Result<(), PipelineError>,
) -> Result<History, PipelineError> {
    let closed = store.newest_closed(METHOD_VERSION, day)?;
    let mut history = match closed {
        Some(closed) => store.tier_history(METHOD_VERSION, closed)?,
        None => History::default(),
    };
    let open = store.run_days(closed, day)?;
    for (number, run_day) in open.iter().enumerate() {
        if number > 0 && number % PROGRESS_EVERY == 0 {
            tracing::info!(days = number, of = open.len(), "walking the history of tiers");
        }
        let mut analysis = analysis_at(store, workloads, run_day.closing)?;
        history = analysis::apply_hysteresis(&mut analysis, &history, run_day.day);
        visit(*run_day, &history)?;
    }
    Ok(history)
}

/// Stores the days before `day` that are not stored yet.
pub(super) fn close_days(store: &Store, workloads: &[Workload], day: NaiveDate) -> Result<(), PipelineError> {
    walk(store, workloads, day, |run_day, history| Ok(store.close_day(METHOD_VERSION, run_day, history)?))?;
    Ok(())
}

/// How often tiers change from one day with a run to the next, between two days (default: over the whole record). The
/// newest day counts as of its newest run.
///
/// # Errors
/// [`PipelineError::NoRun`] if the record is empty; otherwise the error of the store or the analysis.
pub fn flips(
    store: &Store,
    workloads: &[Workload],
    (from, to): (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<FlipReport, PipelineError> {
    let counts = |day: NaiveDate| from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to);
    let newest = store.newest_run(None)?.ok_or_else(|| PipelineError::NoRun(String::new()))?;
    let today = newest.run.observed_at.date_naive();
    let workload = workloads.first().map_or("", |workload| workload.name.as_str());
    let mut count = FlipCount::default();
    let closed = store.newest_closed(METHOD_VERSION, today)?;
    for run_day in
        store.run_days(None, today)?.iter().filter(|one| Some(one.day) <= closed && counts(one.day))
    {
        count.see(run_day.day, &store.tier_history(METHOD_VERSION, run_day.day)?, workload);
    }
    let before = walk(store, workloads, today, |run_day, history| {
        if counts(run_day.day) {
            count.see(run_day.day, history, workload);
        }
        Ok(())
    })?;
    if counts(today) {
        let mut analysis = analysis_at(store, workloads, newest.run.observed_at)?;
        count.see(today, &analysis::apply_hysteresis(&mut analysis, &before, today), workload);
    }
    Ok(count.report())
}

/// Observed events and tier changes, newest first, at most `limit`, without the tier changes of the day of `as_of`, which
/// [`changes_of_the_day`] makes from the newest analysis.
pub(super) fn events(
    store: &Store,
    as_of: DateTime<Utc>,
    workload: &str,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let seen = store.events(as_of, limit)?;
    let changes = store.tier_changes(METHOD_VERSION, as_of, workload, limit)?;
    let changed = changes.into_iter().map(|row| Event {
        at: row.at,
        kind: EventKind::TierChanged,
        model_id: None,
        tag: None,
        provider: Some(row.provider),
        detail: tier_change(&row.name, row.lens, row.previous, row.tier),
    });
    let mut events: Vec<Event> = changed.chain(seen).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(limit);
    Ok(events)
}

/// The tiers of providers that changed on the day of the newest run, as far as it is known: under every lens, and under
/// the default workload.
pub(super) fn changes_of_the_day(lists: &[TierList], as_of: DateTime<Utc>, workload: &str) -> Vec<Event> {
    let is_default = |list: &&TierList| list.workload.as_deref().is_none_or(|name| name == workload);
    let changes = |list: &TierList| {
        let changed = list.providers.iter().filter_map(|row| {
            let previous = row.previous.filter(|_| row.since == Some(as_of.date_naive()))?;
            Some(Event {
                at: as_of,
                kind: EventKind::TierChanged,
                model_id: None,
                tag: None,
                provider: Some(row.provider.clone()),
                detail: tier_change(&row.name, list.lens, previous, row.tier),
            })
        });
        changed.collect::<Vec<_>>()
    };
    lists.iter().filter(is_default).flat_map(changes).collect()
}

impl Pipeline {
    /// Closes the days before the day of a run that was stored. A failure or a panic is only logged: collection
    /// continues, and the next run or publication tries again.
    pub(super) fn close_days_before(&self, day: NaiveDate) {
        let close = || self.workloads().and_then(|workloads| close_days(&self.store, &workloads, day));
        let error = match caught(close) {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic,
        };
        tracing::error!(error, %day, "cannot close the tiers of the previous days; retrying with the next run");
    }
}
