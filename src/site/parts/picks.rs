//! The cost of choosing by the price list: the cheapest host on paper compared with the one with the cheapest sessions.

use crate::domain::flag::FlagKind;
use crate::domain::thresholds::BACKTEST_OUTPUT_SHARE;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};

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
    /// Most expensive session divided by the cheapest; `None` if the cheapest costs nothing.
    pub spread: Option<f64>,
}

impl Picks<'_> {
    /// How much more the list's choice costs, as a fraction; `None` if the cheapest session costs nothing.
    pub fn surcharge(&self) -> Option<f64> {
        (self.by_session_cost > 0.0).then(|| self.by_list_cost / self.by_session_cost - 1.0)
    }
}

/// Whether an endpoint is available to everyone and up.
fn is_open(endpoint: &Endpoint) -> bool {
    !endpoint.is_flagged(FlagKind::Restricted) && !endpoint.is_flagged(FlagKind::Down)
}

fn list_price(endpoint: &Endpoint) -> Option<f64> {
    Some(endpoint.list.input? + BACKTEST_OUTPUT_SHARE * endpoint.list.output?)
}

/// The picks among the endpoints that are available to everyone and have both a list price and a session cost under
/// `workload`; `None` if there are fewer than two, because then there is no choice.
pub fn picks<'a>(model: &'a ModelEntry, workload: &str) -> Option<Picks<'a>> {
    let priced: Vec<(&Endpoint, f64, f64)> = model
        .endpoints
        .iter()
        .filter(|e| is_open(e))
        .filter_map(|e| Some((e, list_price(e)?, *e.session_cost.get(workload)?)))
        .filter(|(_, list, cost)| list.is_finite() && cost.is_finite())
        .collect();
    if priced.len() < 2 {
        return None;
    }
    // At equal list prices the cheaper session wins: the list is not blamed for a choice that it does not make.
    let by_list = priced.iter().min_by(|a, b| a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)))?;
    let by_session = priced.iter().min_by(|a, b| a.2.total_cmp(&b.2))?;
    let dearest = priced.iter().map(|p| p.2).fold(0.0, f64::max);
    Some(Picks {
        by_list: by_list.0,
        by_list_cost: by_list.2,
        by_session: by_session.0,
        by_session_cost: by_session.2,
        spread: (by_session.2 > 0.0).then(|| dearest / by_session.2),
    })
}

/// How often and by how much the price list misleads, over all standard models with a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Misled {
    /// Models with a choice.
    pub models: usize,
    /// Models where the lowest list price does not have the cheapest session.
    pub misled: usize,
    /// Median surcharge over those models, as a fraction.
    pub median_surcharge: f64,
}

/// Counts the models whose price list misleads; `None` if no model has a choice or none misleads.
pub fn misled(snapshot: &Snapshot, workload: &str) -> Option<Misled> {
    let standard = snapshot.models.iter().filter(|m| m.variant.is_standard());
    let all: Vec<f64> = standard.filter_map(|m| picks(m, workload)?.surcharge()).collect();
    let mut misled: Vec<f64> = all.iter().copied().filter(|s| *s > 1e-9).collect();
    misled.sort_by(f64::total_cmp);
    let median_surcharge = match misled.len() {
        0 => return None,
        n if n % 2 == 1 => misled[n / 2],
        n => (misled[n / 2 - 1] + misled[n / 2]) / 2.0,
    };
    Some(Misled { models: all.len(), misled: misled.len(), median_surcharge })
}
