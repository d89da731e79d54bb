//! The cost of choosing by the price list: the cheapest host on paper compared with the one with the cheapest sessions.

use crate::cost::pricing;
use crate::domain::session::session_cost;
use crate::domain::statistics::median;
use crate::domain::thresholds::BACKTEST_OUTPUT_SHARE;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::price_list::ListVerdict;
use std::collections::BTreeSet;

/// The two hosts of one model under one workload.
#[derive(Debug, Clone, Copy)]
pub struct Picks<'a> {
    /// Lowest list price: input plus the output that goes with it in the method's backtest.
    pub by_list: &'a Endpoint,
    /// Cost of its session, USD.
    pub by_list_cost: f64,
    /// Cheapest session.
    pub by_session: &'a Endpoint,
    /// Cost of that session, USD.
    pub by_session_cost: f64,
    /// Number of hosts that share the lowest list price.
    pub hosts: usize,
    /// The most expensive session among those, USD.
    pub hosts_most: f64,
    /// Most expensive session divided by the cheapest; `None` if the cheapest costs nothing.
    pub spread: Option<f64>,
}

impl Picks<'_> {
    /// How much more the list's choice costs, as a fraction; `None` if the cheapest session costs nothing.
    pub fn surcharge(&self) -> Option<f64> {
        (self.by_session_cost > 0.0).then(|| self.by_list_cost / self.by_session_cost - 1.0)
    }

    /// Whether the lowest list price also has the cheapest session, under the snapshot's default workload.
    pub fn verdict(&self, snapshot: &Snapshot) -> ListVerdict {
        let with_ends = |endpoint, cost| (cost, ends(snapshot, endpoint, cost));
        ListVerdict::of(
            self.by_list.endpoint_id == self.by_session.endpoint_id,
            self.hosts,
            with_ends(self.by_list, self.by_list_cost),
            with_ends(self.by_session, self.by_session_cost),
        )
    }
}

/// The ends of the 90 % interval of a session's cost, USD, from the interval of the endpoint's retention; `None` if that is
/// unknown.
fn ends(snapshot: &Snapshot, endpoint: &Endpoint, cost: f64) -> Option<(f64, f64)> {
    let workload = snapshot.workload(snapshot.default_workload())?;
    let (basis, pricing) = (&endpoint.cost_basis, pricing(endpoint));
    let at = |retention: Option<f64>| {
        let cost = session_cost(&pricing, workload, &basis.at(retention?), snapshot.as_of)?.total();
        (cost > 0.0).then_some(cost)
    };
    let scale = cost / at(basis.retention)?;
    let ends = [at(basis.retention_low)? * scale, at(basis.retention_high)? * scale];
    Some((ends[0].min(ends[1]), ends[0].max(ends[1])))
}

/// List prices within this relative difference are equal.
const EQUAL: f64 = 1e-9;

/// The picks among the endpoints that are available to everyone and have both a list price and a session cost under
/// `workload`; `None` if there are fewer than two, because then there is no choice.
pub fn picks<'a>(model: &'a ModelEntry, workload: &str) -> Option<Picks<'a>> {
    let priced: Vec<(&Endpoint, f64, f64)> = model
        .endpoints
        .iter()
        .filter(|e| e.why_closed().is_none())
        .filter_map(|e| Some((e, e.list.with_output(BACKTEST_OUTPUT_SHARE)?, *e.session_cost.get(workload)?)))
        .filter(|(_, list, cost)| list.is_finite() && cost.is_finite())
        .collect();
    if priced.len() < 2 {
        return None;
    }
    // At equal list prices the cheaper session wins: the list is not blamed for a choice that it does not make.
    let by_list = priced.iter().min_by(|a, b| a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)))?;
    let is_listed = |p: &&(&Endpoint, f64, f64)| p.0.endpoint_id == by_list.0.endpoint_id;
    // At equal costs the list's choice is not corrected.
    let by_session =
        priced.iter().min_by(|a, b| a.2.total_cmp(&b.2).then(is_listed(b).cmp(&is_listed(a))))?;
    let tied: Vec<_> = priced.iter().filter(|p| p.1 <= by_list.1 * (1.0 + EQUAL)).collect();
    let hosts: BTreeSet<&str> = tied.iter().map(|p| p.0.provider.as_str()).collect();
    let dearest = priced.iter().map(|p| p.2).fold(0.0, f64::max);
    Some(Picks {
        by_list: by_list.0,
        by_list_cost: by_list.2,
        by_session: by_session.0,
        by_session_cost: by_session.2,
        hosts: hosts.len(),
        hosts_most: tied.iter().map(|p| p.2).fold(0.0, f64::max),
        spread: (by_session.2 > 0.0).then(|| dearest / by_session.2),
    })
}

/// How often and by how much the price list misleads, over all standard models with a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Misled {
    /// Models with a choice.
    pub models: usize,
    /// Models where the list price misleads ([`ListVerdict::Misleads`]).
    pub misled: usize,
    /// Models where several hosts share the lowest list price.
    pub tied: usize,
    /// Median surcharge over those models, as a fraction.
    pub median_surcharge: f64,
}

/// Counts the models whose price list misleads; `None` if no model has a choice or none misleads.
pub fn misled(snapshot: &Snapshot, workload: &str) -> Option<Misled> {
    let standard = snapshot.models.iter().filter(|m| m.variant.is_standard());
    let all: Vec<Picks> = standard.filter_map(|m| picks(m, workload)).collect();
    let misled = all.iter().filter(|picks| picks.verdict(snapshot) == ListVerdict::Misleads);
    let surcharges: Vec<f64> = misled.filter_map(Picks::surcharge).collect();
    Some(Misled {
        models: all.len(),
        misled: surcharges.len(),
        tied: all.iter().filter(|picks| picks.hosts > 1).count(),
        median_surcharge: median(surcharges)?,
    })
}
