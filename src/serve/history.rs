//! The history import of a running service: in small batches between the sweeps, until nothing is left.

use crate::background;
use crate::clock::Clock;
use crate::pipeline::{ImportOptions, ImportStop, Pipeline, PipelineError};
use crate::scheduler::CronExpression;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The wait before the first request: visitors and the first sweep come first.
const AT_FIRST: Duration = Duration::from_secs(60);
/// The wait after a sweep that was due, and for the first run of a new record.
const SHORT: Duration = Duration::from_secs(120);
/// The wait if the requests of an hour are used up.
const NEXT_REQUESTS: Duration = Duration::from_secs(15 * 60);
/// The wait if the upstream does not respond, or something failed.
const LATER: Duration = Duration::from_secs(3600);
/// The wait after a refusal.
const MUCH_LATER: Duration = Duration::from_secs(6 * 3600);

/// Imports what the upstream still offers of the past, between the sweeps of `expression`, until nothing is left or the
/// service stops. Failures are logged; they never affect sweeps and pages.
pub async fn import_history(pipeline: Arc<Pipeline>, expression: CronExpression, cancel: CancellationToken) {
    let clock = pipeline.clock.clone();
    let mut wait = AT_FIRST;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = clock.sleep(wait) => {}
        }
        let (pipeline, expression, stopping) = (pipeline.clone(), expression.clone(), cancel.clone());
        let once = background::run_async(async move { import_once(&pipeline, &expression, &stopping).await });
        wait = match once.await {
            Ok(Some(wait)) => wait,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "the history import failed; it continues later");
                LATER
            }
        };
    }
}

/// Imports until something stops it. Returns the time until the next attempt; `None` if there is none.
async fn import_once(
    pipeline: &Arc<Pipeline>,
    expression: &CronExpression,
    cancel: &CancellationToken,
) -> Option<Duration> {
    let next_sweep = |time: DateTime<Utc>| expression.next_after(time);
    let keeper = pipeline.clone();
    let mut sink = move |batch: &_| keeper.keep_imported(batch);
    let options = ImportOptions::default();
    let report = match pipeline.import_upstream(&options, &next_sweep, &mut sink, cancel, |_, _| {}).await {
        Ok(report) => report,
        Err(PipelineError::NoRun(_)) => return Some(SHORT),
        Err(error) => {
            tracing::error!(%error, "the history import failed; it continues later");
            return Some(LATER);
        }
    };
    if report.requests > 0 {
        tracing::info!(
            requests = report.requests,
            answered = report.progress.answered,
            planned = report.progress.planned,
            stored = report.imported.stored,
            disagreements = report.imported.disagreements,
            "imported history"
        );
    }
    for failure in &report.failures {
        tracing::warn!(failure, "a request of the history import failed");
    }
    match report.stopped {
        None if report.failed == 0 => None,
        None => Some(MUCH_LATER),
        Some(ImportStop::Cancelled) => None,
        Some(ImportStop::SweepDue { at }) => {
            let until = (at - pipeline.clock.now()).to_std().unwrap_or_default();
            Some(until + SHORT)
        }
        Some(ImportStop::Budget | ImportStop::Requests) => Some(NEXT_REQUESTS),
        Some(ImportStop::Unavailable) => Some(LATER),
        Some(ImportStop::Refused) => {
            tracing::warn!("the upstream refuses requests for history; the import pauses for 6 hours");
            Some(MUCH_LATER)
        }
    }
}
