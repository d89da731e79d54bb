//! Changes of the upstream, of what is measured, and of what is published about it, as typed values: what it was before,
//! what it is now, and why it counts as a change.

use super::ids::{ModelSlug, ProviderSlug, Tag, Variant, names};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use utoipa::ToSchema;
use uuid::Uuid;

/// Namespace of the ids of changes, so that they do not depend on the host that serves them.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1d_6c2e_8a4f_5b07_9d3e_51f0_c7a2_4e91);

names! {
    /// What changed.
    ChangeKind for "kind" {
        /// A list price or a discount.
        PriceChanged = "price_changed",
        /// A list price that follows the hour of the day or the day of the week. One change names all its moves.
        PriceSchedule = "price_schedule",
        /// A fact of an endpoint: quantization, limits, parameters, data policy, region.
        EndpointChanged = "endpoint_changed",
        /// The upstream announced when it stops offering an endpoint, or withdrew the announcement.
        Deprecation = "deprecation",
        /// An endpoint was added.
        EndpointAppeared = "endpoint_appeared",
        /// An endpoint was removed.
        EndpointGone = "endpoint_gone",
        /// An endpoint has another tag.
        TagChanged = "tag_changed",
        /// A model was listed.
        ModelAppeared = "model_appeared",
        /// A model is no longer listed.
        ModelGone = "model_gone",
        /// The upstream's status of an endpoint.
        StatusChanged = "status_changed",
        /// An endpoint answered too few requests for some time.
        Outage = "outage",
        /// A lasting shift of the hit rate of an endpoint.
        HitRateShift = "hit_rate_shift",
        /// A lasting shift of the effective input price of an endpoint.
        EffectivePriceShift = "effective_price_shift",
        /// A lasting shift of the output speed or the time to first token of an endpoint.
        SpeedShift = "speed_shift",
        /// A lasting shift of the uptime of an endpoint.
        UptimeShift = "uptime_shift",
        /// The traffic of an endpoint multiplied or collapsed from one day to the next.
        TrafficJump = "traffic_jump",
        /// A provider has another tier.
        TierChanged = "tier_changed",
        /// The default mode of preferences names other endpoints for a model.
        RecommendationChanged = "recommendation_changed",
        /// The usage summaries cover another kind of window.
        WindowChanged = "window_changed",
    }
}

names! {
    /// The field that changed; its unit follows from it.
    ChangedField {
        /// List input price, USD per million tokens.
        ListInput = "list_input",
        /// List output price, USD per million tokens.
        ListOutput = "list_output",
        /// List price of cache reads, USD per million tokens.
        ListCacheRead = "list_cache_read",
        /// List price of cache writes, USD per million tokens.
        ListCacheWrite = "list_cache_write",
        /// List price of cache writes for an hour, USD per million tokens.
        ListCacheWrite1h = "list_cache_write_1h",
        /// Discount that is already subtracted from the list prices, fraction.
        Discount = "discount",
        /// Conditional list prices, as JSON.
        PriceTiers = "price_tiers",
        /// Quantization.
        Quantization = "quantization",
        /// Longest context, tokens.
        ContextLength = "context_length",
        /// Longest prompt, tokens.
        MaxPromptTokens = "max_prompt_tokens",
        /// Longest completion, tokens.
        MaxCompletionTokens = "max_completion_tokens",
        /// Supported request parameters: those that were added and those that were removed.
        Parameters = "parameters",
        /// Whether the provider trains on prompts.
        TrainsOnPrompts = "trains_on_prompts",
        /// Whether the provider retains prompts.
        RetainsPrompts = "retains_prompts",
        /// Region.
        Region = "region",
        /// Whether only some accounts may use the endpoint.
        Restricted = "restricted",
        /// Whether the upstream ranks the endpoint lower.
        Deranked = "deranked",
        /// Whether the upstream has disabled the endpoint.
        Disabled = "disabled",
        /// When the upstream stops offering the endpoint.
        DeprecationDate = "deprecation_date",
        /// Routing name.
        Tag = "tag",
        /// The upstream's status code.
        Status = "status",
        /// Hit rate, fraction.
        HitRate = "hit_rate",
        /// Effective input price, USD per million tokens.
        EffectiveInput = "effective_input",
        /// Output speed, tokens a second.
        Throughput = "throughput",
        /// Time to first token, milliseconds.
        LatencyMs = "latency_ms",
        /// Uptime, fraction.
        Uptime = "uptime",
        /// Tokens a day.
        Tokens = "tokens",
        /// Tier under the cost lens.
        TierCost = "tier_cost",
        /// Tier under the cache lens.
        TierCache = "tier_cache",
        /// Tier under the reliability lens.
        TierReliability = "tier_reliability",
        /// Tier under the speed lens.
        TierSpeed = "tier_speed",
        /// Tier under the overall lens.
        TierOverall = "tier_overall",
        /// Tags of the endpoints that the default mode of preferences names, cheapest first.
        Recommendation = "recommendation",
        /// Kind of window of the usage summaries.
        Window = "window_kind",
    }
}

impl ChangedField {
    /// Whether it is a price that the client pays; a discount is not one.
    pub fn is_price(self) -> bool {
        matches!(
            self,
            Self::ListInput
                | Self::ListOutput
                | Self::ListCacheRead
                | Self::ListCacheWrite
                | Self::ListCacheWrite1h
                | Self::EffectiveInput
        )
    }

    /// Whether it is a fraction. Pages show it in percent, and its changes are percentage points.
    pub fn is_share(self) -> bool {
        matches!(self, Self::HitRate | Self::Uptime | Self::Discount)
    }

    /// The change from one value to another: percentage points of a share, otherwise percent of the value before. `None`
    /// if there is no value to compare with.
    pub fn change(self, before: Option<f64>, after: Option<f64>) -> Option<f64> {
        match before.zip(after) {
            Some((before, after)) if self.is_share() => Some((after - before) * 100.0),
            _ => percent(before, after),
        }
    }
}

/// A value before or after a change. Absent is null, never zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ChangeValue {
    /// Whether something holds.
    Flag(bool),
    /// A number in the unit of the field; a whole one is written without decimals.
    Number(#[serde(serialize_with = "number")] f64),
    /// A name, a time or a text.
    Text(String),
    /// Several names.
    List(Vec<String>),
}

/// Writes status codes and token limits as whole numbers.
fn number<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // All whole numbers up to here are exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

impl ChangeValue {
    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Display for ChangeValue {
    /// The value as one text, as tables write it; names are separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(names) => f.write_str(&names.join(", ")),
        }
    }
}

/// What a change means for one session of the workload `coding-agent` at the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionChange {
    /// Cost of the session before the change, USD.
    pub before: Option<f64>,
    /// Cost of the session after the change, USD.
    pub after: Option<f64>,
    /// The change, percent of the cost before.
    pub percent: Option<f64>,
}

/// Why a shift counts as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShiftEvidence {
    /// Number of readings before the shift.
    pub readings_before: usize,
    /// Number of readings after it.
    pub readings_after: usize,
    /// The endpoint's own scatter: median absolute deviation of the readings around their segment, scaled to a standard
    /// deviation, in the unit of the field.
    pub scatter: f64,
    /// Probability of such a shift by chance, before the correction for the number of series.
    pub p_value: f64,
    /// The same after the correction: share of false alarms among all shifts that are at least this clear.
    pub q_value: f64,
}

/// One move of a price that belongs to a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncludedChange {
    /// When the move was observed.
    pub at: DateTime<Utc>,
    /// The price.
    #[schema(value_type = String)]
    pub field: ChangedField,
    /// The price before.
    pub before: Option<f64>,
    /// The price after.
    pub after: Option<f64>,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// When it was observed; for a shift, the first reading after it.
    pub at: DateTime<Utc>,
    /// What changed: the values of the parameter `kind`.
    #[schema(value_type = String)]
    pub kind: ChangeKind,
    /// Canonical slug of the model; null if the change is not about one.
    pub model: Option<ModelSlug>,
    /// Its variant.
    pub variant: Option<Variant>,
    /// Its public name.
    pub model_id: Option<String>,
    /// The endpoint; null if the change is not about one.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub endpoint_id: Option<Uuid>,
    /// Base slug of the provider.
    pub provider: Option<ProviderSlug>,
    /// Routing name of the endpoint at that time.
    pub tag: Option<Tag>,
    /// The field that changed; null if the change is the appearance or the end of something.
    #[schema(value_type = Option<String>)]
    pub field: Option<ChangedField>,
    /// Value before the change; null if there was none.
    pub before: Option<ChangeValue>,
    /// Value after the change; null if there is none.
    pub after: Option<ChangeValue>,
    /// The change, percent of the value before; for hit rates, uptimes and discounts the difference in percentage points.
    pub percent: Option<f64>,
    /// When it ended, for outages; null while it lasts.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
    /// What it means for a session, for changes of prices and hit rates.
    #[serde(default)]
    pub session: Option<SessionChange>,
    /// The evidence for a shift.
    #[serde(default)]
    pub evidence: Option<ShiftEvidence>,
    /// The moves of a schedule, oldest first.
    #[serde(default)]
    pub includes: Vec<IncludedChange>,
    /// Where it was read, if not in a run of this record: `listed_prices` for the upstream's own log of list prices.
    #[serde(default)]
    pub source: Option<String>,
    /// The change in one sentence, with its evidence.
    pub why: String,
}

impl Change {
    /// A change of a kind about nothing yet; the other fields are set by name.
    pub fn new(at: DateTime<Utc>, kind: ChangeKind) -> Self {
        Self {
            at,
            kind,
            model: None,
            variant: None,
            model_id: None,
            endpoint_id: None,
            provider: None,
            tag: None,
            field: None,
            before: None,
            after: None,
            percent: None,
            until: None,
            session: None,
            evidence: None,
            includes: Vec::new(),
            source: None,
            why: String::new(),
        }
    }

    /// Its id, the same in every snapshot that contains it: made from what changed and when, not from values that later
    /// readings may correct. Changes that are known by day (tiers, recommendations, shifts) are identified by their day.
    pub fn id(&self) -> Uuid {
        let is_by_day = matches!(
            self.kind,
            ChangeKind::TierChanged
                | ChangeKind::RecommendationChanged
                | ChangeKind::HitRateShift
                | ChangeKind::EffectivePriceShift
                | ChangeKind::SpeedShift
                | ChangeKind::UptimeShift
                | ChangeKind::TrafficJump
        );
        // A schedule is one change however many moves follow.
        let at = match self.kind {
            ChangeKind::PriceSchedule => String::new(),
            _ if is_by_day => self.at.date_naive().to_string(),
            _ => self.at.timestamp().to_string(),
        };
        let text = |name: Option<String>| name.unwrap_or_default();
        let parts = [
            at,
            self.kind.to_string(),
            text(self.model.as_ref().map(ToString::to_string)),
            text(self.variant.as_ref().map(ToString::to_string)),
            text(self.model_id.clone()),
            text(self.endpoint_id.map(|id| id.to_string())),
            text(self.provider.as_ref().map(ToString::to_string)),
            text(self.tag.as_ref().map(ToString::to_string)),
            text(self.field.map(|field| field.to_string())),
        ];
        Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
    }

    /// Whether it makes sessions more expensive: by the cost of a session if that is known, otherwise by the price that
    /// changed. A price that vanishes or a discount that falls counts; an unknown cost does not.
    pub fn costs_more(&self) -> bool {
        if let Some(percent) = self.session.and_then(|session| session.percent) {
            return percent > 0.0;
        }
        let (before, after) = (
            self.before.as_ref().and_then(ChangeValue::number),
            self.after.as_ref().and_then(ChangeValue::number),
        );
        match self.field {
            Some(ChangedField::Discount) => before.unwrap_or(0.0) > after.unwrap_or(0.0),
            Some(field) if field.is_price() => {
                before.zip(after).is_some_and(|(before, after)| after > before)
                    || (before.is_some() && after.is_none())
            }
            _ => false,
        }
    }

    /// Whether it concerns a provider or one of its endpoints, which may no longer exist.
    pub fn concerns(&self, provider: &str) -> bool {
        self.provider.as_ref().is_some_and(|slug| slug.as_str() == provider)
            || self.tag.as_ref().is_some_and(|tag| tag.as_str().split('/').next() == Some(provider))
    }
}

/// The change from one number to another, percent; `None` if there is no number to compare with.
pub fn percent(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    let (before, after) = before.zip(after)?;
    (before != 0.0).then(|| (after / before - 1.0) * 100.0).filter(|change| change.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_change_by_points_and_amounts_by_percent() {
        let rounded = |field: ChangedField, before, after| field.change(before, after).map(f64::round);
        assert_eq!(rounded(ChangedField::Discount, Some(0.27), Some(0.61)), Some(34.0));
        assert_eq!(rounded(ChangedField::Discount, Some(0.0), Some(0.2)), Some(20.0));
        assert_eq!(rounded(ChangedField::Discount, None, Some(0.2)), None, "absent is not zero");
        assert_eq!(rounded(ChangedField::ListInput, Some(0.25), Some(0.5)), Some(100.0));
        assert_eq!(rounded(ChangedField::ListInput, Some(0.0), Some(0.5)), None);
    }

    #[test]
    fn whole_numbers_are_written_without_decimals_and_read_again() {
        for (number, text) in [(-2.0, "-2"), (0.0, "0"), (1_048_576.0, "1048576"), (0.25, "0.25")] {
            let value = ChangeValue::Number(number);
            assert_eq!(serde_json::to_string(&value).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<ChangeValue>(text).expect("a value"), value);
        }
    }
}
