//! Publishing: store → snapshot. A snapshot can be built as of any moment in the record.

use super::analyse::{analysis_of, shown_days};
use super::history::{close_days, held_before};
use super::{PipelineError, assemble, backtest, retention};
use crate::analysis::{self, Analysis, Frames};
use crate::domain::workload::Workload;
use crate::snapshot::{self, Current, Snapshot};
use crate::store::Store;
use chrono::{DateTime, Utc};
use std::path::Path;
use std::sync::Arc;

/// Closes the days before the newest run, builds the newest snapshot, saves it in `folder` and starts serving it.
pub(super) fn publish(
    store: &Store,
    folder: &Path,
    current: &Current,
    workloads: Vec<Workload>,
    now: DateTime<Utc>,
) -> Result<Arc<Snapshot>, PipelineError> {
    if let Some(newest) = store.newest_run(None)? {
        close_days(store, &workloads, newest.run.observed_at.date_naive())?;
    }
    let snapshot = Arc::new(build_snapshot(store, None, workloads, now)?);
    snapshot::store::save(folder, &snapshot)?;
    current.set(snapshot.clone());
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
        let shown = scope.spawn(|| {
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
    let (analysis, (tested, material)) = (analysis?, shown?);
    Ok(assemble::snapshot(material, analysis, tested, workloads, built_at))
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
