//! The routes of the pages.

use super::SiteState;
use super::files::following::FeedFormat;
use super::files::{File, routes as files};
use super::kept::Page;
use super::pages::endpoint::{self, Named};
use super::pages::problem::Missing;
use super::pages::{changes, compare, cost, explore, model as model_page, search, status as status_page};
use super::parts::choice::Choice;
use super::parts::shell::View;
use super::parts::{assets, lens, link};
use super::redirects;
use super::registry::{PAGES, Section};
use super::respond::{Name, Words, echo, empty, failed, not_found, page, page_of, rendered, secure, unknown};
use crate::domain::tier::Lens;
use crate::prepared::pack_on_the_way;
use crate::table::changes::ChangeQuestion;
use crate::table::explore::Question;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{from_fn, map_response};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use percent_encoding::percent_decode_str;
use std::collections::HashMap;
use std::sync::Arc;

/// The routes of the pages in the registry, of what lies below them, and of the files.
pub fn router(site: Arc<SiteState>) -> Router {
    let of_rows = PAGES.iter().filter_map(|row| Some((row.path, of_page(row.section)?)));
    redirects::with_familiar(Router::new())
        .merge(of_rows.fold(Router::new(), |router, (path, route)| router.route(path, route)))
        .route("/models/{*id}", get(model))
        .route("/providers/{slug}", get(provider))
        .route("/chart/model/{*rest}", files::picture(files::model_chart))
        .route("/chart/provider/{*rest}", files::picture(files::provider_chart))
        .route("/badge/model/{*rest}", files::picture(files::model_badge))
        .route("/badge/{file}", files::picture(files::provider_badge))
        .route("/og/site.png", files::picture(|_, _, _| Some(File::SiteCard)))
        .route("/og/provider/{file}", files::picture(files::provider_card))
        .route("/og/model/{*rest}", files::picture(files::model_card))
        .route(link::FEED, files::all_changes(FeedFormat::Atom))
        .route(link::JSON_FEED, files::all_changes(FeedFormat::Json))
        .route("/providers/{slug}/changes.atom", files::provider_changes(FeedFormat::Atom))
        .route("/providers/{slug}/changes.feed.json", files::provider_changes(FeedFormat::Json))
        .route("/suggest.json", kept(Page::File(File::Names)))
        .route("/sitemap.xml", get(files::site_map))
        .route("/assets/{file}", get(asset))
        .route("/robots.txt", get(files::robots))
        .route("/favicon.svg", get(asset))
        .fallback(unknown)
        .with_state(site)
        .layer(from_fn(pack_on_the_way))
        .layer(map_response(secure))
}

/// The route of a page in the registry; the API reference has its own router.
fn of_page(section: Section) -> Option<MethodRouter<Arc<SiteState>>> {
    Some(match section {
        Section::Tiers => get(tiers),
        Section::Models => kept(Page::Models),
        Section::Providers => kept(Page::Providers),
        Section::Explore => get(explore_page),
        Section::Cost => get(calculate),
        Section::Changes => get(changes_page),
        Section::Share => kept(Page::Share),
        Section::Method => kept(Page::Method),
        Section::Status => get(status),
        Section::Search => get(find),
        Section::Compare => get(compare_page),
        Section::Api | Section::Elsewhere => return None,
    })
}

/// The route of a page that is the same for all visitors.
fn kept(wanted: Page) -> MethodRouter<Arc<SiteState>> {
    get(|State(site): State<Arc<SiteState>>, headers: HeaderMap| async move { page(&site, &headers, wanted) })
}

/// The status. With receivers of alerts, the page is made for each request, because deliveries change between snapshots.
async fn status(State(site): State<Arc<SiteState>>, headers: HeaderMap) -> Response {
    let Some(alerts) = site.pages.alerts() else { return page(&site, &headers, Page::Status) };
    let Some(view) = site.view() else { return empty() };
    chosen(status_page::render(&view, Some(&alerts)).map(|text| (StatusCode::OK, text)))
}

async fn asset(uri: Uri, headers: HeaderMap, State(site): State<Arc<SiteState>>) -> Response {
    match assets::find(uri.path()) {
        Some(body) => body.respond(&headers),
        None => unknown(uri, State(site)).await,
    }
}

async fn tiers(State(site): State<Arc<SiteState>>, headers: HeaderMap, words: Words) -> Response {
    let Some(view) = site.view() else { return empty() };
    let words = words.map(|Query(words)| words).unwrap_or_default();
    match front_page(&view, &words) {
        Ok(wanted) => page_of(&site, &view, &headers, wanted),
        Err(missing) => not_found(&view, &missing),
    }
}

/// The tier list that the query requests.
fn front_page(view: &View, words: &HashMap<String, String>) -> Result<Page, Missing> {
    let lens = match words.get("lens").map(String::as_str) {
        None | Some("") => lens::DEFAULT_LENS,
        Some(name) => name.parse::<Lens>().map_err(|_| Missing {
            heading: "No such lens",
            detail: format!(
                "There is no lens “{}”. The lenses are cache, cost, reliability, speed and overall.",
                echo(name)
            ),
            nearest: Vec::new(),
        })?,
    };
    if !lens.needs_workload() {
        return Ok(Page::Front(lens, None));
    }
    let workloads = &view.snapshot.workloads;
    let wanted = match words.get("workload").map(String::as_str) {
        None | Some("") => view.snapshot.default_workload(),
        Some(name) => name,
    };
    if workloads.iter().any(|w| w.name == wanted) || workloads.is_empty() {
        return Ok(Page::Front(lens, Some(wanted.to_owned()).filter(|name| !name.is_empty())));
    }
    let names: Vec<&str> = workloads.iter().map(|w| w.name.as_str()).collect();
    let detail = format!("There is no workload “{}”. The workloads are {}.", echo(wanted), names.join(", "));
    Err(Missing { heading: "No such workload", detail, nearest: Vec::new() })
}

async fn model(State(site): State<Arc<SiteState>>, headers: HeaderMap, name: Name, uri: Uri) -> Response {
    let Some(view) = site.view() else { return empty() };
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let choice = Choice::read(fields(uri.query().unwrap_or_default()));
    match view.snapshot.model(&name) {
        // A visitor who used the canonical slug.
        Some(model) if model.model_id != name => {
            return Redirect::temporary(&link::model(&model.model_id)).into_response();
        }
        Some(_) if choice.is_default() => return page_of(&site, &view, &headers, Page::Model(name)),
        Some(model) => return chosen(model_page::render(&view, model, &choice)),
        None => {}
    }
    if let Some((scope, format)) = files::feed_of_model(&view.snapshot, &name) {
        return files::feed(&site, &headers, scope, format);
    }
    if let Some(named) = endpoint::named(&view.snapshot, &name) {
        return endpoint_page(&site, &view, &headers, named, (&choice, uri.path()));
    }
    if let Some(model) = redirects::model(&view.snapshot, &name) {
        return Redirect::permanent(&link::model(&model.model_id)).into_response();
    }
    // An alias may mean another model later.
    if let Some((model, _)) = view.snapshot.model_written(&name) {
        return Redirect::temporary(&link::model(&model.model_id)).into_response();
    }
    let detail = format!("No model is called “{}” in the newest data.", echo(&name));
    let nearest = search::nearest(&view.snapshot, &name);
    not_found(&view, &Missing { heading: "No such model", detail, nearest })
}

/// A page for a choice: made for one visitor, because the number of choices has no bound.
fn chosen(page: askama::Result<(StatusCode, String)>) -> Response {
    match page {
        Ok((status, text)) => rendered(status, Ok(text)),
        Err(error) => failed(&error),
    }
}

/// The page of an endpoint. Another name of it, by its id or by the slug of its model, leads to its address.
fn endpoint_page(
    site: &Arc<SiteState>,
    view: &View,
    headers: &HeaderMap,
    named: Named,
    (choice, path): (&Choice, &str),
) -> Response {
    match named {
        Named::Endpoint(model, found) => {
            let own = link::endpoint_of(model, found);
            // Equal addresses may be encoded in more than one way.
            let decoded = |path: &str| percent_decode_str(path).decode_utf8_lossy().into_owned();
            if decoded(&own) != decoded(path) {
                return Redirect::temporary(&own).into_response();
            }
            if choice.is_default() {
                let page = Page::Endpoint(model.model_id.clone(), found.endpoint_id);
                return page_of(site, view, headers, page);
            }
            chosen(endpoint::render(view, model, found, choice))
        }
        Named::Unknown(model, name) => {
            let detail = format!("No endpoint of {} has the tag “{}”.", model.model_id, echo(name));
            let nearest = endpoint::nearest(model);
            not_found(view, &Missing { heading: "No such endpoint", detail, nearest })
        }
    }
}

async fn provider(State(site): State<Arc<SiteState>>, headers: HeaderMap, slug: Name) -> Response {
    let Some(view) = site.view() else { return empty() };
    let slug = slug.map(|Path(slug)| slug).unwrap_or_default();
    if view.snapshot.provider(&slug).is_some() {
        return page_of(&site, &view, &headers, Page::Provider(slug));
    }
    if let Some(entry) = redirects::provider(&view.snapshot, &slug) {
        return Redirect::permanent(&link::provider(entry.provider.as_str())).into_response();
    }
    let detail = format!("No provider has the slug “{}” in the newest data.", echo(&slug));
    let nearest = search::nearest(&view.snapshot, &slug);
    not_found(&view, &Missing { heading: "No such provider", detail, nearest })
}

async fn find(State(site): State<Arc<SiteState>>, words: Words) -> Response {
    let Some(view) = site.view() else { return empty() };
    let words = words.map(|Query(words)| words).unwrap_or_default();
    let query = words.get("q").map(String::as_str).unwrap_or_default();
    if let Some(address) = search::exact(&view.snapshot, query) {
        return Redirect::temporary(&address).into_response();
    }
    rendered(StatusCode::OK, search::render(&view, query))
}

async fn calculate(State(site): State<Arc<SiteState>>, words: Words) -> Response {
    let Some(view) = site.view() else { return empty() };
    let words = words.map(|Query(words)| words).unwrap_or_default();
    let (status, page) = cost::calculator(&view, &words);
    rendered(status, page)
}

async fn explore_page(State(site): State<Arc<SiteState>>, words: Words) -> Response {
    let Some(view) = site.view() else { return empty() };
    let words = words.map(|Query(words)| words).unwrap_or_default();
    let question = Question::new(|field| words.get(field).map(String::as_str));
    let status = if question.errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    rendered(status, explore::render(&view, &question))
}

async fn changes_page(State(site): State<Arc<SiteState>>, headers: HeaderMap, words: Words) -> Response {
    let Some(view) = site.view() else { return empty() };
    let words = words.map(|Query(words)| words).unwrap_or_default();
    let filter = ChangeQuestion::new(|field| words.get(field).map(String::as_str));
    if filter.is_empty() && filter.errors.is_empty() && filter.page == 1 {
        return page_of(&site, &view, &headers, Page::Changes);
    }
    let status = if filter.errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    rendered(status, changes::render(&view, &filter))
}

async fn compare_page(State(site): State<Arc<SiteState>>, uri: Uri) -> Response {
    let Some(view) = site.view() else { return empty() };
    chosen(compare::render(&view, &repeated(uri.query().unwrap_or_default(), "e")))
}

/// All fields of a query, in their order.
fn fields(query: &str) -> Vec<(String, String)> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(
        &Uri::builder().path_and_query(format!("/?{query}")).build().unwrap_or_default(),
    );
    pairs.map(|Query(pairs)| pairs).unwrap_or_default()
}

/// All values of a field that may be repeated.
fn repeated(query: &str, field: &str) -> Vec<String> {
    fields(query).into_iter().filter(|(name, _)| name == field).map(|(_, value)| value).collect()
}
