//! The upstream's JSON as received. Only the fields that are used; `drift.rs` lists the names of the rest.
//!
//! An unreadable field that is not essential is quarantined alone and counts as absent (`decode/mend.rs`).

use super::lenient;
use super::price_override::Override;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// How a field that may be absent is read.
trait Field: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

macro_rules! read {
    ($($type:ty: $read:path,)+) => {
        $(impl Field for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $read(deserializer)
            }
        })+
    };
}

read! {
    Option<String>: lenient::text,
    Option<i64>: lenient::integer,
    Option<f64>: lenient::number,
    Option<bool>: lenient::flag,
    Option<Decimal>: lenient::decimal,
    Vec<String>: lenient::texts,
    Vec<Box<RawValue>>: lenient::list,
    Vec<Option<Override>>: lenient::list,
    Option<Architecture>: Deserialize::deserialize,
    Option<Counters>: Deserialize::deserialize,
    Option<DataPolicy>: Deserialize::deserialize,
    Option<HashMap<String, Number>>: Deserialize::deserialize,
    Option<Percentiles>: Deserialize::deserialize,
    Option<Pricing>: Deserialize::deserialize,
    Option<ProviderInfo>: Deserialize::deserialize,
    Option<Stats>: Deserialize::deserialize,
    Option<Value>: Deserialize::deserialize,
}

/// Defines objects. The fields in parentheses are essential: without them the row cannot be used. The others may be
/// absent.
macro_rules! objects {
    ($(
        $(#[$of:meta])*
        pub struct $name:ident $(($($key:ident: $kind:ty),+))? {
            $($(#[$own:meta])* $field:ident: $type:ty,)*
        }
    )+) => {
        $(#[derive(Deserialize)]
        $(#[$of])*
        pub struct $name {
            $($(pub $key: $kind,)+)?
            $($(#[$own])* #[serde(default, deserialize_with = "Field::read")] pub $field: $type,)*
        })+
    };
}

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

objects! {
    pub struct Model(id: String, canonical_slug: String) {
        name: Option<String>,
        created: Option<i64>,
        context_length: Option<i64>,
        pricing: Option<Pricing>,
        alias_target: Option<Value>,
        architecture: Option<Architecture>,
    }

    pub struct Architecture {
        tokenizer: Option<String>,
    }

    #[derive(Default, Debug, Clone)]
    pub struct Pricing {
        prompt: Option<Decimal>,
        completion: Option<Decimal>,
        input_cache_read: Option<Decimal>,
        input_cache_write: Option<Decimal>,
        input_cache_write_1h: Option<Decimal>,
        discount: Option<f64>,
        /// Null represents an override that could not be read.
        overrides: Vec<Option<Override>>,
    }

    pub struct Provider(slug: String) {
        name: Option<String>,
        #[serde(rename = "displayName")]
        display_name: Option<String>,
        headquarters: Option<String>,
        #[serde(alias = "statusPageUrl")]
        status_page_url: Option<String>,
        privacy_policy_url: Option<String>,
        terms_of_service_url: Option<String>,
        #[serde(rename = "dataPolicy")]
        data_policy: Option<DataPolicy>,
    }

    #[derive(Default)]
    #[serde(rename_all = "camelCase")]
    pub struct DataPolicy {
        training: Option<bool>,
        retains_prompts: Option<bool>,
        #[serde(rename = "privacyPolicyURL")]
        privacy_policy_url: Option<String>,
        #[serde(rename = "termsOfServiceURL")]
        terms_of_service_url: Option<String>,
    }

    pub struct PublicModel {
        endpoints: Vec<Box<RawValue>>,
    }

    pub struct PublicEndpoint(tag: String) {
        provider_name: Option<String>,
        pricing: Option<Pricing>,
        quantization: Option<String>,
        context_length: Option<i64>,
        max_prompt_tokens: Option<i64>,
        max_completion_tokens: Option<i64>,
        supported_parameters: Vec<String>,
        status: Option<i64>,
        uptime_last_5m: Option<f64>,
        uptime_last_30m: Option<f64>,
        uptime_last_1d: Option<f64>,
        latency_last_30m: Option<Percentiles>,
        throughput_last_30m: Option<Percentiles>,
    }

    pub struct StatsEndpoint(id: String, provider_slug: String) {
        model_variant_permaslug: Option<String>,
        provider_name: Option<String>,
        provider_display_name: Option<String>,
        provider_info: Option<ProviderInfo>,
        provider_region: Option<String>,
        quantization: Option<String>,
        context_length: Option<i64>,
        max_prompt_tokens: Option<i64>,
        max_completion_tokens: Option<i64>,
        created_at: Option<String>,
        deprecation_date: Option<String>,
        supported_parameters: Vec<String>,
        data_policy: Option<DataPolicy>,
        pricing: Option<Pricing>,
        is_hidden: Option<bool>,
        is_private: Option<bool>,
        is_byok_only: Option<bool>,
        is_deranked: Option<bool>,
        is_disabled: Option<bool>,
        status: Option<i64>,
        stats: Option<Stats>,
        status_heuristics_1d: Option<Counters>,
    }

    pub struct ProviderInfo {
        slug: Option<String>,
    }

    pub struct Stats {
        p50_throughput: Option<f64>,
        p50_latency: Option<f64>,
        request_count: Option<i64>,
    }

    #[serde(rename_all = "camelCase")]
    pub struct Counters {
        success: Option<i64>,
        derankable_error: Option<i64>,
        rate_limited: Option<i64>,
    }

    #[serde(rename_all = "camelCase")]
    pub struct EffectivePricing {
        weighted_input_price: Option<f64>,
        weighted_output_price: Option<f64>,
        weighted_cache_hit_rate: Option<f64>,
        provider_summaries: Vec<Box<RawValue>>,
        input_chart_data: Vec<Box<RawValue>>,
        output_chart_data: Vec<Box<RawValue>>,
    }

    #[serde(rename_all = "camelCase")]
    pub struct Summary {
        endpoint_id: Option<String>,
        provider_name: Option<String>,
        effective_input_price: Option<f64>,
        effective_output_price: Option<f64>,
        cache_hit_rate: Option<f64>,
        total_tokens: Option<i64>,
    }

    pub struct ChartPoint(x: String) {
        y: Option<HashMap<String, Number>>,
    }

    pub struct ActivityBody {
        analytics: Vec<Box<RawValue>>,
    }

    pub struct Activity(date: String) {
        total_prompt_tokens: Option<i64>,
        total_completion_tokens: Option<i64>,
        total_native_tokens_cached: Option<i64>,
        count: Option<i64>,
    }
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

/// A single number, or a string that contains one; null counts as absent.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Number(#[serde(deserialize_with = "lenient::number")] pub Option<f64>);
