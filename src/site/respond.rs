//! Responses that the routes of pages and files share, and the headers of every response.

use super::SiteState;
use super::kept::{HTML, Page};
use super::pages::problem::{self, Missing};
use super::pages::search;
use super::parts::clean;
use super::parts::format;
use super::parts::shell::View;
use super::redirects;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use std::collections::HashMap;
use std::sync::Arc;

/// No inline scripts or styles, nothing from other hosts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

pub type Words = Result<Query<HashMap<String, String>>, QueryRejection>;

pub type Name = Result<Path<String>, PathRejection>;

/// Names longer than this are truncated in error pages.
const LONGEST_ECHO: usize = 120;

/// Adds security headers to a response that does not have them yet.
pub async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    // Standalone pictures have their own policy.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    response
}

pub async fn unknown(uri: Uri, State(site): State<Arc<SiteState>>) -> Response {
    let Some(view) = site.view() else { return empty() };
    if let Some(address) = redirects::meant(&view.snapshot, uri.path()) {
        return Redirect::permanent(&address).into_response();
    }
    let path = uri.path().trim_matches('/');
    let detail = format!("There is no page at “/{}”.", echo(path));
    let nearest = search::nearest_to_address(&view.snapshot, path);
    not_found(&view, &Missing { heading: "No such page", detail, nearest })
}

pub fn echo(text: &str) -> String {
    format::shorten(text, LONGEST_ECHO)
}

pub fn page(site: &Arc<SiteState>, headers: &HeaderMap, wanted: Page) -> Response {
    match site.view() {
        Some(view) => page_of(site, &view, headers, wanted),
        None => empty(),
    }
}

pub fn page_of(site: &Arc<SiteState>, view: &View, headers: &HeaderMap, wanted: Page) -> Response {
    match site.page(view, wanted) {
        Ok(Some((prepared, true))) => prepared.share(headers),
        // The cache of addresses does not count the bytes of what is kept nowhere else.
        Ok(Some((prepared, false))) => prepared.respond(headers),
        Ok(None) => {
            let detail = "It is not in the newest data.".to_owned();
            not_found(view, &Missing { heading: "No such page", detail, nearest: Vec::new() })
        }
        Err(error) => failed(&error),
    }
}

pub fn not_found(view: &View, missing: &Missing) -> Response {
    rendered(StatusCode::NOT_FOUND, problem::render(view, missing))
}

/// The first collection has not finished: not an error of the visitor, and temporary.
pub fn empty() -> Response {
    let mut response = rendered(StatusCode::SERVICE_UNAVAILABLE, problem::empty());
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
    response
}

/// A page made for one visitor: cached neither here nor by the client.
pub fn rendered(status: StatusCode, text: askama::Result<String>) -> Response {
    match text {
        Ok(text) => {
            let headers = [(CONTENT_TYPE, HTML), (CACHE_CONTROL, "no-store")];
            (status, headers, clean::page(text)).into_response()
        }
        Err(error) => failed(&error),
    }
}

pub fn failed(error: &askama::Error) -> Response {
    tracing::error!(%error, "a page could not be rendered");
    let text = "This page could not be rendered. Other pages and the API still work.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}
