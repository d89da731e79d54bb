//! Checks of an installation: what is in order, what is not, and what to do about it. The server makes the facts that only
//! it can read ([`StoreFacts`]); everything else is checked by the process that asks.

mod archive;
mod facts;
mod machine;
pub mod numbers;
mod record;
mod settings;
mod upstream;

pub use archive::archive;
pub use facts::{StoreFacts, StoredRun};
pub use machine::{disk, folder};
pub use record::{agreement, clock, numbers_hold, snapshot, store};
pub use settings::{alerts, contact, private_listener, schedule};
pub use upstream::upstream;

use crate::domain::ids::names;
use serde::Serialize;

names! {
    /// The outcome of a check.
    CheckState {
        /// It is in order.
        Ok = "ok",
        /// It works, but something should be done.
        Warning = "warning",
        /// It does not work.
        Failed = "failed",
        /// It was not checked.
        Skipped = "skipped",
    }
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the check.
    pub check: &'static str,
    /// Its outcome.
    pub state: CheckState,
    /// What was found, as a fragment.
    pub detail: String,
    /// What to do; empty if it is in order.
    pub action: String,
}

impl Finding {
    /// It is in order.
    pub fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: CheckState::Ok, detail: detail.into(), action: String::new() }
    }

    /// It works, but something should be done.
    pub fn warning(check: &'static str, detail: impl Into<String>, action: impl Into<String>) -> Self {
        Self { check, state: CheckState::Warning, detail: detail.into(), action: action.into() }
    }

    /// It does not work.
    pub fn failed(check: &'static str, detail: impl Into<String>, action: impl Into<String>) -> Self {
        Self { check, state: CheckState::Failed, detail: detail.into(), action: action.into() }
    }

    /// It was not checked.
    pub fn skipped(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: CheckState::Skipped, detail: detail.into(), action: String::new() }
    }
}
