//! Observed changes of the upstream.

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
        /// The usage summaries cover another kind of window.
        WindowChanged = "window_changed",
    }
}
