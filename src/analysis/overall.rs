//! The lens `overall`: the mean of the other lenses' z-scores with a workload's weights, limited by gates.

use super::field::Field;
use super::intervals::certainties;
use super::next_week;
use super::ranking::{Ranked, listed_providers, sort};
use super::rating::{Scale, fill_rows};
use super::resample::Replicates;
use super::standing::Standing;
use super::statistics::{Share, spread, traffic_mean};
use crate::domain::thresholds::GATE_AVAILABILITY;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{ProviderTier, Reliability};
use crate::domain::workload::{LensWeights, Workload};
use crate::wording::lists::{Unrated, limits};
use crate::wording::verdicts::Gate;

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

/// The best possible tier if a gate applies.
pub(super) const GATED: Tier = Tier::C;

/// The providers under `overall`, best first. A provider is rated if the lens `cost` rates it; a lens without data is
/// omitted and the other weights are scaled up.
pub(super) fn providers(
    field: &Field,
    workload: &Workload,
    reliability: Reliability,
    fixed: &[Ranked],
    cost: &Ranked,
) -> Vec<ProviderTier> {
    let listed = listed_providers(field);
    let parts: Vec<_> = fixed.iter().chain([cost]).map(|ranked| Part { ranked, z: z(ranked) }).collect();
    let rated = |provider: &&str| cost.theta.contains_key(*provider);
    let blends: Vec<_> =
        listed.iter().map(|p| rated(p).then(|| blend(p, &parts, &workload.weights))).collect();
    let scores: Vec<Option<f64>> = blends.iter().map(|b| b.as_ref()?.score).collect();
    let scale = spread(&scores.iter().copied().flatten().collect::<Vec<_>>());
    let points: Vec<_> =
        scores.iter().map(|s| s.zip(scale).map(|(s, (centre, width))| (s - centre) / width)).collect();
    let mut rows: Vec<_> = cost.providers.iter().map(blank).collect();
    // Certainties are in the order of the providers: by slug.
    rows.sort_by(|a, b| a.provider.as_str().cmp(b.provider.as_str()));
    for (number, row) in rows.iter_mut().enumerate() {
        let Some(blend) = &blends[number] else { continue };
        let gate = gate(field, reliability, row.provider.as_str());
        rate(row, points[number], &blend.missing, gate);
    }
    let width = scale.map_or(1.0, |(_, width)| width);
    let certainties = certainties(&points, &together(&parts, &blends, &points, width, &cost.replicates));
    let scale = Scale { lens: Lens::Overall, z: None };
    fill_rows(&mut rows, &certainties, scale);
    let moves: Vec<_> =
        blends.iter().enumerate().map(|(p, b)| moved(b.as_ref()?, p, &parts, width)).collect();
    next_week::fill_rows(&mut rows, &points, &moves, scale);
    sort(Lens::Overall, &mut rows);
    rows
}

/// A lens with the centre and the width of its z-scores. Higher z-scores are better; the width is negative if lower
/// values are better.
struct Part<'a> {
    ranked: &'a Ranked,
    z: Option<(f64, f64)>,
}

fn z(ranked: &Ranked) -> Option<(f64, f64)> {
    let sign = if ranked.lens.cuts().higher_is_better { 1.0 } else { -1.0 };
    let values: Vec<f64> = ranked.theta.values().copied().collect();
    spread(&values).map(|(centre, width)| (centre, sign * width))
}

/// The components of a provider's score, which is linear in its effects under the lenses.
struct Blend {
    score: Option<f64>,
    /// By part: the effect, and the contribution of one unit of it to the score.
    terms: Vec<Option<(f64, f64)>>,
    /// The weighted lenses that have no data for it.
    missing: Vec<Lens>,
}

/// The weighted mean of a provider's z-scores.
fn blend(provider: &str, parts: &[Part<'_>], weights: &LensWeights) -> Blend {
    let effect = |part: &Part<'_>| Some((*part.ranked.theta.get(provider)?, part.z?));
    let weight = |part: &Part<'_>| weight(weights, part.ranked.lens);
    let total: f64 = parts.iter().filter(|part| effect(part).is_some()).map(weight).sum();
    let silent = |part: &&Part<'_>| effect(part).is_none() && weight(part) > 0.0;
    let missing = parts.iter().filter(silent).map(|part| part.ranked.lens).collect();
    if total <= 0.0 {
        return Blend { score: None, terms: vec![None; parts.len()], missing };
    }
    let term = |part: &Part<'_>| {
        let (effect, (_, width)) = effect(part).filter(|_| weight(part) > 0.0)?;
        Some((effect, weight(part) / (total * width)))
    };
    let share = |part: &Part<'_>| {
        effect(part).map(|(effect, (centre, width))| weight(part) / total * (effect - centre) / width)
    };
    let score = Some(parts.iter().filter_map(share).sum());
    Blend { score, terms: parts.iter().map(term).collect(), missing }
}

/// How far a provider's score moved within the window; `None` if that is unknown under one of its lenses.
fn moved(blend: &Blend, provider: usize, parts: &[Part<'_>], width: f64) -> Option<f64> {
    let mut moved = 0.0;
    for (term, part) in blend.terms.iter().zip(parts) {
        if let Some((_, unit)) = term {
            moved += unit * part.ranked.moves[provider]? / width;
        }
    }
    Some(moved)
}

/// The scores for resampled sets of models, with the same set for all lenses; centre and widths stay those of all
/// models. The models of each provider are those under `cost`, which decides which providers are rated.
fn together(
    parts: &[Part<'_>],
    blends: &[Option<Blend>],
    points: &[Option<f64>],
    width: f64,
    cost: &Replicates,
) -> Replicates {
    let score = |provider: usize, effects: &[&Vec<Option<f64>>]| {
        let mut score = points[provider]?;
        for (term, effects) in blends[provider].as_ref()?.terms.iter().zip(effects) {
            let Some((effect, unit)) = term else { continue };
            // Empty: the model has no effect under this lens.
            let moved = if effects.is_empty() { *effect } else { effects[provider]? };
            score += unit * (moved - effect) / width;
        }
        Some(score)
    };
    let sets = |pick: &dyn Fn(&Replicates) -> &Vec<Vec<Option<f64>>>| -> Vec<Vec<Option<f64>>> {
        let set = |number: usize| {
            let effects: Vec<_> = parts.iter().map(|part| &pick(&part.ranked.replicates)[number]).collect();
            match effects.iter().all(|effects| effects.is_empty()) {
                true => Vec::new(),
                false => (0..points.len()).map(|provider| score(provider, &effects)).collect(),
            }
        };
        (0..pick(cost).len()).map(set).collect()
    };
    Replicates { own: cost.own.clone(), left_out: sets(&|r| &r.left_out), draws: sets(&|r| &r.draws) }
}

/// The row of the cost list without its verdict.
fn blank(row: &ProviderTier) -> ProviderTier {
    ProviderTier {
        models: row.models,
        shared_models: row.shared_models,
        endpoints: row.endpoints,
        tokens_per_day: row.tokens_per_day,
        reason: row.reason.clone().filter(|_| row.tier == Tier::Unrated),
        ..ProviderTier::unrated(row.provider.clone(), row.name.clone())
    }
}

fn rate(row: &mut ProviderTier, value: Option<f64>, missing: &[Lens], gate: Option<Gate>) {
    row.adjusted = value;
    row.tier = value.map_or(Tier::Unrated, |value| Lens::Overall.tier(value));
    if row.tier == Tier::Unrated {
        row.reason = Some(Unrated::NoDifference.to_string());
        return;
    }
    row.cap = gate.is_some().then_some(GATED);
    row.tier = row.cap.map_or(row.tier, |cap| row.tier.max(cap));
    row.reason = limits(row.cap.zip(gate), missing);
}

/// The reason for capping a provider: low availability over its traffic, most of its traffic on endpoints that are down
/// (if no uptime is published), or a phantom cache.
fn gate(field: &Field, reliability: Reliability, provider: &str) -> Option<Gate> {
    let own: Vec<_> = field.cells().filter(|s| s.provider == provider).collect();
    if own.iter().any(|s| s.is_phantom()) {
        return Some(Gate::PhantomCache);
    }
    if reliability == Reliability::NotPublished {
        let down = weighted(&own, |s| Some(if s.is_down() { 1.0 } else { 0.0 }))?;
        return (down > 0.5).then_some(Gate::Down);
    }
    let share = weighted(&own, |s| reliability.measure(s))?;
    (share < GATE_AVAILABILITY).then_some(Gate::Share(share, reliability))
}

fn weighted(own: &[&Standing], measure: impl Fn(&Standing) -> Option<f64>) -> Option<f64> {
    let share = |s: &&Standing| Some(Share { model: "", value: measure(s)?, tokens: s.tokens? });
    traffic_mean(&own.iter().filter_map(share).collect::<Vec<_>>())
}
