//! The best and worst endpoints of a provider, and their reliability.

use super::format;
use crate::domain::thresholds::{CELL_MIN_TOKENS, GATE_AVAILABILITY};
use crate::domain::tier::Lens;
use crate::site::parts::effect;
use crate::snapshot::{Endpoint, ModelEntry};

/// Maximum number of endpoints in each list.
const MOST: usize = 4;

/// One endpoint with its model and its value.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    pub model: &'a ModelEntry,
    pub endpoint: &'a Endpoint,
    pub value: String,
}

/// Endpoints with much traffic that are much better or worse than their peers under a lens.
#[derive(Debug, Clone, Default)]
pub struct Sides<'a> {
    /// The best relative to peers first.
    pub good: Vec<Line<'a>>,
    /// The worst relative to peers first.
    pub bad: Vec<Line<'a>>,
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

/// Endpoints with much traffic that are at tier A or better, and at tier C or worse, under a lens relative to the peers
/// on the same model.
pub fn sides<'a>(served: &[(&'a ModelEntry, &'a Endpoint)], lens: Lens) -> Sides<'a> {
    let cuts = lens.cuts();
    // Sign flipped if necessary, so that less is better.
    let turned = |value: f64| if cuts.higher_is_better { -value } else { value };
    let mut all: Vec<(f64, &'a ModelEntry, &'a Endpoint)> = served
        .iter()
        .filter(|(m, e)| m.variant.is_standard() && e.tokens_per_day.is_some_and(|t| t >= CELL_MIN_TOKENS))
        .filter_map(|(m, e)| Some((e.verdicts.get(&lens)?.value?, *m, *e)))
        .collect();
    all.sort_by(|a, b| turned(a.0).total_cmp(&turned(b.0)));
    let to_line = |&(value, model, endpoint): &(f64, &'a ModelEntry, &'a Endpoint)| Line {
        model,
        endpoint,
        value: effect(lens, value),
    };
    let (good, bad) = (turned(cuts.at[1]), turned(cuts.at[2]));
    Sides {
        good: all.iter().filter(|(value, ..)| turned(*value) <= good).take(MOST).map(to_line).collect(),
        bad: all.iter().rev().filter(|(value, ..)| turned(*value) > bad).take(MOST).map(to_line).collect(),
    }
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
