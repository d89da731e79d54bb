//! Models, providers and endpoints as one run saw them.

use super::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use super::units::UsdPerMtok;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A model in one variant, as the public list names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Canonical slug, shared by the variants.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Public name with the variant's suffix: `author/name:free`.
    pub model_id: String,
    /// Name for people; the upstream's text, untrusted.
    pub name: String,
    /// When the upstream listed it.
    pub created: Option<DateTime<Utc>>,
    /// Longest context of its default route, tokens.
    pub context_length: Option<i64>,
}

/// A provider as the upstream lists it. All texts are the upstream's, untrusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Base slug.
    pub provider: ProviderSlug,
    /// Name for people.
    pub name: String,
    /// Country code of its headquarters.
    pub headquarters: Option<String>,
    /// Its own status page.
    pub status_page: Option<String>,
    /// Its privacy policy.
    pub privacy_policy: Option<String>,
    /// Its terms of service.
    pub terms_of_service: Option<String>,
}

/// List prices after discount, USD per million tokens; absent is not zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListPrices {
    /// Prompt tokens.
    pub input: Option<UsdPerMtok>,
    /// Completion tokens.
    pub output: Option<UsdPerMtok>,
    /// Prompt tokens found in the cache.
    pub cache_read: Option<UsdPerMtok>,
    /// Prompt tokens written to the cache.
    pub cache_write: Option<UsdPerMtok>,
    /// The discount that is already taken off, fraction.
    pub discount: Option<f64>,
    /// Conditional prices; later entries win key by key.
    #[serde(default)]
    pub tiers: Vec<PriceTier>,
}

/// Prices that replace the base ones where all conditions hold; a missing price inherits the base.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceTier {
    /// Holds for prompts strictly longer than this, tokens.
    pub min_prompt_tokens: Option<i64>,
    /// Holds from this clock time on, HHMM UTC; half-open, may wrap midnight.
    pub utc_start: Option<i32>,
    /// Holds until this clock time, HHMM UTC.
    pub utc_end: Option<i32>,
    /// Prompt tokens.
    pub input: Option<UsdPerMtok>,
    /// Completion tokens.
    pub output: Option<UsdPerMtok>,
    /// Prompt tokens found in the cache.
    pub cache_read: Option<UsdPerMtok>,
    /// Prompt tokens written to the cache.
    pub cache_write: Option<UsdPerMtok>,
}

/// What is known of an endpoint besides its numbers: changes seldom, stored as dated rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointFacts {
    /// Canonical slug of the model it serves.
    pub model: ModelSlug,
    /// Variant of the model.
    pub variant: Variant,
    /// The upstream's UUID; `None` while only the documented API is read.
    pub endpoint_id: Option<Uuid>,
    /// Routing name.
    pub tag: Tag,
    /// Base slug of the provider.
    pub provider: ProviderSlug,
    /// Display name: distinguishes brands and regions; untrusted.
    pub provider_name: String,
    /// Self-declared quantization; `None` where it is not told (`unknown` is the upstream's own word).
    pub quantization: Option<String>,
    /// Context length, tokens.
    pub context_length: Option<i64>,
    /// Longest answer, tokens.
    pub max_completion_tokens: Option<i64>,
    /// Region, where told.
    pub region: Option<String>,
    /// Whether prompts are used for training.
    pub trains_on_prompts: Option<bool>,
    /// Whether prompts are kept.
    pub retains_prompts: Option<bool>,
    /// Request parameters it takes, sorted.
    pub parameters: Vec<String>,
    /// Hidden, private or bring-your-own-key only: not offered to everybody.
    pub restricted: bool,
    /// Service tier endpoint or otherwise de-ranked by the upstream.
    pub deranked: bool,
    /// Switched off by the upstream.
    pub disabled: bool,
}
