//! The upstream's JSON as received. Only the fields that are used; `drift.rs` lists the names of the rest.
//!
//! A field that is not an `Option` and has no default is essential: without it the row cannot be used. Any other
//! unreadable field is quarantined alone and counts as absent (`decode/mend.rs`).

use super::lenient;
use super::price_override::Override;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// `{"data": [...]}` whose rows are read one by one, so that a bad row does not affect the others.
#[derive(Deserialize)]
pub struct Rows {
    #[serde(deserialize_with = "lenient::list")]
    pub data: Vec<Box<RawValue>>,
}

/// `{"data": {...}}`.
#[derive(Deserialize)]
pub struct Envelope<T> {
    pub data: T,
}

#[derive(Deserialize)]
pub struct Model {
    pub id: String,
    pub canonical_slug: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub created: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub context_length: Option<i64>,
    #[serde(default)]
    pub pricing: Option<Pricing>,
    #[serde(default)]
    pub alias_target: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    pub architecture: Option<Architecture>,
}

#[derive(Deserialize)]
pub struct Architecture {
    #[serde(default, deserialize_with = "lenient::text")]
    pub tokenizer: Option<String>,
}

#[derive(Deserialize, Default, Debug, Clone)]
pub struct Pricing {
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub prompt: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub completion: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub input_cache_read: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub input_cache_write: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub input_cache_write_1h: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub discount: Option<f64>,
    /// Null represents an override that could not be read.
    #[serde(default, deserialize_with = "lenient::list")]
    pub overrides: Vec<Option<Override>>,
}

#[derive(Deserialize)]
pub struct Provider {
    pub slug: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text", rename = "displayName")]
    pub display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub headquarters: Option<String>,
    #[serde(default, deserialize_with = "lenient::text", alias = "statusPageUrl")]
    pub status_page_url: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub privacy_policy_url: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub terms_of_service_url: Option<String>,
    #[serde(default, rename = "dataPolicy")]
    pub data_policy: Option<DataPolicy>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct DataPolicy {
    #[serde(default, deserialize_with = "lenient::flag")]
    pub training: Option<bool>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub retains_prompts: Option<bool>,
    #[serde(default, deserialize_with = "lenient::text", rename = "privacyPolicyURL")]
    pub privacy_policy_url: Option<String>,
    #[serde(default, deserialize_with = "lenient::text", rename = "termsOfServiceURL")]
    pub terms_of_service_url: Option<String>,
}

#[derive(Deserialize)]
pub struct PublicModel {
    #[serde(default, deserialize_with = "lenient::list")]
    pub endpoints: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
pub struct PublicEndpoint {
    pub tag: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub provider_name: Option<String>,
    #[serde(default)]
    pub pricing: Option<Pricing>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub quantization: Option<String>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub context_length: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub max_prompt_tokens: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub max_completion_tokens: Option<i64>,
    #[serde(default, deserialize_with = "lenient::texts")]
    pub supported_parameters: Vec<String>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub status: Option<i64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub uptime_last_5m: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub uptime_last_30m: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub uptime_last_1d: Option<f64>,
    #[serde(default)]
    pub latency_last_30m: Option<Percentiles>,
    #[serde(default)]
    pub throughput_last_30m: Option<Percentiles>,
}

/// A number, as in older responses, or percentiles.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Percentiles {
    Number(#[serde(deserialize_with = "lenient::number")] Option<f64>),
    Object {
        #[serde(default, deserialize_with = "lenient::number")]
        p50: Option<f64>,
    },
}

impl Percentiles {
    pub fn median(&self) -> Option<f64> {
        match self {
            Self::Number(value) | Self::Object { p50: value } => *value,
        }
    }
}

#[derive(Deserialize)]
pub struct StatsEndpoint {
    pub id: String,
    pub provider_slug: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub model_variant_permaslug: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub provider_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub provider_display_name: Option<String>,
    #[serde(default)]
    pub provider_info: Option<ProviderInfo>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub provider_region: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub quantization: Option<String>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub context_length: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub max_prompt_tokens: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub max_completion_tokens: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub deprecation_date: Option<String>,
    #[serde(default, deserialize_with = "lenient::texts")]
    pub supported_parameters: Vec<String>,
    #[serde(default)]
    pub data_policy: Option<DataPolicy>,
    #[serde(default)]
    pub pricing: Option<Pricing>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_hidden: Option<bool>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_private: Option<bool>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_byok_only: Option<bool>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_deranked: Option<bool>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_disabled: Option<bool>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub status: Option<i64>,
    #[serde(default)]
    pub stats: Option<Stats>,
    #[serde(default)]
    pub status_heuristics_1d: Option<Counters>,
}

#[derive(Deserialize)]
pub struct ProviderInfo {
    #[serde(default, deserialize_with = "lenient::text")]
    pub slug: Option<String>,
}

#[derive(Deserialize)]
pub struct Stats {
    #[serde(default, deserialize_with = "lenient::number")]
    pub p50_throughput: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub p50_latency: Option<f64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub request_count: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    #[serde(default, deserialize_with = "lenient::integer")]
    pub success: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub derankable_error: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub rate_limited: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectivePricing {
    #[serde(default, deserialize_with = "lenient::number")]
    pub weighted_input_price: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub weighted_output_price: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub weighted_cache_hit_rate: Option<f64>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub provider_summaries: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub input_chart_data: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub output_chart_data: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    #[serde(default, deserialize_with = "lenient::text")]
    pub endpoint_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub provider_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub effective_input_price: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub effective_output_price: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub cache_hit_rate: Option<f64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total_tokens: Option<i64>,
}

#[derive(Deserialize)]
pub struct ChartPoint {
    pub x: String,
    #[serde(default)]
    pub y: Option<HashMap<String, Number>>,
}

/// A single number, or a string that contains one; null counts as absent.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Number(#[serde(deserialize_with = "lenient::number")] pub Option<f64>);

#[derive(Deserialize)]
pub struct ActivityBody {
    #[serde(default, deserialize_with = "lenient::list")]
    pub analytics: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
pub struct Activity {
    pub date: String,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total_prompt_tokens: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total_completion_tokens: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total_native_tokens_cached: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub count: Option<i64>,
}
