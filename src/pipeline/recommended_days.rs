//! Records the recommendations of closed days, together with their tiers: once for each day, as of its last run.
//!
//! A failure never stops the tiers or a publication. It is logged, and the next run tries that day again.

use super::analyse::{Analysed, analysed_at, shown_days};
use super::assemble::{Material, content};
use super::recommendations::{kind, recommendation};
use super::{PipelineError, backtest};
use crate::analysis::{self, METHOD_VERSION};
use crate::domain::tier_history::{History, RunDay};
use crate::domain::workload::Workload;
use crate::store::Store;
use crate::upstream::caught;
use chrono::NaiveDate;

/// Maximum number of days that are recorded at once after their tiers were stored, so that publishing is not delayed.
const MOST_LATE_DAYS: usize = 30;

/// The recommendations of closed days. They are recorded in order: a day follows only if no earlier day with a run is
/// missing.
pub(super) struct Recording<'a> {
    store: &'a Store,
    workloads: &'a [Workload],
    newest: Option<NaiveDate>,
    /// Whether a day is missing, so that no later one may be recorded.
    is_behind: bool,
}

impl<'a> Recording<'a> {
    /// Continues after the newest recorded day, first with the days before `day` whose tiers are already stored: an
    /// earlier version stored them, or recording them failed. At most [`MOST_LATE_DAYS`] of these are recorded at once.
    pub fn resume(store: &'a Store, workloads: &'a [Workload], day: NaiveDate) -> Self {
        let mut recording = Self { store, workloads, newest: None, is_behind: false };
        let late = recording.attempt(|recording| {
            recording.newest = store.newest_recommended(METHOD_VERSION, day)?;
            match store.newest_closed(METHOD_VERSION, day)? {
                Some(closed) if Some(closed) > recording.newest => {
                    Ok(store.run_days(recording.newest, closed.succ_opt().unwrap_or(closed))?)
                }
                _ => Ok(Vec::new()),
            }
        });
        let late = late.unwrap_or_default();
        for run_day in late.iter().take(MOST_LATE_DAYS) {
            if !recording.is_behind {
                recording.attempt(|recording| {
                    let analysed = analysed_with_tiers(store, workloads, *run_day)?;
                    recording.store_day(*run_day, analysed)
                });
            }
        }
        recording.is_behind |= late.len() > MOST_LATE_DAYS;
        recording
    }

    /// Records the day that follows, given its analysis with the tiers that were held.
    pub fn record(&mut self, run_day: RunDay, analysed: Analysed) {
        if !self.is_behind && Some(run_day.day) > self.newest {
            self.attempt(|recording| recording.store_day(run_day, analysed));
        }
    }

    fn store_day(&mut self, run_day: RunDay, analysed: Analysed) -> Result<(), PipelineError> {
        let Self { store, workloads, .. } = *self;
        if store.rolled_until()?.is_some_and(|rolled| run_day.day <= rolled) {
            // Expected costs of that day need every reading of it. What was recorded before stays.
            self.newest = Some(run_day.day);
            return Ok(());
        }
        let as_of = run_day.closing;
        let newest = store.newest_run(Some(as_of))?.ok_or_else(|| PipelineError::NoRun(String::new()))?;
        let rows = (analysed.known.endpoints.rows()?, analysed.known.days.rows()?);
        let material = Material::for_preferences(store, newest, rows)?;
        let expected = backtest::expectations(store, shown_days(as_of), as_of)?;
        let snapshot = content(material, analysed.analysis, (None, expected), workloads.to_vec(), as_of);
        let made: Vec<_> = snapshot.models.iter().map(|model| recommendation(&snapshot, model)).collect();
        store.record_recommendations(kind(snapshot.default_workload()), run_day, &made)?;
        self.newest = Some(run_day.day);
        Ok(())
    }

    /// Does a part of the work. If it fails or panics, this is logged and later days are not recorded.
    fn attempt<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, PipelineError>) -> Option<T> {
        let error = match caught(|| part(self)) {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic,
        };
        self.is_behind = true;
        tracing::error!(
            error,
            "cannot record the recommendations of a previous day; retrying with the next run"
        );
        None
    }
}

/// The analysis at the end of a day whose tiers are stored, with the tiers that were published then.
fn analysed_with_tiers(
    store: &Store,
    workloads: &[Workload],
    RunDay { day, closing }: RunDay,
) -> Result<Analysed, PipelineError> {
    let before = match store.newest_closed(METHOD_VERSION, day)? {
        Some(before) => store.tier_history(METHOD_VERSION, before)?,
        None => History::default(),
    };
    let mut analysed = analysed_at(store, workloads, closing)?;
    analysis::apply_hysteresis(&mut analysed.analysis, &before, day);
    Ok(analysed)
}
