//! The endpoints of a model that can be chosen under a workload, and the choice that its price list makes among them.

use super::endpoint::Priced;
use crate::domain::ids::Tag;
use crate::domain::thresholds::BACKTEST_OUTPUT_SHARE;
use crate::domain::workload::Workload;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::price_list::ListVerdict;
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// List prices within this relative difference are equal.
const EQUAL: f64 = 1e-9;

/// An endpoint that can be chosen, and what a session costs there.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Cost of a session, USD.
    pub cost: f64,
    /// The ends of the 90 % interval of that cost, USD; `None` if they are unknown.
    pub interval: Option<(f64, f64)>,
}

/// The choice by the usual list prices, like the costs: the lowest price of input plus the share of the output price used in the backtest. Of equal
/// list prices the cheaper session wins, because the list is not blamed for a choice that it does not make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowestList {
    /// Its index among the choices.
    pub place: usize,
    /// Number of hosts (providers) that share the lowest usual list price.
    pub hosts: usize,
    /// The most expensive session among those, USD.
    pub most: f64,
    /// How its session compares with the cheapest one.
    pub verdict: ListVerdict,
}

/// The endpoint with the lowest usual list price, and its actual cost.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ListChoice {
    /// Tag of the endpoint. If several hosts share the lowest list price, the one with the cheapest session.
    pub tag: Tag,
    /// Cost of a session there, USD.
    pub cost: f64,
    /// Extra cost over the cheapest session, as a fraction; null if the cheapest session is free.
    pub surcharge: Option<f64>,
    /// Number of hosts that share the lowest list price.
    pub hosts: usize,
    /// Cost of the most expensive session at these hosts, USD.
    pub most: f64,
    /// How the lowest list price compares with the cheapest session.
    pub verdict: ListVerdict,
}

/// The endpoints of a model that can be chosen under a workload, in the order of the model.
pub fn choices<'a>(snapshot: &Snapshot, model: &'a ModelEntry, workload: &Workload) -> Vec<Choice<'a>> {
    let room = model.room(workload);
    let choice = |endpoint| Choice::of(&Priced::of(endpoint, workload, room, snapshot.as_of));
    model.endpoints.iter().filter_map(choice).collect()
}

impl<'a> Choice<'a> {
    /// A priced endpoint; `None` if it is not eligible.
    pub(super) fn of(priced: &Priced<'a>) -> Option<Self> {
        let cost = priced.cost().filter(|_| priced.open)?;
        Some(Self { endpoint: priced.endpoint, cost, interval: priced.interval() })
    }
}

impl LowestList {
    /// The list's choice; `None` if no list price is known.
    pub fn among(choices: &[Choice<'_>]) -> Option<Self> {
        let list = |choice: &Choice| {
            choice.endpoint.usual_list().with_output(BACKTEST_OUTPUT_SHARE).filter(|price| price.is_finite())
        };
        let lowest = choices.iter().filter_map(list).min_by(f64::total_cmp)?;
        let is_lowest = |choice: &Choice| list(choice).is_some_and(|price| price <= lowest * (1.0 + EQUAL));
        let tied = || choices.iter().enumerate().filter(|(_, choice)| is_lowest(choice));
        let (place, chosen) = tied().min_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost))?;
        let best = choices.iter().min_by(|a, b| a.cost.total_cmp(&b.cost))?;
        let hosts: BTreeSet<&str> = tied().map(|(_, choice)| choice.endpoint.provider.as_str()).collect();
        let with_ends = |choice: &Choice| (choice.cost, choice.interval);
        Some(Self {
            place,
            hosts: hosts.len(),
            most: tied().map(|(_, choice)| choice.cost).fold(0.0, f64::max),
            verdict: ListVerdict::of(
                chosen.cost <= best.cost,
                hosts.len(),
                with_ends(chosen),
                with_ends(best),
            ),
        })
    }
}
