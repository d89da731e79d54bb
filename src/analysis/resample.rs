//! How strongly an effect depends on single models: each model is left out once, and whole models are drawn with
//! replacement. A provider's record is a sample of models, not of tokens.

use super::AnalysisError;
use super::equations::{Effects, Observation, Table, distinct};
use crate::domain::thresholds::RESAMPLE_SEED;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::num::NonZero;
use std::ops::Range;

/// How often each model occurs in each resample; one plan for all lenses, so that they can be combined.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    models: usize,
    draws: Vec<Vec<u32>>,
}

impl Plan {
    /// Makes `resamples` resamples. Each draws, with replacement, as many models as there are `drawable` ones; `models`
    /// is the number of all models, drawable or not. The same arguments give the same plan.
    pub fn new(models: usize, drawable: &[usize], resamples: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(RESAMPLE_SEED);
        let mut draw = || {
            let mut counts = vec![0; models];
            for _ in drawable {
                counts[drawable[random.random_range(0..drawable.len())]] += 1;
            }
            counts
        };
        Self { models, draws: (0..resamples).map(|_| draw()).collect() }
    }
}

/// Effects of the providers under changed sets of models; `None` if a set does not rate the provider.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Replicates {
    /// By provider: the numbers of the models that it shares with others, ascending.
    pub own: Vec<Vec<usize>>,
    /// The effects without a model, by model and provider; empty for a model that has no effect.
    pub left_out: Vec<Vec<Option<f64>>>,
    /// The effects of each resample, by provider.
    pub draws: Vec<Vec<Option<f64>>>,
}

impl Replicates {
    /// Solves for the effects again for every set of models in the plan. `full` contains the effects of all `rows`. The
    /// others are shifted to its centre, so that they show how a provider moves among its peers and not how the mix of
    /// peers changes.
    ///
    /// # Errors
    /// As [`solve`].
    pub fn of(rows: &[Observation], full: &Effects, plan: &Plan, ridge: f64) -> Result<Self, AnalysisError> {
        let providers = full.theta.len();
        let own = own_models(rows, providers, plan.models);
        let table = Table::new(rows, providers, plan.models).prepared();
        let centred = |solved: Vec<Effects>| solved.iter().map(|again| on_centre_of(full, again)).collect();
        let played = distinct(own.iter().flatten().copied().collect());
        let without = in_parallel::<_, AnalysisError>(played.len(), usize::MAX, &|part| {
            Ok(centred(table.solve_without(&played[part], ridge)?))
        })?;
        let mut left_out = vec![Vec::new(); plan.models];
        for (model, effects) in played.into_iter().zip(without) {
            left_out[model] = effects;
        }
        let drawn = |draw: &Vec<u32>| table.solve(|model| draw[model], ridge);
        let draws = in_parallel::<_, AnalysisError>(plan.draws.len(), usize::MAX, &|draws| {
            Ok(centred(plan.draws[draws].iter().map(drawn).collect::<Result<_, _>>()?))
        })?;
        Ok(Self { own, left_out, draws })
    }
}

/// Runs `part` over 0..`count`, split into as many ranges as there are cores and at most `most`, in parallel, and joins
/// the results in order.
pub fn in_parallel<T: Send, E: Send>(
    count: usize,
    most: usize,
    part: &(dyn Fn(Range<usize>) -> Result<Vec<T>, E> + Sync),
) -> Result<Vec<T>, E> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(most);
    let share = count.div_ceil(threads).max(1);
    let parts: Vec<Vec<T>> = std::thread::scope(|scope| {
        let start = |from: usize| scope.spawn(move || part(from..count.min(from + share)));
        let running: Vec<_> = (0..count).step_by(share).map(start).collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended
            .map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Result<_, E>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// Effects shifted so that their mean, with the weights of the full set, equals that of the full set over the same
/// providers.
pub(super) fn on_centre_of(full: &Effects, effects: &Effects) -> Vec<Option<f64>> {
    let found: Vec<_> =
        (0..full.theta.len()).map(|p| full.comparable(p).and(effects.comparable(p))).collect();
    let (mut sum, mut weight) = (0.0, 0.0);
    for (p, found) in found.iter().enumerate() {
        if let Some((full_effect, found)) = full.theta[p].zip(*found) {
            sum += full.weight[p] * (full_effect - found);
            weight += full.weight[p];
        }
    }
    let shift = if weight > 0.0 { sum / weight } else { 0.0 };
    found.into_iter().map(|effect| effect.map(|effect| effect + shift)).collect()
}

/// The models that each provider shares with another one.
fn own_models(rows: &[Observation], providers: usize, models: usize) -> Vec<Vec<usize>> {
    let mut serves = vec![vec![false; providers]; models];
    for row in rows {
        serves[row.model][row.provider] = true;
    }
    let shared = |m: &usize| serves[*m].iter().filter(|on| **on).count() > 1;
    let of = |p: usize| (0..models).filter(shared).filter(|m| serves[*m][p]).collect();
    (0..providers).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::effects::solve;
    use super::*;

    #[test]
    fn a_plan_is_repeated_by_its_seed_and_draws_only_what_may_be_drawn() {
        let plan = Plan::new(5, &[0, 2, 4], 50);
        assert_eq!(plan, Plan::new(5, &[0, 2, 4], 50));
        for counts in &plan.draws {
            assert_eq!(counts.iter().sum::<u32>(), 3);
            assert_eq!((counts[1], counts[3]), (0, 0));
        }
        assert!(plan.draws.iter().any(|counts| counts[0] != plan.draws[0][0]));
    }

    #[test]
    fn a_set_that_lacks_a_provider_does_not_rate_it() {
        let row = |model, provider, y| Observation { model, provider, y, weight: 1.0 };
        let rows =
            [row(0, 0, 0.5), row(0, 1, 0.3), row(1, 0, 0.4), row(1, 1, 0.4), row(1, 2, 0.9), row(2, 1, 0.1)];
        let full = solve(&rows, 3, 3, 0.0).expect("solvable");
        let found = Replicates::of(&rows, &full, &Plan::new(3, &[0, 1], 20), 0.0).expect("solvable");
        assert_eq!(found.own, [vec![0, 1], vec![0, 1], vec![1]]);
        assert_eq!(found.left_out[1][2], None);
        assert!(found.left_out[2].is_empty(), "a model with one provider plays no part");
        let [first, second] = [0, 1].map(|p| found.left_out[1][p].expect("rated"));
        assert!((first - second - 0.2).abs() < 1e-6, "what the other model says");
        let centre = (full.theta[0].expect("rated") + full.theta[1].expect("rated")) / 2.0;
        assert!((f64::midpoint(first, second) - centre).abs() < 1e-6, "on the centre of the full set");
        assert!(found.draws.iter().any(|d| d[2].is_none()) && found.draws.iter().any(|d| d[2].is_some()));
    }
}
