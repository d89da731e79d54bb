//! OpenRouter: the documented API and the undocumented statistics routes. They are two sources, and each can be
//! switched off separately.

mod backfill;
mod decode;
mod drift;
mod fields;
pub mod join;
mod kind;
mod lenient;
mod names;
mod price_override;
mod read;
mod recorded;
mod shape;
mod wire;

use super::history::{Answered, HistoryQuery, KnownEndpoint, PastBody};
use super::{Due, Kind, Outcome, Upstream};
use crate::config;
use crate::domain::document::{Pair, Request};
use crate::domain::endpoint::{Model, Provider};
use crate::domain::reading::{Activity, ClosingRate, Known, Reading, RunReadings};
use crate::domain::thresholds;
use chrono::{DateTime, Timelike, Utc};

pub use decode::{Decoded, StatsEndpoint, Summary, UsageBody, decode};
pub use fields::wire_fields;
pub use kind::DocumentKind;
pub use names::{known_name, upstream_names};

/// Its name in the archive and in the record.
pub const NAME: &str = "openrouter";

/// Number of models that are tried first on a route that may not exist: a removed route then costs three requests per
/// day instead of one per model.
const TRIED_FIRST: usize = 3;

/// The content of a decoded document.
#[derive(Debug, Clone)]
pub enum Content {
    /// Models to sweep, without aliases and router pseudo-models.
    Models(Vec<Model>),
    /// Providers.
    Providers(Vec<Provider>),
    /// Endpoints of a pair in the documented API, without UUIDs.
    PublicEndpoints(Vec<Reading>),
    /// Endpoints of a pair in the statistics.
    StatsEndpoints(Vec<StatsEndpoint>),
    /// Usage of a pair.
    Usage(UsageBody),
    /// Daily activity of a pair.
    Activity(Vec<Activity>),
    /// Hit rates of a pair by endpoint and UTC day; the last day is the current one.
    Comparison(Vec<ClosingRate>),
}

/// OpenRouter with the sources that are switched on. The documented API: `/api/v1/models`,
/// `/api/v1/models/{id}/endpoints`, `/api/v1/providers`. The undocumented statistics: `stats/endpoint`,
/// `stats/effective-pricing`, `stats/model-activity`, `stats/cache-hit-rate-comparison`, `all-providers`.
#[derive(Debug, Clone)]
pub struct OpenRouter {
    base_url: String,
    has_api: bool,
    has_statistics: bool,
    /// Whether to read the statistics' daily series of hit rates.
    has_comparison: bool,
}

impl OpenRouter {
    /// The upstream with these settings.
    pub fn new(settings: &config::Upstream) -> Self {
        Self {
            base_url: settings.base_url.trim_end_matches('/').to_owned(),
            has_api: settings.openrouter_api,
            has_statistics: settings.openrouter_stats,
            has_comparison: settings.openrouter_stats && settings.hit_rate_comparison,
        }
    }

    /// The documents of each model; `daily` adds those that are requested once per UTC day.
    fn plan(&self, models: &[Model], daily: bool) -> Vec<Request> {
        let mut plan: Vec<Request> = Vec::new();
        if self.has_api {
            plan.extend(models.iter().map(public_endpoints));
        }
        if self.has_statistics {
            plan.extend(models.iter().flat_map(|model| statistics_of(pair_of(model), daily)));
        }
        // Usage first: the last sweep of a UTC day must read it before midnight, when counts restart from zero.
        plan.sort_by_key(|request| request.kind != DocumentKind::EffectivePricing);
        plan
    }

    /// Whether this sweep must request the closing values of past days. Starting with the first sweep of a UTC day that
    /// is late enough for the previous day to be settled, each one does until one has received them.
    fn wants_closing(&self, due: &Due) -> bool {
        let settled = due.at.num_seconds_from_midnight() >= thresholds::CLOSING_SETTLE_MINUTES * 60;
        self.has_comparison && settled && due.closing_rates
    }
}

impl Upstream for OpenRouter {
    fn name(&self) -> &'static str {
        NAME
    }
    fn base_url(&self) -> &str {
        &self.base_url
    }
    fn kinds(&self) -> &'static [Kind] {
        &kind::KINDS
    }
    fn first(&self) -> Vec<Request> {
        // Both sources need the list of models.
        let lists = [
            (true, DocumentKind::Models, "/api/v1/models"),
            (self.has_api, DocumentKind::Providers, "/api/v1/providers"),
            (self.has_statistics, DocumentKind::AllProviders, "/api/frontend/v1/all-providers"),
        ];
        let list = |(_, kind, path): (bool, DocumentKind, &str)| Request {
            kind: kind.into(),
            pair: None,
            path: path.into(),
        };
        lists.into_iter().filter(|(is_on, ..)| *is_on).map(list).collect()
    }
    fn next(&self, outcomes: &[Outcome<'_>], due: &Due) -> Vec<Request> {
        if outcomes.iter().all(|one| one.request.pair.is_none()) {
            return self.plan(&models_of(outcomes), due.activity);
        }
        if self.wants_closing(due) { closing(outcomes) } else { Vec::new() }
    }
    fn read(&self, outcomes: &[Outcome<'_>], observed_at: DateTime<Utc>, known: &Known) -> RunReadings {
        read::readings(outcomes, observed_at, known)
    }
    fn recorded(
        &self,
        models: &[u8],
        providers: &[u8],
        lines: &[u8],
    ) -> (Vec<(Request, Vec<u8>)>, Vec<usize>) {
        let mut documents = vec![
            recorded::list(DocumentKind::Models, "/api/v1/models", models),
            recorded::list(DocumentKind::AllProviders, "/api/frontend/v1/all-providers", providers),
        ];
        let mut unread = Vec::new();
        for (number, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            match recorded::documents(line) {
                Some(more) => documents.extend(more),
                None if line.iter().all(u8::is_ascii_whitespace) => {}
                None => unread.push(number + 1),
            }
        }
        (documents, unread)
    }
    fn field_names(&self, path: &str) -> (String, &'static [&'static str]) {
        upstream_names(path)
    }
    fn history(&self, query: &HistoryQuery, answered: &Answered) -> Vec<Request> {
        if self.has_statistics { backfill::plan(query, answered) } else { Vec::new() }
    }
    fn read_history(&self, outcome: &Outcome<'_>, known: &[KnownEndpoint]) -> Option<PastBody> {
        backfill::read(outcome, known)
    }
}

/// The models in the list of models; empty if the list was not received or cannot be read.
fn models_of(outcomes: &[Outcome<'_>]) -> Vec<Model> {
    let list = outcomes.iter().find(|one| one.request.kind == DocumentKind::Models);
    match list.and_then(decode).and_then(|decoded| decoded.content) {
        Some(Content::Models(models)) => models,
        _ => Vec::new(),
    }
}

/// The requests for the closing values of past days: of a few pairs with endpoints first, and of the rest only if one
/// of them was answered. A missing route returns 404 to each of them; any other error is an ordinary failure.
fn closing(outcomes: &[Outcome<'_>]) -> Vec<Request> {
    let of = |kind: DocumentKind| outcomes.iter().filter(move |one| one.request.kind == kind);
    let answered = of(DocumentKind::StatsEndpoint).filter(|one| one.status == Some(200));
    let mut pairs: Vec<&Pair> = answered.filter_map(|one| one.request.pair.as_ref()).collect();
    // Standard variants first.
    pairs.sort_by_key(|pair| !pair.variant.is_standard());
    let (kind, route) = (DocumentKind::HitRateComparison, "stats/cache-hit-rate-comparison");
    let request = |pair: &Pair| statistics(pair.clone(), kind, route, "&timeRange=1w");
    let tried = of(kind).count();
    match tried {
        0 => pairs.into_iter().take(TRIED_FIRST).map(request).collect(),
        TRIED_FIRST if of(kind).any(|one| one.answered() == Some(200)) => {
            pairs.into_iter().skip(tried).map(request).collect()
        }
        _ => Vec::new(),
    }
}

/// The request for the documented endpoints of a model.
fn public_endpoints(model: &Model) -> Request {
    Request {
        kind: DocumentKind::PublicEndpoints.into(),
        pair: Some(pair_of(model)),
        path: format!("/api/v1/models/{}/endpoints", path_escape(&model.model_id)),
    }
}

/// The requests for the statistics of a pair.
fn statistics_of(pair: Pair, daily: bool) -> impl Iterator<Item = Request> {
    let routes = [
        (DocumentKind::StatsEndpoint, "stats/endpoint", ""),
        (DocumentKind::EffectivePricing, "stats/effective-pricing", "&shape=v7"),
        (DocumentKind::ModelActivity, "stats/model-activity", ""),
    ];
    let routes = routes.into_iter().take(if daily { 3 } else { 2 });
    routes.map(move |(kind, route, extra)| statistics(pair.clone(), kind, route, extra))
}

/// A request for the statistics of a pair.
fn statistics(pair: Pair, kind: DocumentKind, route: &str, extra: &str) -> Request {
    let path = statistics_path(&pair, route, extra);
    Request { kind: kind.into(), pair: Some(pair), path }
}

/// The path of the statistics of a pair.
fn statistics_path(pair: &Pair, route: &str, extra: &str) -> String {
    format!(
        "/api/frontend/v1/{route}?permaslug={}&variant={}{extra}",
        query_escape(pair.model.as_str()),
        query_escape(pair.variant.as_str())
    )
}

fn pair_of(model: &Model) -> Pair {
    Pair { model: model.model.clone(), variant: model.variant.clone() }
}

/// Escapes the characters that a path must not contain; slashes and colons of model ids remain. An id with dot segments,
/// which would lead to another route, becomes one segment that no upstream knows.
fn path_escape(text: &str) -> String {
    if text.split('/').any(|segment| matches!(segment, "." | "..")) {
        return format!("%2F{}", escape(text, b"-._~:"));
    }
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
            is_free: None,
            aliases: Vec::new(),
        }
    }

    fn upstream(has_api: bool, has_statistics: bool) -> OpenRouter {
        OpenRouter { base_url: String::new(), has_api, has_statistics, has_comparison: has_statistics }
    }

    fn outcome(request: &Request, status: u16) -> Outcome<'_> {
        let fetched_at = DateTime::default();
        Outcome { request, status: Some(status), error: None, fetched_at, sha256: "", body: &[] }
    }

    #[test]
    fn the_plan_asks_by_id_and_by_canonical_slug() {
        let models = [model("a/b:free")];
        assert_eq!(upstream(true, false).plan(&models, true)[0].path, "/api/v1/models/a/b:free/endpoints");
        let stats = upstream(false, true).plan(&models, false);
        assert_eq!(stats.len(), 2);
        assert_eq!(
            stats[0].path,
            "/api/frontend/v1/stats/effective-pricing?permaslug=a/b-2026&variant=free&shape=v7"
        );
        assert_eq!(upstream(false, true).plan(&models, true).len(), 3);
    }

    #[test]
    fn hostile_ids_cannot_change_the_address() {
        let models = [model("a/b?x=1#y&z")];
        assert_eq!(
            upstream(true, false).plan(&models, false)[0].path,
            "/api/v1/models/a/b%3Fx%3D1%23y%26z/endpoints"
        );
        // Dot segments would lead to other routes: a client removes them before it sends the request.
        for (id, path) in [
            ("../../frontend/v1/x", "%2F..%2F..%2Ffrontend%2Fv1%2Fx"),
            ("a/./b", "%2Fa%2F.%2Fb"),
            ("..", "%2F.."),
            ("a/b-2.5", "a/b-2.5"),
        ] {
            let planned = upstream(true, false).plan(&[model(id)], false);
            assert_eq!(planned[0].path, format!("/api/v1/models/{path}/endpoints"));
        }
    }

    #[test]
    fn closing_values_are_tried_on_three_models_before_the_rest_is_requested() {
        let models = ["a/b:free", "a/b", "c/d", "e/f", "g/h"].map(model);
        let asked = upstream(true, true).plan(&models, false);
        let due = Due {
            at: DateTime::default() + chrono::Duration::hours(12),
            activity: true,
            closing_rates: true,
        };
        let answers: Vec<Outcome<'_>> = asked.iter().map(|request| outcome(request, 200)).collect();
        let tried = upstream(true, true).next(&answers, &due);
        assert_eq!(
            tried[0].path,
            "/api/frontend/v1/stats/cache-hit-rate-comparison?permaslug=a/b-2026&variant=standard&timeRange=1w"
        );
        assert_eq!(tried.len(), TRIED_FIRST);
        let after = |status: u16| {
            let tried = tried.iter().map(|request| outcome(request, status));
            let outcomes: Vec<Outcome<'_>> = answers.iter().copied().chain(tried).collect();
            upstream(true, true).next(&outcomes, &due)
        };
        assert_eq!(after(200).len(), 2, "the rest");
        assert!(after(404).is_empty(), "the route is not offered");
        assert!(upstream(true, false).next(&answers, &due).is_empty(), "only the statistics have them");
        let early = Due { at: DateTime::default(), ..due };
        assert!(upstream(true, true).next(&answers, &early).is_empty(), "the previous day is not settled");
        assert!(upstream(true, true).next(&answers, &Due { closing_rates: false, ..due }).is_empty());
    }
}
