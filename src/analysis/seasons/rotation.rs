//! The permutation test of a periodic profile. Under the null hypothesis the position within a block (an hour within a
//! day, a day within a week) does not matter, so a block can be rotated without changing the distribution; rotating
//! whole blocks keeps the autocorrelation within them. That a block of an autocorrelated series may be shifted is the
//! circular version of the block permutation of Kirch (2007), "Block permutation principles for the change analysis of
//! dependent data", Journal of Statistical Planning and Inference 137.

use crate::analysis::discovery::q_values;
use crate::analysis::intervals::student_t;
use crate::domain::season::SeasonRate;
use crate::domain::thresholds::{RESAMPLE_SEED, SEASON_MAX_Q};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most permutations of one test.
const MOST: u32 = 9_999;
/// A test stops once this many permutations were at least as clear.
const ENOUGH: u32 = 10;

/// The probability that `statistic` of the sums over the blocks, which are of one length, is at least as large as it is
/// if each block can be rotated. Stops early if it is not small: Besag and Clifford (1991), "Sequential Monte Carlo
/// p-values", Biometrika 78. The same arguments give the same result.
pub fn sequential_p(blocks: &[Vec<f64>], statistic: impl Fn(&[f64]) -> f64, key: Uuid) -> f64 {
    let width = blocks.first().map_or(0, Vec::len);
    let mut sums = vec![0.0; width];
    rotated(&mut sums, blocks, || 0);
    let observed = statistic(&sums);
    // Equal sums in another order differ in the last bits.
    let bound = observed - 1e-9 * observed.abs();
    let mut random = ChaCha8Rng::seed_from_u64(RESAMPLE_SEED ^ key.as_u64_pair().0 ^ key.as_u64_pair().1);
    let mut reached = 0;
    for drawn in 1..=MOST {
        rotated(&mut sums, blocks, || random.random_range(0..width.max(1)));
        reached += u32::from(statistic(&sums) >= bound);
        if reached == ENOUGH {
            return f64::from(ENOUGH) / f64::from(drawn);
        }
    }
    f64::from(reached + 1) / f64::from(MOST + 1)
}

/// The sum of each place over the blocks, each rotated by a number of places.
fn rotated(sums: &mut [f64], blocks: &[Vec<f64>], mut by: impl FnMut() -> usize) {
    sums.fill(0.0);
    for block in blocks {
        let (head, tail) = block.split_at(by().min(block.len()));
        for (sum, value) in sums.iter_mut().zip(tail.iter().chain(head)) {
            *sum += value;
        }
    }
}

/// One endpoint under the test: its profile if it counts as one, and its probability.
pub(super) struct Tested<T> {
    pub key: Uuid,
    pub p_value: f64,
    pub found: T,
}

/// The tests that remain after the correction, with their `q`.
pub(super) fn discovered<T>(tests: Vec<Tested<T>>) -> BTreeMap<Uuid, (f64, f64, T)> {
    let p_values: Vec<f64> = tests.iter().map(|test| test.p_value).collect();
    let q_values = q_values(&p_values);
    let kept = tests.into_iter().zip(q_values).filter(|(_, q)| *q <= SEASON_MAX_Q);
    kept.map(|(test, q)| (test.key, (test.p_value, q, test.found))).collect()
}

/// The mean of each place over the blocks; `None` for a place without a value.
pub(super) fn means(blocks: &[Vec<Option<f64>>], places: usize) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0.0); places];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            if let Some(value) = value {
                sum.0 += value;
                sum.1 += 1.0;
            }
        }
    }
    sums.into_iter().map(|(sum, count)| (count > 0.0).then(|| sum / count)).collect()
}

/// The mean hit rate of each place with its 90 % interval: Student's t over the days.
pub(super) fn profile(blocks: &[Vec<Option<f64>>], places: usize) -> Vec<SeasonRate> {
    let rate = |place: usize| {
        let values: Vec<f64> = blocks.iter().filter_map(|block| *block.get(place)?).collect();
        let count = values.len();
        let mean = (count > 0).then(|| values.iter().sum::<f64>() / count as f64)?;
        let half = (count > 1).then(|| {
            let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            student_t(count - 1) * (squares / (count - 1) as f64 / count as f64).sqrt()
        });
        Some(SeasonRate {
            place: u32::try_from(place).ok()?,
            hit_rate: mean,
            low: half.map(|half| (mean - half).max(0.0)),
            high: half.map(|half| (mean + half).min(1.0)),
            days: count,
        })
    };
    (0..places).filter_map(rate).collect()
}

/// The values of a block minus their mean: what happens from block to block does not count.
pub(super) fn centred(block: &[Option<f64>]) -> Vec<Option<f64>> {
    let (sum, count) = block.iter().flatten().fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    block.iter().map(|value| value.map(|value| value - sum / count)).collect()
}

/// Blocks without their means, where a gap counts as no difference from the mean.
pub(super) fn filled(blocks: &[Vec<Option<f64>>]) -> Vec<Vec<f64>> {
    blocks.iter().map(|block| block.iter().map(|value| value.unwrap_or(0.0)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_without_its_mean_keeps_its_gaps() {
        assert_eq!(centred(&[Some(1.0), None, Some(3.0)]), [Some(-1.0), None, Some(1.0)]);
        assert_eq!(centred(&[None]), [None]);
    }

    /// A block whose last value is always the highest: of all rotations of six blocks of four, few are as clear.
    #[test]
    fn a_clear_profile_has_a_small_probability_and_a_flat_one_has_not() {
        let clear = vec![vec![0.0, 0.0, 0.0, 1.0]; 6];
        let highest = |sums: &[f64]| sums.iter().map(|sum| sum * sum).sum::<f64>();
        // Four of 4^6 rotations put all six in one place.
        let p = sequential_p(&clear, highest, Uuid::from_u128(1));
        assert!((0.0001..0.005).contains(&p), "{p}");
        assert_eq!(p, sequential_p(&clear, highest, Uuid::from_u128(1)), "the same each time");
        let flat = vec![vec![1.0; 4]; 6];
        assert_eq!(sequential_p(&flat, highest, Uuid::from_u128(1)), 1.0);
    }
}
