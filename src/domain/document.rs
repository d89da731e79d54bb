//! The documents requested from an upstream, as plans and manifests name them.

use super::ids::{ModelSlug, Variant, names};
use serde::{Deserialize, Serialize};

/// Name of the documented source in settings, manifests and reports.
pub const OPENROUTER_API: &str = "openrouter-api";
/// Name of the undocumented source.
pub const OPENROUTER_STATS: &str = "openrouter-stats";

names! {
    /// The kind of a document. Its name appears in manifests, so it never changes.
    DocumentKind {
        /// The list of models, which determines what is swept.
        Models = "models",
        /// The documented list of providers.
        Providers = "providers",
        /// The documented endpoints of a model id.
        PublicEndpoints = "public_endpoints",
        /// The statistics' richer list of providers.
        AllProviders = "all_providers",
        /// The statistics' endpoints of a (model, variant).
        StatsEndpoint = "stats_endpoint",
        /// Hit rates and effective prices of a (model, variant).
        EffectivePricing = "effective_pricing",
        /// Tokens by day of a (model, variant).
        ModelActivity = "model_activity",
        /// Hit rates by UTC day of a (model, variant): the closing values of the last week.
        HitRateComparison = "hit_rate_comparison",
    }
}

impl DocumentKind {
    /// Kinds that are requested once a UTC day: a sweep is whole without them.
    pub const DAILY: [Self; 2] = [Self::ModelActivity, Self::HitRateComparison];

    /// Whether it is requested once a UTC day.
    pub fn is_daily(self) -> bool {
        Self::DAILY.contains(&self)
    }

    /// The source that requests it.
    pub fn source(self) -> &'static str {
        match self {
            Self::Models | Self::Providers | Self::PublicEndpoints => OPENROUTER_API,
            _ => OPENROUTER_STATS,
        }
    }
}

/// The (model, variant) of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// Canonical slug.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
}

/// One request to the upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Kind of the requested document.
    pub kind: DocumentKind,
    /// The pair, if the document is about one.
    pub pair: Option<Pair>,
    /// Path and query relative to the upstream's base URL.
    pub path: String,
}

names! {
    /// Result of a route that is requested at most once per UTC day. A missing route is not a failure: it answers 404 for
    /// every model.
    RouteAnswer {
        /// It returned data for most of the requested models.
        Answered = "answered",
        /// The upstream does not have the route.
        NotOffered = "not_offered",
        /// It was requested but gave no usable answer; the next sweep of the day requests it again.
        Failed = "failed",
    }
}

impl RouteAnswer {
    /// Classifies the route by the number of requests that were answered, were answered 404, or failed; `None` if
    /// nothing was requested.
    pub fn judge(answered: usize, missing: usize, failed: usize) -> Option<Self> {
        match (answered, missing, failed) {
            (0, 0, 0) => None,
            (0, _, 0) => Some(Self::NotOffered),
            (0, ..) => Some(Self::Failed),
            _ if failed > answered + missing => Some(Self::Failed),
            _ => Some(Self::Answered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RouteAnswer::{self, Answered, Failed, NotOffered};

    #[test]
    fn a_missing_route_is_no_failure_and_a_failure_no_missing_route() {
        assert_eq!(RouteAnswer::judge(0, 0, 0), None);
        assert_eq!(RouteAnswer::judge(0, 3, 0), Some(NotOffered));
        assert_eq!(RouteAnswer::judge(0, 2, 1), Some(Failed));
        assert_eq!(RouteAnswer::judge(0, 0, 3), Some(Failed));
        assert_eq!(RouteAnswer::judge(400, 30, 5), Some(Answered));
        assert_eq!(RouteAnswer::judge(3, 0, 400), Some(Failed));
        for answer in [Answered, NotOffered, Failed] {
            assert_eq!(RouteAnswer::parse(answer.as_str()), Some(answer));
        }
    }
}
