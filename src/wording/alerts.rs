//! The state of alerts in words.

use crate::domain::delivery::{AlertsStatus, DeliveryOutcome, ReceiverState};
use crate::domain::format::moment;
use chrono::{DateTime, Utc};

/// The state of a receiver.
pub fn receiver(state: ReceiverState) -> &'static str {
    match state {
        ReceiverState::On => "on",
        ReceiverState::Failing => "failing",
        ReceiverState::SwitchedOff => "switched off after failures",
        ReceiverState::Disabled => "disabled by the operator",
    }
}

/// The outcome of a delivery.
pub fn outcome(outcome: DeliveryOutcome) -> &'static str {
    match outcome {
        DeliveryOutcome::Delivered => "delivered",
        DeliveryOutcome::Failed => "failed, will be sent again",
        DeliveryOutcome::GivenUp => "failed, given up",
    }
}

/// That the state of the deliveries is not known.
pub const UNREADABLE: &str =
    "The state of the deliveries cannot be read, so nothing is sent. The log has the reason.";

/// That the rules cannot be applied since a time.
pub fn rules_failing(since: DateTime<Utc>) -> String {
    format!(
        "The rules cannot be applied since {}. The log has the reason; they are tried again.",
        moment(since)
    )
}

/// How many receivers there are, and how many get nothing.
pub fn summary(status: &AlertsStatus) -> String {
    let receivers = match status.receivers_total {
        1 => "1 receiver".to_owned(),
        total => format!("{total} receivers"),
    };
    match status.receivers_off {
        0 => format!("{receivers} of alerts, none switched off."),
        off => format!("{receivers} of alerts, {off} switched off."),
    }
}
