//! One endpoint under one workload: its cost as a linear function of retention, and where it crosses another's cost.

use crate::domain::session::{CostBasis, Pricing, SessionCost, session_cost};
use crate::domain::workload::{Room, Workload};
use crate::snapshot::{Endpoint, Prices};
use crate::wording::Obstacle;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The caching that an endpoint needs to be the cheapest of its model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum ToWin {
    /// It is already the cheapest.
    Cheapest {
        /// Share of the reusable prefix that it must keep finding to stay the cheapest, 0..1; null if it stays the
        /// cheapest without caching, or if no other endpoint is priced.
        down_to: Option<f64>,
    },
    /// It would be the cheapest with more caching.
    Needs {
        /// Share of the reusable prefix that its cache would have to find, 0..1.
        retention: f64,
        /// The same as a hit rate over this workload's prompt tokens, 0..1.
        hit_rate: f64,
    },
    /// It would not be the cheapest even if its cache found everything reusable.
    Cannot {
        /// Cost of a session in that case, USD.
        at_best: f64,
    },
    /// It is not compared; `why` gives the reason.
    NotCompared,
}

/// The hit rate from which an endpoint undercuts the endpoint with the lowest list price, if that one had no caching.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum BreakEven {
    /// From this hit rate over the workload's prompt tokens on, 0..1; 0 if it is cheaper without any hits.
    From {
        /// The hit rate.
        hit_rate: f64,
    },
    /// Not even if its cache found everything reusable.
    Never,
}

/// The list prices of an endpoint of the snapshot by which its sessions are priced: the means of the lens window, with
/// the conditional prices of now.
pub fn pricing(endpoint: &Endpoint) -> Pricing {
    Pricing::listed(endpoint.usual_list(), endpoint.price_tiers.clone())
}

/// The cost of a session at an endpoint as a function of its retention. The prices of a turn do not depend on
/// retention, so the cost is a straight line between retention 0 and retention 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// Cost with retention 0, USD.
    pub cold: f64,
    /// Cost with retention 1, USD.
    pub warm: f64,
}

impl Line {
    /// `None` if the prices are not listed.
    pub fn of(
        pricing: &Pricing,
        workload: &Workload,
        basis: &CostBasis,
        as_of: DateTime<Utc>,
    ) -> Option<Self> {
        let at = |q| session_cost(pricing, workload, &basis.at(q), as_of).map(|cost| cost.total());
        Some(Self { cold: at(0.0)?, warm: at(1.0)? })
    }

    /// The retention from which a session costs `target` USD or less, 0..1; `None` if it never does.
    pub fn retention_for(self, target: f64) -> Option<f64> {
        // A rounding error in the last bit is not a difference in cost.
        let slack = 1e-12 * target.abs().max(1e-12);
        if self.cold <= target + slack {
            return Some(0.0);
        }
        (self.warm <= target + slack).then(|| ((self.cold - target) / (self.cold - self.warm)).min(1.0))
    }

    /// Lowest and highest cost between two retentions, USD.
    pub fn between(self, low: f64, high: f64) -> (f64, f64) {
        let at = |q: f64| self.cold + q.clamp(0.0, 1.0) * (self.warm - self.cold);
        (at(low).min(at(high)), at(low).max(at(high)))
    }
}

/// An endpoint with all figures for the comparison.
pub(super) struct Priced<'a> {
    pub endpoint: &'a Endpoint,
    pub line: Option<Line>,
    /// The line at the lowest and at the highest list prices of the lens window.
    extremes: Option<(Line, Line)>,
    /// Cost of a session at the list prices of now, USD.
    pub now: Option<f64>,
    pub parts: Option<SessionCost>,
    /// Whether it is publicly available, up and still offered, and accepts the workload's longest prompt.
    pub open: bool,
    pub why: Option<Obstacle>,
}

impl<'a> Priced<'a> {
    /// `room`: the lengths that the endpoint has to accept.
    pub fn of(endpoint: &'a Endpoint, workload: &Workload, room: Room, as_of: DateTime<Utc>) -> Self {
        let pricing = pricing(endpoint);
        let at = |pricing: &Pricing| Line::of(pricing, workload, &endpoint.cost_basis, as_of);
        let line = at(&pricing);
        let listed = |list: &Prices| Pricing::listed(list, endpoint.price_tiers.clone());
        let window = endpoint.list_window.as_ref();
        let extremes =
            window.and_then(|window| at(&listed(&window.lowest)).zip(at(&listed(&window.highest))));
        let now = session_cost(&listed(&endpoint.list), workload, &endpoint.cost_basis, as_of);
        let now = now.map(|cost| cost.total());
        let parts = session_cost(&pricing, workload, &endpoint.cost_basis, as_of);
        let why = obstacle(endpoint, &pricing, room, parts.is_some(), as_of);
        Self { endpoint, line, extremes, now, parts, open: why.is_none(), why }
    }

    pub fn cost(&self) -> Option<f64> {
        self.parts.map(|parts| parts.total())
    }

    /// The ends of the 90 % interval of its cost, USD, from the lowest to the highest list prices of the lens window.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let basis = &self.endpoint.cost_basis;
        let ends = basis.retention_low.zip(basis.retention_high).filter(|_| self.parts.is_some());
        let (lowest, highest) = self.extremes.or(self.line.map(|line| (line, line)))?;
        ends.map(|(low, high)| (lowest.between(low, high).0, highest.between(low, high).1))
    }
}

/// Why an endpoint is not eligible.
fn obstacle(
    endpoint: &Endpoint,
    pricing: &Pricing,
    room: Room,
    priced: bool,
    as_of: DateTime<Utc>,
) -> Option<Obstacle> {
    if pricing.is_free() {
        Some(Obstacle::Free)
    } else if pricing.input.is_none() || pricing.output.is_none() {
        Some(Obstacle::NoFixedPrice)
    } else if !priced {
        Some(Obstacle::NoTraffic)
    } else if let Some(why) = endpoint.why_closed() {
        Some(Obstacle::Closed(why))
    } else if let Some(date) = endpoint.ended_by(as_of) {
        Some(Obstacle::Deprecated(date))
    } else {
        room.lacking(endpoint.facts.context_length, endpoint.facts.max_prompt_tokens).map(Obstacle::TooShort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_crosses_where_it_should() {
        let line = Line { cold: 10.0, warm: 2.0 };
        assert_eq!(line.retention_for(6.0), Some(0.5));
        assert_eq!(line.retention_for(11.0), Some(0.0));
        assert_eq!(line.retention_for(1.9), None);
        assert_eq!(line.between(0.25, 0.75), (4.0, 8.0));
        let flat = Line { cold: 3.0, warm: 3.0 };
        assert_eq!((flat.retention_for(3.0), flat.retention_for(2.0)), (Some(0.0), None));
    }
}
