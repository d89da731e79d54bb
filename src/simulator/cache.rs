//! The age of a usage body when it is served, and the UTC day it covers.

use chrono::{DateTime, Duration, Utc};

use super::Simulator;
use super::noise::{Draw, Noise};
use super::traffic::midnight;
use super::world::Pair;

/// Maximum number of days to search back for the last day with traffic.
const LOOK_BACK: i64 = 30;

/// After midnight, 41 % of the recorded bodies were yesterday's at 81 s, 21 % at 137 s, and at most 2.6 % at 20
/// minutes. This mixture gives 41.0 %, 21.1 % and none: most bodies follow an exponential distribution that starts at
/// `FIRST_S`, and a share of `SLOW` is spread evenly over the 20 minutes.
const FIRST_S: f64 = 11.0;
const MEAN_S: f64 = 73.9;
const SLOW: f64 = 0.04;
const LONGEST_S: f64 = 1200.0;

/// The time window that a usage body covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Midnight of the day on which the body was computed; charts go back seven more days.
    pub(super) computed_on: DateTime<Utc>,
    /// Start of the summaries and of the last chart point: midnight of the body's day.
    pub(super) from: DateTime<Utc>,
    /// End of both, exclusive.
    pub(super) to: DateTime<Utc>,
}

impl Window {
    /// The UTC day up to a time, without any cache.
    pub(super) fn day_to(at: DateTime<Utc>) -> Self {
        Self { computed_on: midnight(at), from: midnight(at), to: at }
    }
}

/// The window of a pair's usage body when it is served at a time; `None` if the body is empty.
pub(super) fn window(simulator: &Simulator, pair: &Pair, at: DateTime<Utc>) -> Option<Window> {
    let computed = computed(simulator, pair, at)?;
    let busy = |from, to| {
        pair.endpoints.iter().any(|&e| simulator.book.between(&simulator.world, e, from, to).prompt > 0)
    };
    if busy(computed.from, computed.to) {
        return Some(computed);
    }
    let day = |back| computed.from - Duration::days(back);
    let last = (1..=LOOK_BACK).map(day).find(|&from| busy(from, from + Duration::days(1)))?;
    Some(Window { from: last, to: last + Duration::days(1), ..computed })
}

/// When the body was computed, as the day up to then; `None` for a pair without endpoints.
fn computed(simulator: &Simulator, pair: &Pair, at: DateTime<Utc>) -> Option<Window> {
    let habits = &simulator.config.habits;
    let today = midnight(at);
    let key = *pair.endpoints.first()? as i64;
    let draw = |part: i64| simulator.world.noise.at(Draw::Cache, [part, key, today.timestamp()]);
    let turned = if habits.slow_midnight { today + turnover(draw(0)) } else { today };
    if at < turned {
        let yesterday = today - Duration::days(1);
        return Some(Window { computed_on: yesterday, from: yesterday, to: today });
    }
    let longest = habits.usage_cache.num_milliseconds() as f64;
    let period = ((longest * draw(1).between(0.2, 1.0)) as i64).max(1);
    let age = (at - turned).num_milliseconds() % period;
    Some(Window::day_to(at - Duration::milliseconds(age)))
}

/// How long after midnight a body switches to the new day.
fn turnover(noise: Noise) -> Duration {
    let share = noise.uniform();
    let seconds = match share < SLOW {
        true => LONGEST_S * share / SLOW,
        // The rest of the same draw, rescaled to 0..1.
        false => FIRST_S - MEAN_S * (1.0 - (share - SLOW) / (1.0 - SLOW)).ln(),
    };
    Duration::milliseconds((1000.0 * seconds.min(LONGEST_S)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_turn_over_as_the_recorded_ones_did() {
        let noise = Noise::new(3);
        let delays: Vec<Duration> = (0..20_000).map(|i| turnover(noise.at(Draw::Cache, [i]))).collect();
        let stale = |at| delays.iter().filter(|d| **d > Duration::seconds(at)).count() as f64 / 20_000.0;
        assert!((stale(81) - 0.41).abs() < 0.015, "{}", stale(81));
        assert!((stale(137) - 0.21).abs() < 0.015, "{}", stale(137));
        assert!(stale(600) > 0.005 && stale(1200) == 0.0, "{} and {}", stale(600), stale(1200));
        assert!(delays.iter().all(|delay| *delay >= Duration::zero()));
    }
}
