//! What the endpoints of a model were paid on a later day, and what a choice among them cost then.

use super::judge::judge;
use super::openrouter::ProviderObject;
use super::saving::{is_used, lowest_list, population};
use super::{Mode, PreferenceOptions};
use crate::domain::limits::Limits;
use crate::domain::thresholds::BACKTEST_MIN_TOKENS;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use std::collections::HashMap;
use uuid::Uuid;

/// What a standard endpoint was paid on a UTC day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paid {
    /// The endpoint.
    pub endpoint: Uuid,
    /// Key of its model, the same on all days.
    pub model: i64,
    /// Its closing price, USD per million prompt tokens with their output: what a backtest charges.
    pub cost: f64,
    /// Its tokens of that day, or of the newest day before it that was read; 0 if they are unknown.
    pub tokens: f64,
}

/// What all endpoints were paid on a UTC day.
#[derive(Debug, Clone, Default)]
pub struct PaidDay {
    models: HashMap<i64, Vec<Paid>>,
    model_of: HashMap<Uuid, i64>,
}

impl FromIterator<Paid> for PaidDay {
    fn from_iter<I: IntoIterator<Item = Paid>>(paid: I) -> Self {
        let mut day = Self::default();
        for one in paid {
            day.model_of.insert(one.endpoint, one.model);
            day.models.entry(one.model).or_default().push(one);
        }
        day
    }
}

impl PaidDay {
    /// What the endpoints of a model were paid, including endpoints that the model has gained since; empty if none of the
    /// known ones has a price.
    pub(super) fn of(&self, model: &ModelEntry) -> &[Paid] {
        let key = model.endpoints.iter().find_map(|endpoint| self.model_of.get(&endpoint.endpoint_id));
        key.and_then(|key| self.models.get(key)).map_or(&[], Vec::as_slice)
    }
}

/// The choices for a model, as known when its preferences were made.
pub(super) struct Choices<'a> {
    model: &'a ModelEntry,
    /// Positions of the endpoints that the router chooses from without a preference.
    offered: Vec<usize>,
    lowest_list: Vec<Uuid>,
}

impl<'a> Choices<'a> {
    pub fn of(snapshot: &Snapshot, model: &'a ModelEntry, workload: &str) -> Self {
        let limits = Limits::default();
        let options = PreferenceOptions { mode: Mode::DEFAULT, workload, limits: &limits };
        let judged = judge(snapshot, model, &options);
        Self {
            model,
            offered: population(&judged).into_iter().map(|one| one.position).collect(),
            lowest_list: lowest_list(snapshot, workload, &judged),
        }
    }

    /// The cost of what a preference admits; `None` if none of it has a price. An endpoint that the model has gained since
    /// is used unless the preference names the only ones to use.
    pub fn preference(&self, provider: &ProviderObject, paid: &[Paid]) -> Option<f64> {
        let known = |one: &Paid| {
            let is_it = |endpoint: &Endpoint| endpoint.endpoint_id == one.endpoint;
            self.model.endpoints.iter().position(is_it)
        };
        by_traffic(paid, |one| match known(one) {
            Some(at) => self.offered.contains(&at) && is_used(provider, &self.model.endpoints[at]),
            None => provider.only.is_none(),
        })
    }

    /// The cost of the endpoint with the lowest list price, or the mean of several equal ones.
    pub fn lowest_list(&self, paid: &[Paid]) -> Option<f64> {
        mean(paid.iter().filter(|one| self.lowest_list.contains(&one.endpoint)).map(|one| (one.cost, 1.0)))
    }

    /// The cost of the best choice in hindsight: the cheapest endpoint among those with enough traffic for the backtest;
    /// `None` if fewer than two of them have a price.
    pub fn cheapest(&self, paid: &[Paid]) -> Option<f64> {
        let busy = self.model.endpoints.iter().filter(|endpoint| is_busy(endpoint));
        let costs: Vec<f64> = busy.filter_map(|endpoint| price_of(endpoint, paid)).collect();
        costs.iter().copied().min_by(f64::total_cmp).filter(|_| costs.len() > 1)
    }
}

/// Whether an endpoint has enough traffic for the backtest to choose it.
pub(super) fn is_busy(endpoint: &Endpoint) -> bool {
    endpoint.tokens_per_day.is_some_and(|tokens| tokens >= BACKTEST_MIN_TOKENS)
}

/// What an endpoint was paid.
pub(super) fn price_of(endpoint: &Endpoint, paid: &[Paid]) -> Option<f64> {
    paid.iter().find(|one| one.endpoint == endpoint.endpoint_id).map(|one| one.cost)
}

/// What the traffic of a model paid on average; `None` if none of its endpoints has a price.
pub(super) fn traffic_average(paid: &[Paid]) -> Option<f64> {
    by_traffic(paid, |_| true)
}

/// The mean over the endpoints that count, by their tokens of that day; if they have none, with equal weights.
fn by_traffic(paid: &[Paid], counts: impl Fn(&Paid) -> bool) -> Option<f64> {
    let counted: Vec<&Paid> = paid.iter().filter(|one| counts(one)).collect();
    let has_traffic = counted.iter().any(|one| one.tokens > 0.0);
    mean(counted.into_iter().map(|one| (one.cost, if has_traffic { one.tokens } else { 1.0 })))
}

/// The mean of costs, each with its weight; `None` without any.
fn mean(weighted: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weights) =
        weighted.fold((0.0, 0.0), |(sum, weights), (cost, weight)| (sum + cost * weight, weights + weight));
    (weights > 0.0).then(|| sum / weights)
}
