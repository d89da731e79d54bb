//! The compared models of a provider, and the reliability of its endpoints.

use super::format;
use crate::domain::thresholds::{CELL_MIN_TOKENS, GATE_AVAILABILITY};
use crate::domain::tier::Lens;
use crate::snapshot::{Endpoint, ModelEntry};
use crate::wording::providers::Record;
use std::collections::HashSet;

/// Maximum number of endpoints in each list.
const MOST: usize = 4;

/// One endpoint with its model and its value.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    pub model: &'a ModelEntry,
    pub endpoint: &'a Endpoint,
    pub value: String,
}

/// The reliability of a provider's endpoints.
#[derive(Debug, Clone)]
pub struct Reliability<'a> {
    /// Number of endpoints with a known share of answered requests.
    pub known: usize,
    /// Number of all endpoints.
    pub all: usize,
    /// Token-weighted share of requests answered over a day; `None` if nothing is known.
    pub answered: Option<String>,
    /// The measure that this share is based on.
    pub measure: &'static str,
    /// Endpoints under the gate of the method, the worst first.
    pub weak: Vec<Line<'a>>,
    /// The number of all endpoints under the gate.
    pub weak_count: usize,
    pub gate: String,
}

/// The models of a provider that are compared under a lens, each at its busiest endpoint, the best relative to peers
/// first. `served` is sorted by traffic.
pub fn compared<'a>(
    served: &[(&'a ModelEntry, &'a Endpoint)],
    lens: Lens,
) -> Vec<(f64, &'a ModelEntry, &'a Endpoint)> {
    let mut seen = HashSet::new();
    let mut all: Vec<(f64, &'a ModelEntry, &'a Endpoint)> = served
        .iter()
        .filter(|(m, e)| m.variant.is_standard() && e.tokens_per_day.is_some_and(|t| t >= CELL_MIN_TOKENS))
        .filter_map(|(m, e)| Some((e.verdicts.get(&lens)?.value?, *m, *e)))
        .filter(|(_, m, _)| seen.insert(m.model_id.as_str()))
        .collect();
    all.sort_by(|a, b| turned(lens, a.0).total_cmp(&turned(lens, b.0)));
    all
}

/// The difference with its sign flipped if necessary, so that less is better.
fn turned(lens: Lens, value: f64) -> f64 {
    if lens.cuts().higher_is_better { -value } else { value }
}

/// Whether a difference to peers is at tier A or better.
pub fn is_better(lens: Lens, value: f64) -> bool {
    turned(lens, value) <= turned(lens, lens.cuts().at[1])
}

/// Whether a difference to peers is at tier C or worse.
pub fn is_worse(lens: Lens, value: f64) -> bool {
    turned(lens, value) > turned(lens, lens.cuts().at[2])
}

/// How many of the compared models differ clearly.
pub fn count(compared: &[(f64, &ModelEntry, &Endpoint)], lens: Lens) -> Record {
    let with = |test: fn(Lens, f64) -> bool| compared.iter().filter(|(value, ..)| test(lens, *value)).count();
    Record { compared: compared.len(), better: with(is_better), worse: with(is_worse) }
}

/// Availability if it is published, otherwise published uptime; as a fraction.
fn answered(endpoint: &Endpoint) -> Option<f64> {
    endpoint.availability.or(endpoint.uptime_1d)
}

pub fn reliability<'a>(served: &[(&'a ModelEntry, &'a Endpoint)]) -> Reliability<'a> {
    let known: Vec<(f64, f64)> =
        served.iter().filter_map(|(_, e)| Some((answered(e)?, e.tokens_per_day.unwrap_or(0.0)))).collect();
    let weight: f64 = known.iter().map(|(_, tokens)| tokens).sum();
    let mean = known.iter().map(|(share, tokens)| share * tokens).sum::<f64>() / weight;
    let by_availability = served.iter().filter(|(_, e)| e.availability.is_some()).count();
    let mut weak: Vec<(f64, &'a ModelEntry, &'a Endpoint)> = served
        .iter()
        .filter_map(|(m, e)| Some((answered(e).filter(|share| *share < GATE_AVAILABILITY)?, *m, *e)))
        .collect();
    weak.sort_by(|a, b| a.0.total_cmp(&b.0));
    let to_line = |(share, model, endpoint)| Line { model, endpoint, value: format::percent_fine(share) };
    Reliability {
        known: known.len(),
        all: served.len(),
        answered: (weight > 0.0).then(|| format::percent_fine(mean)),
        measure: match by_availability {
            0 => "published uptime, which leaves out requests refused by rate limits",
            n if n == known.len() => "availability: rate limits count as failures",
            _ => "availability where it is published, else published uptime",
        },
        weak_count: weak.len(),
        weak: weak.into_iter().take(MOST).map(to_line).collect(),
        gate: format::percent(GATE_AVAILABILITY),
    }
}
