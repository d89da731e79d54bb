//! Tier lists as they are computed and published.

use super::ids::ProviderSlug;
use super::tier::{Lens, Tier};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A tier list over providers under one lens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TierList {
    /// What it ranks by.
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
    /// Why it is provisional or empty, for people.
    pub note: Option<String>,
    /// The days looked at.
    pub window: DayRange,
    /// Rated providers best first, then the unrated ones by name.
    pub providers: Vec<ProviderTier>,
}

/// Days, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayRange {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
}

/// One provider in a tier list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderTier {
    /// Base slug.
    pub provider: ProviderSlug,
    /// Name for people, untrusted.
    pub name: String,
    /// The tier: that of the day before, unless the figures have moved far or long enough to change it.
    pub tier: Tier,
    /// The tier of the figures of this moment alone.
    pub naive: Tier,
    /// The UTC day since which the tier has held; null for unrated providers.
    pub since: Option<NaiveDate>,
    /// The tier before that; null where none is known.
    pub previous: Option<Tier>,
    /// The best tier that a gate leaves open; null where none applies.
    pub cap: Option<Tier>,
    /// Adjusted effect against peers on the same models, in the list's unit.
    pub adjusted: Option<f64>,
    /// Lower end of its 90 % interval; null for unrated providers.
    pub low: Option<f64>,
    /// Upper end of its 90 % interval; null for unrated providers.
    pub high: Option<f64>,
    /// The tiers its interval reaches over, best first ("S-B"); null where it stays within one.
    pub span: Option<String>,
    /// Best end of its 90 % rank interval, 1 for the best of the rated; null for unrated providers.
    pub rank_low: Option<usize>,
    /// Worst end of its 90 % rank interval; null for unrated providers.
    pub rank_high: Option<usize>,
    /// Probability of each tier, 0..1, tiers that never came up left out; null for unrated providers.
    pub tier_probabilities: Option<BTreeMap<Tier, f64>>,
    /// What this provider's users got, in the lens's own measure, token-weighted.
    pub traffic_mean: Option<f64>,
    /// Plain average over its models, in the lens's own measure.
    pub model_mean: Option<f64>,
    /// Models it serves that count.
    pub models: usize,
    /// Those that another provider serves too.
    pub shared_models: usize,
    /// Its cells: endpoints that count.
    pub endpoints: usize,
    /// Mean tokens a day over its cells.
    pub tokens_per_day: f64,
    /// Why it is unrated, or what the tier rests on ("published uptime", "availability").
    pub reason: Option<String>,
}

/// A verdict on an endpoint within its model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// The tier: that of the day before, unless the figures have moved far or long enough to change it.
    pub tier: Tier,
    /// The tier of the figures of this moment alone.
    pub naive: Tier,
    /// The UTC day since which the tier has held; null for an unrated endpoint.
    pub since: Option<NaiveDate>,
    /// The tier before that; null where none is known.
    pub previous: Option<Tier>,
    /// The best tier that a gate leaves open; null where none applies.
    pub cap: Option<Tier>,
    /// Difference to its peers in the lens's unit.
    pub value: Option<f64>,
    /// Why, in one sentence.
    pub why: String,
}

impl Verdict {
    /// The verdict of this moment alone: nothing is known of the days before.
    pub fn naive(tier: Tier, value: Option<f64>, why: String) -> Self {
        Self { tier, naive: tier, since: None, previous: None, cap: None, value, why }
    }
}
