//! The rate limit of the whole process.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// An evenly spaced request rate; unlimited if no rate is set.
pub(super) struct Pace<C: Clock = MonotonicClock> {
    limiter: Option<Limiter<C>>,
}

impl Pace {
    pub(super) fn new(rate_per_second: Option<f64>) -> Self {
        Self::with_clock(rate_per_second, MonotonicClock)
    }

    /// Waits for the turn of one request.
    pub(super) async fn turn(&self) {
        while let Some(wait) = self.reserve() {
            tokio::time::sleep(wait).await;
        }
    }
}

impl<C: Clock> Pace<C> {
    fn with_clock(rate_per_second: Option<f64>, clock: C) -> Self {
        Self {
            limiter: rate_per_second
                .and_then(quota)
                .map(|quota| RateLimiter::direct_with_clock(quota, clock)),
        }
    }

    /// Takes a turn, or returns how long to wait before the next try.
    fn reserve(&self) -> Option<Duration> {
        let limiter = self.limiter.as_ref()?;
        let not_until = limiter.check().err()?;
        Some(not_until.wait_time_from(limiter.clock().now()))
    }
}

/// Up to 20 requests per second, one request at a time; above that, bursts of 1/20 of a second's quota, because
/// timers have a resolution of one millisecond.
fn quota(rate: f64) -> Option<Quota> {
    if !rate.is_finite() || rate <= 0.0 {
        return None;
    }
    let period = Duration::try_from_secs_f64(1.0 / rate).ok()?;
    let burst = (rate / 20.0).ceil() as u32;
    let quota = Quota::with_period(period)?;
    Some(quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)))
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    /// Requests allowed in `seconds` of a clock that ticks in milliseconds.
    fn passed(rate: Option<f64>, seconds: u64) -> u64 {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(rate, clock.clone());
        let mut passed = 0;
        for _ in 0..seconds * 1_000 {
            if pace.reserve().is_none() {
                passed += 1;
            }
            clock.advance(Duration::from_millis(1));
        }
        passed
    }

    #[test]
    fn a_rate_holds_over_any_stretch() {
        assert_eq!(passed(Some(4.0), 10), 40);
        assert_eq!(passed(Some(0.5), 10), 5);
        let hundred = passed(Some(100.0), 10);
        assert!((995..=1_005).contains(&hundred), "{hundred}");
    }

    #[test]
    fn no_rate_and_a_rate_of_no_sense_are_unlimited() {
        for rate in [None, Some(0.0), Some(-1.0), Some(f64::NAN)] {
            assert_eq!(passed(rate, 1), 1_000, "{rate:?}");
        }
    }

    #[test]
    fn the_wait_is_until_the_next_turn() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(Some(4.0), clock.clone());
        assert_eq!(pace.reserve(), None);
        let wait = pace.reserve().expect("the second has to wait");
        assert_eq!(wait, Duration::from_millis(250));
        clock.advance(wait);
        assert_eq!(pace.reserve(), None);
    }
}
