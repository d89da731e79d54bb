//! The API reference, rendered from the OpenAPI document: routes, parameters, examples and fields.

mod document;

use self::document::{Named, Section as Group};
use super::method;
use crate::site::SiteState;
use crate::site::kept::HTML;
use crate::site::parts::shell::{Shell, View};
use crate::site::registry::{REFERENCE, Section};
use crate::site::respond::{empty, failed, secure};
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;
use std::sync::Arc;

/// The chapters of `docs/api.md` that the page includes, by heading.
const CHAPTERS: [&str; 4] = ["The envelope", "What may change", "Errors", "Tables"];

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
    chapters: String,
    groups: Vec<Group>,
    types: Vec<Named>,
}

/// The page `/api`.
pub fn router(state: SiteState, described: Described) -> Router {
    Router::new().route(REFERENCE, get(page)).with_state((state, described)).layer(map_response(secure))
}

/// Not kept with the other pages: the server caches shared responses.
async fn page(State((site, described)): State<(SiteState, Described)>, headers: HeaderMap) -> Response {
    let Some(view) = site.view() else { return empty() };
    match render(&view, described) {
        Ok(text) => Arc::new(site.prepare(HTML, text.into_bytes())).share(&headers),
        Err(error) => failed(&error),
    }
}

fn render(view: &View, described: Described) -> askama::Result<String> {
    let Described { document, markdown } = described;
    let examples = document::Examples::of(&view.snapshot, &view.public_url);
    ReferencePage {
        shell: Shell::new(view, Section::Api, "API", "Every route, parameter and field of the JSON API.")
            .json("/api/v1/openapi.json")
            .at(REFERENCE),
        about: document["info"]["description"].as_str().unwrap_or_default().to_owned(),
        chapters: method::to_html(&chapters(markdown)).body,
        groups: document::groups(document, &examples),
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
