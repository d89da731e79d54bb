//! Intervals over the user's sessions: whole sessions are drawn with replacement, because the calls of a session share
//! their prefix and their host.

use crate::domain::thresholds::{RESAMPLE_SEED, RESAMPLES};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Fewer sessions than this give no interval.
pub(super) const MIN_SESSIONS: usize = 5;

/// Standard deviations between the ends of a 90 % interval.
const WIDTH_90: f64 = 3.29;

/// A cost against another one over the same calls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// Number of calls for which both are known.
    pub calls: usize,
    /// The cost, USD.
    pub usd: f64,
    /// What it is compared with, USD.
    pub against_usd: f64,
    /// Difference as a fraction, negative if the cost is lower; null if the other one is 0.
    pub fraction: Option<f64>,
    /// Lower end of the 90 % interval of `fraction`; null with fewer than five sessions.
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
}

/// One session in a comparison: its cost with nothing and with everything reusable found, and the other cost, USD.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Pair {
    pub calls: usize,
    pub cold: f64,
    pub warm: f64,
    pub other: f64,
}

impl Pair {
    /// Adds a call whose cost does not depend on a retention.
    pub fn add(&mut self, usd: f64, other: f64) {
        self.calls += 1;
        self.cold += usd;
        self.warm += usd;
        self.other += other;
    }
}

/// A retention with the ends of its 90 % interval, 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Retention {
    pub mean: f64,
    pub ends: Option<(f64, f64)>,
}

impl Retention {
    /// A retention that is known exactly, for costs that do not depend on it.
    pub const EXACT: Self = Self { mean: 0.0, ends: None };
}

/// Compares the costs of sessions. The interval draws sessions, and a retention for each draw.
pub(super) fn change(pairs: &[Pair], retention: Retention) -> Option<Change> {
    let calls: usize = pairs.iter().map(|pair| pair.calls).sum();
    if calls == 0 {
        return None;
    }
    let cost = |pair: &Pair, q: f64| pair.cold + q * (pair.warm - pair.cold);
    let usd: f64 = pairs.iter().map(|pair| cost(pair, retention.mean)).sum();
    let other: f64 = pairs.iter().map(|pair| pair.other).sum();
    let (low, high) = ends(pairs, retention, cost).unzip();
    let fraction = (other > 0.0).then(|| usd / other - 1.0);
    Some(Change { calls, usd, against_usd: other, fraction, low, high })
}

fn ends(pairs: &[Pair], retention: Retention, cost: impl Fn(&Pair, f64) -> f64) -> Option<(f64, f64)> {
    let used: Vec<&Pair> = pairs.iter().filter(|pair| pair.calls > 0).collect();
    if used.len() < MIN_SESSIONS {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(RESAMPLE_SEED);
    let mut drawn = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let q = retention.ends.map_or(retention.mean, |(low, high)| {
            // The sum of twelve uniform numbers is nearly normal, with variance 1.
            let normal: f64 = (0..12).map(|_| random.random_range(0.0..1.0)).sum::<f64>() - 6.0;
            (retention.mean + normal * (high - low) / WIDTH_90).clamp(0.0, 1.0)
        });
        let (mut sum, mut other) = (0.0, 0.0);
        for _ in 0..used.len() {
            let pair = used[random.random_range(0..used.len())];
            sum += cost(pair, q);
            other += pair.other;
        }
        if other > 0.0 {
            drawn.push(sum / other - 1.0);
        }
    }
    drawn.sort_by(f64::total_cmp);
    let at =
        |share: f64| drawn.get((share * (drawn.len().saturating_sub(1)) as f64).round() as usize).copied();
    at(0.05).zip(at(0.95))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(cold: f64, warm: f64, other: f64) -> Pair {
        Pair { calls: 1, cold, warm, other }
    }

    #[test]
    fn a_change_is_the_ratio_of_the_sums() {
        let pairs = [pair(4.0, 2.0, 2.0), pair(8.0, 4.0, 8.0), Pair::default()];
        let found = change(&pairs, Retention { mean: 0.5, ends: None }).expect("compared");
        assert_eq!((found.calls, found.usd, found.against_usd), (2, 9.0, 10.0));
        assert!((found.fraction.expect("known") + 0.1).abs() < 1e-12);
        assert_eq!((found.low, found.high), (None, None), "two sessions are too few");
        assert_eq!(change(&[], Retention::EXACT), None);
        assert_eq!(change(&[pair(1.0, 1.0, 0.0)], Retention::EXACT).and_then(|one| one.fraction), None);
    }

    #[test]
    fn the_interval_contains_the_estimate_and_widens_with_the_retention() {
        let pairs: Vec<Pair> = (1..=20).map(|n| pair(f64::from(n), f64::from(n) / 2.0, 10.0)).collect();
        let width = |ends| {
            let found = change(&pairs, Retention { mean: 0.5, ends }).expect("compared");
            let (low, high) = found.low.zip(found.high).expect("enough sessions");
            assert!(found.fraction.is_some_and(|at| (low..=high).contains(&at)));
            high - low
        };
        assert!(width(None) > 0.0 && width(Some((0.0, 1.0))) > width(None));
        let equal: Vec<Pair> = (0..6).map(|_| pair(1.0, 1.0, 2.0)).collect();
        let exact = change(&equal, Retention::EXACT).expect("compared");
        assert_eq!((exact.fraction, exact.low, exact.high), (Some(-0.5), Some(-0.5), Some(-0.5)));
    }
}
