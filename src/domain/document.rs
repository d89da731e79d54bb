//! The documents requested from an upstream, as plans and manifests name them.

use super::ids::{DocumentName, ModelSlug, Variant, names};
use serde::{Deserialize, Serialize};

/// What the documents of a kind are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The models, which determine what is swept.
    Models,
    /// The providers.
    Providers,
    /// The endpoints of models.
    Endpoints,
    /// The usage of endpoints.
    Usage,
    /// The tokens of models by day.
    Activity,
    /// The closing hit rates of past days.
    ClosingRates,
}

impl Subject {
    /// Whether it is requested once a UTC day: a sweep is whole without it.
    pub fn is_daily(self) -> bool {
        matches!(self, Self::Activity | Self::ClosingRates)
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
    pub kind: DocumentName,
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
