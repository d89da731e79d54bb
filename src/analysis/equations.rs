//! The normal equations of the two-way model, split by model, because most of them stay the same under different model
//! weights. Every sum is computed in the order of the models, so that every way of computing a result gives the same
//! bits.

use super::AnalysisError;
use super::linear::{Symmetric, place};
use crate::domain::statistics::median;
use std::borrow::Cow;

/// Ridge below which rounding would determine the solution, in the unit of [`super::effects::solve`].
const SMALLEST_RIDGE: f64 = 1e-9;
/// The parts of models that are drawn up to this many times are precomputed.
const READY_TIMES: u32 = 4;

/// One cell as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Model, numbered from 0.
    pub model: usize,
    /// Provider, numbered from 0.
    pub provider: usize,
    /// The lens's measure on its additive scale.
    pub y: f64,
    /// Weight, positive.
    pub weight: f64,
}

/// Effects of the providers, by number.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// Effect relative to peers on the same models; `None` for a provider that shares no model.
    pub theta: Vec<Option<f64>>,
    /// Connected component of each provider that shares a model, identified by its smallest provider number.
    pub component: Vec<Option<usize>>,
    /// The component with the most providers (if equal, the one with the most weight), which is the one that is rated.
    pub largest: Option<usize>,
    /// Number of models that each provider shares with another one.
    pub shared_models: Vec<usize>,
    /// Weight of each provider's rows on shared models.
    pub weight: Vec<f64>,
}

impl Effects {
    /// A provider's effect if it is comparable with the rated ones, that is, in the largest component.
    pub fn comparable(&self, provider: usize) -> Option<f64> {
        let rated = self.component[provider].is_some() && self.component[provider] == self.largest;
        self.theta[provider].filter(|_| rated)
    }

    /// Shifts the effects of the largest component so that the median over its providers with at least `least` shared
    /// models is zero. Zero is then the middle provider on the same models, regardless of its traffic.
    pub fn centre_on_median(&mut self, least: usize) {
        let rated = |p: &usize| self.shared_models[*p] >= least;
        let effects = (0..self.theta.len()).filter(rated).filter_map(|p| self.comparable(p));
        let Some(middle) = median(effects) else { return };
        for (effect, component) in self.theta.iter_mut().zip(&self.component) {
            if component.is_some() && *component == self.largest {
                *effect = effect.map(|effect| effect - middle);
            }
        }
    }
}

/// Observations grouped by model once, so that they can be solved under many model weights.
pub(super) struct Table {
    models: Vec<SharedModel>,
    /// The providers that share a model and therefore have an equation, ascending.
    active: Vec<usize>,
    providers: usize,
}

/// A model with at least two providers: its usable rows, its providers, and its contribution to the equations.
struct SharedModel {
    number: usize,
    /// Provider (as its position among the equations), outcome, weight.
    rows: Vec<(usize, f64, f64)>,
    /// Positions of its providers, ascending.
    hosts: Vec<usize>,
    /// Its contribution when counted once, twice, and so on.
    ready: Vec<Part>,
}

/// The contribution of a model to the equations: entries in the order in which they are added.
#[derive(Clone)]
struct Part {
    weight: f64,
    /// Position and weight of each row.
    weights: Vec<(usize, f64)>,
    right: Vec<f64>,
    /// The lower triangle: the position of each entry in the matrix, and the value to add.
    at: Vec<usize>,
    values: Vec<f64>,
}

impl Table {
    /// Builds the table from the arguments of [`super::effects::solve`].
    pub fn new(observations: &[Observation], providers: usize, models: usize) -> Self {
        let mut by_model = vec![Vec::new(); models];
        for row in observations {
            if row.y.is_finite() && row.weight.is_finite() && row.weight > 0.0 {
                by_model[row.model].push(*row);
            }
        }
        let shared = |(number, rows): (usize, Vec<Observation>)| {
            let hosts = distinct(rows.iter().map(|row| row.provider).collect());
            (hosts.len() > 1).then_some((number, rows, hosts))
        };
        let shared: Vec<_> = by_model.into_iter().enumerate().filter_map(shared).collect();
        let active = distinct(shared.iter().flat_map(|(_, _, hosts)| hosts.iter().copied()).collect());
        let mut place = vec![0; providers];
        active.iter().enumerate().for_each(|(at, provider)| place[*provider] = at);
        let placed = |(number, rows, hosts): (usize, Vec<Observation>, Vec<usize>)| SharedModel {
            number,
            rows: rows.iter().map(|row| (place[row.provider], row.y, row.weight)).collect(),
            hosts: hosts.iter().map(|provider| place[*provider]).collect(),
            ready: Vec::new(),
        };
        Self { models: shared.into_iter().map(placed).collect(), active, providers }
    }

    /// Precomputes the parts of models that are counted a few times, for many solutions.
    pub fn prepared(mut self) -> Self {
        let size = self.active.len();
        for model in &mut self.models {
            model.ready = (1..=READY_TIMES).map(|times| Part::of(model, times.into(), size)).collect();
        }
        self
    }

    /// Solves with the rows of model `m` counted `times(m)` times; 0 leaves the model out.
    ///
    /// # Errors
    /// As [`super::effects::solve`].
    pub fn solve(&self, times: impl Fn(usize) -> u32, ridge: f64) -> Result<Effects, AnalysisError> {
        let mut sums = Sums::new(self.active.len());
        for model in &self.models {
            sums.add(model, times(model.number));
        }
        self.effects(sums, ridge)
    }

    /// Solves once without each of the models in `numbers` (ascending), with the others counted once.
    ///
    /// # Errors
    /// As [`super::effects::solve`].
    pub fn solve_without(&self, numbers: &[usize], ridge: f64) -> Result<Vec<Effects>, AnalysisError> {
        // The sums before the omitted model are reused for the next one, with one more model added.
        let mut before = Sums::new(self.active.len());
        let mut next = 0;
        let mut solved = Vec::with_capacity(numbers.len());
        for number in numbers {
            while let Some(model) = self.models.get(next).filter(|model| model.number < *number) {
                before.add(model, 1);
                next += 1;
            }
            let mut sums = before.clone();
            for model in self.models[next..].iter().filter(|model| model.number != *number) {
                sums.add(model, 1);
            }
            solved.push(self.effects(sums, ridge)?);
        }
        Ok(solved)
    }

    fn effects(&self, mut sums: Sums, ridge: f64) -> Result<Effects, AnalysisError> {
        let size = self.active.len();
        let penalty =
            if sums.pairs > 0.0 { ridge.max(SMALLEST_RIDGE) * sums.total / sums.pairs } else { 1.0 };
        for at in 0..size {
            sums.matrix.add(place(size, at, at), penalty);
        }
        // Without a model, a provider's equation states only that its effect is 0.
        let theta = sums.matrix.solve(&sums.right)?;
        let component: Vec<_> =
            (0..size).map(|at| (sums.shared_models[at] > 0).then(|| sums.groups.root(at))).collect();
        let theta = centred(&theta, &component, &sums.weights);
        let largest = largest(&component, &sums.weights);
        let provider = |at: usize| self.active[at];
        let mut effects = Effects {
            theta: vec![None; self.providers],
            component: vec![None; self.providers],
            largest: largest.map(provider),
            shared_models: vec![0; self.providers],
            weight: vec![0.0; self.providers],
        };
        for (at, provider) in self.active.iter().enumerate() {
            effects.theta[*provider] = theta[at];
            effects.component[*provider] = component[at].map(|root| self.active[root]);
            effects.shared_models[*provider] = sums.shared_models[at];
            effects.weight[*provider] = sums.weights[at];
        }
        Ok(effects)
    }
}

/// The numbers in ascending order, each once.
pub(super) fn distinct(mut numbers: Vec<usize>) -> Vec<usize> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

impl Part {
    /// The contribution of a model counted `times` times, in equations for `size` providers.
    fn of(model: &SharedModel, times: f64, size: usize) -> Self {
        let weights: Vec<(usize, f64)> =
            model.rows.iter().map(|(at, _, weight)| (*at, weight * times)).collect();
        let weight: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mean =
            model.rows.iter().zip(&weights).map(|((_, y, _), (_, weight))| weight * y).sum::<f64>() / weight;
        let (mut at, mut values, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for ((row, y, _), (_, own)) in model.rows.iter().zip(&weights) {
            at.push(place(size, *row, *row));
            values.push(*own);
            right.push(own * (y - mean));
            for (column, others) in weights.iter().filter(|(column, _)| column <= row) {
                at.push(place(size, *row, *column));
                values.push(-own * others / weight);
            }
        }
        Self { weight, weights, right, at, values }
    }
}

/// The summed equations of some models.
#[derive(Clone)]
struct Sums {
    matrix: Symmetric,
    right: Vec<f64>,
    /// Weight of each provider's rows.
    weights: Vec<f64>,
    total: f64,
    pairs: f64,
    shared_models: Vec<usize>,
    groups: Groups,
}

impl Sums {
    fn new(size: usize) -> Self {
        Self {
            matrix: Symmetric::zeros(size),
            right: vec![0.0; size],
            weights: vec![0.0; size],
            total: 0.0,
            pairs: 0.0,
            shared_models: vec![0; size],
            groups: Groups::new(size),
        }
    }

    fn add(&mut self, model: &SharedModel, times: u32) {
        let Some(position) = times.checked_sub(1) else { return };
        let part = match model.ready.get(position as usize) {
            Some(part) => Cow::Borrowed(part),
            None => Cow::Owned(Part::of(model, times.into(), self.right.len())),
        };
        for (at, value) in part.at.iter().zip(&part.values) {
            self.matrix.add(*at, *value);
        }
        for ((at, weight), right) in part.weights.iter().zip(&part.right) {
            self.weights[*at] += weight;
            self.right[*at] += right;
        }
        self.total += part.weight;
        self.pairs += model.hosts.len() as f64;
        for host in &model.hosts {
            self.shared_models[*host] += 1;
            self.groups.join(model.hosts[0], *host);
        }
    }
}

fn centred(theta: &[f64], component: &[Option<usize>], weight: &[f64]) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0.0); theta.len()];
    for (provider, root) in component.iter().enumerate() {
        if let Some(root) = root {
            sums[*root].0 += weight[provider] * theta[provider];
            sums[*root].1 += weight[provider];
        }
    }
    let centre = |(provider, root): (usize, &Option<usize>)| {
        root.map(|root| theta[provider] - sums[root].0 / sums[root].1)
    };
    component.iter().enumerate().map(centre).collect()
}

fn largest(component: &[Option<usize>], weight: &[f64]) -> Option<usize> {
    let mut sizes = vec![(0_usize, 0.0_f64); component.len()];
    for (provider, root) in component.iter().enumerate() {
        if let Some(root) = root {
            sizes[*root].0 += 1;
            sizes[*root].1 += weight[provider];
        }
    }
    let order = |a: &usize, b: &usize| {
        let ((an, aw), (bn, bw)) = (sizes[*a], sizes[*b]);
        an.cmp(&bn).then(aw.total_cmp(&bw)).then(b.cmp(a))
    };
    (0..component.len()).filter(|root| sizes[*root].0 > 0).max_by(order)
}

/// Union-find; the root of a group is its smallest member.
#[derive(Clone)]
struct Groups(Vec<usize>);

impl Groups {
    fn new(size: usize) -> Self {
        Self((0..size).collect())
    }

    fn root(&mut self, mut item: usize) -> usize {
        while self.0[item] != item {
            self.0[item] = self.0[self.0[item]];
            item = self.0[item];
        }
        item
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells without a pattern: a few providers on many models, some with two endpoints, and one model with a single
    /// provider.
    fn cells() -> Vec<Observation> {
        let noise = |n: usize, factor: usize| (n * factor % 97) as f64 / 97.0;
        let cell = |n: usize| Observation {
            model: n % 13,
            provider: (n * 7 + n / 13) % 6,
            y: noise(n, 31) - 0.5,
            weight: 0.1 + 9.0 * noise(n, 53),
        };
        let lone = Observation { model: 13, provider: 6, y: 0.3, weight: 2.0 };
        (0..50).map(cell).chain([lone]).collect()
    }

    #[test]
    fn leaving_models_out_gives_the_same_to_the_last_bit_as_solving_anew() {
        let table = Table::new(&cells(), 7, 14).prepared();
        let numbers: Vec<usize> = (3..14).collect();
        let without = table.solve_without(&numbers, 0.25).expect("solvable");
        assert_eq!(without.len(), numbers.len());
        for (number, found) in numbers.iter().zip(&without) {
            let kept: Vec<_> = cells().into_iter().filter(|cell| cell.model != *number).collect();
            let anew = Table::new(&kept, 7, 14).solve(|_| 1, 0.25).expect("solvable");
            assert_eq!(*found, anew, "without model {number}");
        }
    }

    #[test]
    fn parts_that_are_ready_change_nothing() {
        let times = |model: usize| (model * 5 % 7) as u32;
        let [ready, plain] = [Table::new(&cells(), 7, 14).prepared(), Table::new(&cells(), 7, 14)]
            .map(|table| table.solve(times, 0.25).expect("solvable"));
        assert_eq!(ready, plain);
        assert!(ready.theta.iter().flatten().any(|effect| effect.abs() > 0.01));
    }
}
