//! The page of an endpoint: its figures and their days, its flags and changes, and a config to use or avoid it.

use super::changes::{self, Change};
use super::search::Found;
use crate::cost::{CostOfModel, compare, periods_in_words};
use crate::site::charts::day_chart::DayChart;
use crate::site::charts::hours::{self, HourMap};
use crate::site::charts::{self, OfModel, Window};
use crate::site::parts::choice::{self, Choice};
use crate::site::parts::facts::{self, conditions, ending};
use crate::site::parts::flags::{self, Explained};
use crate::site::parts::lens_table::LensTable;
use crate::site::parts::preference::{self, Answer};
use crate::site::parts::seasons::{self, Clock};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::week::Week;
use crate::site::parts::{Badge, Tab, When, format, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use askama::Template;
use axum::http::StatusCode;
use uuid::Uuid;

/// Maximum number of changes shown.
const CHANGES: usize = 30;
/// Maximum number of other endpoints suggested for an unknown tag.
const NEAREST: usize = 5;

#[derive(Template)]
#[template(path = "endpoint.html")]
struct EndpointPage<'a> {
    shell: Shell,
    model: &'a ModelEntry,
    of: &'a Endpoint,
    author: &'a str,
    errors: Vec<String>,
    answer: Answer<'a>,
    held: Option<String>,
    facts: Vec<Fact>,
    flags: Vec<Explained>,
    by_lens: LensTable<'a>,
    windows: Vec<Tab>,
    charts: Vec<DayChart>,
    hours: Option<HourMap>,
    /// What a session costs by time of the week.
    by_time: Option<String>,
    clock: Option<Clock>,
    conditions: Vec<(String, String)>,
    ending: Option<(String, When)>,
    changes: Vec<Change<'a>>,
    badge: String,
    /// Its days in the API.
    history: String,
    path: String,
}

/// A figure with its name; absent ones are in words.
struct Fact {
    name: &'static str,
    value: String,
    small: Option<String>,
}

/// What the end of an address under `/models/` names.
pub enum Named<'a> {
    Endpoint(&'a ModelEntry, &'a Endpoint),
    /// The model exists and has no endpoint of this name.
    Unknown(&'a ModelEntry, &'a str),
}

/// The endpoint of a path `{author}/{slug}/endpoints/{tag or id}`; `None` if it names no model.
pub fn named<'a>(snapshot: &'a Snapshot, path: &'a str) -> Option<Named<'a>> {
    let mut splits =
        path.match_indices(link::ENDPOINTS).map(|(at, part)| (&path[..at], &path[at + part.len()..]));
    let (model, name) = splits.find_map(|(model, name)| Some((snapshot.model(model)?, name)))?;
    let by_tag = model.endpoints.iter().find(|e| e.tag.as_str() == name);
    let by_id = || {
        let id: Uuid = name.parse().ok()?;
        model.endpoints.iter().find(|e| e.endpoint_id == id)
    };
    Some(match by_tag.or_else(by_id) {
        Some(endpoint) => Named::Endpoint(model, endpoint),
        None => Named::Unknown(model, name),
    })
}

/// What a reader may have meant instead of an unknown endpoint of a model.
pub fn nearest(model: &ModelEntry) -> Vec<Found> {
    let found = |e: &Endpoint| Found::endpoint(link::endpoint_of(model, e), e);
    let busiest = model.busiest().into_iter().take(NEAREST).map(found);
    std::iter::once(Found::model(model)).chain(busiest).collect()
}

/// Renders the page of an endpoint for the choice of its address. The status is 400 if a value of the choice is invalid.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(
    view: &View,
    model: &ModelEntry,
    endpoint: &Endpoint,
    choice: &Choice,
) -> askama::Result<(StatusCode, String)> {
    let snapshot = view.snapshot.as_ref();
    let costs = snapshot.workload(snapshot.default_workload()).map(|w| compare(snapshot, model, w));
    let path = link::endpoint_of(model, endpoint);
    let tag = endpoint.tag.as_str();
    let status = if choice.errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let title = format!("{} at {} ({tag})", model.name, endpoint.name);
    let about = format!("Hit rate, prices, uptime and speed of {} at {tag}, day by day.", model.model_id);
    let window = Window::new(snapshot, choice.days());
    let tab = |days: i64| Tab {
        href: choice.with_days(&path, days),
        label: format!("{days} days"),
        current: days == choice.days(),
    };
    let page = EndpointPage {
        shell: Shell::new(view, Section::Models, title, about)
            .picture(link::model_card(&model.model_id))
            .at(&path)
            .with_feeds(&path)
            .json(link::model_json(&model.model_id)),
        author: model.model_id.split('/').next().unwrap_or_default(),
        errors: choice.errors.iter().map(|error| preference::quoted(error)).collect(),
        answer: preference::of_one(view, (model, endpoint), &path, costs.as_ref(), choice),
        held: facts::held(endpoint),
        facts: figures(snapshot, endpoint, costs.as_ref()),
        flags: flags::explained(std::iter::once((tag.to_owned(), endpoint))),
        by_lens: LensTable::of_one(endpoint),
        windows: choice::DAYS.into_iter().map(tab).collect(),
        charts: charts(snapshot, model, endpoint, window),
        hours: hours::of_endpoint(&snapshot.hourly, model, tag),
        by_time: costs.as_ref().and_then(|costs| by_time(costs, endpoint)),
        clock: seasons::of_endpoint(endpoint, snapshot.default_workload(), snapshot.default_title()),
        conditions: conditions(endpoint).collect(),
        ending: ending(endpoint),
        changes: changes::of_endpoint(snapshot, &model.model_id, tag, CHANGES),
        badge: link::endpoint_badge(&path),
        history: link::endpoint_json(endpoint.endpoint_id),
        of: endpoint,
        model,
        path,
    };
    Ok((status, page.render()?))
}

fn charts(snapshot: &Snapshot, model: &ModelEntry, endpoint: &Endpoint, window: Window) -> Vec<DayChart> {
    let of = |what: OfModel| {
        let shown = std::iter::once((endpoint.tag.to_string(), model, endpoint));
        charts::of_endpoints(snapshot, what, what.title().to_owned(), window, shown)
    };
    let service = [OfModel::Uptime, OfModel::Throughput, OfModel::FirstToken].into_iter().filter_map(of);
    let prices = charts::of_prices(snapshot, model, endpoint, window);
    of(OfModel::HitRate).into_iter().chain(prices).chain(service).collect()
}

/// What a session costs by time of the week; `None` if that does not matter.
fn by_time(costs: &CostOfModel, endpoint: &Endpoint) -> Option<String> {
    let own = costs.endpoints.iter().find(|e| e.endpoint_id == endpoint.endpoint_id)?;
    periods_in_words(&own.by_time)
}

fn figures(snapshot: &Snapshot, endpoint: &Endpoint, costs: Option<&CostOfModel>) -> Vec<Fact> {
    let week = Week::of(endpoint, snapshot);
    let (list, facts) = (&endpoint.list, &endpoint.facts);
    let found =
        costs.and_then(|costs| costs.endpoints.iter().find(|e| e.endpoint_id == endpoint.endpoint_id));
    let (session, interval) = found.and_then(preference::session).unzip();
    let or = |value: Option<String>, absent: &str| value.unwrap_or_else(|| absent.to_owned());
    let fact =
        |name, value: Option<String>, absent: &str| Fact { name, value: or(value, absent), small: None };
    let usd = |price: Option<f64>| price.map(format::usd);
    let length = |tokens: Option<i64>| tokens.map(format::context);
    let uptime = |value: Option<f64>| value.map(format::percent_fine);
    let range =
        week.range.map(|(low, high)| format!("{} to {}", format::percent(low), format::percent(high)));
    let now = |text: Option<String>| text.map(|text| format!("now {text}"));
    let without_uptime = facts::without_uptime(snapshot);
    vec![
        Fact { small: range, ..fact("hit rate, 7 days", week.hit_rate.map(format::percent), "no traffic") },
        Fact {
            small: now(usd(endpoint.effective.input)),
            ..fact("input price paid, 7 days", usd(week.price), "no traffic")
        },
        Fact { small: interval.flatten(), ..fact("session", session, "not priced") },
        fact("tokens a day", endpoint.tokens_per_day.map(format::tokens), "no traffic"),
        fact("list price, input", usd(list.input), "not listed"),
        fact("list price, cache read", usd(list.cache_read), "not listed"),
        fact("list price, cache write", usd(list.cache_write), "not listed"),
        fact("list price, output", usd(list.output), "not listed"),
        fact("uptime, 1 day", uptime(endpoint.uptime_1d), without_uptime),
        fact("availability, 1 day", uptime(endpoint.availability), "not published"),
        fact("tokens per second", endpoint.throughput.map(|v| format!("{v:.0}")), "not measured"),
        fact("first token", endpoint.latency_ms.map(format::milliseconds), "not measured"),
        fact("quantization", facts.quantization.clone(), "not stated"),
        fact("context", length(facts.context_length), "not stated"),
        fact("longest prompt", length(endpoint.prompt_limit()), "not stated"),
        fact("longest answer", length(facts.max_completion_tokens), "not stated"),
        fact("prompts", facts::prompts(endpoint).map(str::to_owned), "not stated"),
        fact("region", facts.region.clone(), "not stated"),
        fact("offered since", Some(format::moment(endpoint.since())), ""),
    ]
}
