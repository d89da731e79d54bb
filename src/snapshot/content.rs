//! The published content as typed structs. Rates are fractions, prices USD per million tokens, times UTC; absent is
//! null. JSON field names are a contract with other programs.

pub use super::hourly::{HourlyRate, HourlyRates};
use super::imports::Imports;
pub use crate::domain::backtest::{Backtest, Exclusions, ExpectedCost, Policy, PolicyCost, TestedDays};
pub use crate::domain::change::Change;
pub use crate::domain::endpoint::{EffectivePrices, ListWindow, Prices};
use crate::domain::endpoint::{PriceTier, PublishedFacts};
use crate::domain::finding::{self, Finding};
use crate::domain::flag::{Flag, FlagKind};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
pub use crate::domain::record::{
    ComparisonAge, DriftCount, EndpointDay, QuarantineCount, RecentReading, RunSummary, SourceAge, Trouble,
};
pub use crate::domain::season::Seasons;
use crate::domain::session::{self, CostBasis};
pub use crate::domain::share::TrafficShare;
use crate::domain::thresholds::Threshold;
use crate::domain::tier::{Lens, Tier};
pub use crate::domain::tier_list::{DayRange, ProviderTier, TierList, Verdict};
use crate::domain::workload::{Room, Workload};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Format version of saved snapshots, incremented whenever an older snapshot can no longer be read or would be misread.
pub const FORMAT: u32 = 3;

/// Everything published at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// Format version of this content on disk; [`FORMAT`] if this version wrote it.
    pub format: u32,
    /// Id: the newest run's id plus a digest of the content.
    pub id: String,
    /// Version of the method that produced the numbers.
    pub method_version: u32,
    /// Time of the newest run.
    pub as_of: DateTime<Utc>,
    /// When this snapshot was built.
    pub built_at: DateTime<Utc>,
    /// Name of the upstream; left out for OpenRouter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// Whether the upstream was the simulator; if so, every page says so.
    pub simulated: bool,
    /// Counts for the front page.
    pub summary: Summary,
    /// Tier lists: each lens, and for `cost` and `overall` each workload.
    pub tier_lists: Vec<TierList>,
    /// Models with their endpoints, sorted by tokens a day, most first.
    pub models: Vec<ModelEntry>,
    /// Providers, sorted by name.
    pub providers: Vec<ProviderEntry>,
    /// Cost of following each policy over the days shown; null while the record is too young.
    pub backtest: Option<Backtest>,
    /// The workloads under which the costs were computed.
    pub workloads: Vec<Workload>,
    /// Readings of recent days, newest run first.
    pub readings: Vec<RecentReading>,
    /// Hourly rates of recent days, derived from day-to-date readings.
    #[schema(value_type = Object)]
    pub hourly: HourlyRates,
    /// Status of the collection.
    pub status: Status,
    /// All changes of the last 90 UTC days, newest first.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// Tokens by endpoint over the last 30 UTC days. Not a measure of quality.
    #[serde(default)]
    pub share: TrafficShare,
    /// Imported data, which enters neither tiers nor recommendations.
    #[serde(default, skip_serializing_if = "Imports::is_empty")]
    #[schema(value_type = Object)]
    pub imports: Imports,
    /// When the schedule starts the next run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<DateTime<Utc>>,
    /// The method's thresholds.
    pub thresholds: Vec<Threshold>,
}

/// Counts for the front page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Endpoints of the newest run.
    pub endpoints: usize,
    /// Those with a hit rate in the newest run.
    pub endpoints_with_usage: usize,
    /// (model, variant) pairs with endpoints.
    pub models: usize,
    /// Providers with endpoints.
    pub providers: usize,
    /// Tokens of the newest closed day or the current day, over all endpoints.
    pub tokens_per_day: f64,
    /// Share of those tokens that the tier list of the lens `cache` covers, 0..1.
    pub covered_share: Option<f64>,
    /// Number of stored runs.
    pub runs: usize,
    /// First run.
    pub first_run: DateTime<Utc>,
    /// UTC days with day-to-date readings.
    pub observed_days: usize,
}

/// A model in one variant with its endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelEntry {
    /// Public name with the variant's suffix.
    pub model_id: String,
    /// Canonical slug.
    pub slug: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Display name, untrusted.
    pub name: String,
    /// When the upstream listed it.
    pub created: Option<DateTime<Utc>>,
    /// Longest context, tokens.
    pub context_length: Option<i64>,
    /// The aliases whose target it is, such as `~author/family-latest`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Token-weighted hit rate over its endpoints in their newest day.
    pub hit_rate: Option<f64>,
    /// Tokens a day over its endpoints.
    pub tokens_per_day: f64,
    /// Endpoints of the newest run, cheapest effective session under the default workload first.
    pub endpoints: Vec<Endpoint>,
    /// How often its recommendation changed; null if there is none now, or none on an earlier recorded day.
    #[serde(default)]
    pub recommendation: Option<RecommendationRecord>,
}

/// How often the recommendation of a model changed: the endpoints that the default mode names, without limits, under
/// the default workload, one recommendation a UTC day: that of its last run. The present one is the newest day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationRecord {
    /// Number of these days on which it differs from the day before with a recommendation. The order of the endpoints is
    /// not compared.
    pub changes: u32,
    /// Days of the last 30 UTC days with a recommendation, 2 to 30. Days on which it was withheld do not count.
    pub days: u32,
    /// The first UTC day of the present recommendation.
    pub since: NaiveDate,
}

/// An endpoint of a model as of the newest run, with derived values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Endpoint {
    /// Key.
    #[schema(value_type = String, format = "uuid")]
    pub endpoint_id: Uuid,
    /// Base slug of its provider.
    pub provider: ProviderSlug,
    /// Display name, untrusted.
    pub name: String,
    /// Routing name of the newest run.
    pub tag: Tag,
    /// What it offers.
    #[serde(flatten)]
    pub facts: PublishedFacts,
    /// Hit rate over the newest window, 0..1; null without traffic.
    pub hit_rate: Option<f64>,
    /// Tokens of that window (the UTC day so far).
    pub tokens: Option<i64>,
    /// Mean tokens a day over the lens window.
    pub tokens_per_day: Option<f64>,
    /// Prompt and completion tokens a request over the days of the hourly rates: the tokens of the rates, divided by the
    /// requests that the 30-minute counts before each reading suggest. Null with fewer than 4 counts or 100 requests.
    #[serde(default)]
    pub tokens_per_request: Option<f64>,
    /// List prices now.
    pub list: Prices,
    /// List prices over the lens window; null if the newest analysis does not contain it.
    #[serde(default)]
    pub list_window: Option<ListWindow>,
    /// Conditional prices.
    pub price_tiers: Vec<PriceTier>,
    /// Effective prices over the newest window.
    pub effective: EffectivePrices,
    /// Effective input price divided by list input price.
    pub realised_discount: Option<f64>,
    /// Share of the listed discount that was actually applied to its hits.
    pub efficiency: Option<f64>,
    /// Hit rate over the lens window among the prompts that use the cache, 0..1; null unless billed writes show it.
    #[serde(default)]
    pub hit_rate_used: Option<f64>,
    /// Share of the prompt tokens that were not found and that were written to the cache, 0..1, over the lens window;
    /// null unless writes are billed above the input price and the price paid shows it.
    #[serde(default)]
    pub written_share: Option<f64>,
    /// Relative error of the price identity; null if it does not apply.
    pub identity_error: Option<f64>,
    /// Upstream status code.
    pub status: Option<i32>,
    /// Published uptime over 5 minutes, fraction.
    pub uptime_5m: Option<f64>,
    /// Published uptime over 30 minutes, fraction.
    pub uptime_30m: Option<f64>,
    /// Published uptime over a day, fraction.
    pub uptime_1d: Option<f64>,
    /// Availability over a day, with rate limits counted as failures; fraction.
    pub availability: Option<f64>,
    /// Median output speed, tokens a second.
    pub throughput: Option<f64>,
    /// Median time to first token, milliseconds.
    pub latency_ms: Option<f64>,
    /// Primary verdict within its model (lens `cost`, default workload).
    pub tier: Tier,
    /// The reason for that tier, in one sentence.
    pub why: String,
    /// Verdicts within the model by lens.
    pub verdicts: BTreeMap<Lens, Verdict>,
    /// Session cost by workload at the usual list prices (`list_window.usual`), USD.
    pub session_cost: BTreeMap<String, f64>,
    /// Session cost by workload at the list prices of now, USD.
    #[serde(default)]
    pub session_cost_now: BTreeMap<String, f64>,
    /// The basis for pricing any workload, besides the list prices.
    pub cost_basis: CostBasis,
    /// Its flags with the numbers behind them, most important first.
    pub flags: Vec<Flag>,
    /// Expected cost for the rest of the day under way, from what is known now; null for variants other than `standard`
    /// and if there is no price on the newest day with closing prices.
    #[serde(default)]
    pub expected_cost: Option<ExpectedCost>,
    /// Hit rates and prices that follow the hour or the day of the week; null if nothing shows that they do.
    #[serde(default)]
    pub seasons: Option<Seasons>,
    /// Days of its record, oldest first, at most 30.
    pub days: Vec<EndpointDay>,
    /// Time of the first run that saw it.
    pub first_seen: DateTime<Utc>,
    /// When its health was last read; earlier than the snapshot if the newest run got no response for it.
    pub reading_at: DateTime<Utc>,
}

impl Endpoint {
    /// Since when it has been offered, according to the upstream; otherwise the time of the first run that saw it.
    pub fn since(&self) -> DateTime<Utc> {
        self.facts.created_at.unwrap_or(self.first_seen)
    }
    /// Its usual list prices: their means over the lens window, or those of now if these are unknown.
    pub fn usual_list(&self) -> &Prices {
        self.list_window.as_ref().map_or(&self.list, |window| &window.usual)
    }
    /// Longest prompt it accepts, tokens: the smaller of its context and the upstream's limit; `None` if neither is
    /// known.
    pub fn prompt_limit(&self) -> Option<i64> {
        [self.facts.context_length, self.facts.max_prompt_tokens].into_iter().flatten().min()
    }
    /// Whether it does not accept a session's longest turn.
    pub fn is_too_short(&self, room: Room) -> bool {
        room.lacking(self.facts.context_length, self.facts.max_prompt_tokens).is_some()
    }
    /// The date from which the upstream no longer offers it, if that has passed at `now`.
    pub fn ended_by(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.facts.deprecation_date.filter(|date| *date <= now)
    }
    /// Whether it has a flag.
    pub fn is_flagged(&self, kind: FlagKind) -> bool {
        self.flags.iter().any(|flag| flag.kind() == kind)
    }
    /// The cost of a session at the list prices of now, USD, if it differs from the usual one by 1 % or more.
    pub fn unusual_cost_now(&self, workload: &str) -> Option<f64> {
        let of = |costs: &BTreeMap<String, f64>| costs.get(workload).copied();
        session::unusual_now(of(&self.session_cost), of(&self.session_cost_now))
    }
    /// Why it is not open to everyone, in words; `None` if it is publicly available and up.
    pub fn why_closed(&self) -> Option<&'static str> {
        let reasons =
            [(FlagKind::Down, "down in the newest run"), (FlagKind::Restricted, "not publicly available")];
        reasons.into_iter().find(|(kind, _)| self.is_flagged(*kind)).map(|(_, why)| why)
    }
}

/// A provider with a summary of its endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderEntry {
    /// Base slug.
    pub provider: ProviderSlug,
    /// Display name, untrusted.
    pub name: String,
    /// Country code of its headquarters.
    pub headquarters: Option<String>,
    /// Its own status page, untrusted.
    pub status_page: Option<String>,
    /// Its privacy policy, untrusted.
    pub privacy_policy: Option<String>,
    /// Its terms of service, untrusted.
    pub terms_of_service: Option<String>,
    /// Public names of the models it serves, most tokens first.
    pub models: Vec<String>,
    /// Endpoints of the newest run.
    pub endpoints: usize,
    /// Tokens a day over its endpoints.
    pub tokens_per_day: f64,
    /// Token-weighted hit rate by day, oldest first, at most 30 days.
    pub days: Vec<ProviderDay>,
}

/// One UTC day of a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderDay {
    /// The day.
    pub day: NaiveDate,
    /// Token-weighted hit rate, 0..1.
    pub hit_rate: Option<f64>,
    /// Tokens.
    pub tokens: i64,
}

/// Status of the collection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The last runs, newest first.
    pub runs: Vec<RunSummary>,
    /// The newest run, if it is suspect. In that case the numbers are from an earlier run.
    #[serde(default)]
    pub suspect: Option<SuspectRun>,
    /// The newest runs in a row that lack something; null if the newest run is complete.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// Newest data by source.
    pub sources: Vec<SourceAge>,
    /// The daily series of hit rates; null if it was never requested.
    pub comparison: Option<ComparisonAge>,
    /// Rows that the newest run quarantined, by reason.
    pub quarantine: Vec<QuarantineCount>,
    /// Unknown fields of the newest run.
    pub drift: Vec<DriftCount>,
    /// What is still missing, in words: "3 more days until tiers are no longer provisional".
    pub missing: Vec<String>,
}

/// A run that is archived but not published, because the meaning of the upstream's fields seems to have changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SuspectRun {
    /// Id.
    pub run_id: String,
    /// Time of the run.
    pub observed_at: DateTime<Utc>,
    /// The fields that changed, and how.
    pub findings: Vec<Finding>,
}

impl SuspectRun {
    /// The fields that changed, without duplicates, as one line.
    pub fn moved(&self) -> String {
        const SHOWN: usize = 3;
        let mut fields = finding::fields(&self.findings);
        let more = fields.len().saturating_sub(SHOWN);
        fields.truncate(SHOWN);
        let named = fields.join(", ");
        if more > 0 { format!("{named} and {more} more") } else { named }
    }
}
