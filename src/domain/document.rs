//! What is asked of an upstream, as plans and manifests name it.

use super::ids::{ModelSlug, Variant};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Name of the documented source in settings, manifests and reports.
pub const OPENROUTER_API: &str = "openrouter-api";
/// Name of the undocumented source.
pub const OPENROUTER_STATS: &str = "openrouter-stats";

/// What a document is about; the name stands in manifests, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// The list of models: what is swept follows from it.
    Models,
    /// The documented list of providers.
    Providers,
    /// The documented endpoints of a model id.
    PublicEndpoints,
    /// The statistics' richer list of providers.
    AllProviders,
    /// The statistics' endpoints of a (model, variant).
    StatsEndpoint,
    /// Hit rates and effective prices of a (model, variant).
    EffectivePricing,
    /// Tokens by day of a (model, variant).
    ModelActivity,
    /// Hit rates by UTC day of a (model, variant): the closing values of the last week.
    HitRateComparison,
}

impl DocumentKind {
    /// The name in manifests, quarantine and drift.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Providers => "providers",
            Self::PublicEndpoints => "public_endpoints",
            Self::AllProviders => "all_providers",
            Self::StatsEndpoint => "stats_endpoint",
            Self::EffectivePricing => "effective_pricing",
            Self::ModelActivity => "model_activity",
            Self::HitRateComparison => "hit_rate_comparison",
        }
    }

    /// Kinds that are requested once a UTC day: a sweep is whole without them.
    pub const DAILY: [Self; 2] = [Self::ModelActivity, Self::HitRateComparison];

    /// Whether it is requested once a UTC day.
    pub fn is_daily(self) -> bool {
        Self::DAILY.contains(&self)
    }

    /// The source that asks for it.
    pub fn source(self) -> &'static str {
        match self {
            Self::Models | Self::Providers | Self::PublicEndpoints => OPENROUTER_API,
            _ => OPENROUTER_STATS,
        }
    }
}

/// The (model, variant) a document is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// Canonical slug.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
}

/// One thing to ask the upstream for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What it is about.
    pub kind: DocumentKind,
    /// Whose it is, where it is about one pair.
    pub pair: Option<Pair>,
    /// Path and query below the upstream's base address.
    pub path: String,
}

/// What came of a route that is asked at most once a UTC day. That a route is not there is no failure: it says so with
/// 404 for every model that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteAnswer {
    /// It told something of most models asked for.
    Answered,
    /// The upstream does not have the route.
    NotOffered,
    /// It was asked and did not answer usably: asked again in the next sweep of the day.
    Failed,
}

impl RouteAnswer {
    /// The name used in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NotOffered => "not_offered",
            Self::Failed => "failed",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Answered, Self::NotOffered, Self::Failed].into_iter().find(|answer| answer.as_str() == name)
    }

    /// Judges by how many requests were answered, how many with "no such address", and how many not usably; `None`
    /// where nothing was asked.
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
