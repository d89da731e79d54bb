//! Brings the store back into order while the service runs: opens it again after a fatal error of DuckDB, rebuilds it, and
//! stores what waits.

use crate::background;
use crate::pipeline::{Pipeline, PipelineError};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the state of the store is examined.
const EVERY: Duration = Duration::from_secs(60);
/// Longest pause after failures in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Brings the store back into order, if it is not, on a thread of low priority. Does not wait for the end if the service
/// stops: what is not complete is done again at the next start.
///
/// # Errors
/// As [`Pipeline::heal`].
pub(super) async fn heal(pipeline: &Arc<Pipeline>, cancel: &CancellationToken) -> Result<(), PipelineError> {
    let healing = pipeline.clone();
    let healed = background::run(move || if healing.needs_healing() { healing.heal() } else { Ok(()) });
    tokio::select! {
        healed = healed => healed?,
        () = cancel.cancelled() => Ok(()),
    }
}

/// Brings the store back into order at once and whenever it is not, until cancelled. After a failure the pause doubles, up
/// to an hour; the next sweep also tries.
pub async fn heal_until(pipeline: Arc<Pipeline>, cancel: CancellationToken) {
    let mut pause = EVERY;
    while !cancel.is_cancelled() {
        pause = match heal(&pipeline, &cancel).await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::error!(%error, "the store is not in order yet; trying again");
                (pause * 2).min(LONGEST_PAUSE)
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
