//! What a change means for one session of the workload `coding-agent` at an endpoint.

use crate::domain::change::{SessionChange, percent};
use crate::domain::price_move::PriceState;
use crate::domain::session::{CostBasis, Pricing, session_cost};
use crate::domain::workload::Workload;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// Name of the workload whose session a change is stated for.
const WORKLOAD: &str = "coding-agent";

/// Prices sessions at the endpoints of the newest run, each with its usual hit rate.
pub(in crate::pipeline) struct Sessions<'a> {
    workload: Option<&'a Workload>,
    bases: HashMap<Uuid, CostBasis>,
}

impl<'a> Sessions<'a> {
    /// The sessions of endpoints with what is known of their caching. Without the workload `coding-agent` among
    /// `workloads`, no session is priced.
    pub fn new(workloads: &'a [Workload], bases: impl Iterator<Item = (Uuid, CostBasis)>) -> Self {
        Self { workload: workloads.iter().find(|one| one.name == WORKLOAD), bases: bases.collect() }
    }

    /// What a move of all prices of an endpoint means. Both sessions are at the same time of the day. `None` for an
    /// endpoint whose caching is not known, as for one that is gone.
    pub fn of_prices(
        &self,
        endpoint: Uuid,
        (before, after): (&PriceState, &PriceState),
        at: DateTime<Utc>,
    ) -> Option<SessionChange> {
        let basis = self.bases.get(&endpoint)?;
        self.change((&before.pricing(), basis), (&after.pricing(), basis), at)
    }

    /// What a move of the hit rate of an endpoint means at its list prices.
    #[allow(dead_code, reason = "for shifts of hit rates")]
    pub fn of_hit_rates(
        &self,
        endpoint: Uuid,
        pricing: &Pricing,
        (before, after): (f64, f64),
        at: DateTime<Utc>,
    ) -> Option<SessionChange> {
        let basis = self.bases.get(&endpoint)?;
        let reference = basis.reference.filter(|reference| *reference > 0.0)?;
        let at_rate = |rate: f64| basis.at((rate / reference).min(1.0));
        self.change((pricing, &at_rate(before)), (pricing, &at_rate(after)), at)
    }

    fn change(
        &self,
        (price_before, basis_before): (&Pricing, &CostBasis),
        (price_after, basis_after): (&Pricing, &CostBasis),
        at: DateTime<Utc>,
    ) -> Option<SessionChange> {
        let workload = self.workload?;
        let cost =
            |pricing: &Pricing, basis: &CostBasis| Some(session_cost(pricing, workload, basis, at)?.total());
        let (before, after) = (cost(price_before, basis_before), cost(price_after, basis_after));
        (before.is_some() || after.is_some()).then(|| SessionChange {
            before,
            after,
            percent: percent(before, after),
        })
    }
}
