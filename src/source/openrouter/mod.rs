//! OpenRouter: the documented API and the undocumented statistics routes. They are two sources, and each can be
//! switched off separately.

mod decode;
mod drift;
mod fields;
pub mod join;
mod lenient;
mod names;
mod price_override;
mod wire;

use super::{Decoded, Document, DocumentKind, Pair, Request, Source};
pub use crate::domain::document::{OPENROUTER_API as API, OPENROUTER_STATS as STATS};
use crate::domain::endpoint::{Model, Provider};
use crate::domain::reading::{Activity, ClosingRate};

pub use fields::wire_fields;
pub use names::{known_name, upstream_names};

pub use decode::{PublicEndpoint, StatsEndpoint, Summary, UsageBody};

/// The content of a decoded document.
#[derive(Debug, Clone)]
pub enum Content {
    /// Models to sweep, without aliases and router pseudo-models.
    Models(Vec<Model>),
    /// Providers.
    Providers(Vec<Provider>),
    /// Endpoints of a pair in the documented API.
    PublicEndpoints(Vec<PublicEndpoint>),
    /// Endpoints of a pair in the statistics.
    StatsEndpoints(Vec<StatsEndpoint>),
    /// Usage of a pair.
    Usage(UsageBody),
    /// Daily activity of a pair.
    Activity(Vec<Activity>),
    /// Hit rates of a pair by endpoint and UTC day; the last day is the current one.
    Comparison(Vec<ClosingRate>),
}

/// The documented API: `/api/v1/models`, `/api/v1/models/{id}/endpoints`, `/api/v1/providers`.
#[derive(Debug, Clone, Copy)]
pub struct OpenRouterApi;

/// The undocumented statistics: `stats/endpoint`, `stats/effective-pricing`, `stats/model-activity`,
/// `stats/cache-hit-rate-comparison`, `all-providers`.
#[derive(Debug, Clone, Copy)]
pub struct OpenRouterStats;

/// The request for the list of models. Both sources need it, so it is sent if either of them is enabled.
pub fn models_request() -> Request {
    Request { kind: DocumentKind::Models, pair: None, path: "/api/v1/models".into() }
}

impl Source for OpenRouterApi {
    fn name(&self) -> &'static str {
        API
    }
    fn index(&self) -> Vec<Request> {
        vec![Request { kind: DocumentKind::Providers, pair: None, path: "/api/v1/providers".into() }]
    }
    fn plan(&self, models: &[Model], _daily: bool) -> Vec<Request> {
        let request = |model: &Model| Request {
            kind: DocumentKind::PublicEndpoints,
            pair: Some(pair_of(model)),
            path: format!("/api/v1/models/{}/endpoints", path_escape(&model.model_id)),
        };
        models.iter().map(request).collect()
    }
    fn closing(&self, _pairs: &[Pair]) -> Vec<Request> {
        Vec::new()
    }
    fn decode(&self, document: &Document<'_>) -> Decoded {
        decode::decode(document)
    }
}

impl Source for OpenRouterStats {
    fn name(&self) -> &'static str {
        STATS
    }
    fn index(&self) -> Vec<Request> {
        let path = "/api/frontend/v1/all-providers".into();
        vec![Request { kind: DocumentKind::AllProviders, pair: None, path }]
    }
    fn plan(&self, models: &[Model], daily: bool) -> Vec<Request> {
        let mut routes = vec![
            (DocumentKind::StatsEndpoint, "stats/endpoint", ""),
            (DocumentKind::EffectivePricing, "stats/effective-pricing", "&shape=v7"),
        ];
        if daily {
            routes.push((DocumentKind::ModelActivity, "stats/model-activity", ""));
        }
        let request = |model: &Model, (kind, route, extra): &(DocumentKind, &str, &str)| {
            statistics(pair_of(model), *kind, route, extra)
        };
        models.iter().flat_map(|model| routes.iter().map(move |route| request(model, route))).collect()
    }
    fn closing(&self, pairs: &[Pair]) -> Vec<Request> {
        let (kind, route) = (DocumentKind::HitRateComparison, "stats/cache-hit-rate-comparison");
        pairs.iter().map(|pair| statistics(pair.clone(), kind, route, "&timeRange=1w")).collect()
    }
    fn decode(&self, document: &Document<'_>) -> Decoded {
        decode::decode(document)
    }
}

/// A request for the statistics of a pair.
fn statistics(pair: Pair, kind: DocumentKind, route: &str, extra: &str) -> Request {
    let path = format!(
        "/api/frontend/v1/{route}?permaslug={}&variant={}{extra}",
        query_escape(pair.model.as_str()),
        query_escape(pair.variant.as_str())
    );
    Request { kind, pair: Some(pair), path }
}

fn pair_of(model: &Model) -> Pair {
    Pair { model: model.model.clone(), variant: model.variant.clone() }
}

/// Escapes the characters that a path must not contain; slashes and colons of model ids remain.
fn path_escape(text: &str) -> String {
    escape(text, b"-._~/:")
}

fn query_escape(text: &str) -> String {
    escape(text, b"-._~/")
}

fn escape(text: &str, plain: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ModelSlug, Variant};

    fn model(id: &str) -> Model {
        let (base, variant) = Variant::split(id);
        Model {
            model: ModelSlug::new(format!("{base}-2026")),
            variant,
            model_id: id.into(),
            name: id.into(),
            created: None,
            context_length: None,
        }
    }

    #[test]
    fn the_plan_asks_by_id_and_by_canonical_slug() {
        let models = [model("a/b:free")];
        assert_eq!(OpenRouterApi.plan(&models, true)[0].path, "/api/v1/models/a/b:free/endpoints");
        let stats = OpenRouterStats.plan(&models, false);
        assert_eq!(stats.len(), 2);
        assert_eq!(
            stats[1].path,
            "/api/frontend/v1/stats/effective-pricing?permaslug=a/b-2026&variant=free&shape=v7"
        );
        assert_eq!(OpenRouterStats.plan(&models, true).len(), 3);
        let closing = OpenRouterStats.closing(&[pair_of(&models[0])]);
        assert_eq!(
            closing[0].path,
            "/api/frontend/v1/stats/cache-hit-rate-comparison?permaslug=a/b-2026&variant=free&timeRange=1w"
        );
        assert!(OpenRouterApi.closing(&[pair_of(&models[0])]).is_empty());
    }

    #[test]
    fn hostile_ids_cannot_change_the_address() {
        let models = [model("a/b?x=1#y&z")];
        assert_eq!(
            OpenRouterApi.plan(&models, false)[0].path,
            "/api/v1/models/a/b%3Fx%3D1%23y%26z/endpoints"
        );
    }
}
