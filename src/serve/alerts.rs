//! Delivers alerts while the server runs.

use crate::alerts::delivery::{AlertsError, Outbox};
use crate::clock::Clock;
use crate::config::Config;
use crate::pipeline::DataDir;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the outbox is checked.
const EVERY: Duration = Duration::from_secs(20);
/// How long a stop waits for the messages that are being sent. One that is sent but not noted is sent again, with its id.
const STOP_PATIENCE: Duration = Duration::from_secs(4);

/// The outbox of a data folder.
pub fn outbox(config: &Config, data: &DataDir, clock: Arc<dyn Clock>) -> Outbox {
    Outbox::new(data.alerts(), data.path(), config.alerts.clone(), config.user_agent(), clock)
}

/// Sends what is due until cancelled. Failures are logged and tried again. Without receivers, it returns at once.
pub async fn deliver_until(outbox: Outbox, cancel: CancellationToken) {
    if !outbox.has_receivers() {
        return;
    }
    while !cancel.is_cancelled() {
        let stopped = async {
            cancel.cancelled().await;
            tokio::time::sleep(STOP_PATIENCE).await;
        };
        tokio::select! {
            sent = outbox.run_due() => match sent {
                Ok(run) if run.delivered + run.failed > 0 => {
                    tracing::info!(delivered = run.delivered, failed = run.failed, "alerts sent");
                }
                Ok(_) => {}
                Err(error @ AlertsError::Busy) => tracing::debug!(%error, "alerts"),
                Err(error) => tracing::error!(%error, "alerts cannot be sent"),
            },
            () = stopped => return,
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
