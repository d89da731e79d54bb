//! The kinds of documents and the two sources that offer them.

use crate::domain::document::{Request, Subject};
use crate::domain::ids::DocumentName;
use crate::upstream::Kind;

/// Name of the documented source in settings, manifests and reports.
pub const API: &str = "openrouter-api";
/// Name of the undocumented source.
pub const STATS: &str = "openrouter-stats";

/// The kind of a document. Its name appears in manifests, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentKind {
    /// The list of models, which determines what is swept.
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

use DocumentKind::{
    AllProviders, EffectivePricing, HitRateComparison, ModelActivity, Models, Providers, PublicEndpoints,
    StatsEndpoint,
};

/// All kinds, in the order of the enum.
const ALL: [DocumentKind; 8] = [
    Models,
    Providers,
    PublicEndpoints,
    AllProviders,
    StatsEndpoint,
    EffectivePricing,
    ModelActivity,
    HitRateComparison,
];

/// Their names and subjects, in the same order.
pub(super) const KINDS: [Kind; 8] = [
    Kind { name: "models", about: Subject::Models },
    Kind { name: "providers", about: Subject::Providers },
    Kind { name: "public_endpoints", about: Subject::Endpoints },
    Kind { name: "all_providers", about: Subject::Providers },
    Kind { name: "stats_endpoint", about: Subject::Endpoints },
    Kind { name: "effective_pricing", about: Subject::Usage },
    Kind { name: "model_activity", about: Subject::Activity },
    Kind { name: "hit_rate_comparison", about: Subject::ClosingRates },
];

impl DocumentKind {
    /// The name in manifests, quarantine and drift.
    pub fn as_str(self) -> &'static str {
        KINDS[self as usize].name
    }

    /// What its documents are about.
    pub(super) fn about(self) -> Subject {
        KINDS[self as usize].about
    }

    /// The source that requests it.
    pub(super) fn source(self) -> &'static str {
        match self {
            Models | Providers | PublicEndpoints => API,
            _ => STATS,
        }
    }

    /// The kind of the document that a request names; `None` if no version knows it.
    pub(super) fn of(request: &Request) -> Option<Self> {
        ALL.into_iter().find(|kind| request.kind == *kind)
    }
}

impl From<DocumentKind> for DocumentName {
    fn from(kind: DocumentKind) -> Self {
        Self::new(kind.as_str())
    }
}

impl PartialEq<DocumentKind> for DocumentName {
    fn eq(&self, kind: &DocumentKind) -> bool {
        self.as_str() == kind.as_str()
    }
}
