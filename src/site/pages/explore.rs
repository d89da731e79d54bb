//! The explorer: all endpoints, filtered and sorted by the query of the address. The address contains the filter, so it
//! can be shared.

use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell, Tab, format, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, Snapshot};
use crate::table::Offer;
use crate::table::explore::{Direction, Policy, Question, Sort};
use askama::Template;
use std::collections::BTreeSet;

/// Rows per page.
const PAGE_ROWS: usize = 50;

#[derive(Template)]
#[template(path = "explore.html")]
struct Explore<'a> {
    shell: Shell,
    question: &'a Question,
    providers: Vec<Choice>,
    quantizations: Vec<Choice>,
    policies: [Choice; 2],
    direction: &'static str,
    found: usize,
    all: usize,
    columns: Vec<Column>,
    rows: Vec<Row<'a>>,
    pages: Vec<Tab>,
    json: String,
    csv: String,
    is_filtered: bool,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct Column {
    label: &'static str,
    unit: String,
    href: String,
    /// The sort direction, if the rows are sorted by this column.
    order: Option<&'static str>,
}

struct Row<'a> {
    of: &'a Offer<'a>,
    cells: Vec<Cell>,
}

/// The query of the same question in another sort order or on another page.
fn query(question: &Question, sort: Sort, descending: bool, page: usize) -> String {
    let parts = question.parameters(sort, descending, page).into_iter();
    parts.map(|(field, text)| format!("{field}={}", link::encode(&text))).collect::<Vec<_>>().join("&")
}

/// Renders the explorer.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, question: &Question) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let offers = question.offers(snapshot);
    let workload = snapshot.default_title();
    let pages = offers.len().div_ceil(PAGE_ROWS).max(1);
    let page = question.page.min(pages);
    let here = query(question, question.sort, question.descending, page);
    let twin = query(question, question.sort, question.descending, 1);
    let of_page = offers.iter().skip((page - 1) * PAGE_ROWS).take(PAGE_ROWS);
    let twin = |ending: &str| match twin.is_empty() {
        true => format!("/api/v1/endpoints{ending}"),
        false => format!("/api/v1/endpoints{ending}?{twin}"),
    };
    let about =
        "All endpoints, with filters for price, hit rate, quantization, context, parameters and data policy.";
    let shell = Shell::new(view, Section::Explore, "explore all endpoints", about).at("/explore");
    let choice = |value: &str, label: &str, field: &str| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen: question.typed(field).eq_ignore_ascii_case(value),
    };
    let endpoints = || snapshot.models.iter().flat_map(|m| &m.endpoints);
    let quantizations: BTreeSet<&str> = endpoints().filter_map(|e| e.facts.quantization.as_deref()).collect();
    let mut providers: Vec<_> = snapshot.providers.iter().collect();
    providers.sort_by_key(|p| p.name.to_lowercase());
    Explore {
        // An invalid condition is an error for programs, so there is no JSON to link to.
        shell: if question.errors.is_empty() { shell.json(twin("")) } else { shell },
        question,
        providers: providers.iter().map(|p| choice(p.provider.as_str(), &p.name, "provider")).collect(),
        quantizations: quantizations.into_iter().map(|q| choice(q, q, "quant")).collect(),
        policies: [
            choice(Policy::NoTraining.as_str(), "declared as not used for training", "data"),
            choice(Policy::NotKept.as_str(), "declared as not kept either", "data"),
        ],
        direction: if question.descending { Direction::Descending } else { Direction::Ascending }.as_str(),
        found: offers.len(),
        all: endpoints().count(),
        columns: Sort::ALL.into_iter().map(|sort| column(question, sort, &workload)).collect(),
        rows: of_page.map(|offer| row(offer, snapshot.default_workload())).collect(),
        pages: page_links(question, page, pages),
        json: twin(""),
        csv: twin(".csv"),
        is_filtered: !here.is_empty(),
    }
    .render()
}

/// Label and unit of a column.
fn heading(sort: Sort, workload: &str) -> (&'static str, &str) {
    match sort {
        Sort::Session => ("Session", workload),
        Sort::Price => ("Effective price", "input"),
        Sort::List => ("List price", "input"),
        Sort::Hit => ("Hit rate", ""),
        Sort::Uptime => ("Uptime", "1 day"),
        Sort::Speed => ("Speed", "tokens per second"),
        Sort::Context => ("Context", "tokens"),
        Sort::Tokens => ("Tokens", "a day"),
    }
}

/// The format of a column's numbers, the text for an absent one, and the label on a narrow screen.
fn shown(sort: Sort) -> (fn(f64) -> String, &'static str, &'static str) {
    match sort {
        Sort::Session => (format::usd_fine, "not priced", "session"),
        Sort::Price => (format::usd_fine, "no traffic", "price paid"),
        Sort::List => (format::usd_fine, "not listed", "list price"),
        Sort::Hit => (format::percent, "no traffic", "hit rate"),
        Sort::Uptime => (format::percent_fine, "not published", "uptime 1 d"),
        Sort::Speed => (|v| format!("{v:.0}"), "not measured", "tokens/s"),
        Sort::Context => (|v| format::context(v as i64), "not stated", "context"),
        Sort::Tokens => (format::tokens, "no traffic", "tokens/day"),
    }
}

/// The columns of figures: the name to sort by, the heading, and whether large values come first.
pub fn columns(snapshot: &Snapshot) -> Vec<(&'static str, String, bool)> {
    let workload = snapshot.default_title();
    let column = |sort: Sort| {
        let (label, unit) = heading(sort, &workload);
        (sort.as_str(), format!("{label} {unit}").trim_end().to_owned(), sort.is_descending())
    };
    Sort::ALL.into_iter().map(column).collect()
}

/// The figures of an endpoint in the order of [`columns`], each with the text that the explorer shows.
pub fn figures(snapshot: &Snapshot, endpoint: &Endpoint) -> Vec<(Option<f64>, String)> {
    let figure = |sort: Sort| {
        let (format, absent, _) = shown(sort);
        let value = sort.key(endpoint, snapshot.default_workload()).filter(|value| value.is_finite());
        (value, value.map_or_else(|| absent.to_owned(), format))
    };
    Sort::ALL.into_iter().map(figure).collect()
}

fn column(question: &Question, sort: Sort, workload: &str) -> Column {
    let is_current = question.sort == sort;
    let descending = if is_current { !question.descending } else { sort.is_descending() };
    let (label, unit) = heading(sort, workload);
    Column {
        label,
        unit: unit.to_owned(),
        href: format!("/explore?{}", query(question, sort, descending, 1)),
        order: is_current.then_some(if question.descending { "descending" } else { "ascending" }),
    }
}

fn row<'a>(offer: &'a Offer<'a>, workload: &str) -> Row<'a> {
    let cell = |sort: Sort| {
        let (format, absent, label) = shown(sort);
        Cell::number(sort.key(offer.endpoint, workload), format, absent).labelled(label)
    };
    Row { of: offer, cells: Sort::ALL.into_iter().map(cell).collect() }
}

/// Links to the pages around the current one, and to the first and the last page.
fn page_links(question: &Question, page: usize, pages: usize) -> Vec<Tab> {
    let near = |n: &usize| *n == 1 || *n == pages || n.abs_diff(page) <= 2;
    let link = |n: usize| {
        let query = query(question, question.sort, question.descending, n);
        let href = if query.is_empty() { "/explore".to_owned() } else { format!("/explore?{query}") };
        Tab { href, label: n.to_string(), current: n == page }
    };
    if pages < 2 { Vec::new() } else { (1..=pages).filter(near).map(link).collect() }
}
