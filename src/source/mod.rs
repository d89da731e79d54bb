//! Upstreams: what to ask them, and what their answers say. Pure: no network, no clock, no disk, so that live
//! collection and replay take one path.

pub mod openrouter;

use crate::domain::endpoint::Model;
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::reading::{DriftPath, Quarantined};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
            Self::Models | Self::Providers | Self::PublicEndpoints => openrouter::API,
            _ => openrouter::STATS,
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

/// An answer of the upstream, as archived.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// HTTP status.
    pub status: u16,
    /// sha256 of the body, hex.
    pub sha256: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What a document says.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// The content; `None` where there is none (404, an empty body) or it could not be read.
    pub content: Option<openrouter::Content>,
    /// What could not be read, with its JSON path.
    pub quarantined: Vec<Quarantined>,
    /// Fields that the wire types do not know.
    pub drift: BTreeMap<DriftPath, usize>,
    /// Whether the answer is unusable as a whole (not "nothing here", but undecodable).
    pub failed: bool,
}

/// An upstream: what to ask, and what the answers mean.
pub trait Source: Send + Sync {
    /// Name in configuration and reports.
    fn name(&self) -> &'static str;
    /// What to ask before the models are known.
    fn index(&self) -> Vec<Request>;
    /// What to ask for the models swept; `daily` adds what is wanted once a UTC day.
    fn plan(&self, models: &[Model], daily: bool) -> Vec<Request>;
    /// Reads an answer.
    fn decode(&self, document: &Document<'_>) -> Decoded;
}
