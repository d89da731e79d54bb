//! The pages of the private listener. They have the look of the site and a frame of their own, and show the same answers
//! as the JSON routes.

mod costs;
mod links;
mod report;
mod sessions;
mod sheet;

use super::answers::{self, AnswerError, Own, Words};
use super::routes::{OwnState, compute};
use crate::site::assets;
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use links::Links;
use sheet::Sheet;
use std::sync::Arc;

/// Shows an answer.
type Show = fn(&Own, &Words, &Links) -> Result<Sheet, AnswerError>;

/// A page: its address, its name in the navigation, the answer that it shows, how, and whether it can be limited to some
/// calls.
struct Page {
    path: &'static str,
    label: &'static str,
    answer: &'static str,
    sheet: Show,
    has_fields: bool,
}

/// The pages, in the order of the navigation.
const PAGES: &[Page] = &[
    page("/", "Report", "report", |own, words, links| {
        let total = answers::own_report(own, words)?;
        // The report is shown without the others, for example if there is no public snapshot.
        let misses = answers::own_misses(own, words).ok();
        let elsewhere = answers::costs_elsewhere(own, words).ok();
        Ok(report::report(&total, misses.as_ref(), elsewhere.as_ref(), links))
    }),
    page("/models", "Models", "models", |own, words, links| {
        Ok(report::models(&answers::own_models(own, words)?, links))
    }),
    page("/sessions", "Sessions", "sessions", |own, words, _| {
        Ok(sessions::sessions(&answers::own_sessions(own, words)?))
    }),
    page("/misses", "Misses", "misses", |own, words, links| {
        Ok(sessions::misses(&answers::own_misses(own, words)?, links))
    }),
    page("/costs", "Costs", "costs", |own, words, links| {
        Ok(costs::costs(&answers::costs_elsewhere(own, words)?, links))
    }),
    page("/plans", "Plans", "plans", |own, words, _| Ok(costs::plans(&answers::flat_plans(own, words)?))),
    Page {
        has_fields: false,
        ..page("/files", "Files", "files", |own, _, _| Ok(costs::files(&answers::own_files(own)?)))
    },
];

const fn page(path: &'static str, label: &'static str, answer: &'static str, sheet: Show) -> Page {
    Page { path, label, answer, sheet, has_fields: true }
}

/// A field of the form that limits a page to some calls.
struct Field {
    name: &'static str,
    label: &'static str,
    example: &'static str,
    value: String,
}

/// The fields with the values of a request.
fn fields(words: &Words) -> Vec<Field> {
    let field = |name: &'static str, label, example| Field {
        name,
        label,
        example,
        value: words.get(name).cloned().unwrap_or_default(),
    };
    vec![
        field("from", "From the UTC day", "2026-08-01"),
        field("model", "Model", "as on the page of models"),
        field("source", "Source", "as on the page of files"),
    ]
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
    /// The query of the address with its question mark, so that links between pages keep the limits.
    query: String,
    fields: Vec<Field>,
    is_limited: bool,
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
    Query(words): Query<Words>,
) -> Response {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let links = Links::new(&state.own, host);
    let fields = if page.has_fields { fields(&words) } else { Vec::new() };
    let (status, sheet) = match compute(&state, move |own| (page.sheet)(own, &words, &links)).await {
        Ok(sheet) => (StatusCode::OK, sheet),
        Err((status, problem)) => (status, Sheet { problem: Some(problem), ..Sheet::default() }),
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let rendered = SheetPage {
        title: page.label,
        path: page.path,
        navigation: PAGES.iter().map(|page| Tab { path: page.path, label: page.label }).collect(),
        json: sheet.problem.is_none().then(|| format!("/own/v1/{}{query}", page.answer)),
        sheet,
        origin: format!("http://{host}"),
        query,
        is_limited: fields.iter().any(|field| !field.value.is_empty()),
        fields,
    }
    .render();
    match rendered {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_shows_an_answer_that_is_also_json() {
        for page in PAGES {
            assert!(answers::ANSWERS.iter().any(|(name, _)| *name == page.answer), "{}", page.path);
        }
        assert_eq!(PAGES.len(), answers::ANSWERS.len());
    }

    #[test]
    fn names_are_text_wherever_they_stand() {
        let name = "<script>alert(1)</script>\" onload=\"x";
        let long = vec![
            sheet::cell(name).to(Some(links::report_on(name))).with(Some(name.to_owned())),
            sheet::cell(name).public(Some(links::report_on(name))),
        ];
        let sheet = Sheet {
            lede: name.to_owned(),
            problem: Some(name.to_owned()),
            is_empty: true,
            answers: vec![sheet::Answer {
                figure: name.to_owned(),
                beside: Some(name.to_owned()),
                lines: vec![sheet::Line::on(name, name)],
                href: "/misses",
                ..sheet::Answer::default()
            }],
            facts: vec![(name.to_owned(), name.to_owned())],
            tables: vec![sheet::Table::new("t", name, &["Name", "~Why"]).rows([long])],
            notes: vec![name.to_owned()],
        };
        let words = Words::from([("model".to_owned(), name.to_owned())]);
        let page = SheetPage {
            title: "Report",
            path: "/",
            navigation: Vec::new(),
            sheet,
            json: Some("/own/v1/report".to_owned()),
            origin: format!("http://{name}"),
            query: format!("?model={name}"),
            fields: fields(&words),
            is_limited: true,
        };
        let html = page.render().expect("a page");
        assert_eq!(html.matches("<script").count(), 2, "those of the frame: {html}");
        assert!(!html.contains("?model=<") && !html.contains("value=\"<"), "{html}");
        assert!(html.contains("public page") && html.contains("No call matches"), "{html}");
    }
}
