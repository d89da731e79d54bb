//! The time at which requests are served: it is fixed, or advances with every request of a sweep.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};

use super::Simulator;
use crate::clock::{Clock, ManualClock};

/// The request that begins a sweep.
const FIRST: &str = "/api/v1/models";

/// Number of documents that a sweep requests once, and number of those it requests per model.
const ONCE: i64 = 3;
const BY_MODEL: i64 = 3;

/// The clock of a simulated upstream.
///
/// A sweep of duration [`Habits::sweep`](super::Habits::sweep) begins at the time set with [`set`](Self::set). Each
/// further request is served a fixed step later, however long it takes on this machine. The request for the list of
/// models begins a new sweep at the set time. A sweep with more than three documents per model takes proportionally
/// longer.
#[derive(Debug)]
pub struct SweepClock {
    step: Duration,
    sweep: Mutex<Sweep>,
    clock: ManualClock,
}

#[derive(Debug)]
struct Sweep {
    start: DateTime<Utc>,
    sent: i32,
}

impl SweepClock {
    /// The clock of a simulator, set to the start of its span.
    pub fn new(simulator: &Simulator) -> Self {
        let config = simulator.config();
        let pairs = i64::try_from(simulator.world.pairs.len()).unwrap_or(i64::MAX);
        let requests = pairs.saturating_mul(BY_MODEL).saturating_add(ONCE);
        let micros = config.habits.sweep.num_microseconds().unwrap_or(0) / requests;
        Self {
            step: Duration::microseconds(micros),
            sweep: Mutex::new(Sweep { start: config.start, sent: 0 }),
            clock: ManualClock::new(config.start),
        }
    }

    /// Sets the time at which the next request is served.
    pub fn set(&self, time: DateTime<Utc>) {
        *self.sweep() = Sweep { start: time, sent: 0 };
        self.clock.set(time);
    }

    /// The time at which a request for a path is served. The clock then shows that time.
    pub fn serve(&self, path: &str) -> DateTime<Utc> {
        let mut sweep = self.sweep();
        // The lists of providers may be requested before the list of models.
        if path == FIRST && i64::from(sweep.sent) >= ONCE {
            sweep.sent = 0;
        }
        let time = sweep.start + self.step * sweep.sent;
        sweep.sent = sweep.sent.saturating_add(1);
        self.clock.set(time);
        time
    }

    /// The time of the last request, or the time set after it.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The same time as a clock that a collector can share. Its clones advance with this clock.
    pub fn shared(&self) -> ManualClock {
        self.clock.clone()
    }

    /// No code here panics while it holds the lock, so the state behind a poisoned lock is still consistent.
    fn sweep(&self) -> MutexGuard<'_, Sweep> {
        self.sweep.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
