//! The tier of a provider under each lens, with its certainty.

use crate::domain::thresholds::INTERVAL_COVERAGE;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::ProviderTier;
use crate::site::parts::{Badge, effect, effect_with_unit, format, held, lens, link};
use crate::snapshot::{ProviderEntry, Snapshot};
use crate::wording::providers;

/// The result of the provider under one lens.
#[derive(Debug)]
pub struct Standing {
    pub href: String,
    pub lens: &'static str,
    pub badge: Badge,
    /// How certain the tier is, and since when it applies, in words.
    pub words: Vec<String>,
    pub since: Option<String>,
    pub held: Option<String>,
    pub between: Option<String>,
    pub intervals: Option<String>,
    pub value: String,
    pub place: Option<String>,
    pub certain: Option<String>,
    pub models_mean: Option<String>,
    pub reason: Option<String>,
    pub traffic: Option<String>,
    pub traffic_name: &'static str,
}

/// The result of a provider under a lens; `None` if the snapshot has no list of the lens.
pub fn standing(snapshot: &Snapshot, provider: &ProviderEntry, lens: Lens) -> Option<Standing> {
    let list = snapshot.tier_list(lens, None)?;
    let position = list.providers.iter().position(|row| row.provider == provider.provider);
    let row = position.and_then(|position| list.providers.get(position));
    let is_rated = |row: &&ProviderTier| row.tier != Tier::Unrated;
    let rated = list.providers.iter().filter(is_rated).count();
    let value = row.filter(is_rated).and_then(|row| row.adjusted);
    let format = lens::measure(lens);
    Some(Standing {
        href: link::tiers(lens, list.workload.as_deref()),
        lens: lens::title(lens),
        badge: Badge::of_any(row),
        words: row.map_or_else(Vec::new, in_words),
        since: row.and_then(providers::since),
        held: row.and_then(|row| held(row, lens)),
        between: row.and_then(|row| row.span).map(|span| format!("between {} and {}", span.best, span.worst)),
        value: value.map_or_else(|| "unrated".to_owned(), |v| spoken(lens, v)),
        intervals: row.and_then(|row| intervals(row, lens)),
        place: position.zip(value).map(|(position, _)| format!("{} of {rated}", position + 1)),
        certain: row.and_then(certain),
        models_mean: row.and_then(|row| row.model_mean).map(format),
        reason: match row {
            Some(row) => row.reason.clone(),
            None => Some("none of its endpoints has enough traffic to be compared".to_owned()),
        },
        traffic: row.and_then(|row| row.traffic_mean).map(format),
        traffic_name: match lens {
            Lens::Cache => "its users’ hit rate",
            Lens::Cost => "its users’ session",
            Lens::Reliability => "requests answered",
            Lens::Speed => "tokens per second",
            Lens::Overall => "its users’ score",
        },
    })
}

/// "rank 3 to 11; A 62 %, B 30 %": the ranks that 90 % of the resamples give, and how often they give each tier.
fn certain(row: &ProviderTier) -> Option<String> {
    let (best, worst) = row.rank_low.zip(row.rank_high)?;
    let tier = |(tier, share): (&Tier, &f64)| format!("{tier} {}", format::percent(*share));
    let tiers: Vec<String> = row.tier_probabilities.iter().flatten().map(tier).collect();
    let ranks = if best == worst { format!("rank {best}") } else { format!("rank {best} to {worst}") };
    Some(if tiers.is_empty() { ranks } else { format!("{ranks}; {}", tiers.join(", ")) })
}

/// "same models, next week: +4.0 to +22.0; another model: 0.0 to +26.0 (90 %)".
fn intervals(row: &ProviderTier, lens: Lens) -> Option<String> {
    let ends = |name: &str, ends: (Option<f64>, Option<f64>)| {
        let (low, high) = ends.0.zip(ends.1)?;
        Some(format!("{name}: {} to {}", effect(lens, low), effect(lens, high)))
    };
    let next_week = ends("same models, next week", (row.next_low, row.next_high));
    let both: Vec<String> = next_week.into_iter().chain(ends("another model", (row.low, row.high))).collect();
    (!both.is_empty()).then(|| format!("{} ({})", both.join("; "), format::percent(INTERVAL_COVERAGE)))
}

/// An effect with words for its direction.
fn spoken(lens: Lens, value: f64) -> String {
    match lens {
        Lens::Cache => effect_with_unit(lens, value),
        Lens::Cost if value < 0.0 => format!("{} cheaper", format::percent_tenth(value.abs())),
        Lens::Cost => format!("{} more expensive", format::percent_tenth(value)),
        Lens::Reliability | Lens::Speed | Lens::Overall => format!("{}\u{202f}σ", effect(lens, value)),
    }
}

/// "likely B; A or C possible" and "since 24 July 2026 (was D)".
fn in_words(row: &ProviderTier) -> Vec<String> {
    let likely = row.tier_probabilities.as_ref().and_then(providers::likely);
    likely.into_iter().chain(providers::since(row)).collect()
}
