//! The state of alerts: receivers and their last deliveries. It never holds an address or a secret.

use super::ids::names;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

names! {
    /// How a delivery ended.
    DeliveryOutcome {
        /// The receiver accepted the message.
        Delivered = "delivered",
        /// It did not; the message is sent again later.
        Failed = "failed",
        /// The message is not sent again: it was refused several times, or too much time has passed.
        GivenUp = "given_up",
    }
}

names! {
    /// Whether a receiver gets messages.
    ReceiverState {
        /// It does.
        On = "on",
        /// Its last deliveries failed; further ones are tried.
        Failing = "failing",
        /// It failed for too long, or reported that it is gone.
        SwitchedOff = "switched_off",
        /// The operator disabled it.
        Disabled = "disabled",
    }
}

/// One attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// When it ended, UTC.
    pub at: DateTime<Utc>,
    /// Name of the receiver.
    pub receiver: String,
    /// Id of the message: the same for all attempts.
    pub message_id: String,
    /// Number of notices in the message.
    pub notices: usize,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    #[schema(value_type = String)]
    pub outcome: DeliveryOutcome,
    /// HTTP status, or the reply code of SMTP; null if there was no response.
    pub status: Option<u16>,
    /// Why it failed, for the operator; empty on pages and in the API.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// A receiver and how its deliveries go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiverStatus {
    /// Its name in the settings.
    pub name: String,
    /// Its kind in the settings.
    pub kind: String,
    /// Whether it gets messages.
    #[schema(value_type = String)]
    pub state: ReceiverState,
    /// Since when it fails, or is off; null if it is on.
    pub since: Option<DateTime<Utc>>,
    /// When it last accepted a message; null if it never did.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Number of notices that wait for it.
    pub waiting: usize,
}

/// Reads the state of the alerts as it is now; `None` if there are no receivers. For pages and answers that are made on
/// request, because deliveries change between two snapshots.
pub type AlertsSource = Arc<dyn Fn() -> Option<AlertsStatus> + Send + Sync>;

/// Receivers and their last deliveries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertsStatus {
    /// Number of receivers.
    pub receivers_total: usize,
    /// Number of receivers that are switched off or disabled.
    pub receivers_off: usize,
    /// The receivers, in the order of the settings; empty if the settings hide them.
    pub receivers: Vec<ReceiverStatus>,
    /// The last deliveries, newest first; empty if the settings hide them.
    pub deliveries: Vec<Delivery>,
    /// What prevents alerts, one sentence each, without the reasons, which are in the log; empty if nothing does.
    #[serde(default)]
    pub problems: Vec<String>,
}
