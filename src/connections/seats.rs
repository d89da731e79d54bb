//! What each connection is doing and since when, and which one is closed first.

use super::limits::Limits;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The head of a request is incomplete, or the connection is new.
    Head,
    /// A request runs, or its answer is being sent.
    Answer,
    /// The last answer is made, and no byte of a further request has arrived.
    Idle,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Since when the client does not read, and how many bytes it accepted since then.
    unread: Option<(Instant, usize)>,
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    state: Mutex<State>,
    cut: CancellationToken,
}

impl Seat {
    fn new(number: u64) -> Self {
        let state = State { phase: Phase::Head, since: Instant::now(), unread: None };
        Self { number, state: Mutex::new(state), cut: CancellationToken::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.state();
        state.phase = phase;
        state.since = Instant::now();
    }

    /// Bytes arrived: an idle connection begins a request.
    pub fn received(&self) {
        if self.state().phase == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// A request begins to run. It lasts until the value is dropped, with the last byte of its answer.
    pub fn answer(self: &Arc<Self>) -> Running {
        self.enter(Phase::Answer);
        Running(self.clone())
    }

    /// The client accepted bytes.
    pub fn sent(&self, bytes: usize) {
        let mut state = self.state();
        if let Some((_, accepted)) = &mut state.unread {
            *accepted += bytes;
            if *accepted >= Limits::READ_AT_LEAST {
                state.unread = None;
            }
        }
    }

    /// The client does not accept bytes at the moment.
    pub fn blocked(&self) {
        self.state().unread.get_or_insert_with(|| (Instant::now(), 0));
    }

    /// Everything was sent.
    pub fn drained(&self) {
        self.state().unread = None;
    }

    /// Completes when the connection must be closed.
    pub async fn is_cut(&self) {
        self.cut.cancelled().await;
    }

    fn is_overdue(&self, now: Instant, limits: &Limits) -> bool {
        let state = self.state();
        let passed = |since: Instant| now.saturating_duration_since(since);
        let is_late = match state.phase {
            Phase::Head => passed(state.since) >= limits.head,
            Phase::Idle => passed(state.since) >= limits.idle,
            // How long an answer may take to be made is a limit of the routes.
            Phase::Answer => false,
        };
        is_late || state.unread.is_some_and(|(since, _)| passed(since) >= limits.unread)
    }

    /// How little the connection is needed: the smallest is closed first. `None` if a request runs and its client reads.
    fn need(&self) -> Option<(u8, Instant)> {
        let state = self.state();
        match (state.phase, state.unread) {
            (Phase::Idle, None) => Some((0, state.since)),
            (Phase::Head, _) => Some((1, state.since)),
            (_, Some((since, _))) => Some((2, since)),
            (Phase::Answer, None) => None,
        }
    }
}

/// A request that runs.
#[derive(Debug)]
pub(super) struct Running(Arc<Seat>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

/// The connections of a server.
#[derive(Debug, Default)]
pub(super) struct Seats {
    taken: Mutex<HashMap<u64, Arc<Seat>>>,
    next: AtomicU64,
}

impl Seats {
    fn taken(&self) -> MutexGuard<'_, HashMap<u64, Arc<Seat>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection.
    pub fn take(&self) -> Arc<Seat> {
        let seat = Arc::new(Seat::new(self.next.fetch_add(1, Ordering::Relaxed)));
        self.taken().insert(seat.number, seat.clone());
        seat
    }

    /// The connection has ended.
    pub fn leave(&self, seat: &Seat) {
        self.taken().remove(&seat.number);
    }

    /// The number of connections that are not cut.
    pub fn count(&self) -> usize {
        self.taken().len()
    }

    /// Cuts every connection that a test holds for, and returns their number.
    fn cut_if(&self, is_cut: impl Fn(&Seat) -> bool) -> usize {
        let mut taken = self.taken();
        let before = taken.len();
        taken.retain(|_, seat| {
            let ends = is_cut(seat);
            if ends {
                seat.cut.cancel();
            }
            !ends
        });
        before - taken.len()
    }

    /// Cuts the connections that exceed a limit.
    pub fn cut_overdue(&self, limits: &Limits) {
        let now = Instant::now();
        let closed = self.cut_if(|seat| seat.is_overdue(now, limits));
        if closed > 0 {
            tracing::debug!(closed, "closed slow and idle connections");
        }
    }

    /// Cuts the connections without a complete request.
    pub fn cut_without_request(&self) {
        self.cut_if(|seat| seat.state().phase == Phase::Head);
    }

    /// Cuts all connections, and returns their number.
    pub fn cut_all(&self) -> usize {
        self.cut_if(|_| true)
    }

    /// Cuts one connection, the one that has been idle for longest, or else the one whose client is slowest. Returns
    /// whether there is one.
    pub fn cut_least_needed(&self) -> bool {
        let mut taken = self.taken();
        let least = taken.values().filter_map(|seat| Some((seat.need()?, seat.number))).min();
        let Some((_, number)) = least else { return false };
        if let Some(seat) = taken.remove(&number) {
            seat.cut.cancel();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn limits() -> Limits {
        Limits::with_connections(4)
    }

    /// The time so long after now.
    fn later(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn each_phase_has_its_limit_and_a_running_request_has_none() {
        let seats = Seats::default();
        let seat = seats.take();
        let limits = limits();
        assert!(!seat.is_overdue(later(9), &limits) && seat.is_overdue(later(11), &limits));
        let running = seat.answer();
        assert!(!seat.is_overdue(later(3_600), &limits));
        drop(running);
        assert!(!seat.is_overdue(later(59), &limits) && seat.is_overdue(later(61), &limits));
        seat.received();
        assert!(seat.is_overdue(later(11), &limits), "the first byte of the next request has arrived");
    }

    #[test]
    fn a_client_that_hardly_reads_is_too_slow_and_one_that_reads_is_not() {
        let seats = Seats::default();
        let seat = seats.take();
        let _running = seat.answer();
        seat.blocked();
        seat.sent(100);
        assert!(!seat.is_overdue(later(29), &limits()) && seat.is_overdue(later(31), &limits()));
        seat.sent(Limits::READ_AT_LEAST);
        assert!(!seat.is_overdue(later(31), &limits()));
        seat.blocked();
        seat.drained();
        assert!(!seat.is_overdue(later(31), &limits()));
    }

    #[test]
    fn the_oldest_idle_connection_makes_room_first_and_a_running_request_never() {
        let seats = Seats::default();
        let (head, idle, unread, busy) = (seats.take(), seats.take(), seats.take(), seats.take());
        drop(idle.answer());
        let _waits = unread.answer();
        unread.blocked();
        let _runs = busy.answer();
        for expected in [&idle, &head, &unread] {
            assert!(!expected.cut.is_cancelled());
            assert!(seats.cut_least_needed());
            assert!(expected.cut.is_cancelled());
        }
        assert!(!seats.cut_least_needed(), "only a running request is left");
        assert_eq!((seats.count(), busy.cut.is_cancelled()), (1, false));
        assert_eq!((seats.cut_all(), busy.cut.is_cancelled()), (1, true));
    }
}
