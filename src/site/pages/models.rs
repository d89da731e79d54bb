//! The index of models.

use crate::site::parts::picks::{Picks, picks};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell, format, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, ModelEntry};
use askama::Template;

#[derive(Template)]
#[template(path = "models.html")]
struct Models {
    shell: Shell,
    workload: String,
    groups: Vec<Group>,
}

/// Either the standard variants or the others; the two groups are never compared with each other.
struct Group {
    id: &'static str,
    title: &'static str,
    note: &'static str,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    name: String,
    model_id: String,
    endpoints: Cell,
    hit_rate: Cell,
    tokens: Cell,
    cheapest: Option<Host>,
    by_list: Option<Host>,
    agrees: bool,
    surcharge: Cell,
    spread: Cell,
}

struct Host {
    href: String,
    name: String,
    tag: String,
    badge: Badge,
    cost: String,
    sort: f64,
}

/// Renders the index of models.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View) -> askama::Result<String> {
    let snapshot = &view.snapshot;
    let workload = snapshot.default_workload();
    let rows = |standard: bool| -> Vec<Row> {
        let of = |m: &&ModelEntry| m.variant.is_standard() == standard;
        snapshot.models.iter().filter(of).map(|m| row(m, workload)).collect()
    };
    let groups = vec![
        Group {
            id: "standard",
            title: "Standard",
            note: "The tiers compare these variants. Most used first.",
            rows: rows(true),
        },
        Group {
            id: "variants",
            title: "Free, batch and other variants",
            note: "Listed separately because their prices and traffic differ from those of the standard variant.",
            rows: rows(false),
        },
    ];
    Models {
        shell: Shell::of_page(
            view,
            Section::Models,
            "models",
            "Every model with its hosts: the cheapest by list price and the cheapest in practice.",
        ),
        workload: snapshot.default_title(),
        groups: groups.into_iter().filter(|g| !g.rows.is_empty()).collect(),
    }
    .render()
}

fn host(endpoint: &Endpoint, cost: f64) -> Host {
    Host {
        href: link::provider(endpoint.provider.as_str()),
        name: endpoint.name.clone(),
        tag: endpoint.tag.to_string(),
        badge: Badge::new(endpoint.tier),
        cost: format::usd_fine(cost),
        sort: cost,
    }
}

fn row(model: &ModelEntry, workload: &str) -> Row {
    let picks = picks(model, workload);
    let only_one = if model.endpoints.len() < 2 { "one host" } else { "not priced" };
    let surcharge = picks.as_ref().and_then(Picks::surcharge);
    Row {
        href: link::model(&model.model_id),
        name: model.name.clone(),
        model_id: model.model_id.clone(),
        endpoints: Cell::count(model.endpoints.len()),
        hit_rate: Cell::number(model.hit_rate, format::percent, "no traffic"),
        tokens: Cell::traffic(model.tokens_per_day),
        agrees: picks.is_some_and(|p| p.by_list.endpoint_id == p.by_session.endpoint_id),
        cheapest: picks.map(|p| host(p.by_session, p.by_session_cost)),
        by_list: picks.map(|p| host(p.by_list, p.by_list_cost)),
        surcharge: Cell::number(surcharge, format::percent_change, only_one),
        spread: Cell::number(picks.and_then(|p| p.spread), |s| format!("{s:.1}×"), only_one),
    }
}
