//! The front page: a tier list in the familiar layout, with the evidence below it.

mod evidence;
mod hero;
mod tierlist;
mod week;

use crate::domain::tier::{Lens, Tier};
use crate::site::parts::flags::{self, Explained};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Tab, format, lens, link};
use crate::site::registry::Section;
use crate::snapshot::{ProviderTier, Snapshot, TierList};
use askama::Template;
use evidence::{Columns, Evidence};
use hero::{Facts, Lede, Tested};
use tierlist::TierRow;
use week::{Popular, TierMoves, Week};

#[derive(Template)]
#[template(path = "front.html")]
struct Front<'a> {
    shell: Shell,
    lede: Option<Lede>,
    tested: Option<Tested<'a>>,
    facts: Facts,
    popular: Vec<Popular<'a>>,
    lenses: Vec<Tab>,
    workloads: Vec<Tab>,
    workload_about: Option<&'a str>,
    explanation: String,
    provisional: bool,
    note: Option<&'a str>,
    window: Option<String>,
    is_empty: bool,
    rows: Vec<TierRow<'a>>,
    any_reach: bool,
    columns: Columns,
    lens: Lens,
    evidence: Vec<Evidence<'a>>,
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
    let rated = |list: &TierList| list.providers.iter().any(|row| row.tier != Tier::Unrated);
    let providers = list.into_iter().flat_map(|l| &l.providers);
    let about = workload.and_then(|name| snapshot.workload(name));
    let evidence = list.map(|l| evidence::evidence(snapshot, l)).unwrap_or_default();
    let rows = list.map(tierlist::tier_rows).unwrap_or_default();
    Front {
        shell: shell(view, lens, workload),
        lede: hero::lede(snapshot),
        tested: snapshot.backtest.as_ref().and_then(|backtest| hero::tested(backtest.headline())),
        facts: hero::facts(view, lens, list),
        popular: week::popular(snapshot),
        lenses: lens_tabs(lens),
        workloads: workload_tabs(snapshot, lens, workload),
        workload_about: about.map(|w| w.about.as_str()),
        explanation: explanation(lens, workload_title(snapshot, workload)),
        provisional: list.is_some_and(|l| l.provisional),
        note: list.and_then(|l| l.note.as_deref()),
        window: list.map(|l| format!("{} to {}", l.window.from, l.window.to)),
        is_empty: !list.is_some_and(rated),
        any_reach: rows.iter().flat_map(|row| &row.chips).any(|chip| chip.reach.is_some()),
        rows,
        columns: evidence::columns(lens, snapshot),
        lens,
        flags: flags::meanings(evidence.iter().flat_map(|e| &e.flags)),
        evidence,
        unrated: providers.filter(|row| row.tier == Tier::Unrated).collect(),
        week: week::week(snapshot),
        tier_moves: list.filter(|list| rated(list)).map(week::tier_moves),
        lens_name: lens::title(lens).to_lowercase(),
    }
    .render()
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

/// The tabs of the lenses; the default lens has the plain address.
fn lens_tabs(current: Lens) -> Vec<Tab> {
    let tab = |lens: Lens| Tab {
        href: if lens == lens::DEFAULT_LENS { "/".to_owned() } else { format!("/?lens={lens}") },
        label: lens::title(lens).to_owned(),
        current: lens == current,
    };
    lens::all().into_iter().map(tab).collect()
}

fn workload_tabs(snapshot: &Snapshot, lens: Lens, current: Option<&str>) -> Vec<Tab> {
    if !lens.needs_workload() {
        return Vec::new();
    }
    let tab = |name: &str, title: &str| Tab {
        href: link::tiers(lens, Some(name)),
        label: title.to_owned(),
        current: current == Some(name),
    };
    snapshot.workloads.iter().map(|w| tab(&w.name, &w.title)).collect()
}

fn explanation(lens: Lens, workload: Option<&str>) -> String {
    let text = match lens {
        Lens::Cache => {
            "Points of hit rate above or below its peers on the same models, so serving models that are easy to cache \
             gives no advantage."
        }
        Lens::Cost => {
            "What a {workload} session costs there compared with peers on the same models: \u{2212}12\u{202f}% is \
             twelve percent cheaper. Computed with the cache hits that its users actually got, not from the price list."
        }
        Lens::Reliability => {
            "Share of requests answered, compared with peers on the same models; +1 is one standard deviation better \
             than the middle."
        }
        Lens::Speed => {
            "Output speed and time to the first token, half each, compared with peers on the same models; +1 is one \
             standard deviation faster than the middle."
        }
        Lens::Overall => {
            "The four lenses combined, weighted for the workload {workload}; +1 is one standard deviation better than \
             the middle."
        }
    };
    text.replace("{workload}", &workload.unwrap_or("default").to_lowercase())
}
