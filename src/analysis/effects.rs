//! The adjusted effect: a weighted two-way model `y = alpha_model + theta_provider + e` with a light ridge on theta.
//!
//! The alphas are eliminated first: each model's rows are expressed as differences from the model's weighted mean. This
//! leaves one equation per provider (the Schur complement over providers) for a dense Cholesky solver. The ridge makes
//! the system positive definite. Afterwards theta is shifted so that, over the rows of each connected component, its
//! weighted mean is zero. Zero is then what a token (damped by the square root) meets on average, and "+0.05" means
//! five points above the peers. The shift is arbitrary within a component, and components cannot be compared.

use super::AnalysisError;
use super::equations::{Effects, Observation, Table};

/// Solves the two-way model over `providers` providers and `models` models. Rows that are not finite or have no weight
/// are ignored, as are models with a single provider. `ridge` is in mean weights of a (model, provider) pair: splitting
/// a pair into several rows of the same total weight changes nothing.
///
/// # Errors
/// [`AnalysisError::Singular`] if the weights differ by so wide a margin that the equations become numerically singular.
pub fn solve(
    observations: &[Observation],
    providers: usize,
    models: usize,
    ridge: f64,
) -> Result<Effects, AnalysisError> {
    Table::new(observations, providers, models).solve(|_| 1, ridge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::thresholds::EFFECT_RIDGE;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn row(model: usize, provider: usize, y: f64) -> Observation {
        Observation { model, provider, y, weight: 1.0 }
    }

    #[test]
    fn a_balanced_table_without_ridge_gives_the_differences() {
        let rows = [row(0, 0, 0.5), row(0, 1, 0.7), row(1, 0, 0.1), row(1, 1, 0.3)];
        let effects = solve(&rows, 2, 2, 0.0).expect("solvable");
        assert!((effects.theta[0].expect("shares") + 0.1).abs() < 1e-6);
        assert!((effects.theta[1].expect("shares") - 0.1).abs() < 1e-6);
        assert_eq!(effects.shared_models, [2, 2]);
    }

    #[test]
    fn components_are_kept_apart_and_lone_models_left_out() {
        let rows =
            [row(0, 0, 0.1), row(0, 1, 0.2), row(0, 2, 0.3), row(1, 3, 0.9), row(1, 4, 0.1), row(2, 5, 0.5)];
        let effects = solve(&rows, 6, 3, 0.25).expect("solvable");
        assert_eq!(effects.component, [Some(0), Some(0), Some(0), Some(3), Some(3), None]);
        assert_eq!(effects.largest, Some(0));
        assert_eq!(effects.theta[5], None);
        let sum: f64 = effects.theta[3..5].iter().flatten().sum();
        assert!(sum.abs() < 1e-12, "each component is centred by itself");
    }

    #[test]
    fn centred_on_the_median_the_middle_provider_is_zero_and_differences_stay() {
        let rows: Vec<_> =
            (0..3).flat_map(|m| [row(m, 0, 0.1), row(m, 1, 0.2), row(m, 2, 0.9), row(m, 3, 0.3)]).collect();
        let rows: Vec<_> = rows.into_iter().filter(|r| r.provider != 3 || r.model == 0).collect();
        let before = solve(&rows, 4, 3, 0.25).expect("solvable");
        let mut after = before.clone();
        after.centre_on_median(3);
        assert_eq!(after.theta[1], Some(0.0), "the guest with one shared model does not count");
        for p in 0..4 {
            let [b, a] = [&before, &after].map(|e| e.theta[p].zip(e.theta[1]).expect("rated"));
            assert!(((b.0 - b.1) - (a.0 - a.1)).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_shared_is_no_effect_and_no_error() {
        let effects = solve(&[row(0, 0, 1.0), row(1, 1, f64::NAN)], 2, 2, 0.25).expect("solvable");
        assert_eq!((effects.theta, effects.largest), (vec![None, None], None));
    }

    /// Solves the two-way model for all alphas and thetas at once by Gaussian elimination, then centres.
    fn dense(rows: &[Observation], providers: usize, models: usize, ridge: f64) -> Vec<f64> {
        let size = models + providers;
        let mut a = vec![vec![0.0; size + 1]; size];
        let pairs: BTreeSet<_> = rows.iter().map(|r| (r.model, r.provider)).collect();
        let total: f64 = rows.iter().map(|r| r.weight).sum();
        for row in rows {
            let at = [row.model, models + row.provider];
            for i in at {
                at.iter().for_each(|j| a[i][*j] += row.weight);
                a[i][size] += row.weight * row.y;
            }
        }
        (models..size).for_each(|i| a[i][i] += ridge * total / pairs.len() as f64);
        for column in 0..size {
            let pivot = (column..size)
                .max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()))
                .expect("rows");
            a.swap(column, pivot);
            let lead = a[column].clone();
            for (i, row) in a.iter_mut().enumerate().filter(|(i, _)| *i != column) {
                let factor = row[column] / lead[column];
                assert!(factor.is_finite(), "row {i} of a singular system");
                row.iter_mut().zip(&lead).for_each(|(value, lead)| *value -= factor * lead);
            }
        }
        let theta: Vec<f64> = (models..size).map(|i| a[i][size] / a[i][i]).collect();
        let centre = rows.iter().map(|r| r.weight * theta[r.provider]).sum::<f64>() / total;
        theta.iter().map(|t| t - centre).collect()
    }

    const PROVIDERS: usize = 6;
    const MODELS: usize = 8;

    /// Tables in which each model is served by provider 0 and some others: one component, and no model with a single
    /// provider.
    fn table() -> impl Strategy<Value = Vec<Observation>> {
        let row = |(model, provider, y, weight)| Observation { model, provider, y, weight };
        let any = (0..MODELS, 1..PROVIDERS, -1.0..1.0, 0.5..50.0).prop_map(row);
        let fixed = proptest::collection::vec((-1.0..1.0, 0.5..50.0), MODELS + PROVIDERS);
        (proptest::collection::vec(any, 0..40), fixed).prop_map(move |(mut rows, fixed)| {
            for (n, (y, weight)) in fixed.into_iter().enumerate() {
                rows.push(row(if n < MODELS { (n, 0, y, weight) } else { (0, n - MODELS, y, weight) }));
            }
            rows.extend((1..MODELS).map(|model| row((model, 1 + model % (PROVIDERS - 1), 0.1, 1.0))));
            rows
        })
    }

    fn thetas(rows: &[Observation]) -> Vec<f64> {
        let effects = solve(rows, PROVIDERS, MODELS, EFFECT_RIDGE).expect("solvable");
        effects.theta.into_iter().map(|t| t.expect("every provider shares a model")).collect()
    }

    fn alike(a: &[f64], b: &[f64]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
    }

    /// Two tables that share neither a model nor a provider; the models and providers of the second are numbered after
    /// the first's.
    fn apart() -> impl Strategy<Value = (Vec<Observation>, Vec<Observation>)> {
        let moved = |row: Observation| Observation {
            model: row.model + MODELS,
            provider: row.provider + PROVIDERS,
            ..row
        };
        (table(), table()).prop_map(move |(one, other)| (one, other.into_iter().map(moved).collect()))
    }

    /// The dense solution of one piece alone, with the ridge of the whole table.
    fn piece(rows: &[Observation], penalty: f64) -> Vec<f64> {
        let first = |of: fn(&Observation) -> usize| rows.iter().map(of).min().expect("rows");
        let (model, provider) = (first(|r| r.model), first(|r| r.provider));
        let rows: Vec<_> = rows
            .iter()
            .map(|r| Observation { model: r.model - model, provider: r.provider - provider, ..*r })
            .collect();
        let (total, pairs) = mass(&rows);
        dense(&rows, PROVIDERS, MODELS, penalty * pairs / total)
    }

    /// Weight of all rows, and their number of (model, provider) pairs.
    fn mass(rows: &[Observation]) -> (f64, f64) {
        let pairs: BTreeSet<_> = rows.iter().map(|r| (r.model, r.provider)).collect();
        (rows.iter().map(|r| r.weight).sum(), pairs.len() as f64)
    }

    proptest! {
        #[test]
        fn pieces_that_share_nothing_agree_with_a_dense_solve_of_each((one, other) in apart(), ridge in 0.01..4.0) {
            let all = [one.clone(), other.clone()].concat();
            let (total, pairs) = mass(&all);
            let found = solve(&all, 2 * PROVIDERS, 2 * MODELS, ridge).expect("solvable");
            let penalty = ridge * total / pairs;
            let wanted = [piece(&one, penalty), piece(&other, penalty)].concat();
            let theta: Vec<f64> = found.theta.iter().map(|t| t.expect("shares")).collect();
            prop_assert!(alike(&theta, &wanted), "{:?} {:?}", theta, wanted);
            let pieces: BTreeSet<_> = found.component.iter().flatten().collect();
            prop_assert_eq!(pieces.len(), 2);
        }

        #[test]
        fn the_heavier_the_ridge_the_nearer_to_nothing(rows in table(), ridge in 0.01..2.0) {
            let spread = |ridge: f64| {
                let effects = solve(&rows, PROVIDERS, MODELS, ridge).expect("solvable").theta;
                let theta: Vec<f64> = effects.into_iter().flatten().collect();
                prop_assert!(alike(&theta, &dense(&rows, PROVIDERS, MODELS, ridge)));
                let mean = theta.iter().sum::<f64>() / PROVIDERS as f64;
                prop_assert_eq!(theta.len(), PROVIDERS);
                Ok(theta.iter().map(|t| (t - mean).powi(2)).sum::<f64>())
            };
            prop_assert!(spread(2.0 * ridge)? <= spread(ridge)? * (1.0 + 1e-9) + 1e-15);
        }

        #[test]
        fn the_solver_agrees_with_a_plain_dense_solve(rows in table()) {
            let (found, wanted) = (thetas(&rows), dense(&rows, PROVIDERS, MODELS, EFFECT_RIDGE));
            prop_assert!(alike(&found, &wanted), "{:?} {:?}", found, wanted);
        }

        #[test]
        fn order_names_splits_and_levels_change_nothing(rows in table(), model in 0..MODELS, level in -5.0..5.0) {
            let wanted = thetas(&rows);
            let reversed: Vec<_> = rows.iter().rev().copied().collect();
            prop_assert!(alike(&thetas(&reversed), &wanted), "row order");
            let renamed: Vec<_> =
                rows.iter().map(|r| Observation { provider: PROVIDERS - 1 - r.provider, ..*r }).collect();
            let back: Vec<_> = thetas(&renamed).into_iter().rev().collect();
            prop_assert!(alike(&back, &wanted), "names");
            let halves: Vec<_> = rows.iter().map(|r| Observation { weight: r.weight / 2.0, ..*r }).collect();
            prop_assert!(alike(&thetas(&[halves.clone(), halves].concat()), &wanted), "splits");
            let lift = |r: &Observation| if r.model == model { level } else { 0.0 };
            let lifted: Vec<_> = rows.iter().map(|r| Observation { y: r.y + lift(r), ..*r }).collect();
            prop_assert!(alike(&thetas(&lifted), &wanted), "levels");
        }
    }
}
