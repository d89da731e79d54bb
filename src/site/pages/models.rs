//! The index of models.

use crate::site::parts::picks::{Picks, picks};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell, format, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::price_list;
use askama::Template;

/// Number of rows shown at first; the style sheet hides the others until the reader wants them.
pub const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "models.html")]
struct Models<'a> {
    shell: Shell,
    workload: String,
    groups: Vec<Group<'a>>,
}

/// Either the standard variants or the others; the two groups are never compared with each other.
struct Group<'a> {
    id: &'static str,
    title: &'static str,
    note: &'static str,
    /// Whether the rows are folded away.
    is_folded: bool,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    of: &'a ModelEntry,
    /// The id of the row, if the name of the model can be part of an address.
    id: Option<String>,
    hit_rate: Cell,
    tokens: Cell,
    cheapest: Option<Host<'a>>,
    by_list: Option<Host<'a>>,
    /// Whether the cheapest host on paper is not the best one.
    differs: bool,
    hosts: Cell,
    /// How many hosts share the lowest list price, if several do.
    tied: Option<String>,
    surcharge: Cell,
    spread: Cell,
}

struct Host<'a> {
    of: &'a Endpoint,
    cost: String,
    sort: f64,
}

/// Renders the index of models.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View) -> askama::Result<String> {
    let snapshot = &view.snapshot;
    let rows = |standard: bool| -> Vec<Row<'_>> {
        let of = |m: &&ModelEntry| m.variant.is_standard() == standard;
        snapshot.models.iter().filter(of).map(|m| row(snapshot, m)).collect()
    };
    let groups = vec![
        Group {
            id: "standard",
            title: "Standard",
            note: "The tiers compare these variants. Most used first.",
            is_folded: false,
            rows: rows(true),
        },
        Group {
            id: "variants",
            title: "Free, batch and other variants",
            note: "Listed separately because their prices and traffic differ from those of the standard variant.",
            is_folded: true,
            rows: rows(false),
        },
    ];
    Models {
        shell: Shell::of_page(
            view,
            Section::Models,
            "models",
            "Every model with its best host, and what the cheapest price on paper really costs.",
        ),
        workload: snapshot.default_title(),
        groups: groups.into_iter().filter(|g| !g.rows.is_empty()).collect(),
    }
    .render()
}

fn row<'a>(snapshot: &Snapshot, model: &'a ModelEntry) -> Row<'a> {
    let picks = picks(snapshot, model);
    let host = |of, cost| Host { of, cost: format::usd_fine(cost), sort: cost };
    let only_one = if model.endpoints.len() < 2 { "one host" } else { "not priced" };
    let surcharge = picks.as_ref().and_then(Picks::surcharge);
    Row {
        of: model,
        id: link::row_id("m", &model.model_id),
        hit_rate: Cell::number(model.hit_rate, format::percent_whole, "no traffic").labelled("hit rate"),
        tokens: Cell::traffic(model.tokens_per_day).labelled("tokens a day"),
        differs: picks.is_some_and(|p| p.by_list.endpoint_id != p.by_session.endpoint_id),
        hosts: Cell::count(model.endpoints.len()).wide(),
        tied: picks.filter(|p| p.hosts > 1).map(|p| price_list::place(p.hosts)),
        cheapest: picks.map(|p| host(p.by_session, p.by_session_cost)),
        by_list: picks.map(|p| host(p.by_list, p.by_list_cost)),
        surcharge: Cell::number(surcharge, format::percent_change, only_one).labelled("on paper: costs more"),
        spread: Cell::number(picks.and_then(|p| p.spread), |s| format!("{s:.1}×"), only_one).wide(),
    }
}
