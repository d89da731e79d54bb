//! The uncertainty of effects: 90 % intervals, rank intervals, tier probabilities.
//!
//! The interval is a delete-one-model jackknife with Student's t. A provider with three models would have to estimate
//! its scatter from three numbers. Therefore the pooled scatter of all providers counts as a few additional models.

use super::resample::Replicates;
use super::statistics::mean;
use crate::domain::thresholds::{INTERVAL_COVERAGE, INTERVAL_POOL_MODELS, INTERVAL_PRIOR_MODELS};

/// With fewer providers with their own scatter than this, there is no pooled scatter.
const POOL_PROVIDERS: usize = 3;

/// The uncertainty of a provider's effect, on the scale of the effect.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Certainty {
    /// The effect itself.
    pub point: f64,
    /// Half the width of its 90 % interval, not negative.
    pub half: f64,
    /// The effect in each resample, stretched to the width of the interval; `None` if the resample lacks the provider.
    pub draws: Vec<Option<f64>>,
}

/// The certainty of each provider that has a value in `points`; `None` for the others and for those with one model.
pub(super) fn certainties(points: &[Option<f64>], replicates: &Replicates) -> Vec<Option<Certainty>> {
    let variances: Vec<_> =
        points.iter().enumerate().map(|(p, point)| jackknife(p, (*point)?, replicates)).collect();
    let common = common_scatter(&variances, &replicates.own);
    let of = |(p, point): (usize, &Option<f64>)| {
        let half = half_width((*point).and(variances[p])?, replicates.own[p].len(), common);
        Some(Certainty { point: (*point)?, half, draws: stretched(p, (*point)?, half, replicates) })
    };
    points.iter().enumerate().map(of).collect()
}

/// The jackknife variance of a provider's effect. Its own models have the factor (k-1)/k, as for a mean of k. Models
/// that it does not serve affect it only through its peers and have the factor (n-1)/n.
fn jackknife(provider: usize, point: f64, replicates: &Replicates) -> Option<f64> {
    let own = &replicates.own[provider];
    let all = replicates.left_out.iter().filter(|effects| !effects.is_empty()).count();
    if own.len() < 2 {
        return None;
    }
    let factor = |count: usize| (count as f64 - 1.0) / count as f64;
    let part = |(model, effects): (usize, &Vec<Option<f64>>)| {
        let moved = effects.get(provider).copied().flatten()? - point;
        let count = if own.binary_search(&model).is_ok() { own.len() } else { all };
        Some(factor(count) * moved * moved)
    };
    Some(replicates.left_out.iter().enumerate().filter_map(part).sum())
}

/// The pooled variance per model: a geometric mean over the providers with many models, so that one erratic provider
/// does not widen the intervals of all others.
fn common_scatter(variances: &[Option<f64>], own: &[Vec<usize>]) -> Option<f64> {
    let single = |(variance, own): (&Option<f64>, &Vec<usize>)| {
        let scatter = (*variance)? * own.len() as f64;
        (own.len() >= INTERVAL_POOL_MODELS && scatter > 0.0).then(|| scatter.ln())
    };
    let logs: Vec<f64> = variances.iter().zip(own).filter_map(single).collect();
    if logs.len() < POOL_PROVIDERS { None } else { mean(logs).map(f64::exp) }
}

fn half_width(variance: f64, models: usize, common: Option<f64>) -> f64 {
    let (own, count) = ((models - 1) as f64, models as f64);
    match common {
        None => student_t(models - 1) * variance.sqrt(),
        Some(common) => {
            let prior = INTERVAL_PRIOR_MODELS as f64;
            let scatter = (prior * common + own * variance * count) / (prior + own);
            student_t(models - 1 + INTERVAL_PRIOR_MODELS) * (scatter / count).sqrt()
        }
    }
}

/// Plain resamples are too narrow for providers with few models. They are stretched about their mean until 90 % of a
/// normal distribution of their width is as wide as the interval.
fn stretched(provider: usize, point: f64, half: f64, replicates: &Replicates) -> Vec<Option<f64>> {
    let present: Vec<f64> = replicates.draws.iter().filter_map(|draw| draw[provider]).collect();
    let Some(centre) = mean(present.iter().copied()) else { return vec![None; replicates.draws.len()] };
    let width = mean(present.iter().map(|v| (v - centre).powi(2))).unwrap_or(0.0).sqrt();
    let factor = if width > 1e-12 { half / (NORMAL_95 * width) } else { 0.0 };
    let stretch = |draw: &Vec<Option<f64>>| draw[provider].map(|v| point + factor * (v - centre));
    replicates.draws.iter().map(stretch).collect()
}

/// Best and worst end of each provider's 90 % rank interval among the rated ones, 1 for the best. Resamples that lack a
/// provider do not count for it.
pub(super) fn ranks(
    certainties: &[Option<Certainty>],
    higher_is_better: bool,
) -> Vec<Option<(usize, usize)>> {
    let draws = certainties.iter().flatten().map(|c| c.draws.len()).max().unwrap_or(0);
    let mut seen: Vec<Vec<f64>> = vec![Vec::new(); certainties.len()];
    for draw in 0..draws {
        let value = |(p, c): (usize, &Option<Certainty>)| Some((c.as_ref()?.draws[draw]?, p));
        let mut there: Vec<_> = certainties.iter().enumerate().filter_map(value).collect();
        there.sort_by(|a, b| if higher_is_better { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) });
        // A resample without some providers has fewer ranks, so they are scaled to the full number.
        let rated = certainties.iter().flatten().count();
        let places = (rated as f64 - 1.0) / (there.len() as f64 - 1.0).max(1.0);
        for (rank, (_, provider)) in there.iter().enumerate() {
            seen[*provider].push(1.0 + rank as f64 * places);
        }
    }
    let tail = (1.0 - INTERVAL_COVERAGE) / 2.0;
    let interval = |mut ranks: Vec<f64>| {
        ranks.sort_by(f64::total_cmp);
        let last = ranks.len().checked_sub(1)? as f64;
        let (low, high) = ((tail * last).floor() as usize, ((1.0 - tail) * last).ceil() as usize);
        Some((ranks[low].round() as usize, ranks[high].round() as usize))
    };
    seen.into_iter().map(interval).collect()
}

/// The 95th percentile of the normal distribution.
pub(super) const NORMAL_95: f64 = 1.644_853_626_951_472_2;

/// The 95th percentile of Student's t: exact for few degrees of freedom, otherwise the Cornish-Fisher expansion, which
/// is accurate to three decimals.
pub fn student_t(freedom: usize) -> f64 {
    const FEW: [f64; 6] = [6.313_75, 2.919_99, 2.353_36, 2.131_85, 2.015_05, 1.943_18];
    if let Some(exact) = freedom.checked_sub(1).and_then(|at| FEW.get(at)) {
        return *exact;
    }
    let (z, n) = (NORMAL_95, freedom as f64);
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    z + (z3 + z) / (4.0 * n)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n * n)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::super::effects::solve;
    use super::super::equations::Observation;
    use super::super::resample::Plan;
    use super::*;

    /// Two providers on three models: the effect is half the mean difference d = (0.2, 0.4, 0.6); the jackknife
    /// variance is that of a mean of three, var(d / 2) / 3 = 0.01 / 3.
    #[test]
    fn the_jackknife_of_a_small_table_is_the_one_worked_out_by_hand() {
        let row = |model, provider, y| Observation { model, provider, y, weight: 1.0 };
        let rows: Vec<_> = [0.2, 0.4, 0.6]
            .into_iter()
            .enumerate()
            .flat_map(|(m, d)| [row(m, 0, 0.1 + d), row(m, 1, 0.1)])
            .collect();
        let effects = solve(&rows, 2, 3, 0.0).expect("solvable");
        let replicates =
            Replicates::of(&rows, &effects, &Plan::new(3, &[0, 1, 2], 200), 0.0).expect("solvable");
        let found = certainties(&effects.theta, &replicates);
        let first = found[0].as_ref().expect("rated");
        assert!((first.point - 0.2).abs() < 1e-6);
        assert!((first.half - 2.919_99 * (0.01_f64 / 3.0).sqrt()).abs() < 1e-5, "{}", first.half);
        assert_eq!(ranks(&found, true).len(), 2);
        assert_eq!(ranks(&found, true)[0].map(|r| r.0), Some(1));
        assert_eq!(ranks(&found, false)[0].map(|r| r.1), Some(2));
    }

    #[test]
    fn the_percentiles_of_student_are_those_of_the_tables() {
        for (freedom, wanted) in
            [(1, 6.3138), (2, 2.9200), (7, 1.8946), (10, 1.8125), (30, 1.6973), (120, 1.6577)]
        {
            assert!((student_t(freedom) - wanted).abs() < 3e-4, "{freedom}: {}", student_t(freedom));
        }
    }

    #[test]
    fn a_provider_with_one_model_has_no_interval() {
        let replicates = Replicates { own: vec![vec![0]], left_out: vec![vec![Some(0.1)]], draws: vec![] };
        assert_eq!(certainties(&[Some(0.1)], &replicates), [None]);
    }
}
