//! Why a provider has no tier in a list, what limits its overall tier, and the note above a list.

use super::verdicts::Gate;
use crate::domain::format::{grouped, percent};
use crate::domain::thresholds::{CELL_MIN_TOKENS, FULL_RECORD_DAYS, MIN_SHARED_MODELS};
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{PromptSizeTerm, Reliability};
use std::fmt;

/// Why a provider has no tier under a lens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unrated {
    /// The upstream does not publish what the lens measures.
    NotPublished(Reliability),
    /// Its endpoints have enough traffic, but not the lens's measure.
    NoData,
    /// None of its endpoints has enough traffic.
    LittleTraffic,
    /// None of its endpoints with enough traffic accepts the longest turn of the workload.
    TooShort,
    /// It serves no model that a rated provider serves.
    NothingShared,
    /// It serves this many models that others serve, which are too few.
    FewShared(usize),
    /// All rated providers are alike.
    NoDifference,
}

impl fmt::Display for Unrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPublished(measure) => write!(f, "{measure}"),
            Self::NoData => f.write_str("no data for this lens"),
            Self::LittleTraffic => write!(f, "no endpoint with {} M tokens a day", CELL_MIN_TOKENS / 1e6),
            Self::TooShort => f.write_str("no endpoint accepts the longest turn of the workload"),
            Self::NothingShared => f.write_str("shares no model with others"),
            Self::FewShared(models) => {
                let noun = if *models == 1 { "model" } else { "models" };
                write!(f, "shares only {models} {noun} with other hosts; {MIN_SHARED_MODELS} are needed")
            }
            Self::NoDifference => f.write_str("the rated providers do not differ"),
        }
    }
}

/// What limits a provider's overall tier: its cap, and the weighted lenses without data; `None` if nothing does.
pub fn limits(cap: Option<(Tier, Gate)>, missing: &[Lens]) -> Option<String> {
    let mut reasons = Vec::new();
    if let Some((tier, gate)) = cap {
        let gate = match gate {
            Gate::PhantomCache => {
                "a phantom cache (hits are reported, but the listed discount is not applied)".to_owned()
            }
            Gate::Down => "most of its traffic is on endpoints that are down".to_owned(),
            Gate::Share(share, measure) => format!("{} {measure}", percent(share, 1)),
        };
        reasons.push(format!("capped at {tier}: {gate}"));
    }
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|lens| lens.as_str()).collect();
        reasons.push(format!("without {} (no rating)", names.join(", ")));
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The note above a list that is provisional or incomplete. `observed_days`: the observed days of a provisional record.
/// `too_short`: the endpoints that are left out because of the longest turn of a workload, and its tokens. `prompt_size`:
/// the term by which hit rates are compared at the same size of the prompts.
pub fn note(
    lens: Lens,
    reliability: Reliability,
    observed_days: Option<usize>,
    day_to_date: bool,
    too_short: Option<(usize, f64)>,
    prompt_size: Option<PromptSizeTerm>,
) -> Option<String> {
    let mut notes = Vec::new();
    if let Some(days) = observed_days {
        notes.push(format!(
            "Provisional: {days} of {FULL_RECORD_DAYS} observed days, plus days whose hit rate is derived from the price \
             charts."
        ));
        if !day_to_date {
            notes.push("Volumes cover a short window, not a day.".to_owned());
        }
    }
    if reliability == Reliability::NotPublished && lens == Lens::Reliability {
        notes.push("Unrated: uptime not published.".to_owned());
    }
    if reliability == Reliability::NotPublished && lens == Lens::Overall {
        notes.push("Reliability is left out: uptime not published.".to_owned());
    }
    if let Some((count, longest)) = too_short.filter(|(count, _)| *count > 0) {
        let endpoints = if count == 1 { "1 endpoint does" } else { &format!("{count} endpoints do") };
        notes.push(format!(
            "{endpoints} not count under cost: the longest turn of this workload ({} tokens) does not fit.",
            grouped(longest as u64)
        ));
    }
    if let Some(term) = prompt_size {
        notes.push(format!(
            "Hit rates are compared at the same size of the prompts: a doubling of the tokens a request counts as {:+.1} \
             points, found on {} endpoints.",
            term.per_doubling * 100.0,
            term.cells
        ));
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}
