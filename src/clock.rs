//! The only place that reads the system time. Everything else takes a time or a [`Clock`] as an argument.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// A future that completes when a given duration has passed on a clock.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A source of the current time in UTC.
pub trait Clock: Send + Sync {
    /// The current time, UTC.
    fn now(&self) -> DateTime<Utc>;

    /// Waits until `duration` has passed on this clock; on a stopped clock, this waits forever.
    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(duration))
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> DateTime<Utc> {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        (**self).sleep(duration)
    }
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that always shows the same time, for `--at` and for tests. Sleeping on it takes real time.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(
    /// The time that it shows.
    pub DateTime<Utc>,
);

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// A clock that only moves when it is set, for the demo and for tests. Clones share the time. A sleeper wakes when the
/// clock has moved far enough, or back to before the start of the sleep.
#[derive(Debug, Clone)]
pub struct ManualClock {
    time: Arc<watch::Sender<DateTime<Utc>>>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self { time: Arc::new(watch::Sender::new(start)) }
    }

    /// Moves the clock to `time`, forward or back.
    pub fn set(&self, time: DateTime<Utc>) {
        self.time.send_replace(time);
    }

    /// Moves the clock forward by `duration`.
    pub fn advance(&self, duration: Duration) {
        self.time.send_modify(|now| *now = later(*now, duration));
    }

    /// The number of sleepers on this clock, so that a test knows when it may move the clock.
    pub fn sleepers(&self) -> usize {
        self.time.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.time.borrow()
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        let mut time = self.time.subscribe();
        let start = *time.borrow();
        let wake = later(start, duration);
        Box::pin(async move {
            // The wait cannot fail: the sender lives in `self`, which this future borrows.
            let _ = time.wait_for(|now| *now >= wake || *now < start).await;
        })
    }
}

/// `time` plus `duration`, saturating at the end of the calendar.
pub(crate) fn later(time: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| time.checked_add_signed(delta))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_785_000_000, 0).expect("a valid time")
    }

    #[test]
    fn a_manual_clock_moves_only_when_told_and_clones_share_it() {
        let clock = ManualClock::new(noon());
        let other = clock.clone();
        assert_eq!(clock.now(), noon());
        other.advance(Duration::from_secs(90));
        assert_eq!(clock.now(), noon() + TimeDelta::seconds(90));
        clock.set(noon());
        assert_eq!(other.now(), noon());
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_has_moved_far_enough() {
        let clock = ManualClock::new(noon());
        let mut sleep = clock.sleep(Duration::from_secs(60));
        clock.advance(Duration::from_secs(59));
        tokio::select! {
            biased;
            () = &mut sleep => panic!("woke a second early"),
            () = tokio::task::yield_now() => {}
        }
        clock.advance(Duration::from_secs(1));
        sleep.await;
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn the_end_of_the_calendar_does_not_overflow() {
        assert_eq!(later(noon(), Duration::MAX), DateTime::<Utc>::MAX_UTC);
    }
}
