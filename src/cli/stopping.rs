//! How a service ends: everything beside its server stops within a fixed time, whatever is running.

use crate::background;
use crate::pipeline::Pipeline;
use anyhow::Result;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Time from the signal until tasks that still run are left to the next start.
const TASKS: Duration = Duration::from_secs(8);
/// Time from the signal until the end of the checkpoint.
const CHECKPOINT: Duration = Duration::from_millis(9_300);
/// How long blocking work of the runtime is waited for after that.
const RUNTIME: Duration = Duration::from_millis(300);

/// The tasks beside a server.
#[derive(Default)]
pub struct Tasks(Vec<(&'static str, JoinHandle<Result<()>>)>);

impl Tasks {
    /// Starts a task; `name` is what it does, for the log.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = Result<()>> + Send + 'static) {
        self.0.push((name, tokio::spawn(work)));
    }

    /// Waits until all tasks have ended, or the time is over. Returns the first error.
    async fn end(self, deadline: Instant) -> Result<()> {
        let mut first = Ok(());
        for (name, task) in self.0 {
            let ended = match timeout_at(deadline, task).await {
                Ok(Ok(ended)) => ended,
                Ok(Err(panicked)) => Err(panicked.into()),
                Err(_) => {
                    tracing::warn!(
                        "{name} is still running after {} s; the next start continues",
                        TASKS.as_secs()
                    );
                    Ok(())
                }
            };
            first = first.and(ended);
        }
        first
    }
}

/// Runs a server until it is cancelled or fails; then ends the tasks and checkpoints the store, if there is one.
///
/// # Errors
/// That of the server, of a task, or of the checkpoint, in this order.
pub async fn until_stopped<E: Into<anyhow::Error>>(
    server: impl Future<Output = Result<(), E>>,
    tasks: Tasks,
    pipeline: Option<Arc<Pipeline>>,
    cancel: &CancellationToken,
) -> Result<()> {
    let serving = async {
        let served = server.await;
        // A server that fails ends the service.
        cancel.cancel();
        served
    };
    let cancelled = async {
        cancel.cancelled().await;
        Instant::now()
    };
    let (served, since) = tokio::join!(serving, cancelled);
    let ended = tasks.end(since + TASKS).await;
    let checkpointed = match pipeline {
        // On a thread that no one waits for: a task that still runs may hold the store.
        Some(pipeline) => {
            match timeout_at(since + CHECKPOINT, background::run(move || pipeline.store.checkpoint())).await {
                Ok(Ok(done)) => done.map_err(Into::into),
                Ok(Err(ended)) => Err(ended.into()),
                Err(_) => {
                    tracing::warn!("the store is busy; the next start reads its write-ahead log");
                    Ok(())
                }
            }
        }
        None => Ok(()),
    };
    tracing::info!("stopped");
    served.map_err(Into::into).and(ended).and(checkpointed)
}

/// Runs a future to its end, and does not wait for what it left running.
pub fn block_on<T>(runtime: Runtime, work: impl Future<Output = T>) -> T {
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(RUNTIME);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_never_ends_does_not_hold_up_the_others_or_the_stop() {
        let mut tasks = Tasks::default();
        tasks.spawn("a task that hangs", std::future::pending());
        tasks.spawn("a task that fails", async { anyhow::bail!("on purpose") });
        let error = tasks.end(Instant::now() + Duration::from_millis(50)).await.expect_err("a task failed");
        assert_eq!(error.to_string(), "on purpose");
    }

    #[tokio::test]
    async fn a_server_that_fails_ends_the_service() {
        let cancel = CancellationToken::new();
        let server = async { anyhow::bail!("the socket is gone") };
        let mut tasks = Tasks::default();
        let stop = cancel.clone();
        tasks.spawn("a task", async move {
            stop.cancelled().await;
            Ok(())
        });
        let error =
            until_stopped::<anyhow::Error>(server, tasks, None, &cancel).await.expect_err("it failed");
        assert!(error.to_string().contains("socket") && cancel.is_cancelled());
    }
}
