//! The data of each endpoint: its cell of the lens window joined with its row of the newest run.

use super::cells::Cell;
use super::derive::{discount, efficiency, used_hit_rate};
use super::newest::Latest;
use super::scatter::HitDays;
use crate::domain::session::{CostBasis, Pricing, SessionCost, session_cost};
use crate::domain::thresholds::{CELL_MIN_TOKENS, FLAG_MIN_HIT_RATE, FLAG_MIN_TOKENS, PHANTOM_EFFICIENCY};
use crate::domain::workload::{Room, TooShort, Workload};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One endpoint, current or gone, with the data that the tier lists and verdicts use.
#[derive(Default)]
pub(super) struct Standing {
    pub id: Uuid,
    pub model: String,
    pub variant: String,
    pub provider: String,
    /// Whether it is a cell of the provider lists.
    pub counts: bool,
    pub hit_rate: Option<f64>,
    /// Tokens a day.
    pub tokens: Option<f64>,
    pub efficiency: Option<f64>,
    /// Share of the prompt tokens that were not found and that were written to the cache, if the price shows it.
    pub written: Option<f64>,
    /// The mean list prices of the lens window with the conditional prices of now; the last ones of an endpoint that is
    /// gone. `None` if that one had price tiers, because the tiers themselves are unknown.
    pub pricing: Option<Pricing>,
    pub uptime: Option<f64>,
    pub availability: Option<f64>,
    pub throughput: Option<f64>,
    pub latency_ms: Option<f64>,
    /// Its days in the window with a hit rate, if any.
    pub days: Option<HitDays>,
    pub basis: CostBasis,
    pub latest: Option<Latest>,
}

pub(super) fn from_cell(cell: &Cell, latest: Option<Latest>, days_needed: usize) -> Standing {
    let newest_tokens = latest.as_ref().and_then(|l| l.tokens).map(|t| t as f64);
    let newest_hits = latest.as_ref().and_then(|l| l.hit_rate);
    let tokens = cell.tokens.or(newest_tokens);
    let big = tokens.is_some_and(|t| t >= CELL_MIN_TOKENS);
    Standing {
        id: cell.endpoint,
        model: cell.model.clone(),
        variant: cell.variant.clone(),
        provider: cell.provider.clone(),
        counts: cell.variant == "standard" && big && cell.days >= days_needed,
        hit_rate: cell.hit_rate.or(newest_hits),
        tokens,
        written: cell.written,
        efficiency: cell.efficiency.or_else(|| latest.as_ref().and_then(newest_efficiency)),
        pricing: match &latest {
            Some(latest) => Some(latest.usual_pricing()),
            None => (!cell.price_tiers).then(|| cell.pricing.clone()),
        },
        uptime: cell.uptime.or(latest.as_ref().and_then(|l| l.uptime_1d)),
        availability: cell.availability.or(latest.as_ref().and_then(|l| l.availability_1d)),
        throughput: cell.throughput.or(latest.as_ref().and_then(|l| l.throughput)),
        latency_ms: cell.latency_ms.or(latest.as_ref().and_then(|l| l.latency_ms)),
        days: cell.hit_days(),
        basis: CostBasis::default(),
        latest,
    }
}

/// The data of an endpoint that has no day in the window.
pub(super) fn from_latest(latest: Latest, days_needed: usize) -> Standing {
    let cell = Cell {
        endpoint: latest.id,
        model: latest.model.clone(),
        variant: latest.variant.clone(),
        provider: latest.provider.clone(),
        ..Cell::default()
    };
    from_cell(&cell, Some(latest), days_needed)
}

/// That of a day so far with two price lists cannot be known.
fn newest_efficiency(latest: &Latest) -> Option<f64> {
    if latest.price_moved_today {
        return None;
    }
    efficiency(latest.hit_rate, latest.effective_input, &latest.pricing)
}

impl Standing {
    /// The hit rate among the prompts that use the cache, if it is known.
    pub fn hit_rate_used(&self) -> Option<f64> {
        used_hit_rate(self.hit_rate?, self.written?)
    }

    /// The hit rate that retention is measured by: that among the prompts that use the cache, or else the plain one.
    pub fn caching_rate(&self) -> Option<f64> {
        self.hit_rate_used().or(self.hit_rate)
    }

    /// Session cost under a workload at the usual list prices, USD; `None` if prices or the hit rate are unknown.
    pub fn cost(&self, workload: &Workload, as_of: DateTime<Utc>) -> Option<f64> {
        self.cost_parts(workload, as_of).map(|cost| cost.total())
    }

    /// The same at the list prices of now.
    pub fn cost_now(&self, workload: &Workload, as_of: DateTime<Utc>) -> Option<f64> {
        let now = &self.latest.as_ref()?.pricing;
        session_cost(now, workload, &self.basis, as_of).map(|cost| cost.total())
    }

    /// The components of that cost, USD.
    pub fn cost_parts(&self, workload: &Workload, as_of: DateTime<Utc>) -> Option<SessionCost> {
        session_cost(self.pricing.as_ref()?, workload, &self.basis, as_of)
    }

    /// The efficiency that prices are corrected by: 1 if it cannot be separated from billed writes or price tiers.
    pub fn priced_efficiency(&self) -> f64 {
        let plain = self.pricing.as_ref().is_some_and(|p| !p.billed_writes && p.tiers.is_empty());
        if plain { self.efficiency.unwrap_or(1.0).clamp(0.0, 1.0) } else { 1.0 }
    }

    /// Why it does not accept a session's longest turn; `None` if it does, if it is gone or if its limits are unknown.
    pub fn lacking(&self, room: Room) -> Option<TooShort> {
        self.latest.as_ref().and_then(|l| room.lacking(l.context_length, l.max_prompt_tokens))
    }

    /// Whether it is down in the newest run.
    pub fn is_down(&self) -> bool {
        self.latest.as_ref().is_some_and(Latest::is_down)
    }

    /// Whether it has enough hits and traffic to be flagged.
    pub fn has_enough_hits(&self) -> bool {
        self.hit_rate.is_some_and(|h| h > FLAG_MIN_HIT_RATE)
            && self.tokens.is_some_and(|t| t > FLAG_MIN_TOKENS)
    }

    /// Whether it has a phantom cache: a discount is listed and hits are reported, but the price paid hardly reflects
    /// them.
    pub fn is_phantom(&self) -> bool {
        let listed = |pricing: &Pricing| !pricing.billed_writes && discount(pricing).is_some();
        self.has_enough_hits()
            && self.pricing.as_ref().is_some_and(listed)
            && self.efficiency.is_some_and(|eta| eta < PHANTOM_EFFICIENCY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phantom_lists_a_discount_and_does_not_give_it() {
        let pricing =
            || Pricing { input: Some(1.0), output: Some(2.0), cache_read: Some(0.1), ..Pricing::default() };
        let is_phantom = |pricing: Pricing, efficiency| {
            let (pricing, hit_rate, tokens) = (Some(pricing), Some(0.6), Some(2e8));
            Standing { pricing, hit_rate, tokens, efficiency, ..Standing::default() }.is_phantom()
        };
        assert!(is_phantom(pricing(), Some(0.05)));
        assert!(!is_phantom(pricing(), Some(0.9)));
        assert!(!is_phantom(pricing(), None));
        assert!(!is_phantom(Pricing { billed_writes: true, ..pricing() }, Some(0.05)));
        assert!(!is_phantom(Pricing { cache_read: Some(0.97), ..pricing() }, Some(0.05)));
    }
}
