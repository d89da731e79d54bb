//! Observed changes of the upstream, and changes of what is published about it.

use super::ids::names;

names! {
    /// What changed.
    EventKind for "kind" {
        /// A list price.
        PriceChanged = "price_changed",
        /// An endpoint was added.
        EndpointAppeared = "endpoint_appeared",
        /// An endpoint was removed.
        EndpointGone = "endpoint_gone",
        /// An endpoint has another tag.
        TagChanged = "tag_changed",
        /// A provider has another tier.
        TierChanged = "tier_changed",
        /// The default mode of preferences names other endpoints for a model.
        RecommendationChanged = "recommendation_changed",
        /// The usage summaries cover another kind of window.
        WindowChanged = "window_changed",
    }
}
