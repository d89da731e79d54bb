//! The API reference, rendered from the OpenAPI document: routes, parameters, samples with real answers, fields. The
//! samples name the address under which the client reached the page.

mod document;
mod llms;
mod samples;

use self::document::{Named, Section as Group};
use self::samples::{Answer, BASE, Examples, Sample};
use super::method;
use crate::prepared::{Prepared, pack_on_the_way};
use crate::site::SiteState;
use crate::site::kept::HTML;
use crate::site::parts::clean::clean;
use crate::site::parts::shell::{Shell, View};
use crate::site::registry::{REFERENCE, Section};
use crate::site::respond::{empty, failed, secure};
use askama::Template;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::{from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::ServiceExt;

/// The chapters of `docs/api.md` that the page includes, by heading.
const CHAPTERS: [&str; 4] = ["The envelope", "What may change", "Errors", "Tables"];
/// How caches may keep an answer with the address that one client used: not at all, because a client can send any host.
const ONE_CLIENT: &str = "private, no-store";
/// How caches may keep `/llms.txt` at the public address.
const EVERYONE: &str = "public, max-age=3600";

/// The sources of the reference.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// The OpenAPI document.
    pub document: &'static Value,
    /// The project's own `docs/api.md`.
    pub markdown: &'static str,
}

#[derive(Template)]
#[template(path = "reference.html")]
struct ReferencePage {
    shell: Shell,
    about: String,
    starts: Vec<(&'static str, String)>,
    chapters: String,
    groups: Vec<Group>,
    types: Vec<Named>,
}

/// What the routes share.
struct Reference {
    site: SiteState,
    described: Described,
    /// The routes of the API, which answer the samples.
    api: Router,
}

type Shared = State<Arc<Reference>>;

/// The page `/api`, and `/llms.txt`. `api` answers the samples.
pub fn router(site: SiteState, described: Described, api: Router) -> Router {
    let reference = Reference { site, described, api };
    Router::new()
        .route(REFERENCE, get(page))
        .route("/llms.txt", get(llms))
        .with_state(Arc::new(reference))
        .layer(from_fn(pack_on_the_way))
        .layer(map_response(secure))
}

async fn page(State(reference): Shared, headers: HeaderMap) -> Response {
    let Some(view) = reference.site.view() else { return empty() };
    let kept = match reference.page(&view).await {
        Ok(kept) => kept,
        Err(error) => return failed(&error),
    };
    if reference.site.origin.fixed().is_some() {
        return kept.share(&headers);
    }
    // Not shared: the server caches shared responses by their path, and this one depends on the host.
    match reference.site.origin.of(&headers) {
        None => kept.respond(&headers),
        Some(address) => {
            let text = String::from_utf8_lossy(kept.bytes()).replace(BASE, &address);
            ([(CONTENT_TYPE, HTML), (CACHE_CONTROL, ONE_CLIENT)], text).into_response()
        }
    }
}

async fn llms(State(reference): Shared, headers: HeaderMap) -> Response {
    let Some(view) = reference.site.view() else { return empty() };
    let base = reference.site.origin.of(&headers).unwrap_or_default();
    let text = clean(llms::text(&view.snapshot, reference.described.document, &base));
    let policy = if reference.site.origin.fixed().is_some() { EVERYONE } else { ONE_CLIENT };
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, policy)], text).into_response()
}

impl Reference {
    /// The page with the public address, or with [`BASE`] if that is unknown; made once per snapshot and age.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    async fn page(&self, view: &View) -> askama::Result<Arc<Prepared>> {
        let epoch = (view.snapshot.id.clone(), view.age().num_hours());
        let shelf = &self.site.pages.reference;
        if let Some(kept) = shelf.get(&epoch, &()) {
            return Ok(kept);
        }
        let text = render(view, self.described, self.samples(view).await)?;
        let prepared = Arc::new(self.site.prepare(HTML, clean(text).into_bytes()));
        shelf.keep(&epoch, (), Arc::clone(&prepared), prepared.held());
        Ok(prepared)
    }

    /// The sample of every route by its path, with the beginning of its answer.
    async fn samples(&self, view: &View) -> BTreeMap<String, Sample> {
        let (examples, base) = (Examples::of(&view.snapshot), base(view));
        let mut samples = BTreeMap::new();
        for (path, item) in self.described.document["paths"].as_object().into_iter().flatten() {
            let addresses = examples.addresses(path, &item["get"]);
            let mut answer = None;
            for address in &addresses {
                answer = self.ask(address).await;
                if answer.is_some() {
                    break;
                }
            }
            let shown = answer.as_ref().map(|answer| &answer.address).or(addresses.first());
            let shown = shown.map_or(path.as_str(), String::as_str);
            let sample = Sample::new(base, shown, answer.as_ref(), path.ends_with("{file}"));
            samples.insert(path.clone(), sample);
        }
        samples
    }

    /// The beginning of the answer to an address; `None` for an error.
    async fn ask(&self, address: &str) -> Option<Answer> {
        let request = Request::get(address).body(Body::empty()).ok()?;
        let response = self.api.clone().oneshot(request).await.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        // Bodies are in memory already, so reading cannot fail.
        let body = to_bytes(response.into_body(), usize::MAX).await.ok()?;
        Some(Answer { address: address.to_owned(), text: samples::shortened(&body, is_json) })
    }
}

/// The public address, or [`BASE`].
fn base(view: &View) -> &str {
    if view.public_url.is_empty() { BASE } else { &view.public_url }
}

fn render(view: &View, described: Described, samples: BTreeMap<String, Sample>) -> askama::Result<String> {
    let Described { document, markdown } = described;
    ReferencePage {
        shell: Shell::new(view, Section::Api, "API", "Every route, parameter and field of the JSON API.")
            .json("/api/v1/openapi.json")
            .at(REFERENCE),
        about: document["info"]["description"].as_str().unwrap_or_default().to_owned(),
        starts: Examples::of(&view.snapshot).starts(base(view)),
        chapters: method::to_html(&chapters(markdown).replace(BASE, base(view))).body,
        groups: document::groups(document, samples),
        types: document::types(document),
    }
    .render()
}

/// The chapters of the text that the page includes, in the order of the text.
fn chapters(markdown: &str) -> String {
    let all = markdown.split("\n## ").skip(1);
    let wanted = all.filter(|chapter| {
        let heading = chapter.lines().next().unwrap_or_default();
        CHAPTERS.contains(&heading)
    });
    wanted.map(|chapter| format!("## {chapter}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chapters_are_there_and_link_nowhere_that_the_site_does_not_have() {
        let text = chapters(include_str!("../../../docs/api.md"));
        assert_eq!(text.matches("\n## ").count() + 1, CHAPTERS.len(), "{text}");
        assert!(!text.contains(".md"), "{text}");
    }
}
