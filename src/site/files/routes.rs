//! Routes of the files that accompany the pages.

use super::feed;
use crate::domain::tier::Lens;
use crate::site::charts::{OfModel, session_bars};
use crate::site::files::{File, PICTURE_POLICY};
use crate::site::kept::{Page, Site};
use crate::site::parts::lens::DEFAULT_LENS;
use crate::site::parts::link;
use crate::site::respond::{Name, Words, empty, page, unknown};
use crate::snapshot::Snapshot;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

type Served = State<Arc<Site>>;

/// Splits the file name off the end of a path: `(model, file)`.
fn split_file(rest: &str) -> Option<(&str, &str)> {
    rest.rsplit_once('/').filter(|(model, file)| !model.is_empty() && !file.is_empty())
}

/// Responds with a picture and its own content security policy, or with the page for unknown addresses.
async fn picture(site: Arc<Site>, headers: HeaderMap, uri: Uri, file: Option<File>) -> Response {
    let Some(file) = file else { return unknown(uri, State(site)).await };
    let mut response = page(&site, &headers, Page::File(file));
    let is_picture = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    if let Some(policy) = HeaderValue::from_str(&PICTURE_POLICY).ok().filter(|_| is_picture) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The public id of a model by any of its names, if the snapshot has the model.
fn known_model(snapshot: &Snapshot, name: &str) -> Option<String> {
    snapshot.model(name).map(|model| model.model_id.clone())
}

/// The model and the tag of `{author}/{slug}/{tag}/hours.svg`; a tag may contain slashes.
fn split_hours(rest: &str) -> Option<(&str, &str)> {
    let (endpoint, _) = split_file(rest).filter(|(_, file)| *file == link::HOURS_FILE)?;
    let slash = endpoint.match_indices('/').nth(1)?.0;
    Some((&endpoint[..slash], &endpoint[slash + 1..]))
}

/// The file that a path under `/chart/model/` refers to.
fn chart_of_model(snapshot: &Snapshot, rest: &str) -> Option<File> {
    if let Some((model, tag)) = split_hours(rest) {
        let known = snapshot.model(model)?;
        // Only endpoints of the snapshot have a file that is cached.
        known.endpoints.iter().find(|e| e.tag.as_str() == tag)?;
        return Some(File::Hours(known.model_id.clone(), tag.to_owned()));
    }
    let (model, file) = split_file(rest)?;
    if let Some(workload) = session_bars::workload_of(file) {
        let known = snapshot.workloads.iter().find(|w| w.name == workload)?;
        return Some(File::Sessions(known_model(snapshot, model)?, known.name.clone()));
    }
    let what = [OfModel::HitRate, OfModel::EffectivePrice].into_iter().find(|what| what.file() == file)?;
    Some(File::ModelChart(known_model(snapshot, model)?, what))
}

/// `/chart/model/{author}/{slug}/{file}` (including `session-{workload}.svg`), and
/// `/chart/model/{author}/{slug}/{tag}/hours.svg`.
pub async fn model_chart(State(site): Served, headers: HeaderMap, uri: Uri, rest: Name) -> Response {
    let Some(view) = site.view() else { return empty() };
    let rest = rest.map(|Path(rest)| rest).unwrap_or_default();
    let wanted = chart_of_model(&view.snapshot, &rest);
    picture(site, headers, uri, wanted).await
}

/// `/chart/provider/{slug}/{file}`.
pub async fn provider_chart(
    State(site): Served,
    headers: HeaderMap,
    uri: Uri,
    Path((slug, file)): Path<(String, String)>,
) -> Response {
    let Some(view) = site.view() else { return empty() };
    let known = view.snapshot.provider(&slug).is_some() && file == link::PROVIDER_CHART_FILE;
    picture(site, headers, uri, known.then_some(File::ProviderChart(slug))).await
}

/// The lens that the query requests, by default [`DEFAULT_LENS`]; `None` if the name is not a lens.
fn lens(words: Words) -> Option<Lens> {
    let words = words.map(|Query(words)| words).unwrap_or_default();
    words.get("lens").map_or(Some(DEFAULT_LENS), |name| name.parse().ok())
}

/// `/badge/{provider}.svg`.
pub async fn provider_badge(
    State(site): Served,
    headers: HeaderMap,
    uri: Uri,
    file: Name,
    words: Words,
) -> Response {
    let Some(view) = site.view() else { return empty() };
    let file = file.map(|Path(file)| file).unwrap_or_default();
    let slug = file.strip_suffix(".svg").filter(|slug| view.snapshot.provider(slug).is_some());
    let wanted = slug.zip(lens(words)).map(|(slug, lens)| File::ProviderBadge(slug.to_owned(), lens));
    picture(site, headers, uri, wanted).await
}

/// `/badge/model/{author}/{slug}.svg`.
pub async fn model_badge(
    State(site): Served,
    headers: HeaderMap,
    uri: Uri,
    rest: Name,
    words: Words,
) -> Response {
    let Some(view) = site.view() else { return empty() };
    let rest = rest.map(|Path(rest)| rest).unwrap_or_default();
    let model = rest.strip_suffix(".svg").and_then(|name| known_model(&view.snapshot, name));
    let wanted = model.zip(lens(words)).map(|(model, lens)| File::ModelBadge(model, lens));
    picture(site, headers, uri, wanted).await
}

/// `/og/site.png`.
pub async fn site_card(State(site): Served, headers: HeaderMap, uri: Uri) -> Response {
    picture(site, headers, uri, Some(File::SiteCard)).await
}

/// `/og/provider/{slug}.png`.
pub async fn provider_card(State(site): Served, headers: HeaderMap, uri: Uri, file: Name) -> Response {
    let Some(view) = site.view() else { return empty() };
    let file = file.map(|Path(file)| file).unwrap_or_default();
    let slug = file.strip_suffix(".png").filter(|slug| view.snapshot.provider(slug).is_some());
    picture(site, headers, uri, slug.map(|slug| File::ProviderCard(slug.to_owned()))).await
}

/// `/og/model/{author}/{slug}.png`.
pub async fn model_card(State(site): Served, headers: HeaderMap, uri: Uri, rest: Name) -> Response {
    let Some(view) = site.view() else { return empty() };
    let rest = rest.map(|Path(rest)| rest).unwrap_or_default();
    let model = rest.strip_suffix(".png").and_then(|name| known_model(&view.snapshot, name));
    picture(site, headers, uri, model.map(File::ModelCard)).await
}

/// `/changes.atom`.
pub async fn feed(State(site): Served, headers: HeaderMap) -> Response {
    page(&site, &headers, Page::File(File::Feed))
}

/// `/sitemap.xml`. If the public address of the site is unknown, the `Host` of the request is used, for this response
/// only: one client's `Host` must not end up in a cached response.
pub async fn site_map(State(site): Served, headers: HeaderMap) -> Response {
    let Some(mut view) = site.view() else { return empty() };
    if !view.public_url.is_empty() {
        return page(&site, &headers, Page::File(File::SiteMap));
    }
    view.public_url = asked_under(&headers).into();
    match feed::site_map(&view) {
        Ok(text) => ([(CONTENT_TYPE, "application/xml; charset=utf-8"), (CACHE_CONTROL, "no-store")], text)
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "the site map could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The address in a request's `Host` header; empty if it is not a plain host name.
fn asked_under(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(is_plain) { String::new() } else { format!("http://{host}") }
}

/// `/robots.txt`.
pub async fn robots(State(site): Served) -> Response {
    let mut text =
        "User-agent: *\nAllow: /\nDisallow: /search\nDisallow: /compare\nDisallow: /explore?\n".to_owned();
    let public = site.public_url();
    if !public.is_empty() {
        text += &format!("\nSitemap: {public}/sitemap.xml\n");
    }
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "public, max-age=86400")];
    (headers, text).into_response()
}
