//! The front page: a tier list in the familiar layout, the reader's model, and the evidence, folded.

mod evidence;
mod hero;
mod models;
mod tierlist;
mod week;

use crate::domain::tier::{Lens, Tier};
use crate::site::parts::flags::{self, Explained};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::tested::{self, Tested};
use crate::site::parts::{Tab, format, lens, link};
use crate::site::registry::Section;
use crate::snapshot::{ProviderTier, Snapshot, TierList};
use askama::Template;
use evidence::Table;
use hero::Facts;
use models::Saving;
use tierlist::TierRow;
use week::{TierMoves, Week};

#[derive(Template)]
#[template(path = "front.html")]
struct Front<'a> {
    shell: Shell,
    /// The result of the backtest, and what it saved against the traffic.
    headline: Option<(Tested<'a>, String)>,
    facts: Facts,
    savings: Vec<Saving<'a>>,
    workload_title: String,
    lenses: Vec<Tab>,
    workloads: Vec<Tab>,
    explanation: String,
    provisional: bool,
    note: Option<&'a str>,
    window: Option<String>,
    is_empty: bool,
    rows: Vec<TierRow<'a>>,
    any_reach: bool,
    evidence: Table<'a>,
    flags: Vec<Explained>,
    unrated: Vec<&'a ProviderTier>,
    week: Option<Week>,
    tier_moves: Option<TierMoves<'a>>,
    lens_name: String,
}

/// Renders the tier list of a lens; `workload` must be one of the snapshot's, or `None` for lenses without.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, lens: Lens, workload: Option<&str>) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let list = snapshot.tier_list(lens, workload);
    let providers = list.into_iter().flat_map(|l| &l.providers);
    let evidence = list.map(|l| evidence::table(snapshot, l)).unwrap_or_default();
    let rows = list.map(tierlist::tier_rows).unwrap_or_default();
    Front {
        shell: shell(view, lens, workload),
        headline: headline(snapshot),
        facts: hero::facts(view, lens, list),
        savings: models::savings(view),
        workload_title: snapshot.default_title(),
        lenses: lens_tabs(snapshot, lens),
        workloads: workload_tabs(snapshot, lens, workload),
        explanation: explanation(lens, workload_title(snapshot, workload)),
        provisional: list.is_some_and(|l| l.provisional),
        note: list.and_then(|l| l.note.as_deref()),
        window: list.map(|l| format!("{} to {}", l.window.from, l.window.to)),
        is_empty: !list.is_some_and(is_rated),
        any_reach: rows.iter().flat_map(|row| &row.chips).any(|chip| chip.reach.is_some()),
        rows,
        flags: flags::meanings(evidence.rows.iter().flat_map(|row| &row.flags)),
        evidence,
        unrated: providers.filter(|row| row.tier == Tier::Unrated).collect(),
        week: week::week(snapshot),
        tier_moves: list.filter(|list| is_rated(list)).map(week::tier_moves),
        lens_name: lens::title(lens).to_lowercase(),
    }
    .render()
}

/// What following the numbers saved against the traffic; `None` if it saved nothing or too little was tested.
fn headline(snapshot: &Snapshot) -> Option<(Tested<'_>, String)> {
    let mut tested = tested::tested(snapshot.backtest.as_ref()?.headline())?;
    let saved = tested.saved.take()?;
    Some((tested, saved))
}

fn shell(view: &View, lens: Lens, workload: Option<&str>) -> Shell {
    let is_default = lens == lens::DEFAULT_LENS && workload == Some(view.snapshot.default_workload());
    let title = match is_default {
        true => "which hosts really cache your prompts".to_owned(),
        false => match workload_title(&view.snapshot, workload) {
            Some(workload) => format!("tier list by {lens} for the workload {workload}"),
            None => format!("tier list by {lens}"),
        },
    };
    let description =
        "Inference providers in tiers by what you pay after caching, compared on the same models.";
    let path = if is_default { "/".to_owned() } else { link::tiers(lens, workload) };
    Shell::new(view, Section::Tiers, title, description).at(path).json(link::tiers_json(lens, workload))
}

fn workload_title<'a>(snapshot: &'a Snapshot, workload: Option<&str>) -> Option<&'a str> {
    snapshot.workload(workload?).map(|w| w.title.as_str())
}

/// Whether a list has a provider with a tier.
fn is_rated(list: &TierList) -> bool {
    list.providers.iter().any(|row| row.tier != Tier::Unrated)
}

/// The tabs of the lenses that have data, and of the current one; the default lens has the plain address.
fn lens_tabs(snapshot: &Snapshot, current: Lens) -> Vec<Tab> {
    let has_data = |lens: Lens| snapshot.tier_lists.iter().any(|list| list.lens == lens && is_rated(list));
    let tab = |lens: Lens| Tab {
        href: match lens == lens::DEFAULT_LENS {
            true => format!("/{}", link::TIERS_PLACE),
            false => format!("/?lens={lens}{}", link::TIERS_PLACE),
        },
        label: lens::title(lens).to_owned(),
        current: lens == current,
    };
    lens::all().into_iter().filter(|lens| *lens == current || has_data(*lens)).map(tab).collect()
}

fn workload_tabs(snapshot: &Snapshot, lens: Lens, current: Option<&str>) -> Vec<Tab> {
    if !lens.needs_workload() {
        return Vec::new();
    }
    let tab = |name: &str, title: &str| Tab {
        href: link::tiers(lens, Some(name)) + link::TIERS_PLACE,
        label: title.to_owned(),
        current: current == Some(name),
    };
    let has_data = |name: &str| snapshot.tier_list(lens, Some(name)).is_some_and(is_rated);
    let offered = snapshot.workloads.iter().filter(|w| current == Some(w.name.as_str()) || has_data(&w.name));
    offered.map(|w| tab(&w.name, &w.title)).collect()
}

fn explanation(lens: Lens, workload: Option<&str>) -> String {
    let text = match lens {
        Lens::Cache => "Points of hit rate above or below peers on the same models.",
        Lens::Cost => {
            "What a {workload} session costs compared with peers on the same models, with the cache hits that users got."
        }
        Lens::Reliability => {
            "Share of requests answered, compared with peers on the same models, in standard deviations."
        }
        Lens::Speed => {
            "Output speed and time to the first token, half each, compared with peers on the same models, in standard \
             deviations."
        }
        Lens::Overall => "All lenses combined, weighted for the workload {workload}, in standard deviations.",
    };
    text.replace("{workload}", &workload.unwrap_or("default").to_lowercase())
}
