//! Routes of the files that accompany the pages.

use super::following::{self, FeedFormat, Scope};
use super::site_map;
use crate::domain::tier::Lens;
use crate::prepared::Prepared;
use crate::site::SiteState;
use crate::site::charts::{OfModel, session_bars};
use crate::site::files::{File, PICTURE_POLICY};
use crate::site::kept::Page;
use crate::site::pages::endpoint::{self, Named};
use crate::site::parts::lens::DEFAULT_LENS;
use crate::site::parts::link;
use crate::site::respond::{Name, Words, empty, page, unknown};
use crate::snapshot::Snapshot;
use crate::table::changes::ChangeQuestion;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use std::sync::Arc;

type Served = State<Arc<SiteState>>;

/// Splits the file name off the end of a path: `(model, file)`.
fn split_file(rest: &str) -> Option<(&str, &str)> {
    rest.rsplit_once('/').filter(|(model, file)| !model.is_empty() && !file.is_empty())
}

/// Reads the rest of an address under the route of pictures; `None` if it refers to none.
pub type Find = fn(&Snapshot, &str, Words) -> Option<File>;

/// The route of pictures: responds with their own content security policy, or with the page for unknown addresses.
pub fn picture(find: Find) -> MethodRouter<Arc<SiteState>> {
    get(move |State(site): Served, headers: HeaderMap, uri: Uri, rest: Name, words: Words| async move {
        let Some(view) = site.view() else { return empty() };
        let rest = rest.map(|Path(rest)| rest).unwrap_or_default();
        let Some(file) = find(&view.snapshot, &rest, words) else { return unknown(uri, State(site)).await };
        let mut response = page(&site, &headers, Page::File(file));
        let is_picture = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
        if let Some(policy) = HeaderValue::from_str(&PICTURE_POLICY).ok().filter(|_| is_picture) {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    })
}

/// The public id of a model by any of its names, if the snapshot has the model.
fn known_model(snapshot: &Snapshot, name: &str) -> Option<String> {
    snapshot.model(name).map(|model| model.model_id.clone())
}

/// The slug of a provider, if the snapshot has it.
fn known_provider(snapshot: &Snapshot, slug: &str) -> Option<String> {
    snapshot.provider(slug).map(|entry| entry.provider.to_string())
}

/// The model and the tag of `{author}/{slug}/{tag}/hours.svg`; a tag may contain slashes.
fn split_hours(rest: &str) -> Option<(&str, &str)> {
    let (endpoint, _) = split_file(rest).filter(|(_, file)| *file == link::HOURS_FILE)?;
    let slash = endpoint.match_indices('/').nth(1)?.0;
    Some((&endpoint[..slash], &endpoint[slash + 1..]))
}

/// `/chart/model/{author}/{slug}/{file}` (including `session-{workload}.svg`), and
/// `/chart/model/{author}/{slug}/{tag}/hours.svg`.
pub fn model_chart(snapshot: &Snapshot, rest: &str, _: Words) -> Option<File> {
    if let Some((model, tag)) = split_hours(rest) {
        let known = snapshot.model(model)?;
        // Only endpoints of the snapshot have a file that is cached.
        known.endpoints.iter().find(|e| e.tag.as_str() == tag)?;
        return Some(File::Hours(known.model_id.clone(), tag.to_owned()));
    }
    let (model, file) = split_file(rest)?;
    if let Some(workload) = session_bars::workload_of(file) {
        let known = snapshot.workload(workload)?;
        return Some(File::Sessions(known_model(snapshot, model)?, known.name.clone()));
    }
    let what = [OfModel::HitRate, OfModel::EffectivePrice].into_iter().find(|what| what.file() == file)?;
    Some(File::ModelChart(known_model(snapshot, model)?, what))
}

/// `/chart/provider/{slug}/{file}`.
pub fn provider_chart(snapshot: &Snapshot, rest: &str, _: Words) -> Option<File> {
    let (slug, _) = split_file(rest).filter(|(_, file)| *file == link::PROVIDER_CHART_FILE)?;
    known_provider(snapshot, slug).map(File::ProviderChart)
}

/// The lens that the query requests, by default [`DEFAULT_LENS`]; `None` if the name is not a lens.
fn lens(words: Words) -> Option<Lens> {
    let words = words.map(|Query(words)| words).unwrap_or_default();
    words.get("lens").map_or(Some(DEFAULT_LENS), |name| name.parse().ok())
}

/// `/badge/{provider}.svg`.
pub fn provider_badge(snapshot: &Snapshot, rest: &str, words: Words) -> Option<File> {
    let slug = known_provider(snapshot, rest.strip_suffix(".svg")?)?;
    Some(File::ProviderBadge(slug, lens(words)?))
}

/// `/badge/model/{author}/{slug}.svg`, and `/badge/model/{author}/{slug}/endpoints/{tag}.svg`.
pub fn model_badge(snapshot: &Snapshot, rest: &str, words: Words) -> Option<File> {
    let name = rest.strip_suffix(".svg")?;
    if let Some(model) = known_model(snapshot, name) {
        return Some(File::ModelBadge(model, lens(words)?));
    }
    match endpoint::named(snapshot, name)? {
        Named::Endpoint(model, found) => Some(File::EndpointBadge(model.model_id.clone(), found.endpoint_id)),
        Named::Unknown(..) => None,
    }
}

/// `/og/provider/{slug}.png`.
pub fn provider_card(snapshot: &Snapshot, rest: &str, _: Words) -> Option<File> {
    known_provider(snapshot, rest.strip_suffix(".png")?).map(File::ProviderCard)
}

/// `/og/model/{author}/{slug}.png`.
pub fn model_card(snapshot: &Snapshot, rest: &str, _: Words) -> Option<File> {
    known_model(snapshot, rest.strip_suffix(".png")?).map(File::ModelCard)
}

/// `/sitemap.xml`. If the public address of the site is unknown, the address that the client used is written, in
/// this response only: one client's address must not end up in a cached response.
pub async fn site_map(State(site): Served, headers: HeaderMap) -> Response {
    let Some(mut view) = site.view() else { return empty() };
    if !view.public_url.is_empty() {
        return page(&site, &headers, Page::File(File::SiteMap));
    }
    view.public_url = site.origin.of(&headers).unwrap_or_default().into();
    match site_map::site_map(&view) {
        Ok(text) => ([(CONTENT_TYPE, "application/xml; charset=utf-8"), (CACHE_CONTROL, "no-store")], text)
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "the site map could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `/robots.txt`.
pub async fn robots(State(site): Served) -> Response {
    let mut text =
        "User-agent: *\nAllow: /\nDisallow: /search\nDisallow: /compare\nDisallow: /explore?\nDisallow: /changes?\nDisallow: /models/*?\n"
            .to_owned();
    let public = &site.public_url;
    if !public.is_empty() {
        text += &format!("\nSitemap: {public}/sitemap.xml\n");
    }
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "public, max-age=86400")];
    (headers, text).into_response()
}

/// The feed of a scope. JSON Feed requires complete addresses: if the public address of the site is unknown, the address
/// that the client used is written, in this response only.
pub fn feed(site: &Arc<SiteState>, headers: &HeaderMap, scope: Scope, format: FeedFormat) -> Response {
    let Some(mut view) = site.view() else { return empty() };
    let origin = site.origin.of(headers).filter(|_| view.public_url.is_empty() && format == FeedFormat::Json);
    let Some(origin) = origin else { return page(site, headers, Page::File(File::Feed(scope, format))) };
    view.public_url = origin.into();
    written(headers, format, following::feed(&view, &scope, format))
}

/// A feed that is made for one request: only its client may keep it, and revalidates it by its ETag.
fn written(headers: &HeaderMap, format: FeedFormat, made: askama::Result<Option<Vec<u8>>>) -> Response {
    match made {
        Ok(Some(body)) => {
            Prepared::new(format.content_type(), body).cache_control("private, no-cache").respond(headers)
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "a feed could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `/changes.atom` and `/changes.feed.json`, also for a filter of the page of changes. An invalid filter is an error, so
/// that no reader follows another one than was meant.
pub fn all_changes(format: FeedFormat) -> MethodRouter<Arc<SiteState>> {
    get(move |State(site): Served, headers: HeaderMap, words: Words| async move {
        let words = words.map(|Query(words)| words).unwrap_or_default();
        let filter = ChangeQuestion::new(|field| words.get(field).map(String::as_str));
        if !filter.errors.is_empty() {
            let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
            return (StatusCode::BAD_REQUEST, headers, filter.errors.join("\n") + "\n").into_response();
        }
        if filter.is_empty() {
            return feed(&site, &headers, Scope::All, format);
        }
        let Some(mut view) = site.view() else { return empty() };
        if view.public_url.is_empty() {
            view.public_url = site.origin.of(&headers).unwrap_or_default().into();
        }
        written(&headers, format, following::filtered(&view, &filter, format).map(Some))
    })
}

/// The feed below the page of a provider: `/providers/{slug}/changes.atom`.
pub fn provider_changes(format: FeedFormat) -> MethodRouter<Arc<SiteState>> {
    get(move |State(site): Served, headers: HeaderMap, uri: Uri, slug: Name| async move {
        let Some(view) = site.view() else { return empty() };
        match known_provider(&view.snapshot, &slug.map(|Path(slug)| slug).unwrap_or_default()) {
            Some(slug) => feed(&site, &headers, Scope::Provider(slug), format),
            None => unknown(uri, State(site)).await,
        }
    })
}

/// The scope of a feed below the page of a model or an endpoint, by the end of the address after `/models/`.
pub fn feed_of_model(snapshot: &Snapshot, rest: &str) -> Option<(Scope, FeedFormat)> {
    let (name, format) = FeedFormat::split(rest)?;
    if let Some(model) = known_model(snapshot, name) {
        return Some((Scope::Model(model), format));
    }
    match endpoint::named(snapshot, name)? {
        Named::Endpoint(model, found) => {
            Some((Scope::Endpoint(model.model_id.clone(), found.endpoint_id), format))
        }
        Named::Unknown(..) => None,
    }
}
