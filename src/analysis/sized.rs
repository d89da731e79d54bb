//! The size of the prompts as one more term of the equations:
//! `y = alpha_model + theta_provider + beta * ln(tokens a request) + e`, with the published weights and ridge.
//!
//! For a given beta the equations are those of the hit rates minus beta times the sizes. Their solution is linear in
//! what is to be explained, so two solutions, one of the hit rates and one of the sizes, give that of every beta. The
//! least squares are a parabola in beta, and its minimum is a quotient of two sums over the residuals (Frisch and Waugh;
//! it holds with the ridge as well). The levels of the models take in the mean size of each.

use super::AnalysisError;
use super::effects::solve;
use super::equations::{Effects, Observation};
use super::statistics::mean;
use crate::domain::thresholds::{PROMPT_SIZE_MIN_CELLS, PROMPT_SIZE_MIN_ERRORS};
use crate::domain::tier_list::PromptSizeTerm;
use std::collections::BTreeSet;
use std::f64::consts::LN_2;

/// If models and providers leave less than this of the variance of the log sizes, there is nothing to estimate from.
const LEAST_VARIANCE: f64 = 1e-9;

/// A row of the equations with the size of its prompts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizedCell {
    pub row: Observation,
    /// Logarithm of the tokens a request.
    pub size: f64,
}

/// The cells of the lens whose tokens a request are known, and the shape of their equations.
#[derive(Debug, Clone)]
pub struct Panel {
    pub cells: Vec<SizedCell>,
    pub providers: usize,
    pub models: usize,
    pub ridge: f64,
}

impl Panel {
    /// The same with some of the cells.
    pub fn of(&self, cells: impl Iterator<Item = SizedCell>) -> Self {
        Self { cells: cells.collect(), ..*self }
    }

    /// The cells on models that two or more providers serve: the others have no part in the equations.
    pub fn shared(&self) -> Self {
        let mut hosts = vec![BTreeSet::new(); self.models];
        for cell in &self.cells {
            hosts[cell.row.model].insert(cell.row.provider);
        }
        self.of(self.cells.iter().copied().filter(|cell| hosts[cell.row.model].len() > 1))
    }

    /// The term as published; `None` if too few cells have a known size, or if the slope is not clear of its error.
    pub fn term(&self) -> Result<Option<PromptSizeTerm>, AnalysisError> {
        let shared = self.shared();
        if shared.cells.len() < PROMPT_SIZE_MIN_CELLS {
            return Ok(None);
        }
        let estimated = shared.fit()?.map(|fit| fit.slope).zip(shared.standard_error()?);
        let is_clear = |(slope, error): &(f64, f64)| slope.abs() >= PROMPT_SIZE_MIN_ERRORS * error;
        Ok(estimated.filter(is_clear).map(|(slope, error)| PromptSizeTerm {
            per_doubling: slope * LN_2,
            standard_error: error * LN_2,
            cells: shared.cells.len(),
        }))
    }

    /// Solves the equations of shared cells; `None` if the sizes do not differ.
    pub fn fit(&self) -> Result<Option<Fit>, AnalysisError> {
        let solved = |value: fn(&SizedCell) -> f64| {
            let rows: Vec<Observation> =
                self.cells.iter().map(|cell| Observation { y: value(cell), ..cell.row }).collect();
            solve(&rows, self.providers, self.models, self.ridge)
        };
        let (hits, sizes) = (solved(|cell| cell.row.y)?, solved(|cell| cell.size)?);
        let product = |left: Vec<f64>| -> f64 {
            self.cells.iter().zip(left).map(|(cell, left)| cell.row.weight * cell.size * left).sum()
        };
        let weight: f64 = self.cells.iter().map(|cell| cell.row.weight).sum();
        let own = product(self.residuals(&sizes, |cell| cell.size));
        if own <= LEAST_VARIANCE * weight {
            return Ok(None);
        }
        let slope = product(self.residuals(&hits, |cell| cell.row.y)) / own;
        Ok(Some(Fit { hits, sizes, slope }))
    }

    /// The mean size of each model, by the weights of its cells; `None` without a cell.
    pub fn mean_sizes(&self) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0, 0.0); self.models];
        for cell in &self.cells {
            let sum = &mut sums[cell.row.model];
            sum.0 += cell.row.weight * cell.size;
            sum.1 += cell.row.weight;
        }
        sums.into_iter().map(|(sum, weight)| (weight > 0.0).then(|| sum / weight)).collect()
    }

    /// What the levels of the models and the effects of the providers leave of a value, by cell.
    pub fn residuals(&self, effects: &Effects, value: fn(&SizedCell) -> f64) -> Vec<f64> {
        let adjusted = |cell: &SizedCell| value(cell) - effects.theta[cell.row.provider].unwrap_or(0.0);
        let mut levels = vec![(0.0, 0.0); self.models];
        for cell in &self.cells {
            let level = &mut levels[cell.row.model];
            level.0 += cell.row.weight * adjusted(cell);
            level.1 += cell.row.weight;
        }
        let level = |cell: &SizedCell| levels[cell.row.model].0 / levels[cell.row.model].1;
        self.cells.iter().map(|cell| adjusted(cell) - level(cell)).collect()
    }

    /// The standard error of the slope: each model is left out once. `None` with fewer than two models.
    pub fn standard_error(&self) -> Result<Option<f64>, AnalysisError> {
        let models: BTreeSet<usize> = self.cells.iter().map(|cell| cell.row.model).collect();
        let mut slopes = Vec::new();
        for model in models {
            let others = self.of(self.cells.iter().copied().filter(|cell| cell.row.model != model));
            slopes.extend(others.fit()?.map(|fit| fit.slope));
        }
        let count = slopes.len() as f64;
        let Some(centre) = mean(slopes.iter().copied()).filter(|_| slopes.len() > 1) else { return Ok(None) };
        let squares: f64 = slopes.iter().map(|slope| (slope - centre).powi(2)).sum();
        Ok(Some(((count - 1.0) / count * squares).sqrt()))
    }
}

/// The solution with and without the size.
pub struct Fit {
    /// The effects of the providers on the hit rate.
    pub hits: Effects,
    /// The effects of the providers on the size of their prompts.
    pub sizes: Effects,
    /// Change of the hit rate per factor e of the size.
    pub slope: f64,
}
