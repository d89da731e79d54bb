//! Lenses, tiers, and the cut points between tiers.

use super::ids::names;
use super::thresholds::{TIER_BAND_CACHE, TIER_BAND_COST, TIER_BAND_Z};

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

    /// The band of a tier on the additive scale of effects (`cost`: the logarithm): how far a figure may be outside of
    /// the row of its tier before the tier changes.
    pub fn band(self) -> f64 {
        match self {
            Self::Cache => TIER_BAND_CACHE,
            Self::Cost => TIER_BAND_COST.ln_1p(),
            Self::Reliability | Self::Speed | Self::Overall => TIER_BAND_Z,
        }
    }

    /// Printed steps per unit of [`Lens::unit`]: tenths of a point or of a percent, hundredths of a z-score.
    fn steps(self) -> f64 {
        match self {
            Self::Cache | Self::Cost => 1000.0,
            Self::Reliability | Self::Speed | Self::Overall => 100.0,
        }
    }

    /// A value rounded to the step with which it is printed.
    pub fn printed(self, value: f64) -> f64 {
        // The sum turns -0 into 0.
        (value * self.steps()).round() / self.steps() + 0.0
    }

    /// The tier of a value as it is printed; NaN is unrated.
    pub fn tier(self, value: f64) -> Tier {
        self.cuts().tier(self.printed(value))
    }

    /// A value as it is printed in the row of `tier`: the value itself, or the edge of the row next to it. A cut belongs
    /// to the better row, so the better edge of a row is one printed step short of its cut.
    pub fn within(self, tier: Tier, value: f64) -> f64 {
        let (value, cuts) = (self.printed(value), self.cuts());
        let rank = tier as usize;
        let step = if cuts.higher_is_better { -1.0 / self.steps() } else { 1.0 / self.steps() };
        let above = rank.checked_sub(1).and_then(|above| cuts.at.get(above));
        let (better, worse) = (above.map(|cut| self.printed(cut + step)), cuts.at.get(rank).copied());
        let (low, high) = if cuts.higher_is_better { (worse, better) } else { (better, worse) };
        value.max(low.unwrap_or(f64::NEG_INFINITY)).min(high.unwrap_or(f64::INFINITY))
    }

    /// How far apart two values are on the scale of [`Lens::band`].
    pub fn apart(self, one: f64, other: f64) -> f64 {
        (self.additive(one) - self.additive(other)).abs()
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
    fn the_band_moves_a_value_the_way_that_its_lens_calls_worse() {
        for lens in Lens::ALL {
            let sign = if lens.cuts().higher_is_better { 1.0 } else { -1.0 };
            let band = lens.band();
            assert!(
                sign * lens.worsened(0.1, band) < sign * 0.1 && sign * lens.worsened(0.1, -band) > sign * 0.1
            );
            assert!((lens.apart(0.1, lens.worsened(0.1, band)) - band).abs() < 1e-12);
        }
        let expensive = Lens::Cost.worsened(1.0, Lens::Cost.band());
        assert!((expensive - 1.1).abs() < 1e-12, "five per cent of twice the peers' cost: {expensive}");
    }

    #[test]
    fn a_tier_is_that_of_the_printed_figure() {
        assert_eq!((Lens::Cache.printed(0.069_51), Lens::Cache.tier(0.069_51)), (0.07, Tier::A));
        assert_eq!((Lens::Cache.printed(0.069_49), Lens::Cache.tier(0.069_49)), (0.069, Tier::B));
        assert_eq!(Lens::Cost.tier(0.150_4), Tier::B);
        assert_eq!(Lens::Overall.tier(-0.254), Tier::B);
        assert!(Lens::Cache.printed(-0.000_1).is_sign_positive());
    }

    #[test]
    fn every_figure_within_a_row_has_the_tier_of_the_row() {
        for lens in Lens::ALL {
            for tier in Tier::RATED {
                for value in (-400..400).map(|n| f64::from(n) / 127.0) {
                    let shown = lens.within(tier, value);
                    assert_eq!(lens.cuts().tier(shown), tier, "{lens} {tier} {value} {shown}");
                    assert!(
                        lens.tier(value) != tier || shown == lens.printed(value),
                        "{lens} {tier} {value}"
                    );
                }
            }
        }
        assert_eq!(Lens::Cache.within(Tier::A, 0.2), 0.149);
        assert_eq!(Lens::Cache.within(Tier::A, 0.0), 0.07);
        assert_eq!(Lens::Cost.within(Tier::B, -0.2), -0.049);
        assert_eq!(Lens::Overall.within(Tier::C, 3.0), -0.26);
    }
}
