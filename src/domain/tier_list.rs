//! Tier lists as computed and published.

use super::ids::{ProviderSlug, names};
use super::tier::{Lens, Tier};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use utoipa::ToSchema;

/// A tier list over providers under one lens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TierList {
    /// The lens that it ranks by.
    pub lens: Lens,
    /// The workload, for `cost` and `overall`.
    pub workload: Option<String>,
    /// Unit of `adjusted`, `low`, `high`.
    pub unit: String,
    /// When the newest reading was taken.
    pub as_of: DateTime<Utc>,
    /// Version of the method.
    pub method_version: u32,
    /// Whether the record is too young for a full window.
    pub provisional: bool,
    /// Why it is provisional or incomplete, in words.
    pub note: Option<String>,
    /// Endpoints with enough traffic that are left out of the lens `cost` because they do not accept the longest turn of
    /// the workload; 0 for lists without a workload.
    #[serde(default)]
    pub too_short: usize,
    /// The term by which hit rates are compared at the same size of the prompts; only for the lens `cache`, null if the
    /// sizes are unknown or do not matter.
    #[serde(default)]
    pub prompt_size: Option<PromptSizeTerm>,
    /// The days covered.
    pub window: DayRange,
    /// Rated providers best first, then the unrated ones by name.
    pub providers: Vec<ProviderTier>,
}

/// How the hit rate depends on the size of the prompts, on the same models and providers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromptSizeTerm {
    /// Change of the hit rate per doubling of the tokens a request, fraction.
    pub per_doubling: f64,
    /// Its standard error: a delete-one-model jackknife.
    pub standard_error: f64,
    /// Number of endpoints whose tokens a request are known.
    pub cells: usize,
}

/// A range of days, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayRange {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
}

/// The tiers that an interval spans, in JSON as `S-B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Span {
    /// The better end.
    pub best: Tier,
    /// The worse end.
    pub worst: Tier,
}

impl Span {
    /// The span between two ends in any order; `None` if they are the same tier.
    pub fn between(one: Tier, other: Tier) -> Option<Self> {
        (one != other).then(|| Self { best: one.min(other), worst: one.max(other) })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.best, self.worst)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl TryFrom<String> for Span {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (best, worst) = text.split_once('-').ok_or_else(|| format!("`{text}` is not a span of tiers"))?;
        Ok(Self { best: best.parse()?, worst: worst.parse()? })
    }
}

names! {
    /// What a list of reliability measures; the name is the reason beside each rated provider.
    Reliability {
        /// Rate limits counted as failures.
        Availability = "availability (rate limits count as failures)",
        /// As published: rate-limited requests do not count.
        Uptime = "published uptime (rate-limited requests do not count)",
        /// The newest run has neither for any endpoint.
        NotPublished = "uptime not published",
    }
}

/// One provider in a tier list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderTier {
    /// Base slug.
    pub provider: ProviderSlug,
    /// Display name, untrusted.
    pub name: String,
    /// The tier of `adjusted`: that of the previous day, unless the measured figure has left its row by more than the
    /// band.
    pub tier: Tier,
    /// The tier of the measured figure.
    pub naive: Tier,
    /// The UTC day since which the tier has applied; null for unrated providers.
    pub since: Option<NaiveDate>,
    /// The previous tier; null if none is known.
    pub previous: Option<Tier>,
    /// The best tier that a gate allows; null if no gate applies.
    pub cap: Option<Tier>,
    /// Adjusted effect relative to peers on the same models, in the list's unit: the measured figure, moved to the edge
    /// of the row of `tier` if it lies outside. Tier and order follow from it.
    pub adjusted: Option<f64>,
    /// The measured figure, to the printed decimal; null in snapshots of older versions, whose `adjusted` is measured.
    #[serde(default)]
    pub measured: Option<f64>,
    /// Lower end of the 90 % interval of the measured figure, for another model like its own; null for unrated providers.
    pub low: Option<f64>,
    /// Upper end of that interval; null for unrated providers.
    pub high: Option<f64>,
    /// Lower end of the 90 % interval of the figure a week later, on the same models; null for unrated providers, and
    /// while the window lacks observed days at either end.
    #[serde(default)]
    pub next_low: Option<f64>,
    /// Upper end of that interval; null if `next_low` is.
    #[serde(default)]
    pub next_high: Option<f64>,
    /// The tiers that its interval spans, best first ("S-B"); null if it is within one tier.
    #[schema(value_type = Option<String>)]
    pub span: Option<Span>,
    /// Best end of its 90 % rank interval, 1 for the best of the rated; null for unrated providers.
    pub rank_low: Option<usize>,
    /// Worst end of its 90 % rank interval; null for unrated providers.
    pub rank_high: Option<usize>,
    /// Probability of each tier, 0..1, without tiers that never occurred; null for unrated providers.
    pub tier_probabilities: Option<BTreeMap<Tier, f64>>,
    /// Token-weighted mean of the lens's raw measure: what this provider's users got.
    pub traffic_mean: Option<f64>,
    /// Plain mean of the lens's raw measure over its models.
    pub model_mean: Option<f64>,
    /// Number of models that it serves and that count.
    pub models: usize,
    /// Number of those models that another provider also serves.
    pub shared_models: usize,
    /// Number of its cells: endpoints that count.
    pub endpoints: usize,
    /// Mean tokens a day over its cells.
    pub tokens_per_day: f64,
    /// Why it is unrated, or what the tier is based on ("published uptime", "availability").
    pub reason: Option<String>,
}

impl ProviderTier {
    /// The measured figure if it is not the published one: the row is held at its edge, or capped by a gate.
    pub fn measured_outside(&self) -> Option<f64> {
        self.measured.filter(|measured| self.tier != Tier::Unrated && Some(*measured) != self.adjusted)
    }

    /// A provider without a tier and without figures.
    pub fn unrated(provider: ProviderSlug, name: String) -> Self {
        Self { provider, name, ..Self::default() }
    }
}

/// A verdict on an endpoint within its model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// The tier of `value`: that of the previous day, unless the measured figure has left its row by more than the band.
    pub tier: Tier,
    /// The tier of the measured figure.
    pub naive: Tier,
    /// The UTC day since which the tier has applied; null for an unrated endpoint.
    pub since: Option<NaiveDate>,
    /// The previous tier; null if none is known.
    pub previous: Option<Tier>,
    /// The best tier that a gate allows; null if no gate applies.
    pub cap: Option<Tier>,
    /// Difference to its peers in the lens's unit: the measured one, moved to the edge of the row of `tier` if it lies
    /// outside.
    pub value: Option<f64>,
    /// The measured difference, to the printed decimal; null in snapshots of older versions, whose `value` is measured.
    #[serde(default)]
    pub measured: Option<f64>,
    /// The reason, in one sentence.
    pub why: String,
}

impl Verdict {
    /// A verdict from the latest figures alone, without any previous days.
    pub fn naive(tier: Tier, value: Option<f64>, why: String) -> Self {
        Self { tier, naive: tier, since: None, previous: None, cap: None, value, measured: value, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_an_older_snapshot_reads_back_and_its_figure_is_the_measured_one() {
        let row = ProviderTier { tier: Tier::A, adjusted: Some(0.08), ..ProviderTier::default() };
        let mut json = serde_json::to_value(&row).expect("it serializes");
        let fields = json.as_object_mut().expect("an object");
        for name in ["measured", "next_low", "next_high"] {
            assert!(fields.remove(name).is_some(), "{name}");
        }
        let back: ProviderTier = serde_json::from_value(json).expect("it reads back");
        assert_eq!((back.measured_outside(), &back), (None, &row));
        let held = ProviderTier { measured: Some(0.06), adjusted: Some(0.07), ..row };
        assert_eq!(held.measured_outside(), Some(0.06));
    }

    #[test]
    fn a_span_is_a_text_in_json_and_comes_back() {
        let span = Span::between(Tier::C, Tier::S).expect("two tiers");
        let text = serde_json::to_string(&span).expect("it serializes");
        assert_eq!(text, "\"S-C\"");
        assert_eq!(serde_json::from_str::<Span>(&text).ok(), Some(span));
        assert!(serde_json::from_str::<Span>("\"S\"").is_err());
        assert_eq!(Span::between(Tier::B, Tier::B), None);
    }
}
