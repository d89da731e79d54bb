//! Stateless randomness: every draw is a function of the seed and of its purpose, so that any moment can be computed
//! without the preceding ones.

/// The purpose of a draw. Two purposes never share a stream.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(super) enum Draw {
    Theta = 1,
    Taste,
    Degree,
    Alpha,
    Pick,
    Swap,
    Price,
    Volume,
    Effect,
    CellSpread,
    Regime,
    RegimeLevel,
    Day,
    DaySpike,
    Hour,
    DayVolume,
    HourVolume,
    PromptShare,
    Errors,
    Limited,
    Speed,
    SpeedHour,
    Id,
    Shape,
    Event,
    EffectivePrice,
    Phase,
    Catalog,
    Ratio,
    Idle,
    Cache,
    ShiftPlan,
    Within,
    WithinHour,
}

/// A point in the tree of random streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    /// The root stream of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(mix(seed.wrapping_add(0x51_7C_C1_B7_27_22_0A_95)))
    }

    /// The stream for one purpose and key.
    pub(super) fn at<const N: usize>(self, draw: Draw, keys: [i64; N]) -> Self {
        let mut state = mix(self.0 ^ mix(draw as u64));
        for key in keys {
            state = mix(state ^ mix(key as u64 ^ 0x9E37_79B9_7F4A_7C15));
        }
        Self(state)
    }

    /// The raw 64 bits.
    pub(super) fn bits(self) -> u64 {
        mix(self.0)
    }

    /// Uniform in (0, 1), excluding both end points.
    pub(super) fn uniform(self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Uniform in `low..high`.
    pub(super) fn between(self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in `0..count`; 0 for an empty range.
    pub(super) fn index(self, count: usize) -> usize {
        ((self.uniform() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// Standard normal.
    pub(super) fn normal(self) -> f64 {
        let second = Self(self.0 ^ 0xD1B5_4A32_D192_ED03);
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * second.uniform()).cos()
    }

    /// `exp(sigma * normal)`: a factor with median 1.
    pub(super) fn factor(self, sigma: f64) -> f64 {
        (sigma * self.normal()).exp()
    }

    /// Standard Gumbel: adding it to log weights and sorting gives a draw without replacement.
    pub(super) fn gumbel(self) -> f64 {
        -(-self.uniform().ln()).ln()
    }
}

/// The finaliser of SplitMix64.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_purpose_and_key() {
        let a = Noise::new(1);
        assert_eq!(a.at(Draw::Day, [3]).bits(), Noise::new(1).at(Draw::Day, [3]).bits());
        assert_ne!(a.at(Draw::Day, [3]).bits(), a.at(Draw::Day, [4]).bits());
        assert_ne!(a.at(Draw::Day, [3]).bits(), a.at(Draw::Hour, [3]).bits());
        assert_ne!(a.at(Draw::Day, [3]).bits(), Noise::new(2).at(Draw::Day, [3]).bits());
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let noise = Noise::new(11);
        let draws: Vec<f64> = (0..20_000).map(|i| noise.at(Draw::Day, [i]).normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }
}
