//! What the responses of an upstream say about further requests. The state is shared by all sweeps of a fetcher, so
//! that the second list of documents takes the responses to the first one into account.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::MOST_REFUSALS;

#[derive(Default)]
pub(super) struct Consent {
    state: Mutex<State>,
    /// Held by the request that goes first.
    first: tokio::sync::Mutex<()>,
    /// Cancelled once the first request got anything but a refusal.
    open: CancellationToken,
}

#[derive(Default)]
struct State {
    /// No request is sent before this time.
    resume_at: Option<Instant>,
    /// Whether any response was not a refusal.
    admitted: bool,
    /// Number of consecutive documents that were refused.
    refused: u32,
}

impl Consent {
    /// Serializes requests until the upstream is known not to refuse the first one. Otherwise the first response would
    /// be that of the fastest request in flight, and a single refused document could stop a sweep.
    pub(super) async fn in_turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        tokio::select! {
            biased;
            () = self.open.cancelled() => None,
            guard = self.first.lock() => Some(guard),
        }
    }

    /// Records a response that is not a refusal.
    pub(super) fn admit(&self) {
        let mut state = self.lock();
        state.admitted = true;
        state.refused = 0;
        self.open.cancel();
    }

    /// Records a request without a response: it says nothing about consent.
    pub(super) fn no_answer(&self) {
        self.open.cancel();
    }

    /// Counts a document that was refused after all attempts. Returns whether the sweep must stop.
    pub(super) fn refuse(&self) -> bool {
        let mut state = self.lock();
        state.refused += 1;
        !state.admitted || state.refused >= MOST_REFUSALS
    }

    /// Delays all requests by this time, including those of a later sweep.
    pub(super) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        state.resume_at = state.resume_at.max(Some(until));
    }

    /// When requests may be sent again; `None` means now.
    pub(super) fn resume_at(&self) -> Option<Instant> {
        self.lock().resume_at.filter(|time| *time > Instant::now())
    }

    /// No code here panics while it holds the lock, so the state behind a poisoned lock is still consistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
