//! The data of each endpoint: its cell of the lens window joined with its row of the newest run.

use super::cells::Cell;
use super::derive::{Evidence, efficiency, is_phantom};
use super::newest::Latest;
use super::scatter::HitDays;
use crate::domain::endpoint::Prices;
use crate::domain::session::{CostBasis, Pricing, SessionCost, session_cost};
use crate::domain::thresholds::CELL_MIN_TOKENS;
use crate::domain::workload::Workload;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One endpoint, current or gone, with the data that the tier lists and verdicts use.
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
    /// `None` for an endpoint that is gone and had price tiers, because the tiers themselves are unknown.
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
        efficiency: cell.efficiency.or_else(|| latest.as_ref().and_then(newest_efficiency)),
        pricing: latest.as_ref().map(|l| l.pricing.clone()).or_else(|| last_prices(cell)),
        uptime: cell.uptime.or(latest.as_ref().and_then(|l| l.uptime_1d)),
        availability: cell.availability.or(latest.as_ref().and_then(|l| l.availability_1d)),
        throughput: cell.throughput.or(latest.as_ref().and_then(|l| l.throughput)),
        latency_ms: cell.latency_ms.or(latest.as_ref().and_then(|l| l.latency_ms)),
        days: cell.hit_days(),
        basis: CostBasis::default(),
        latest,
    }
}

pub(super) fn from_latest(latest: Latest) -> Standing {
    Standing {
        id: latest.id,
        model: latest.model.clone(),
        variant: latest.variant.clone(),
        provider: latest.provider.clone(),
        counts: false,
        hit_rate: latest.hit_rate,
        tokens: latest.tokens.map(|t| t as f64),
        efficiency: newest_efficiency(&latest),
        pricing: Some(latest.pricing.clone()),
        uptime: latest.uptime_1d,
        availability: latest.availability_1d,
        throughput: latest.throughput,
        latency_ms: latest.latency_ms,
        days: None,
        basis: CostBasis::default(),
        latest: Some(latest),
    }
}

fn newest_efficiency(latest: &Latest) -> Option<f64> {
    efficiency(latest.hit_rate, latest.effective_input, &latest.pricing)
}

/// The prices of an endpoint that is gone, from its last day.
fn last_prices(cell: &Cell) -> Option<Pricing> {
    let Prices { input, output, cache_read, cache_write, cache_write_1h } = cell.prices;
    let (billed_writes, tiers) = (cell.billed_writes, Vec::new());
    (!cell.price_tiers).then_some(Pricing {
        input,
        output,
        cache_read,
        cache_write,
        cache_write_1h,
        billed_writes,
        tiers,
    })
}

impl Standing {
    /// Session cost under a workload, USD; `None` if prices or the hit rate are unknown.
    pub fn cost(&self, workload: &Workload, as_of: DateTime<Utc>) -> Option<f64> {
        self.cost_parts(workload, as_of).map(|cost| cost.total())
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

    /// Whether it is down in the newest run.
    pub fn is_down(&self) -> bool {
        self.latest.as_ref().is_some_and(Latest::is_down)
    }

    /// The data that decide its flags.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            hit_rate: self.hit_rate,
            tokens_per_day: self.tokens,
            efficiency: self.efficiency,
            days: self.days.as_ref().map(|days| days.days),
        }
    }

    /// Whether it has a phantom cache: hits are reported, but the discount is not applied.
    pub fn is_phantom(&self) -> bool {
        self.pricing.as_ref().is_some_and(|pricing| is_phantom(pricing, &self.evidence()))
    }
}
