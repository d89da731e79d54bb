//! The page of a model: the answer with its config, and its endpoints side by side.

use super::changes::{self, Change};
use crate::cost::CostOfModel;
use crate::domain::quantization::Quantization;
use crate::domain::workload::Workload;
use crate::site::charts::cost_bars::CostPart;
use crate::site::charts::day_chart::DayChart;
use crate::site::charts::hours::{self, Hours};
use crate::site::charts::session_bars::{self, SessionBars, SessionCell, Sessions};
use crate::site::charts::{self, OfModel, Window};
use crate::site::parts::choice::{self, Choice, Group};
use crate::site::parts::facts::{self, conditions, ending};
pub use crate::site::parts::facts::{held, prompts};
use crate::site::parts::flags::{self, Explained};
use crate::site::parts::lens_table::LensTable;
use crate::site::parts::picks::{Picks, picks};
use crate::site::parts::preference::{self, Answer};
use crate::site::parts::seasons;
use crate::site::parts::shares::{self, Shares};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::table::{Column, EndpointTable, Kind, Row};
use crate::site::parts::{Cell, Tab, When, basis, format, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::price_list::{self, ListVerdict};
use askama::Template;
use axum::http::StatusCode;

/// Maximum number of changes shown.
const CHANGES: usize = 30;
/// Number of endpoints that a phone shows at first; the style sheet hides the others.
const SHOWN_ON_A_PHONE: usize = 12;

#[derive(Template)]
#[template(path = "model.html")]
struct ModelPage<'a> {
    shell: Shell,
    model: &'a ModelEntry,
    author: &'a str,
    path: String,
    facts: Facts,
    siblings: Vec<&'a str>,
    choice: &'a Choice,
    errors: Vec<String>,
    answer: Answer<'a>,
    quantizations: Vec<&'static str>,
    advice: Option<Advice<'a>>,
    workload: String,
    workloads: &'a [Workload],
    table: EndpointTable<'a>,
    by_lens: LensTable<'a>,
    flags: Vec<Explained>,
    prices: EndpointTable<'a>,
    conditions: Vec<(String, String)>,
    service: EndpointTable<'a>,
    endings: Vec<(String, When)>,
    cost: Option<CostPart>,
    days: Days<'a>,
    hours: Hours,
    session_bars: Vec<SessionBars>,
    sessions: Vec<(&'a Endpoint, Vec<SessionCell>)>,
    has_intervals: bool,
    shares: Option<Shares>,
    changes: Vec<Change<'a>>,
}

struct Facts {
    hit_rate: String,
    tokens: String,
    context: Option<String>,
    created: Option<When>,
}

/// The charts over days with what can be chosen about them.
struct Days<'a> {
    charts: Vec<DayChart>,
    windows: Vec<Tab>,
    /// The endpoints that can be drawn, and whether they are.
    lines: Vec<(&'a Endpoint, bool)>,
    basis: Option<String>,
}

/// The choice of the price list compared with the cheapest session.
struct Advice<'a> {
    list: &'a Endpoint,
    list_cost: String,
    best: &'a Endpoint,
    best_cost: String,
    surcharge: Option<String>,
    verdict: ListVerdict,
    /// The place of the list's choice among the hosts with the lowest list price.
    place: String,
    /// The most expensive session among several hosts with the lowest list price.
    others_up_to: Option<String>,
}

impl Advice<'_> {
    /// Whether the cheapest session is at the lowest list price.
    fn agrees(&self) -> bool {
        matches!(self.verdict, ListVerdict::Right | ListVerdict::Tie)
    }
}

/// Renders the page of a model for the choice of its address. The status is 400 if a value of the choice is invalid.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, model: &ModelEntry, choice: &Choice) -> askama::Result<(StatusCode, String)> {
    let snapshot = view.snapshot.as_ref();
    let picks = picks(snapshot, model);
    let Sessions { bars, rows, default: costs } = session_bars::of_model(snapshot, model);
    let is_priced = |cost: &CostOfModel| cost.endpoints.iter().any(|e| e.cost.is_some());
    let mut errors: Vec<String> = choice.errors.iter().map(|error| preference::quoted(error)).collect();
    let days = days(view, model, choice, &mut errors);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = ModelPage {
        shell: Shell::new(
            view,
            Section::Models,
            format!("{} and its hosts", model.name),
            format!("The hosts of {} side by side: hit rates, prices and uptime.", model.model_id),
        )
        .picture(link::model_card(&model.model_id))
        .at(link::model(&model.model_id))
        .with_feeds(link::model(&model.model_id))
        .json(link::model_json(&model.model_id)),
        model,
        author: model.model_id.split('/').next().unwrap_or_default(),
        path: link::model(&model.model_id),
        facts: facts(model),
        siblings: siblings(snapshot, model),
        choice,
        errors,
        answer: preference::of_model(view, model, costs.as_ref(), choice),
        quantizations: Quantization::all().map(Quantization::as_str).collect(),
        advice: picks.as_ref().map(advice),
        workload: snapshot.default_title(),
        workloads: &snapshot.workloads,
        table: endpoints(snapshot, model, costs.as_ref(), picks.as_ref()),
        has_intervals: bars.iter().any(|bars| bars.has_intervals),
        session_bars: bars,
        sessions: model.endpoints.iter().zip(rows).collect(),
        hours: hours::of_model(&snapshot.hourly, model),
        by_lens: LensTable::new(model),
        flags: flags::explained(model.endpoints.iter().map(|e| (e.tag.to_string(), e))),
        prices: prices(model),
        conditions: model.endpoints.iter().flat_map(by_time).collect(),
        service: service(snapshot, model),
        endings: model.endpoints.iter().filter_map(ending).collect(),
        cost: costs.filter(is_priced).map(|costs| CostPart::new(model, costs)),
        days,
        shares: shares::of_model(snapshot, model),
        changes: changes::of_model(snapshot, &model.model_id, CHANGES),
    };
    Ok((status, page.render()?))
}

/// The tag of an endpoint with each of its conditional prices, and what else follows the clock.
fn by_time(endpoint: &Endpoint) -> impl Iterator<Item = (String, String)> {
    let lines = seasons::lines(endpoint).into_iter();
    conditions(endpoint).chain(lines.map(|line| (endpoint.tag.to_string(), line)))
}

fn facts(model: &ModelEntry) -> Facts {
    let no_traffic = || "no traffic".to_owned();
    Facts {
        hit_rate: model.hit_rate.map_or_else(no_traffic, format::percent),
        tokens: Some(model.tokens_per_day)
            .filter(|tokens| *tokens > 0.0)
            .map_or_else(no_traffic, |tokens| format!("{} a day", format::tokens(tokens))),
        context: model.context_length.map(format::context),
        created: model.created.map(When::new),
    }
}

/// The other variants of the same model.
fn siblings<'a>(snapshot: &'a Snapshot, model: &ModelEntry) -> Vec<&'a str> {
    let same = snapshot.models.iter().filter(|m| m.slug == model.slug);
    same.map(|m| m.model_id.as_str()).filter(|id| *id != model.model_id).collect()
}

fn advice<'a>(picks: &Picks<'a>) -> Advice<'a> {
    Advice {
        list: picks.by_list,
        list_cost: format::usd(picks.by_list_cost),
        best: picks.by_session,
        best_cost: format::usd(picks.by_session_cost),
        surcharge: picks.surcharge().map(format::percent),
        verdict: picks.verdict,
        place: price_list::place(picks.hosts),
        others_up_to: (picks.hosts > 1).then(|| format::usd(picks.hosts_most)),
    }
}

/// The columns of the main table: one window, the last seven days, and the values of now apart.
const MAIN: [Column; 9] = [
    Column::new("Session", "USD"),
    facts::WEEK[0],
    facts::WEEK[1],
    facts::NOW[0],
    facts::NOW[1],
    Column::new("Tokens a day", ""),
    Column::new("List price", "input").wide(),
    Column::words("Quantization").wide(),
    Column::words("Prompts").wide(),
];

/// The columns of [`MAIN`] in dollars, besides the first.
const DOLLARS: [usize; 3] = [2, 4, 6];

/// The main table: every endpoint, cheapest session first.
fn endpoints<'a>(
    snapshot: &Snapshot,
    model: &'a ModelEntry,
    costs: Option<&CostOfModel>,
    picks: Option<&Picks>,
) -> EndpointTable<'a> {
    let workload = snapshot.default_workload();
    let cost = |e: &Endpoint| e.session_cost.get(workload).copied();
    let now = |e: &Endpoint| e.unusual_cost_now(workload);
    let usd = format::usd_column(model.endpoints.iter().flat_map(|e| [cost(e), now(e)]).flatten());
    let interval = |e: &Endpoint| {
        let found = costs?.endpoints.iter().find(|one| one.endpoint_id == e.endpoint_id)?;
        let ends = found.low.zip(found.high).filter(|(low, high)| low < high && cost(e).is_some());
        ends.map(|(low, high)| format!("{} to {}", usd(low), usd(high)))
    };
    let is = |picked: fn(&Picks) -> uuid::Uuid, e: &Endpoint| picks.map(picked) == Some(e.endpoint_id);
    let row = |e: &'a Endpoint| {
        let is_cheapest = is(|p| p.by_session.endpoint_id, e);
        let session = Cell::number(cost(e), &usd, "not priced").labelled("session").with_now(now(e));
        let session = session.with_below(interval(e));
        let [hits, paid] = facts::week(e, snapshot);
        let [hits_now, paid_now] = facts::now(e);
        let cells = vec![
            if is_cheapest { session.best() } else { session },
            hits,
            paid,
            hits_now,
            paid_now,
            Cell::number(e.tokens_per_day, format::tokens, "no traffic").labelled("tokens/day"),
            Cell::number(e.list.input, format::usd, "not listed").classed(" wide"),
            Cell::words(e.facts.quantization.clone(), "not stated").classed(" wide"),
            Cell::words(prompts(e).map(str::to_owned), "not stated").classed(" wide"),
        ];
        let marks = [
            (is_cheapest, ("flag good", "cheapest session")),
            (is(|p| p.by_list.endpoint_id, e), ("flag", "cheapest by list")),
        ];
        Row {
            marks: marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect(),
            held: held(e),
            ..Row::new(model, e, cells)
        }
    };
    let mut rows: Vec<Row> = model.endpoints.iter().map(row).collect();
    for nth in std::iter::once(0).chain(DOLLARS) {
        Cell::align_usd(rows.iter_mut().map(|row| &mut row.cells[nth]));
    }
    let caption = format!("Endpoints, cheapest {} session first", snapshot.default_title());
    let kind = if rows.len() > 1 { Kind::Choosable } else { Kind::Main };
    EndpointTable::new(("endpoints", caption), kind, &MAIN, rows)
}

fn prices(model: &ModelEntry) -> EndpointTable<'_> {
    let mut rows: Vec<Row> = model.endpoints.iter().map(|e| Row::new(model, e, facts::prices(e))).collect();
    for nth in 0..facts::DOLLAR_PRICES {
        Cell::align_usd(rows.iter_mut().map(|row| &mut row.cells[nth]));
    }
    let caption = "List prices and paid prices, USD per million tokens";
    EndpointTable::new(("prices", caption), Kind::Plain, &facts::PRICES, rows)
}

fn service<'a>(snapshot: &Snapshot, model: &'a ModelEntry) -> EndpointTable<'a> {
    let absent = facts::without_uptime(snapshot);
    let rows = model.endpoints.iter().map(|e| Row::new(model, e, facts::service(e, absent))).collect();
    EndpointTable::new(("service", "Uptime, speed and limits"), Kind::Plain, &facts::SERVICE, rows)
}

/// The charts of the chosen endpoints; by default the recommended one and the busiest ones. Unknown tags are reported.
fn days<'a>(view: &View, model: &'a ModelEntry, choice: &Choice, errors: &mut Vec<String>) -> Days<'a> {
    let snapshot = view.snapshot.as_ref();
    let best = preference::recommended(snapshot, model, view.now).into_iter().next();
    let mut shown: Vec<&Endpoint> = Vec::new();
    for tag in &choice.lines {
        match model.endpoints.iter().find(|e| e.tag.as_str() == tag) {
            Some(endpoint) => shown.push(endpoint),
            None => {
                let tag = format::shorten(tag, 60);
                errors.push(format!("No endpoint of this model has the tag “{tag}”."));
            }
        }
    }
    if shown.is_empty() {
        shown = charts::shown(model, best);
    }
    let window = Window::new(snapshot, choice.days());
    let path = link::model(&model.model_id);
    let tab = |days: i64| Tab {
        href: choice.with_days(&path, days),
        label: format!("{days} days"),
        current: days == choice.days(),
    };
    let is_shown = |e: &Endpoint| shown.iter().any(|one| one.endpoint_id == e.endpoint_id);
    let of = |what| charts::of_model(snapshot, model, what, window, (&shown, best));
    Days {
        charts: [OfModel::HitRate, OfModel::EffectivePrice].into_iter().filter_map(of).collect(),
        windows: choice::DAYS.into_iter().map(tab).collect(),
        lines: model.endpoints.iter().map(|e| (e, is_shown(e))).collect(),
        basis: basis::of_days(&model.endpoints),
    }
}
