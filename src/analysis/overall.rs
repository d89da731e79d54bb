//! The lens `overall`: a workload's weights over the z-scores of the other lenses, with gates.

use super::lenses::Reliability;
use super::standing::{Field, Standing};
use super::statistics::{Share, spread, traffic_mean};
use super::tier_lists::{Ranked, sort};
use crate::domain::thresholds::GATE_AVAILABILITY;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::ProviderTier;
use crate::domain::workload::{LensWeights, Workload};
use std::collections::BTreeMap;

/// The weight of a lens in `overall`.
pub(super) fn weight(weights: &LensWeights, lens: Lens) -> f64 {
    match lens {
        Lens::Cache => weights.cache,
        Lens::Cost => weights.cost,
        Lens::Reliability => weights.reliability,
        Lens::Speed => weights.speed,
        Lens::Overall => 0.0,
    }
}

/// The best tier that is left when something serious is wrong.
pub(super) const GATED: Tier = Tier::C;

/// The providers under `overall`, best first. A provider is rated where the lens `cost` rates it; a lens without data is
/// left out and the other weights are scaled up.
pub(super) fn providers(
    field: &Field,
    workload: &Workload,
    reliability: Reliability,
    fixed: &[Ranked],
    cost: &Ranked,
) -> Vec<ProviderTier> {
    let parts: Vec<_> = fixed.iter().chain([cost]).map(|part| (part.lens, scores(part))).collect();
    let mixed: BTreeMap<_, _> =
        cost.theta.keys().map(|p| (p.as_str(), mix(p, &parts, &workload.weights))).collect();
    let values: Vec<f64> = mixed.values().filter_map(|(score, _)| *score).collect();
    let scale = spread(&values);
    let mut rows: Vec<_> = cost.providers.iter().map(blank).collect();
    for row in &mut rows {
        let Some((score, missing)) = mixed.get(row.provider.as_str()) else { continue };
        let value = score.zip(scale).map(|(score, (centre, width))| (score - centre) / width);
        rate(row, value, missing, gate(field, reliability, row.provider.as_str()));
    }
    sort(Lens::Overall, &mut rows);
    rows
}

/// z-scores over the rated providers, higher is better.
fn scores(part: &Ranked) -> BTreeMap<&str, f64> {
    let values: Vec<f64> = part.theta.values().copied().collect();
    let sign = if part.lens.cuts().higher_is_better { 1.0 } else { -1.0 };
    let Some((centre, width)) = spread(&values) else { return BTreeMap::new() };
    part.theta.iter().map(|(provider, theta)| (provider.as_str(), sign * (theta - centre) / width)).collect()
}

/// The weighted mean of a provider's scores, and the lenses with weight that say nothing of it.
fn mix(
    provider: &str,
    parts: &[(Lens, BTreeMap<&str, f64>)],
    weights: &LensWeights,
) -> (Option<f64>, Vec<Lens>) {
    let (mut sum, mut total, mut missing) = (0.0, 0.0, Vec::new());
    for (lens, scores) in parts {
        let weight = weight(weights, *lens);
        match scores.get(provider) {
            Some(score) => {
                sum += weight * score;
                total += weight;
            }
            None if weight > 0.0 => missing.push(*lens),
            None => {}
        }
    }
    ((total > 0.0).then(|| sum / total), missing)
}

/// The row of the cost list without its verdict.
fn blank(row: &ProviderTier) -> ProviderTier {
    let reason = if row.tier == Tier::Unrated { row.reason.clone() } else { None };
    ProviderTier {
        tier: Tier::Unrated,
        adjusted: None,
        traffic_mean: None,
        model_mean: None,
        reason,
        ..row.clone()
    }
}

fn rate(row: &mut ProviderTier, value: Option<f64>, missing: &[Lens], gate: Option<String>) {
    row.adjusted = value;
    row.tier = value.map_or(Tier::Unrated, |value| Lens::Overall.cuts().tier(value));
    if row.tier == Tier::Unrated {
        row.reason = Some("the rated providers do not differ".to_owned());
        return;
    }
    let mut reasons = Vec::new();
    if let Some(gate) = gate {
        row.tier = row.tier.max(GATED);
        reasons.push(format!("not above {GATED}: {gate}"));
    }
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|lens| lens.as_str()).collect();
        reasons.push(format!("without {} (no rating)", names.join(", ")));
    }
    row.reason = (!reasons.is_empty()).then(|| reasons.join("; "));
}

/// What caps a provider: low availability over its traffic, most of its traffic on endpoints that are down (where no
/// uptime is published), or a phantom cache.
fn gate(field: &Field, reliability: Reliability, provider: &str) -> Option<String> {
    let own: Vec<_> = field.cells().filter(|s| s.provider == provider).collect();
    if own.iter().any(|s| s.is_phantom()) {
        return Some("a phantom cache (hits reported, the listed discount not given)".to_owned());
    }
    if reliability == Reliability::NotPublished {
        let down = weighted(&own, |s| Some(if is_down(s) { 1.0 } else { 0.0 }))?;
        return (down > 0.5).then(|| "most of its traffic is on endpoints that are down".to_owned());
    }
    let share = weighted(&own, |s| reliability.measure(s))?;
    (share < GATE_AVAILABILITY).then(|| format!("{:.1} % {}", share * 100.0, reliability.label()))
}

/// Whether the newest run calls an endpoint down.
pub(super) fn is_down(standing: &Standing) -> bool {
    standing.latest.as_ref().is_some_and(|l| l.disabled || matches!(l.status, Some(-5 | -10)))
}

fn weighted(own: &[&Standing], measure: impl Fn(&Standing) -> Option<f64>) -> Option<f64> {
    let share = |s: &&Standing| Some(Share { model: "", value: measure(s)?, tokens: s.tokens? });
    traffic_mean(&own.iter().filter_map(share).collect::<Vec<_>>())
}
