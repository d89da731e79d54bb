//! The kinds of documents and the two sources that offer them.

use crate::domain::document::{Request, Subject};
use crate::domain::ids::{DocumentName, names};
use crate::upstream::Kind;

/// Name of the documented source in settings, manifests and reports.
pub const API: &str = "openrouter-api";
/// Name of the undocumented source.
pub const STATS: &str = "openrouter-stats";

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

/// All kinds with their subjects, in the order of the enum.
pub(super) const KINDS: [Kind; DocumentKind::ALL.len()] = {
    let mut kinds = [DocumentKind::Models.described(); DocumentKind::ALL.len()];
    let mut position = 0;
    while position < kinds.len() {
        kinds[position] = DocumentKind::ALL[position].described();
        position += 1;
    }
    kinds
};

impl DocumentKind {
    const fn described(self) -> Kind {
        Kind { name: self.as_str(), about: self.about() }
    }

    /// What its documents are about.
    pub(super) const fn about(self) -> Subject {
        match self {
            Self::Models => Subject::Models,
            Self::Providers | Self::AllProviders => Subject::Providers,
            Self::PublicEndpoints | Self::StatsEndpoint => Subject::Endpoints,
            Self::EffectivePricing => Subject::Usage,
            Self::ModelActivity => Subject::Activity,
            Self::HitRateComparison => Subject::ClosingRates,
        }
    }

    /// The source that requests it.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Models | Self::Providers | Self::PublicEndpoints => API,
            _ => STATS,
        }
    }

    /// The kind of the document that a request names; `None` if no version knows it.
    pub(super) fn of(request: &Request) -> Option<Self> {
        Self::parse(request.kind.as_str())
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
