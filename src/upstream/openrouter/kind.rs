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

/// All kinds as the door describes them, in the order of the enum.
pub(super) const KINDS: [Kind; 8] = {
    let mut kinds = [Kind { name: "", about: Subject::Models }; 8];
    let mut position = 0;
    while position < kinds.len() {
        kinds[position] = Kind { name: ALL[position].as_str(), about: ALL[position].about() };
        position += 1;
    }
    kinds
};

impl DocumentKind {
    /// The name in manifests, quarantine and drift.
    pub const fn as_str(self) -> &'static str {
        match self {
            Models => "models",
            Providers => "providers",
            PublicEndpoints => "public_endpoints",
            AllProviders => "all_providers",
            StatsEndpoint => "stats_endpoint",
            EffectivePricing => "effective_pricing",
            ModelActivity => "model_activity",
            HitRateComparison => "hit_rate_comparison",
        }
    }

    /// What its documents are about.
    pub const fn about(self) -> Subject {
        match self {
            Models => Subject::Models,
            Providers | AllProviders => Subject::Providers,
            PublicEndpoints | StatsEndpoint => Subject::Endpoints,
            EffectivePricing => Subject::Usage,
            ModelActivity => Subject::Activity,
            HitRateComparison => Subject::ClosingRates,
        }
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
