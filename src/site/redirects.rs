//! Addresses that visitors and programs try out of habit, and the addresses that exist.

use super::parts::link;
use super::registry::{PAGES, REFERENCE};
use crate::snapshot::{ModelEntry, ProviderEntry, Snapshot};
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use percent_encoding::percent_decode_str;

const FEED: &str = "/changes.atom";
const DESCRIPTION: &str = "/api/v1/openapi.json";

/// Familiar addresses, and where each leads.
pub const FAMILIAR: [(&str, &str); 16] = [
    ("/docs", REFERENCE),
    ("/api/docs", REFERENCE),
    ("/swagger", REFERENCE),
    ("/openapi.json", DESCRIPTION),
    ("/api/openapi.json", DESCRIPTION),
    ("/swagger.json", DESCRIPTION),
    ("/feed", FEED),
    ("/feed.xml", FEED),
    ("/feed.atom", FEED),
    ("/rss", FEED),
    ("/rss.xml", FEED),
    ("/atom.xml", FEED),
    ("/health", "/readyz"),
    ("/healthz", "/readyz"),
    ("/ping", "/livez"),
    ("/favicon.ico", "/favicon.svg"),
];

/// Adds the permanent redirects of the familiar addresses.
pub fn with_familiar<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    let add = |router: Router<S>, (path, target): (&'static str, &'static str)| {
        router.route(path, get(move || async move { Redirect::permanent(target) }))
    };
    FAMILIAR.into_iter().fold(router, add)
}

/// The model that a name means in other letters: capitals, or a slash at the end.
pub fn model<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a ModelEntry> {
    let name = name.trim_end_matches('/');
    let is_named = |text: &str| text.eq_ignore_ascii_case(name);
    let by_id = snapshot.models.iter().find(|model| is_named(&model.model_id));
    let is_slug = |model: &&ModelEntry| model.variant.is_standard() && is_named(model.slug.as_str());
    by_id.or_else(|| snapshot.models.iter().find(is_slug))
}

/// The provider that a slug means in other letters.
pub fn provider<'a>(snapshot: &'a Snapshot, slug: &str) -> Option<&'a ProviderEntry> {
    snapshot.providers.iter().find(|entry| entry.provider.as_str().eq_ignore_ascii_case(slug))
}

/// The address that an unknown path means: a page in capitals or with a slash at the end, or a model without
/// `/models`.
pub fn meant(snapshot: &Snapshot, path: &str) -> Option<String> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let name = decoded.trim_matches('/');
    let page = PAGES.iter().find(|row| row.path.trim_start_matches('/').eq_ignore_ascii_case(name));
    let page = page.filter(|row| !name.is_empty() && row.path != path).map(|row| row.path.to_owned());
    let below = |base: &str| {
        let (first, rest) = name.split_once('/')?;
        first.eq_ignore_ascii_case(base).then_some(rest)
    };
    let of_model = || model(snapshot, below("models").unwrap_or(name));
    let of_provider = || provider(snapshot, below("providers")?);
    page.or_else(|| of_model().map(|model| link::model(&model.model_id)))
        .or_else(|| of_provider().map(|entry| link::provider(entry.provider.as_str())))
        .filter(|address| address != path)
}
