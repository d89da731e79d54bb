//! The next day's cost of an endpoint that the policy `hitrate` expects, with its uncertainty.

use super::policy::{Judged, judge};
use crate::domain::backtest::{ExpectedCost, PricedDay};
use crate::domain::thresholds::{
    BACKTEST_MIN_TOKENS, EXPECTED_COST_HALF_LIFE, EXPECTED_COST_PRIOR_DAYS, EXPECTED_COST_SPREADS,
    POLICY_THIN_CHARGE,
};
use std::collections::BTreeMap;

/// The traffic at which the charge for thin traffic is zero, tokens a day.
const CHARGED_FROM: f64 = 1e9;

/// The forecast errors of one endpoint: decayed squares of the log error.
#[derive(Debug, Clone, Copy, Default)]
struct Errors {
    squares: f64,
    weight: f64,
}

/// The expected cost on the day after the panel's newest priced day, by the panel's endpoint key. The panel is the one
/// of [`super::backtest`]. An endpoint without a price on that day has no expected cost.
pub fn expected_costs(panel: &[PricedDay]) -> BTreeMap<i64, ExpectedCost> {
    let Some(newest) = panel.iter().map(|row| row.day).max() else { return BTreeMap::new() };
    let judged: Vec<(i64, Vec<Judged>)> = panel
        .chunk_by(|a, b| a.endpoint == b.endpoint)
        .map(|days| (days.first().map_or(0, |row| row.endpoint), judge(days)))
        .collect();
    let pool = pool(&judged);
    let expected = |(endpoint, days): &(i64, Vec<Judged>)| {
        let last = days.last().filter(|last| last.day == newest)?;
        Some((*endpoint, expectation(last, errors(days), pool)))
    };
    judged.iter().filter_map(expected).collect()
}

/// Forecasts of an endpoint: the day that each was made for, and its log error.
fn misses(days: &[Judged]) -> impl Iterator<Item = (&Judged, f64)> {
    let running = |pair: &&[Judged]| pair[0].day.succ_opt() == Some(pair[1].day);
    days.windows(2).filter(running).map(|pair| (&pair[0], pair[1].cost.ln() - pair[0].level))
}

fn errors(days: &[Judged]) -> Errors {
    let Some(last) = days.last() else { return Errors::default() };
    let mut errors = Errors::default();
    for (made, miss) in misses(days) {
        let age = (last.day - made.day).num_days() as f64 - 1.0;
        let weight = 0.5_f64.powf(age / EXPECTED_COST_HALF_LIFE);
        errors.squares += weight * miss * miss;
        errors.weight += weight;
    }
    errors
}

/// The mean square over all endpoints with enough traffic to be chosen; `None` if there are no forecasts yet.
fn pool(judged: &[(i64, Vec<Judged>)]) -> Option<f64> {
    let busy = |made: &Judged| made.tokens.is_some_and(|tokens| tokens as f64 >= BACKTEST_MIN_TOKENS);
    let mut errors = Errors::default();
    for (_, days) in judged {
        for (_, miss) in misses(days).filter(|(made, _)| busy(made)) {
            errors.squares += miss * miss;
            errors.weight += 1.0;
        }
    }
    (errors.weight > 0.0).then(|| errors.squares / errors.weight)
}

fn expectation(last: &Judged, own: Errors, pool: Option<f64>) -> ExpectedCost {
    let spread = pool.map(|pool| {
        let squares = EXPECTED_COST_PRIOR_DAYS * pool + own.squares;
        EXPECTED_COST_SPREADS * (squares / (EXPECTED_COST_PRIOR_DAYS + own.weight)).sqrt()
    });
    let tokens = last.tokens.filter(|tokens| *tokens > 0).map_or(1.0, |tokens| tokens as f64);
    let charge = POLICY_THIN_CHARGE * (CHARGED_FROM / tokens).ln();
    ExpectedCost {
        day: last.day,
        usd_per_mtok: last.level.exp(),
        low: spread.map(|spread| (last.level - spread).exp()),
        high: spread.map(|spread| (last.level + spread).exp()),
        chosen_by: (last.level + charge).exp(),
    }
}
