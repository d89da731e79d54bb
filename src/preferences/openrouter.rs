//! OpenRouter's `provider` object.
//!
//! `order` is written only on request: it disables both load balancing and sticky routing, and without sticky routing
//! the cache is lost, which is the purpose of the preference. `ignore` and `only` leave sticky routing enabled.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Name of this target.
pub const TARGET: &str = "openrouter";

/// The part of a request that controls the routing; unset fields are omitted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderObject {
    /// Tags that are tried first, in this order; disables sticky routing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order: Option<Vec<String>>,
    /// Tags to exclude.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ignore: Option<Vec<String>>,
    /// The only tags to use.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub only: Option<Vec<String>>,
    /// Whether another endpoint of the list is tried if one fails.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allow_fallbacks: Option<bool>,
    /// The only weight formats to use.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quantizations: Option<Vec<String>>,
    /// `deny`: only providers that do not collect prompts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data_collection: Option<String>,
    /// Only endpoints with zero data retention.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zdr: Option<bool>,
    /// Only endpoints that support every parameter of the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub require_parameters: Option<bool>,
    /// Highest list prices.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_price: Option<MaxPrice>,
}

/// Highest list prices, USD per million tokens, as decimals in text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaxPrice {
    /// Prompt tokens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompt: Option<String>,
    /// Completion tokens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub completion: Option<String>,
}
