//! What a change means for one session of the workload `coding-agent` at an endpoint.

use crate::domain::change::{Change, ChangeKind, SessionChange, percent};
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
    prices: HashMap<Uuid, Pricing>,
}

impl<'a> Sessions<'a> {
    /// The sessions of endpoints with what is known of their caching. Without the workload `coding-agent` among
    /// `workloads`, no session is priced.
    pub fn new(workloads: &'a [Workload], bases: impl Iterator<Item = (Uuid, CostBasis)>) -> Self {
        let workload = workloads.iter().find(|one| one.name == WORKLOAD);
        Self { workload, bases: bases.collect(), prices: HashMap::new() }
    }

    /// The same with the list prices of the endpoints of the newest run, for shifts of hit rates.
    #[must_use]
    pub fn with_prices(self, prices: impl Iterator<Item = (Uuid, Pricing)>) -> Self {
        Self { prices: prices.collect(), ..self }
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

    /// What a shift of the hit rate of an endpoint means at its list prices of the newest run. `None` for other kinds of
    /// changes, and for an endpoint whose caching or prices are not known.
    pub fn of_shift(&self, shift: &Change) -> Option<SessionChange> {
        let endpoint = shift.endpoint_id.filter(|_| shift.kind == ChangeKind::HitRateShift)?;
        let (basis, pricing) = (self.bases.get(&endpoint)?, self.prices.get(&endpoint)?);
        let reference = basis.reference.filter(|reference| *reference > 0.0)?;
        let (before, after) = (shift.before.as_ref()?.number()?, shift.after.as_ref()?.number()?);
        let at_rate = |rate: f64| basis.at((rate / reference).min(1.0));
        self.change((pricing, &at_rate(before)), (pricing, &at_rate(after)), shift.at)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::ChangeValue;
    use crate::domain::endpoint::Prices;

    #[test]
    fn a_lower_hit_rate_costs_more_at_known_prices_only() {
        let workloads = Workload::shipped().expect("shipped workloads");
        let (known, priceless) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let basis = CostBasis { reference: Some(0.8), ..CostBasis::default() };
        let bases = [(known, basis.clone()), (priceless, basis)];
        let list = Prices { input: Some(1.0), output: Some(2.0), cache_read: Some(0.1), ..Prices::default() };
        let prices = std::iter::once((known, Pricing::listed(&list, Vec::new())));
        let sessions = Sessions::new(&workloads, bases.into_iter()).with_prices(prices);
        let shift = |endpoint: Uuid, kind: ChangeKind| Change {
            endpoint_id: Some(endpoint),
            before: Some(ChangeValue::Number(0.8)),
            after: Some(ChangeValue::Number(0.4)),
            ..Change::new(DateTime::UNIX_EPOCH, kind)
        };
        let session = sessions.of_shift(&shift(known, ChangeKind::HitRateShift)).expect("a session");
        assert!(session.after > session.before && session.percent.is_some_and(|percent| percent > 0.0));
        assert_eq!(sessions.of_shift(&shift(priceless, ChangeKind::HitRateShift)), None, "no list price");
        assert_eq!(sessions.of_shift(&shift(known, ChangeKind::UptimeShift)), None, "not a hit rate");
    }
}
