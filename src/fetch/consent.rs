//! What an upstream's answers say about further requests: kept for all sweeps of a fetcher, so that the second list of
//! documents knows what the first one was answered.

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
    /// Cancelled once the first request has met something else than a refusal.
    open: CancellationToken,
}

#[derive(Default)]
struct State {
    /// Nobody sends before this.
    resume_at: Option<Instant>,
    /// Whether anything but a refusal has been answered.
    admitted: bool,
    /// Documents in a row that were refused.
    refused: u32,
}

impl Consent {
    /// Lets one request through at a time until the upstream is known not to refuse the first one. Otherwise the first
    /// answer among several in flight would be that of the fastest, and a single refused document could stop a sweep.
    pub(super) async fn in_turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        tokio::select! {
            biased;
            () = self.open.cancelled() => None,
            guard = self.first.lock() => Some(guard),
        }
    }

    /// An answer that is no refusal.
    pub(super) fn admit(&self) {
        let mut state = self.lock();
        state.admitted = true;
        state.refused = 0;
        self.open.cancel();
    }

    /// No answer at all: it says nothing about consent.
    pub(super) fn no_answer(&self) {
        self.open.cancel();
    }

    /// Counts a document that was refused after all attempts; whether that is the upstream's word to stop.
    pub(super) fn refuse(&self) -> bool {
        let mut state = self.lock();
        state.refused += 1;
        !state.admitted || state.refused >= MOST_REFUSALS
    }

    /// Holds back every request for this long, also those of a later sweep.
    pub(super) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        state.resume_at = state.resume_at.max(Some(until));
    }

    /// When requests may be sent again; `None` when now.
    pub(super) fn resume_at(&self) -> Option<Instant> {
        self.lock().resume_at.filter(|time| *time > Instant::now())
    }

    /// Nothing here panics while it holds the lock; a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
