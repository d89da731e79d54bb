//! The outbox: what waits on disk, when it is sent, and what happened.

mod form;
mod outbox;
mod record;
mod schedule;
mod state;

pub use outbox::{Outbox, Run};
pub use state::AlertsError;
