//! The effective input price of a provider compared with its peers on the same models.

use super::{Endpoint, ModelEntry, Snapshot};
use crate::domain::ids::ProviderSlug;
use crate::domain::statistics::median;
use crate::domain::thresholds::{CELL_MIN_TOKENS, MIN_SHARED_MODELS};
use std::collections::HashMap;

/// A provider's effective input price relative to its peers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriceGap {
    /// Weighted geometric mean of its price divided by its peers' median, minus 1: -0.2 is a fifth cheaper.
    pub gap: f64,
    /// Number of models on which it was compared.
    pub models: usize,
}

/// The effective price, if it covers enough traffic: the price of a handful of requests is not a valid comparison.
fn paid(endpoint: &Endpoint) -> Option<f64> {
    endpoint.tokens_per_day.filter(|tokens| *tokens >= CELL_MIN_TOKENS)?;
    endpoint.effective.input.filter(|price| price.is_finite() && *price > 0.0)
}

/// Log of an endpoint's price divided by the median of the other providers' prices on its model, and its weight: the
/// square root of its tokens per day, as for a cell of the tier lists.
fn against_peers(model: &ModelEntry, endpoint: &Endpoint) -> Option<(f64, f64)> {
    let others = model.endpoints.iter().filter(|e| e.provider != endpoint.provider);
    let peers = median(others.filter_map(paid))?;
    Some(((paid(endpoint)? / peers).ln(), endpoint.tokens_per_day?.sqrt()))
}

/// The gap of every provider with enough shared models; other providers are omitted.
pub fn price_gaps(snapshot: &Snapshot) -> HashMap<ProviderSlug, PriceGap> {
    let mut seen: HashMap<&ProviderSlug, Vec<(f64, f64, &str)>> = HashMap::new();
    for model in snapshot.models.iter().filter(|m| m.variant.is_standard()) {
        for endpoint in &model.endpoints {
            if let Some((log, weight)) = against_peers(model, endpoint) {
                seen.entry(&endpoint.provider).or_default().push((log, weight, model.model_id.as_str()));
            }
        }
    }
    let of = |(provider, rows): (&ProviderSlug, Vec<(f64, f64, &str)>)| {
        let mut models: Vec<&str> = rows.iter().map(|r| r.2).collect();
        models.dedup();
        let weight: f64 = rows.iter().map(|r| r.1).sum();
        let mean = rows.iter().map(|r| r.0 * r.1).sum::<f64>() / weight;
        let gap = PriceGap { gap: mean.exp_m1(), models: models.len() };
        (gap.models >= MIN_SHARED_MODELS).then(|| (provider.clone(), gap))
    };
    seen.into_iter().filter_map(of).collect()
}
