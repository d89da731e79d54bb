//! Publishing: store → snapshot. A snapshot can be built as of any moment in the record.

use super::analyse::{analysed_at, analysis_of, shown_days};
use super::changes::traffic::{traffic_jumps, traffic_of};
use super::changes::{Sessions, changes, newest_first, tiers_of_the_day};
use super::history::{close_days, held_before};
use super::{PipelineError, assemble, backtest, changes, retention};
use crate::analysis::share::JUMP_DAYS;
use crate::analysis::{self, Analysis, Frames};
use crate::domain::change::Change;
use crate::domain::session::Pricing;
use crate::domain::window::midnight;
use crate::domain::workload::Workload;
use crate::failpoint;
use crate::snapshot::store::SnapshotError;
use crate::snapshot::{self, Current, Snapshot};
use crate::store::{ChangeNames, EndpointNow, Store};
use chrono::{DateTime, Days, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Number of UTC days whose changes are in a snapshot, the last of them that of its newest run.
const CHANGES_DAYS: u64 = 90;

/// Closes the days before the newest run, builds the newest snapshot, saves it in `folder` and starts serving it.
/// `unfinished` are lines for the status page about what is not part of the record, `next_run` the time that the schedule has
/// for the next run.
pub(super) fn publish(
    store: &Store,
    folder: &Path,
    current: &Current,
    workloads: Vec<Workload>,
    now: DateTime<Utc>,
    (unfinished, next_run): (Vec<String>, Option<DateTime<Utc>>),
) -> Result<Arc<Snapshot>, PipelineError> {
    if let Some(newest) = store.newest_run(None)? {
        close_days(store, &workloads, newest.run.observed_at.date_naive())?;
        changes::examine_shifts_or_log(store, newest.run.observed_at.date_naive());
    }
    let mut snapshot = build_snapshot(store, None, workloads, now)?;
    snapshot.status.missing.extend(unfinished);
    snapshot.next_run = next_run;
    let snapshot = Arc::new(snapshot);
    let failed = |source| SnapshotError::Io { path: folder.to_owned(), source };
    failpoint::reach("publish.built").map_err(failed)?;
    snapshot::store::save(folder, &snapshot)?;
    current.set(snapshot.clone());
    failpoint::reach("publish.swapped").map_err(failed)?;
    Ok(snapshot)
}

/// Builds the snapshot of the newest run at or before `as_of` (`None`: the newest of all), using only what was
/// known then. Sessions are priced under `workloads`; the first one is the default.
///
/// # Errors
/// [`PipelineError::NoRun`] if there is no such run, [`PipelineError::RolledUp`] if it is not the last one of a day that
/// is rolled up; otherwise the error of the store or the analysis.
pub fn build_snapshot(
    store: &Store,
    as_of: Option<DateTime<Utc>>,
    workloads: Vec<Workload>,
    built_at: DateTime<Utc>,
) -> Result<Snapshot, PipelineError> {
    let until = match as_of {
        Some(time) => time,
        None => store.newest_time()?.unwrap_or_default(),
    };
    let newest = store.newest_run(as_of)?.ok_or_else(|| {
        PipelineError::NoRun(
            as_of.map(|time| format!(" at or before {}", time.to_rfc3339())).unwrap_or_default(),
        )
    })?;
    let as_of = newest.run.observed_at;
    retention::known_at(store, as_of)?;
    let default_workload = workloads.first().map_or("", |workload| workload.name.as_str());
    let days = shown_days(as_of);
    let (days, endpoints) = (store.days(days.from, days.to, as_of)?, store.endpoints(as_of)?);
    let frames = Frames { days: days.frame()?, newest: endpoints.frame()? };
    // In parallel: the input of the tiers, and everything else that the pages show.
    let (analysis, shown) = std::thread::scope(|scope| {
        let span = tracing::Span::current();
        let shown = scope.spawn(move || {
            let _entered = span.entered();
            let tested = backtest::with_expectations(store, shown_days(as_of), as_of)?;
            Ok::<_, PipelineError>((
                tested,
                assemble::Material::read(
                    store,
                    newest,
                    (endpoints.rows()?, days.rows()?),
                    until,
                    default_workload,
                )?,
            ))
        });
        let analysis = judged(store, &workloads, as_of, frames);
        (analysis, shown.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (analysis, (tested, mut material)) = (analysis?, shown?);
    material.changes = all_changes(store, &analysis, &workloads, as_of, (oldest_change(as_of), as_of))?;
    Ok(assemble::snapshot(material, analysis, tested, workloads, built_at))
}

/// The first moment whose changes are in the snapshot of a run.
pub fn oldest_change(as_of: DateTime<Utc>) -> DateTime<Utc> {
    midnight(as_of.date_naive() - Days::new(CHANGES_DAYS - 1))
}

/// The analysis of the run at `as_of`, with hysteresis against the tiers at the end of the previous day.
fn judged(
    store: &Store,
    workloads: &[Workload],
    as_of: DateTime<Utc>,
    frames: Frames,
) -> Result<Analysis, PipelineError> {
    let day = as_of.date_naive();
    let mut analysis = analysis_of(store, workloads, as_of, frames)?;
    analysis::apply_hysteresis(&mut analysis, &held_before(store, workloads, day)?, day);
    Ok(analysis)
}

/// What changed in the record, and the names that it can be filtered by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedChanges {
    /// The changes, newest first.
    pub changes: Vec<Change>,
    /// The names of models, providers and endpoints, also of those that are gone.
    pub names: ChangeNames,
    /// Whether a run of the record was of the simulator.
    pub simulated: bool,
    /// Time of the first run.
    pub since: Option<DateTime<Utc>>,
}

/// Everything that changed in `[from, to]` as the newest run knows it; `None` is the start or the end of the record.
///
/// # Errors
/// [`PipelineError::NoRun`] if the record is empty; otherwise the error of the store or the analysis.
pub fn recorded_changes(
    store: &Store,
    workloads: &[Workload],
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<RecordedChanges, PipelineError> {
    let newest = store.newest_run(None)?.ok_or_else(|| PipelineError::NoRun(String::new()))?;
    let (as_of, day) = (newest.run.observed_at, newest.run.observed_at.date_naive());
    let mut analysis = analysed_at(store, workloads, as_of)?.analysis;
    analysis::apply_hysteresis(&mut analysis, &held_before(store, workloads, day)?, day);
    let range = (from.unwrap_or(DateTime::<Utc>::MIN_UTC), to.unwrap_or(DateTime::<Utc>::MAX_UTC));
    Ok(RecordedChanges {
        changes: all_changes(store, &analysis, workloads, as_of, range)?,
        names: store.change_names()?,
        simulated: newest.simulated,
        since: store.extent(as_of)?.1,
    })
}

/// The changes in `[from, to]` with those of tiers on the day of `as_of`, newest first.
fn all_changes(
    store: &Store,
    analysis: &Analysis,
    workloads: &[Workload],
    as_of: DateTime<Utc>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Change>, PipelineError> {
    let default_workload = workloads.first().map_or("", |workload| workload.name.as_str());
    let bases = analysis.endpoints.iter().map(|(id, verdicts)| (*id, verdicts.cost_basis.clone()));
    let newest = store.endpoints(as_of)?.rows()?;
    let prices = newest.iter().map(|endpoint| {
        (endpoint.endpoint_id, Pricing::listed(&endpoint.list, endpoint.price_tiers.clone()))
    });
    let sessions = Sessions::new(workloads, bases).with_prices(prices);
    let mut all = changes(store, &sessions, default_workload, as_of, (from, to))?;
    let today = tiers_of_the_day(&analysis.tier_lists, as_of, default_workload);
    let jumps = jumps(store, &newest, as_of, (from, to))?;
    all.extend(today.into_iter().chain(jumps).filter(|change| (from..=to).contains(&change.at)));
    newest_first(&mut all);
    Ok(all)
}

/// The jumps of traffic on the days of a range.
fn jumps(
    store: &Store,
    newest: &[EndpointNow],
    as_of: DateTime<Utc>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Change>, PipelineError> {
    let day = |time: DateTime<Utc>| time.clamp(DateTime::UNIX_EPOCH, as_of).date_naive();
    // A jump is dated to the end of its day, and a day is compared with the days before it.
    let days = store.days(day(from) - TimeDelta::days(JUMP_DAYS + 1), day(to), as_of)?;
    let share = traffic_of(&days.rows()?, newest, as_of);
    Ok(traffic_jumps(&share, &store.models(as_of)?))
}
