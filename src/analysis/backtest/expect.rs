//! The cost of an endpoint that the policy `hitrate` expects for the day under way, with its uncertainty.

use super::lists::Lists;
use super::policy::{Expectation, Judged, Known, Today, judge, now, today};
use crate::domain::backtest::{ExpectedCost, PricedDay, SoFar, UnderWay};
use crate::domain::thresholds::{
    BACKTEST_MIN_TOKENS, EXPECTED_COST_HALF_LIFE, EXPECTED_COST_PRIOR_DAYS, EXPECTED_COST_SPREADS,
};
use crate::domain::window::midnight;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// The forecast errors of one endpoint: decayed squares of the log error.
#[derive(Debug, Clone, Copy, Default)]
struct Errors {
    squares: f64,
    weight: f64,
}

/// The cost that is expected from the end of the panel's newest priced day on, given what is known of the day under way,
/// by the panel's endpoint key. The panel is the one of [`super::backtest`]. An endpoint without a price on its newest day
/// has no expected cost.
pub fn expected_costs(panel: &[PricedDay], under_way: &UnderWay) -> BTreeMap<i64, ExpectedCost> {
    let Some(newest) = panel.iter().map(|row| row.day).max() else { return BTreeMap::new() };
    let lists = by_endpoint(&under_way.lists, |row| row.endpoint);
    let readings = by_endpoint(&under_way.readings, |row| row.endpoint);
    let read: BTreeSet<i64> =
        panel.iter().filter(|row| readings.contains_key(&row.endpoint)).map(|row| row.model).collect();
    let judged: Vec<(i64, Vec<Judged>)> = panel
        .chunk_by(|a, b| a.endpoint == b.endpoint)
        .map(|days| {
            let endpoint = days.first().map_or(0, |row| row.endpoint);
            (endpoint, judge(&explained(days, Lists::all(lists.get(&endpoint).copied().unwrap_or_default()))))
        })
        .collect();
    let pool = pool(&judged);
    let expected = |(endpoint, days): &(i64, Vec<Judged>)| {
        let last = days.last().filter(|last| last.day == newest)?;
        let lists = Lists::all(lists.get(endpoint).copied().unwrap_or_default());
        let today = read
            .contains(&last.model)
            .then(|| so_far(readings.get(endpoint).copied().unwrap_or_default(), lists, under_way.at));
        let expected = expect(last, lists, today, under_way.at);
        Some((*endpoint, with_interval(last, expected, errors(days), pool)))
    };
    judged.iter().filter_map(expected).collect()
}

/// What the policy `hitrate` expects after a last priced day.
pub(super) fn expect(
    last: &Judged,
    lists: Lists<'_>,
    today: Option<Today>,
    at: DateTime<Utc>,
) -> Expectation {
    now(&Known { level: last.level, list_step: lists.step_since(last.day), today, tokens: last.tokens, at })
}

/// What was read of an endpoint today, up to a moment.
pub(super) fn so_far(readings: &[SoFar], lists: Lists<'_>, at: DateTime<Utc>) -> Today {
    let of_day = readings.iter().filter(|row| row.is_of_day);
    let possible =
        |row: &SoFar| lists.is_impossible(row.effective_input, at.date_naive(), row.read_at) != Some(true);
    today(of_day.map(|row| (row, possible(row))), at)
}

/// The days, without `impossible` if the list prices of the whole day explain the price: a mean over a day on which the
/// list price changed may lie outside of the prices at its end.
fn explained(days: &[PricedDay], lists: Lists<'_>) -> Vec<PricedDay> {
    let is_impossible = |row: &PricedDay| {
        let end = midnight(row.day.succ_opt().unwrap_or(row.day));
        row.impossible && lists.is_impossible(row.effective_input, row.day, end) != Some(false)
    };
    days.iter().map(|row| PricedDay { impossible: is_impossible(row), ..row.clone() }).collect()
}

/// The rows of each endpoint; they are sorted by endpoint.
pub(super) fn by_endpoint<T>(rows: &[T], endpoint: fn(&T) -> i64) -> BTreeMap<i64, &[T]> {
    let of_one = rows.chunk_by(|a, b| endpoint(a) == endpoint(b));
    of_one.filter_map(|rows| Some((endpoint(rows.first()?), rows))).collect()
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

fn with_interval(last: &Judged, expected: Expectation, own: Errors, pool: Option<f64>) -> ExpectedCost {
    let spread = pool.map(|pool| {
        let squares = EXPECTED_COST_PRIOR_DAYS * pool + own.squares;
        EXPECTED_COST_SPREADS * (squares / (EXPECTED_COST_PRIOR_DAYS + own.weight)).sqrt()
    });
    ExpectedCost {
        day: last.day,
        usd_per_mtok: expected.log_cost.exp(),
        low: spread.map(|spread| (expected.log_cost - spread).exp()),
        high: spread.map(|spread| (expected.log_cost + spread).exp()),
        chosen_by: expected.chosen_by.exp(),
    }
}
