//! Verdicts on the endpoints of the newest run. Each endpoint is compared with the other endpoints of its model and
//! variant.

use super::EndpointVerdicts;
use super::derive::{identity_error, realised_discount};
use super::field::Field;
use super::flags::flags;
use super::lenses::Gauge;
use super::overall::{GATED, weight};
use super::standing::Standing;
use crate::domain::statistics::median;
use crate::domain::thresholds::{ENDPOINT_MIN_TOKENS, GATE_AVAILABILITY};
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{Reliability, Verdict};
use crate::domain::workload::{Room, TooShort, Workload};
use crate::wording::verdicts::{self as wording, Gate, Unrated};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The lenses that `overall` combines.
const PARTS: [Lens; 4] = [Lens::Cache, Lens::Cost, Lens::Reliability, Lens::Speed];

/// An endpoint's distance to its peers under one lens.
#[derive(Debug, Clone, Copy)]
struct Distance {
    /// The lens's raw measure.
    measure: f64,
    /// In the lens's unit; not yet scaled for the z-score lenses.
    value: f64,
    /// On the additive scale.
    y: f64,
}

/// An endpoint with the lens's measure and y.
type Member<'a> = (&'a Standing, f64, f64);

/// The data of one lens over the whole newest run.
struct Lensed<'a> {
    gauge: Gauge<'a>,
    /// Distances of the endpoints that have peers.
    distances: BTreeMap<Uuid, Distance>,
    /// Root mean square of the distances: the recorded spread within models.
    spread: Option<f64>,
}

/// The verdicts on every endpoint of the newest run.
pub(super) fn all(
    field: &Field,
    default: &Workload,
    workloads: &[Workload],
) -> BTreeMap<Uuid, EndpointVerdicts> {
    let reliability = Reliability::of(field);
    let gauge = |lens| Gauge { lens, workload: default, reliability, as_of: field.as_of };
    let lenses = PARTS.map(|lens| lensed(gauge(lens), field));
    let seen = field.standings.iter().filter(|s| s.latest.is_some());
    seen.map(|standing| (standing.id, endpoint(field, standing, &lenses, workloads))).collect()
}

fn lensed<'a>(gauge: Gauge<'a>, field: &Field) -> Lensed<'a> {
    let mut groups: BTreeMap<(&str, &str), Vec<Member<'_>>> = BTreeMap::new();
    let room = gauge.room();
    for standing in field.standings.iter().filter(|s| s.latest.is_some() && is_busy(s)) {
        let fits = too_short(field, standing, room).is_none();
        if let Some((measure, y)) = gauge.read(standing).filter(|_| fits) {
            groups.entry((&standing.model, &standing.variant)).or_default().push((standing, measure, y));
        }
    }
    let mut distances = BTreeMap::new();
    for group in groups.values().filter(|group| group.len() > 1) {
        distances
            .extend(group.iter().enumerate().map(|(own, (s, ..))| (s.id, distance(gauge.lens, group, own))));
    }
    let squares: f64 = distances.values().map(|d| d.y * d.y).sum();
    let spread = Some((squares / distances.len().max(1) as f64).sqrt()).filter(|s| *s > 1e-12);
    Lensed { gauge, distances, spread }
}

/// Why an endpoint does not accept a session's longest turn. If no endpoint of its model does, sessions are cut, and none
/// is too short.
fn too_short(field: &Field, standing: &Standing, room: Room) -> Option<TooShort> {
    let own = standing.lacking(room)?;
    field.rivals(standing).any(|rival| rival.lacking(room).is_none()).then_some(own)
}

fn is_busy(standing: &Standing) -> bool {
    standing.tokens.is_some_and(|tokens| tokens >= ENDPOINT_MIN_TOKENS)
}

/// Cost is compared with the median of all endpoints, everything else with the token-weighted mean of the others.
fn distance(lens: Lens, group: &[Member<'_>], own: usize) -> Distance {
    let (_, measure, y) = group[own];
    if lens == Lens::Cost {
        let middle = median(group.iter().map(|(_, cost, _)| *cost)).unwrap_or(measure);
        return Distance { measure, value: measure / middle - 1.0, y: (measure / middle).ln() };
    }
    let others = group.iter().enumerate().filter(|(number, _)| *number != own);
    let (sum, total) = others.fold((0.0, 0.0), |(sum, total), (_, (s, _, y))| {
        let tokens = s.tokens.unwrap_or(0.0);
        (sum + tokens * y, total + tokens)
    });
    Distance { measure, value: y - sum / total, y: y - sum / total }
}

fn endpoint(
    field: &Field,
    standing: &Standing,
    lenses: &[Lensed<'_>; 4],
    workloads: &[Workload],
) -> EndpointVerdicts {
    let mut verdicts: BTreeMap<Lens, Verdict> =
        lenses.iter().map(|lensed| (lensed.gauge.lens, verdict(field, standing, lensed))).collect();
    let overall = overall(standing, lenses, &verdicts);
    verdicts.insert(Lens::Overall, overall.verdict);
    let primary = verdicts.get(&Lens::Cost);
    let cost = |w: &Workload| Some((w.name.clone(), standing.cost(w, field.as_of)?));
    let cost_now = |w: &Workload| Some((w.name.clone(), standing.cost_now(w, field.as_of)?));
    let latest = standing.latest.as_ref();
    let mut made = EndpointVerdicts {
        tier: primary.map_or(Tier::Unrated, |v| v.tier),
        why: primary.map_or_else(String::new, |v| v.why.clone()),
        session_cost: workloads.iter().filter_map(cost).collect(),
        session_cost_now: workloads.iter().filter_map(cost_now).collect(),
        list_window: latest.map(|l| l.list_window.clone()),
        realised_discount: latest.and_then(|l| realised_discount(l.effective_input, &l.pricing)),
        efficiency: standing.efficiency,
        hit_rate_used: standing.hit_rate_used(),
        written_share: standing.written,
        identity_error: latest
            .and_then(|l| identity_error(l.hit_rate, l.tokens, l.effective_input, &l.pricing)),
        flags: latest.map_or_else(Vec::new, |l| flags(field, standing, l, lenses[1].gauge.workload)),
        tokens_per_day: standing.tokens,
        cost_basis: standing.basis.clone(),
        verdicts,
        named: overall.named,
        gate: overall.gate,
    };
    made.explain_overall();
    made
}

fn verdict(field: &Field, standing: &Standing, lensed: &Lensed<'_>) -> Verdict {
    let lens = lensed.gauge.lens;
    let Some(distance) = lensed.distances.get(&standing.id) else {
        return Verdict::naive(Tier::Unrated, None, unrated(field, standing, &lensed.gauge));
    };
    let value = match lens {
        Lens::Cache | Lens::Cost => Some(distance.value),
        _ => lensed.spread.map(|spread| distance.value / spread),
    };
    let tier = value.map_or(Tier::Unrated, |value| lens.tier(value));
    Verdict::naive(tier, value, why(field, standing, &lensed.gauge, distance, value))
}

/// The reason why an endpoint has no tier under a lens.
fn unrated(field: &Field, standing: &Standing, gauge: &Gauge<'_>) -> String {
    if gauge.lens == Lens::Cost
        && let Some(reason) = unpriced(standing)
    {
        return reason.to_string();
    }
    if gauge.lens == Lens::Reliability && gauge.reliability == Reliability::NotPublished {
        return gauge.reliability.to_string();
    }
    let reason = match standing.tokens {
        None => Unrated::NoTraffic,
        Some(_) if !is_busy(standing) => Unrated::LittleTraffic,
        Some(_) if gauge.read(standing).is_none() => Unrated::NoMeasure(gauge.lens),
        Some(_) => match too_short(field, standing, gauge.room()) {
            Some(short) => Unrated::TooShort(short),
            None => Unrated::NoPeers,
        },
    };
    reason.to_string()
}

fn unpriced(standing: &Standing) -> Option<Unrated> {
    let pricing = standing.pricing.as_ref()?;
    if pricing.is_free() {
        Some(Unrated::Free)
    } else if pricing.input.is_some() && pricing.output.is_some() {
        None
    } else if standing.variant == "batch" {
        Some(Unrated::BatchPrices)
    } else {
        Some(Unrated::NoFixedPrice)
    }
}

fn why(
    field: &Field,
    standing: &Standing,
    gauge: &Gauge<'_>,
    distance: &Distance,
    value: Option<f64>,
) -> String {
    let Distance { measure, value: relative, .. } = *distance;
    match gauge.lens {
        Lens::Cost => {
            let reference = field.reference(&standing.model).map(|r| r.basis);
            wording::cost(&gauge.workload.name, measure, relative, standing.hit_rate, reference)
        }
        Lens::Cache => wording::cache(measure, relative),
        Lens::Reliability => wording::reliability(measure, gauge.reliability, value),
        Lens::Speed => wording::speed(measure, standing.latency_ms, value),
        Lens::Overall => String::new(),
    }
}

/// The verdict of `overall` without its sentence if it is rated, and what that sentence is made of.
struct Overall {
    verdict: Verdict,
    named: Vec<Lens>,
    gate: Option<Gate>,
}

/// The weighted mean of the distances in recorded spreads, with the workload's weights. A lens that does not rate the
/// endpoint is left out.
fn overall(standing: &Standing, lenses: &[Lensed<'_>; 4], verdicts: &BTreeMap<Lens, Verdict>) -> Overall {
    let unrated = |why: &str| {
        let verdict = Verdict::naive(Tier::Unrated, None, why.to_owned());
        Overall { verdict, named: Vec::new(), gate: None }
    };
    if let Some(cost) = verdicts.get(&Lens::Cost).filter(|v| v.tier == Tier::Unrated) {
        return unrated(&cost.why);
    }
    let (mut sum, mut total, mut named) = (0.0, 0.0, Vec::new());
    for lensed in lenses {
        let weight = weight(&lensed.gauge.workload.weights, lensed.gauge.lens);
        let sign = if lensed.gauge.lens.cuts().higher_is_better { 1.0 } else { -1.0 };
        if let (Some(distance), Some(spread)) = (lensed.distances.get(&standing.id), lensed.spread)
            && weight > 0.0
        {
            sum += weight * sign * distance.y / spread;
            total += weight;
            named.push(lensed.gauge.lens);
        }
    }
    if total <= 0.0 {
        return unrated(&Unrated::NoDifference.to_string());
    }
    let value = sum / total;
    let (tier, gate) = (Lens::Overall.tier(value), gate(standing, lenses[2].gauge.reliability));
    let cap = gate.is_some().then_some(GATED);
    let tier = cap.map_or(tier, |cap| tier.max(cap));
    let verdict = Verdict { cap, ..Verdict::naive(tier, Some(value), String::new()) };
    Overall { verdict, named, gate }
}

fn gate(standing: &Standing, reliability: Reliability) -> Option<Gate> {
    if standing.is_phantom() {
        return Some(Gate::PhantomCache);
    }
    if standing.is_down() {
        return Some(Gate::Down);
    }
    let share = reliability.measure(standing).filter(|share| *share < GATE_AVAILABILITY)?;
    Some(Gate::Share(share, reliability))
}
