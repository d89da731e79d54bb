//! The pages of the private listener. They have the look of the site and a frame of their own, and show the same answers
//! as the JSON routes.

mod costs;
mod report;
mod sessions;
mod sheet;

use super::answers::ANSWERS;
use super::routes::{OwnState, compute};
use crate::site::assets;
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sheet::Sheet;
use std::collections::HashMap;
use std::sync::Arc;

/// A page: its address, its name in the navigation, the answer that it shows, and how.
struct Page {
    path: &'static str,
    label: &'static str,
    answer: &'static str,
    sheet: fn(Value) -> Result<Sheet, serde_json::Error>,
}

/// The pages, in the order of the navigation. A page without its answer in [`ANSWERS`] does not exist.
const PAGES: &[Page] = &[
    Page { path: "/", label: "Report", answer: "report", sheet: |value| of(value, report::report) },
    Page { path: "/models", label: "Models", answer: "models", sheet: |value| of(value, report::models) },
    Page {
        path: "/sessions",
        label: "Sessions",
        answer: "sessions",
        sheet: |value| of(value, sessions::sessions),
    },
    Page { path: "/misses", label: "Misses", answer: "misses", sheet: |value| of(value, sessions::misses) },
    Page { path: "/costs", label: "Costs", answer: "costs", sheet: |value| Ok(costs::costs(&value)) },
    Page { path: "/plans", label: "Plans", answer: "plans", sheet: |value| Ok(costs::plans(&value)) },
    Page { path: "/files", label: "Files", answer: "files", sheet: |value| Ok(costs::files(&value)) },
];

fn of<T: DeserializeOwned>(value: Value, sheet: fn(&T) -> Sheet) -> Result<Sheet, serde_json::Error> {
    serde_json::from_value(value).map(|answer| sheet(&answer))
}

/// A link of the navigation.
struct Tab {
    path: &'static str,
    label: &'static str,
}

#[derive(Template)]
#[template(path = "own/sheet.html")]
struct SheetPage {
    title: &'static str,
    path: &'static str,
    navigation: Vec<Tab>,
    sheet: Sheet,
    json: Option<String>,
    origin: String,
}

#[derive(Template)]
#[template(path = "own/login.html")]
struct LoginPage<'a> {
    title: &'static str,
    place: &'a str,
}

/// The page on which a browser logs in; `place` is where the token is.
pub fn login(place: &str) -> String {
    LoginPage { title: "Log in", place }.render().unwrap_or_else(|_| "The token is missing.".to_owned())
}

/// The pages and their assets.
pub fn router(state: Arc<OwnState>) -> Router {
    PAGES
        .iter()
        .fold(Router::new(), |router, page| {
            let show = move |state, headers, uri, words| show(page, state, headers, uri, words);
            router.route(page.path, get(show))
        })
        .route("/assets/{file}", get(asset))
        .route("/favicon.svg", get(asset))
        .with_state(state)
}

async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    match assets::find(uri.path()) {
        Some(found) => found.respond(&headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn show(
    page: &'static Page,
    State(state): State<Arc<OwnState>>,
    headers: HeaderMap,
    uri: Uri,
    Query(words): Query<HashMap<String, String>>,
) -> Response {
    let problem = |problem: String| Sheet { problem: Some(problem), ..Sheet::default() };
    let (status, sheet) = match compute(&state, page.answer, words).await {
        Ok(value) => match (page.sheet)(value) {
            Ok(sheet) => (StatusCode::OK, sheet),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, problem(error.to_string())),
        },
        Err((status, message)) => (status, problem(message)),
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let rendered = SheetPage {
        title: page.label,
        path: page.path,
        navigation: navigation(),
        json: sheet.problem.is_none().then(|| format!("/own/v1/{}{query}", page.answer)),
        sheet,
        origin: format!("http://{host}"),
    }
    .render();
    match rendered {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn navigation() -> Vec<Tab> {
    let exists = |page: &&Page| ANSWERS.iter().any(|(name, _)| *name == page.answer);
    PAGES.iter().filter(exists).map(|page| Tab { path: page.path, label: page.label }).collect()
}
