//! Lenses, tiers, and the cut points between tiers.

use super::ids::names;
use super::thresholds::{
    TIER_BAND_CACHE, TIER_BAND_COST, TIER_BAND_INTERVAL_SHARE, TIER_BAND_MOST, TIER_BAND_Z,
};

names! {
    /// The criterion that a tier list ranks by.
    Lens as "lens" {
        /// Hit rate, in points relative to peers on the same models.
        Cache = "cache",
        /// Session cost under a workload, relative to peers on the same models.
        Cost = "cost",
        /// Log-odds of availability (or published uptime, as labelled).
        Reliability = "reliability",
        /// Throughput and time to first token, half each.
        Speed = "speed",
        /// The mean of the other lenses' z-scores, with the workload's weights.
        Overall = "overall",
    }
}

impl Lens {
    /// Unit of `adjusted`, `low` and `high` in a tier list of this lens.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Cache => "fraction (difference of hit rates)",
            Self::Cost => "fraction (of the peers' session cost)",
            Self::Reliability | Self::Speed | Self::Overall => "z-score",
        }
    }

    /// Whether a tier list of this lens depends on the workload.
    pub fn needs_workload(self) -> bool {
        matches!(self, Self::Cost | Self::Overall)
    }

    /// Cut points between S|A|B|C|D|F in the unit of [`Lens::unit`], best first, and whether higher is better. `cost`:
    /// session cost divided by the peers' cost, minus 1. `cache`: differences of hit rates. The z-score cuts follow the
    /// same idea; `docs/evidence.md` states how many providers they put into each tier on recorded days.
    pub fn cuts(self) -> Cuts {
        match self {
            Self::Cost => Cuts { higher_is_better: false, at: [-0.25, -0.05, 0.15, 0.5, 1.5] },
            Self::Cache => Cuts { higher_is_better: true, at: [0.15, 0.07, -0.03, -0.10, -0.20] },
            Self::Reliability | Self::Speed | Self::Overall => {
                Cuts { higher_is_better: true, at: [1.25, 0.6, -0.25, -0.8, -1.6] }
            }
        }
    }

    /// The dead band of a tier on the additive scale of effects (`cost`: the logarithm). It is at least the lens's
    /// minimum, and wider, within limits, for a figure with a wide interval `(low, high)` in the unit of
    /// [`Lens::unit`].
    pub fn dead_band(self, interval: Option<(f64, f64)>) -> f64 {
        let least = match self {
            Self::Cache => TIER_BAND_CACHE,
            Self::Cost => TIER_BAND_COST.ln_1p(),
            Self::Reliability | Self::Speed | Self::Overall => TIER_BAND_Z,
        };
        let half = |(low, high)| (self.additive(high) - self.additive(low)).abs() / 2.0;
        let half = interval.map(half).filter(|half: &f64| half.is_finite()).unwrap_or(0.0);
        (TIER_BAND_INTERVAL_SHARE * half).min(TIER_BAND_MOST * least).max(least)
    }

    /// A value worsened by a band on the additive scale; a negative band improves it. Input and output are in the unit
    /// of [`Lens::unit`].
    pub fn worsened(self, value: f64, by: f64) -> f64 {
        match self {
            Self::Cost => (self.additive(value) + by).exp_m1(),
            _ => value - by,
        }
    }

    fn additive(self, value: f64) -> f64 {
        if self == Self::Cost { value.ln_1p() } else { value }
    }
}

/// The five cut points of a lens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cuts {
    /// Whether a larger value is better.
    pub higher_is_better: bool,
    /// Bounds of S, A, B, C, D in the lens's unit; a value on a bound belongs to the better tier.
    pub at: [f64; 5],
}

impl Cuts {
    /// The tier of a value; NaN is unrated.
    pub fn tier(&self, value: f64) -> Tier {
        if !value.is_finite() {
            return Tier::Unrated;
        }
        let rank =
            self.at.iter().position(|cut| if self.higher_is_better { value >= *cut } else { value <= *cut });
        Tier::RATED[rank.unwrap_or(5)]
    }
}

names! {
    /// S is the best, F the worst; `unrated` always comes with a reason.
    #[derive(Default)]
    Tier as "tier" {
        /// Best.
        S = "S",
        /// Good.
        A = "A",
        /// On a par with the peers.
        B = "B",
        /// Worse than the peers.
        C = "C",
        /// Bad.
        D = "D",
        /// Worst.
        F = "F",
        /// No tier; the reason is given next to it.
        #[default]
        Unrated = "unrated",
    }
}

impl Tier {
    /// The six letters, best first.
    pub const RATED: [Self; 6] = [Self::S, Self::A, Self::B, Self::C, Self::D, Self::F];

    /// Number of letters from one to the other; at 2 or more, at least one whole tier is in between.
    pub fn distance(self, other: Self) -> usize {
        (self as usize).abs_diff(other as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_the_cut_belongs_to_the_better_tier() {
        let cache = Lens::Cache.cuts();
        assert_eq!(cache.tier(0.15), Tier::S);
        assert_eq!(cache.tier(0.1499), Tier::A);
        assert_eq!(cache.tier(-0.03), Tier::B);
        assert_eq!(cache.tier(-0.21), Tier::F);
        assert_eq!(cache.tier(f64::NAN), Tier::Unrated);
        let cost = Lens::Cost.cuts();
        assert_eq!(cost.tier(-0.25), Tier::S);
        assert_eq!(cost.tier(0.15), Tier::B);
        assert_eq!(cost.tier(1.51), Tier::F);
    }

    #[test]
    fn lens_names_read_back() {
        for lens in Lens::ALL {
            assert_eq!(lens.as_str().parse(), Ok(lens));
        }
        assert!("price".parse::<Lens>().is_err());
        for tier in Tier::RATED.into_iter().chain([Tier::Unrated]) {
            assert_eq!(tier.as_str().parse(), Ok(tier));
        }
        assert!("E".parse::<Tier>().is_err());
    }

    #[test]
    fn the_dead_band_moves_a_value_the_way_that_its_lens_calls_worse() {
        for lens in Lens::ALL {
            let sign = if lens.cuts().higher_is_better { 1.0 } else { -1.0 };
            let band = lens.dead_band(None);
            assert!(
                sign * lens.worsened(0.1, band) < sign * 0.1 && sign * lens.worsened(0.1, -band) > sign * 0.1
            );
        }
        let dearer = Lens::Cost.worsened(1.0, Lens::Cost.dead_band(None));
        assert!((dearer - 1.1).abs() < 1e-12, "five per cent of twice the peers' cost: {dearer}");
    }

    #[test]
    fn the_dead_band_widens_with_the_interval_within_limits() {
        let band = |half: f64| Lens::Cache.dead_band(Some((-half, half)));
        assert!((band(0.05) - 0.03).abs() < 1e-12 && (band(0.2) - 0.066).abs() < 1e-12);
        assert!((band(0.9) - 0.09).abs() < 1e-12 && (band(f64::NAN) - 0.03).abs() < 1e-12);
        let cost = Lens::Cost.dead_band(Some((-0.5, 1.0)));
        assert!((cost - 3.0 * 1.05_f64.ln()).abs() < 1e-12, "{cost}");
    }
}
