//! What the size of the prompts explains of the hit rates, and how much better it predicts cells that were left out.

use super::shift::{Shift, rated};
use crate::analysis::AnalysisError;
use crate::analysis::lenses::Gauge;
use crate::analysis::ranking::{Ground, cells, sized};
use crate::analysis::resample::in_parallel;
use crate::analysis::sized::{Fit, Panel, SizedCell};
use crate::analysis::statistics::mean;
use crate::domain::tier::Lens;
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// A cell is predicted from the others of its model if the model has at least this many.
const LEAST_CELLS: usize = 3;

/// What the size of the prompts explains of the hit rates. All figures are over cells whose tokens a request are known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptSize {
    /// Such cells, on models that two or more providers of such cells serve.
    pub cells: usize,
    /// Those that were left out once and predicted from the others.
    pub predicted: usize,
    /// Change of the hit rate per doubling of the tokens a request, fraction; null if the sizes do not differ.
    pub per_doubling: Option<f64>,
    /// Its standard error: a delete-one-model jackknife.
    pub standard_error: Option<f64>,
    /// Root mean square error of the predicted hit rates without the size, fraction; null if no cell was predicted.
    pub error_without: Option<f64>,
    /// The same with the size.
    pub error_with: Option<f64>,
    /// How far the effects of the providers differ if the size is included.
    pub shift: Shift,
}

/// Measures what the sizes explain of the measure of a lens, also those of few counts, which no published figure uses.
pub(super) fn measure(gauge: &Gauge<'_>, ground: &Ground<'_>) -> Result<PromptSize, AnalysisError> {
    sized(&cells(gauge, ground), ground, 0).shared().measured(gauge.lens, &ground.providers)
}

impl Panel {
    /// The figures of shared cells; `names` are the providers by number.
    fn measured(&self, lens: Lens, names: &[&str]) -> Result<PromptSize, AnalysisError> {
        let counted = PromptSize { cells: self.cells.len(), ..PromptSize::default() };
        let Some(fit) = self.fit()? else { return Ok(counted) };
        let errors = self.errors()?;
        let root =
            |of: fn(&(f64, f64)) -> f64| mean(errors.iter().map(|pair| of(pair).powi(2))).map(f64::sqrt);
        let named = names.iter().enumerate();
        let effects = named.filter_map(|(number, name)| Some((*name, fit.effects_of(number)?))).collect();
        Ok(PromptSize {
            predicted: errors.len(),
            per_doubling: Some(fit.slope * LN_2),
            standard_error: self.standard_error()?.map(|error| error * LN_2),
            error_without: root(|(without, _)| *without),
            error_with: root(|(_, with)| *with),
            shift: Shift::between(lens, &effects),
            ..counted
        })
    }

    /// The errors of the predicted cells, each without and with the size: every cell of a model with enough of them is
    /// left out once, and the equations of the others are solved again.
    fn errors(&self) -> Result<Vec<(f64, f64)>, AnalysisError> {
        let mut counts = vec![0; self.models];
        self.cells.iter().for_each(|cell| counts[cell.row.model] += 1);
        let held: Vec<usize> =
            (0..self.cells.len()).filter(|at| counts[self.cells[*at].row.model] >= LEAST_CELLS).collect();
        let error = |at: &usize| -> Result<Option<(f64, f64)>, AnalysisError> {
            let (cell, rest) = (self.cells[*at], self.cells.iter().enumerate());
            let others = self.of(rest.filter(|(other, _)| other != at).map(|(_, other)| *other));
            let Some(fit) = others.shared().fit()? else { return Ok(None) };
            let by = |slope: f64| Some(fit.predicted(&others.cells, &cell, slope)? - cell.row.y);
            Ok(by(0.0).zip(by(fit.slope)))
        };
        let errors = in_parallel::<_, AnalysisError>(held.len(), usize::MAX, &|part| {
            held[part].iter().map(error).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(errors.into_iter().flatten().collect())
    }
}

impl Fit {
    /// A provider's effects without and with the size, if it has a tier.
    fn effects_of(&self, provider: usize) -> Option<(f64, f64)> {
        let without = rated(&self.hits, provider)?;
        Some((without, without - self.slope * self.sizes.theta[provider]?))
    }

    /// The hit rate of a cell from the level of its model, which the other cells of the model give, the effect of its
    /// provider and its size. `None` if no effect links it with another cell of the model.
    fn predicted(&self, others: &[SizedCell], cell: &SizedCell, slope: f64) -> Option<f64> {
        let own = self.hits.component[cell.row.provider]?;
        let without_level = |one: &SizedCell| {
            let provider = one.row.provider;
            let linked = self.hits.component[provider] == Some(own);
            let (hits, size) = self.hits.theta[provider].zip(self.sizes.theta[provider])?;
            linked.then_some(hits + slope * (one.size - size))
        };
        let (mut sum, mut weight) = (0.0, 0.0);
        for other in others.iter().filter(|other| other.row.model == cell.row.model) {
            if let Some(known) = without_level(other) {
                sum += other.row.weight * (other.row.y - known);
                weight += other.row.weight;
            }
        }
        let known = without_level(cell)?;
        (weight > 0.0).then(|| sum / weight + known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::effects::solve;
    use crate::analysis::equations::Observation;
    use crate::domain::thresholds::PROMPT_SIZE_MIN_CELLS;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const PROVIDERS: usize = 9;
    const MODELS: usize = 24;

    /// A made-up market in which the hit rate rises by `slope` per factor e of the tokens a request, with the known
    /// effects of its providers. Providers and models differ in hit rate and in size.
    fn world(slope: f64, noise: f64, ridge: f64) -> (Panel, Vec<f64>) {
        let mut random = ChaCha8Rng::seed_from_u64(12);
        let mut draw = |count: usize, width: f64| -> Vec<f64> {
            (0..count).map(|_| random.random_range(-width..width)).collect()
        };
        let (effects, levels) = (draw(PROVIDERS, 0.2), draw(MODELS, 0.3));
        let (by_provider, by_model) = (draw(PROVIDERS, 0.6), draw(MODELS, 1.0));
        let mut cells = Vec::new();
        for model in 0..MODELS {
            for provider in (0..PROVIDERS).filter(|provider| (provider * 5 + model * 7) % 11 < 6) {
                let one = draw(3, 1.0);
                let size = 9.0 + by_model[model] + by_provider[provider] + one[0];
                let y = 0.5 + levels[model] + effects[provider] + slope * (size - 9.0) + noise * one[1];
                let row = Observation { model, provider, y, weight: 2.0 + one[2] };
                cells.push(SizedCell { row, size });
            }
        }
        (Panel { cells, providers: PROVIDERS, models: MODELS, ridge }.shared(), effects)
    }

    fn measured(panel: &Panel) -> PromptSize {
        let names: Vec<String> = (0..PROVIDERS).map(|number| format!("host-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        panel.measured(Lens::Cache, &names).expect("solvable")
    }

    #[test]
    fn without_noise_and_ridge_the_slope_the_effects_and_the_predictions_are_exact() {
        let (panel, truth) = world(0.05, 0.0, 0.0);
        let fit = panel.fit().expect("solvable").expect("sizes differ");
        assert!((fit.slope - 0.05).abs() < 1e-6, "{}", fit.slope);
        let [first, second] = [0, 1].map(|provider| fit.effects_of(provider).expect("rated"));
        assert!((first.1 - second.1 - (truth[0] - truth[1])).abs() < 1e-6, "{first:?} {second:?}");
        let found = measured(&panel);
        assert_eq!((found.cells, found.predicted), (panel.cells.len(), panel.cells.len()));
        assert!(found.error_with.expect("predicted") < 1e-6, "{found:?}");
        assert!(found.error_without.expect("predicted") > 0.01, "{found:?}");
        assert!(found.standard_error.expect("many models") < 1e-6, "{found:?}");
        assert_eq!(found.shift.providers, PROVIDERS);
        assert!(found.shift.largest > Some(0.01), "without the size, the effects are confounded: {found:?}");
    }

    #[test]
    fn a_size_that_matters_is_found_and_predicts_better() {
        let found = measured(&world(0.05, 0.05, 0.25).0);
        let (slope, error) = found.per_doubling.zip(found.standard_error).expect("estimated");
        assert!((slope / LN_2 - 0.05).abs() < 0.02 && slope > 3.0 * error, "{found:?}");
        assert!(found.error_with < found.error_without.map(|error| 0.9 * error), "{found:?}");
    }

    #[test]
    fn a_size_that_does_not_matter_has_no_slope_and_moves_nothing() {
        let found = measured(&world(0.0, 0.05, 0.25).0);
        let (slope, error) = found.per_doubling.zip(found.standard_error).expect("estimated");
        assert!((slope / LN_2).abs() < 0.02 && (0.001..0.01).contains(&error), "{found:?}");
        let (without, with) = found.error_without.zip(found.error_with).expect("predicted");
        assert!((with / without - 1.0).abs() < 0.06, "{found:?}");
        assert!(found.shift.largest < Some(0.02), "{found:?}");
    }

    /// The penalised sum of squares at a slope, solved for everything else.
    fn loss(panel: &Panel, slope: f64) -> f64 {
        let moved = |cell: &SizedCell| Observation { y: cell.row.y - slope * cell.size, ..cell.row };
        let moved = panel.of(panel.cells.iter().map(|cell| SizedCell { row: moved(cell), ..*cell }));
        let rows: Vec<Observation> = moved.cells.iter().map(|cell| cell.row).collect();
        let effects = solve(&rows, PROVIDERS, MODELS, panel.ridge).expect("solvable");
        let rest = moved.residuals(&effects, |cell| cell.row.y);
        let squares: f64 =
            moved.cells.iter().zip(rest).map(|(cell, rest)| cell.row.weight * rest * rest).sum();
        // A cell is a pair here. Before effects are centred, their plain mean is zero.
        let weight: f64 = rows.iter().map(|row| row.weight).sum();
        let theta: Vec<f64> = effects.theta.into_iter().flatten().collect();
        let centre = mean(theta.iter().copied()).expect("effects");
        let penalty: f64 = theta.iter().map(|effect| (effect - centre).powi(2)).sum();
        squares + panel.ridge * weight / rows.len() as f64 * penalty
    }

    #[test]
    fn the_slope_is_that_of_the_least_squares_with_the_ridge() {
        let (panel, _) = world(0.05, 0.1, 2.0);
        let slope = panel.fit().expect("solvable").expect("sizes differ").slope;
        let [below, least, above] = [-0.01, 0.0, 0.01].map(|step| loss(&panel, slope + step));
        assert!(least < below && least < above, "{below} {least} {above}");
        assert!(((above - below) / (above + below - 2.0 * least)).abs() < 1e-6, "the middle of the parabola");
    }

    #[test]
    fn a_term_needs_cells_and_a_slope_clear_of_its_error() {
        let (panel, _) = world(0.05, 0.05, 0.25);
        let term = panel.term().expect("solvable").expect("clear");
        assert_eq!(term.cells, panel.cells.len());
        assert!((term.per_doubling / LN_2 - 0.05).abs() < 0.02 && term.standard_error > 0.0, "{term:?}");
        assert_eq!(world(0.0, 0.05, 0.25).0.term().expect("solvable"), None, "no slope");
        let few = panel.of(panel.cells.iter().copied().filter(|cell| cell.row.model < MODELS / 2));
        assert!(few.cells.len() < PROMPT_SIZE_MIN_CELLS && few.term().expect("solvable").is_none());
    }

    #[test]
    fn without_sizes_that_differ_there_is_no_slope() {
        let (mut panel, _) = world(0.05, 0.05, 0.25);
        panel.cells.iter_mut().for_each(|cell| cell.size = 9.0);
        assert_eq!(measured(&panel), PromptSize { cells: panel.cells.len(), ..PromptSize::default() });
        assert_eq!(measured(&panel.of(std::iter::empty())), PromptSize::default());
    }
}
