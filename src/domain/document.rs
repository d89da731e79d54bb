//! What is asked of an upstream, as plans and manifests name it.

use super::ids::{ModelSlug, Variant};
use serde::{Deserialize, Serialize};

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
        }
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
