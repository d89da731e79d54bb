//! OpenRouter's `provider` object.
//!
//! `order` is written only where it is asked for: it switches both load balancing and sticky routing off, and with
//! sticky routing the cache that the whole preference is about. `ignore` and `only` leave it on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Name of this target.
pub const TARGET: &str = "openrouter";

/// Advice on session ids, for people.
pub(super) const SESSION_ADVICE: &str = "send one session_id for each conversation (at most 256 characters): the \
    router then keeps the conversation on the endpoint whose cache is warm";

/// The part of a request that steers the routing; fields that are not set are not written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderObject {
    /// Tags that are tried first, in this order; switches sticky routing off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order: Option<Vec<String>>,
    /// Tags that are not used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ignore: Option<Vec<String>>,
    /// Tags that alone are used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub only: Option<Vec<String>>,
    /// Whether another endpoint of the list is tried where one fails.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allow_fallbacks: Option<bool>,
    /// Weight formats that alone are used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quantizations: Option<Vec<String>>,
    /// `deny`: only providers that do not collect prompts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data_collection: Option<String>,
    /// Only endpoints with zero data retention.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zdr: Option<bool>,
    /// Only endpoints that take every parameter of the request.
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
