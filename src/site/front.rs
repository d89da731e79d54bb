//! The front page: a tier list in the shape people know, over the evidence for it.

use super::format;
use super::link;
use super::parts::{Badge, Bar, Cell, Tab, class, effect, on_scale};
use super::picks;
use super::shell::{Section, Shell, View};
use super::spark::{DayAxis, Spark};
use crate::domain::thresholds::BACKTEST_TOLD_FROM;
use crate::domain::tier::{Lens, Tier};
use crate::snapshot::{Policy, ProviderEntry, ProviderTier, Snapshot, TestedDays, TierList};
use askama::Template;
use std::collections::HashMap;

/// The lens shown where none is asked for. Who comes here has a bill to lower: the cost of a whole session against
/// peers on the same models is the answer to that; the hit rate is its cause, one tab away.
pub const DEFAULT_LENS: Lens = Lens::Cost;

#[derive(Template)]
#[template(path = "front.html")]
struct Front<'a> {
    shell: Shell,
    lede: Option<Lede>,
    tested: Option<Tested>,
    facts: Facts,
    lenses: Vec<Tab>,
    workloads: Vec<Tab>,
    workload_about: Option<&'a str>,
    explanation: String,
    provisional: bool,
    note: Option<&'a str>,
    window: Option<String>,
    is_empty: bool,
    rows: Vec<TierRow>,
    columns: Columns,
    evidence: Vec<Evidence>,
    unrated: Vec<Unrated>,
}

struct Lede {
    misled: usize,
    models: usize,
    surcharge: String,
    workload: String,
}

/// The result of the backtest in a sentence.
struct Tested {
    choices: String,
    models: usize,
    from: String,
    to: String,
    ours: String,
    yesterday: String,
    list: String,
}

struct Facts {
    age: String,
    endpoints: String,
    tokens: String,
    covered: Option<String>,
    sure_to: String,
}

struct TierRow {
    class: &'static str,
    letter: &'static str,
    bound: String,
    chips: Vec<Chip>,
}

struct Chip {
    href: String,
    name: String,
    value: String,
}

struct Columns {
    worse_left: &'static str,
    better_right: &'static str,
    value: &'static str,
    traffic: &'static str,
    days: String,
}

struct Evidence {
    href: String,
    name: String,
    badge: Badge,
    bar: Option<Bar>,
    value: Cell,
    interval: Option<String>,
    traffic: Cell,
    models_mean: Cell,
    models: Cell,
    share: Cell,
    spark: Option<Spark>,
    reason: Option<String>,
}

struct Unrated {
    href: String,
    name: String,
    reason: String,
}

/// Renders the tier list of a lens; `workload` must be one of the snapshot's, or `None` for lenses without.
///
/// # Errors
/// Where the template cannot be rendered.
pub fn render(view: &View, lens: Lens, workload: Option<&str>) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let list = snapshot.tier_list(lens, workload);
    let rated = |list: &TierList| list.providers.iter().any(|row| row.tier != Tier::Unrated);
    let default_workload = snapshot.default_workload();
    Front {
        shell: shell(view, lens, workload),
        lede: picks::misled(snapshot, default_workload).map(|m| Lede {
            misled: m.misled,
            models: m.models,
            surcharge: format::percent(m.median_surcharge),
            workload: workload_title(snapshot, Some(default_workload)).unwrap_or_default().to_lowercase(),
        }),
        tested: snapshot.backtest.as_ref().and_then(|backtest| tested(backtest.headline())),
        facts: facts(view, lens, list),
        lenses: lens_tabs(lens),
        workloads: workload_tabs(snapshot, lens, workload),
        workload_about: snapshot
            .workloads
            .iter()
            .find(|w| Some(w.name.as_str()) == workload)
            .map(|w| w.about.as_str()),
        explanation: explanation(lens, workload_title(snapshot, workload)),
        provisional: list.is_some_and(|l| l.provisional),
        note: list.and_then(|l| l.note.as_deref()),
        window: list.map(|l| format!("{} to {}", l.window.from, l.window.to)),
        is_empty: !list.is_some_and(rated),
        rows: list.map(tier_rows).unwrap_or_default(),
        columns: columns(lens, snapshot),
        evidence: list.map(|l| evidence(snapshot, l)).unwrap_or_default(),
        unrated: list.map(unrated).unwrap_or_default(),
    }
    .render()
}

/// `None` where there were too few choices to tell people of.
fn tested(days: &TestedDays) -> Option<Tested> {
    let over = |policy: Policy| Some(format::percent_tenth(days.of(policy)?.equal - 1.0));
    (days.model_days >= BACKTEST_TOLD_FROM).then_some(())?;
    Some(Tested {
        choices: format::grouped(u64::try_from(days.model_days).unwrap_or(u64::MAX)),
        models: days.models,
        from: days.from.to_string(),
        to: days.to.to_string(),
        ours: over(Policy::Hitrate)?,
        yesterday: over(Policy::Yesterday)?,
        list: over(Policy::CheapestList)?,
    })
}

fn shell(view: &View, lens: Lens, workload: Option<&str>) -> Shell {
    let title = match lens == DEFAULT_LENS && workload == Some(view.snapshot.default_workload()) {
        true => "which hosts really cache your prompts".to_owned(),
        false => match workload_title(&view.snapshot, workload) {
            Some(workload) => format!("tier list by {lens} for the workload {workload}"),
            None => format!("tier list by {lens}"),
        },
    };
    let description =
        "Inference providers in tiers by what their caching makes you pay, compared on the same models.";
    Shell::new(view, Section::Tiers, title, description).json(link::tiers_json(lens, workload))
}

fn workload_title<'a>(snapshot: &'a Snapshot, workload: Option<&str>) -> Option<&'a str> {
    snapshot.workloads.iter().find(|w| Some(w.name.as_str()) == workload).map(|w| w.title.as_str())
}

fn facts(view: &View, lens: Lens, list: Option<&TierList>) -> Facts {
    let summary = &view.snapshot.summary;
    Facts {
        age: format::age(view.age()),
        endpoints: format::grouped(summary.endpoints as u64),
        tokens: format::tokens(summary.tokens_per_day),
        covered: summary.covered_share.map(format::percent),
        sure_to: list
            .and_then(|l| typical_interval(l, lens))
            .unwrap_or_else(|| "no intervals: nobody is rated".to_owned()),
    }
}

/// Half the width of the middle interval, where there are intervals.
fn typical_interval(list: &TierList, lens: Lens) -> Option<String> {
    let mut halves: Vec<f64> =
        list.providers.iter().filter_map(|row| Some((row.high? - row.low?).abs() / 2.0)).collect();
    halves.sort_by(f64::total_cmp);
    let middle = *halves.get(halves.len() / 2)?;
    Some(match lens {
        Lens::Cache => format!("± {:.0} points, typically", middle * 100.0),
        Lens::Cost => format!("± {}, typically", format::percent(middle)),
        Lens::Reliability | Lens::Speed | Lens::Overall => format!("± {middle:.1}, typically"),
    })
}

/// What a lens is called on pages.
pub fn lens_title(lens: Lens) -> &'static str {
    match lens {
        Lens::Cache => "Cache",
        Lens::Cost => "Cost",
        Lens::Reliability => "Reliability",
        Lens::Speed => "Speed",
        Lens::Overall => "Overall",
    }
}

/// The tabs of the lenses, the default one at the plain address.
fn lens_tabs(current: Lens) -> Vec<Tab> {
    let tab = |lens: Lens| Tab {
        href: if lens == DEFAULT_LENS { "/".to_owned() } else { format!("/?lens={lens}") },
        label: lens_title(lens).to_owned(),
        current: lens == current,
    };
    super::providers::lenses().into_iter().map(tab).collect()
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
    let workload = workload.unwrap_or("default").to_lowercase();
    match lens {
        Lens::Cache => {
            "Points of hit rate above or below its peers on the same models, so that serving models \
                        that cache easily earns nothing."
                .to_owned()
        }
        Lens::Cost => format!(
            "What a {workload} session costs there, against peers on the same models: \u{2212}12\u{202f}% is twelve \
             per cent cheaper. Counted with the cache hits its users really got, not with the price list."
        ),
        Lens::Reliability => "How many requests are answered, against peers on the same models; +1 is one \
                              standard deviation better than the middle."
            .to_owned(),
        Lens::Speed => {
            "Output speed and time to the first token, half each, against peers on the same models; \
                        +1 is one standard deviation faster than the middle."
                .to_owned()
        }
        Lens::Overall => format!(
            "The four lenses together, weighted for the workload {workload}; +1 is one standard deviation better \
             than the middle."
        ),
    }
}

/// What it takes to stand in a row, as the lens has it: `≤ −25 %`.
fn bound(lens: Lens, rank: usize) -> String {
    let cuts = lens.cuts();
    let (reached, missed) = if cuts.higher_is_better { ("≥", "<") } else { ("≤", ">") };
    match cuts.at.get(rank) {
        Some(cut) => format!("{reached}\u{202f}{}", bound_value(lens, *cut)),
        None => format!("{missed}\u{202f}{}", bound_value(lens, cuts.at[4])),
    }
}

fn bound_value(lens: Lens, cut: f64) -> String {
    match lens {
        Lens::Cache | Lens::Cost => effect(lens, cut),
        // Two decimals: the cuts of the scores have them.
        Lens::Reliability | Lens::Speed | Lens::Overall => format::signed(cut, 2),
    }
}

fn tier_rows(list: &TierList) -> Vec<TierRow> {
    let chip = |row: &ProviderTier| Chip {
        href: link::provider(row.provider.as_str()),
        name: row.name.clone(),
        value: row.adjusted.map(|v| effect(list.lens, v)).unwrap_or_default(),
    };
    let of = |(rank, tier): (usize, Tier)| TierRow {
        class: class(tier),
        letter: tier.as_str(),
        bound: bound(list.lens, rank),
        chips: list.providers.iter().filter(|row| row.tier == tier).map(chip).collect(),
    };
    Tier::RATED.into_iter().enumerate().map(of).collect()
}

fn columns(lens: Lens, snapshot: &Snapshot) -> Columns {
    let days = DayAxis::over(snapshot.providers.iter().flat_map(|p| p.days.iter().map(|d| d.day)));
    let (worse_left, better_right) = match lens {
        Lens::Cost => ("cheaper", "dearer"),
        Lens::Speed => ("slower", "faster"),
        Lens::Cache | Lens::Reliability | Lens::Overall => ("worse", "better"),
    };
    let (value, traffic) = match lens {
        Lens::Cache => ("Points", "hit rate"),
        Lens::Cost => ("Cost", "session cost"),
        Lens::Reliability => ("Score", "requests answered"),
        Lens::Speed => ("Score", "tokens a second"),
        Lens::Overall => ("Score", "score"),
    };
    let days = days.map_or(0, DayAxis::days);
    Columns { worse_left, better_right, value, traffic, days: format!("Hit rate, {days} days") }
}

/// Writes a mean in the lens's own measure.
pub fn measure(lens: Lens) -> fn(f64) -> String {
    match lens {
        Lens::Cache => format::percent,
        Lens::Cost => format::usd_mean,
        Lens::Reliability => format::percent_fine,
        Lens::Speed => |value| format!("{value:.0}"),
        Lens::Overall => |value| format::signed(value, 1),
    }
}

/// The end of the scale of the bars: the largest effect that is not an outlier beyond the cut of F.
fn reach(list: &TierList) -> f64 {
    let cuts = list.lens.cuts();
    let far = |most: f64, value: f64| most.max(on_scale(list.lens, value).abs());
    let limit = cuts.at.into_iter().fold(0.0_f64, far) * 1.3;
    let ends = |row: &ProviderTier| [row.adjusted, row.low, row.high];
    let largest = list.providers.iter().flat_map(ends).flatten().fold(0.0_f64, far);
    let reach = largest.min(limit);
    if reach > 0.0 { reach } else { 1.0 }
}

fn evidence(snapshot: &Snapshot, list: &TierList) -> Vec<Evidence> {
    let axis = DayAxis::over(snapshot.providers.iter().flat_map(|p| p.days.iter().map(|d| d.day)));
    let by_slug: HashMap<&str, &ProviderEntry> =
        snapshot.providers.iter().map(|p| (p.provider.as_str(), p)).collect();
    let (lens, reach, format) = (list.lens, reach(list), measure(list.lens));
    let total = snapshot.summary.tokens_per_day;
    let row = |row: &ProviderTier| Evidence {
        href: link::provider(row.provider.as_str()),
        name: row.name.clone(),
        badge: Badge::of(row),
        bar: Bar::new(row, lens, reach),
        value: Cell::number(
            row.adjusted,
            match lens {
                Lens::Cache => format::points,
                Lens::Cost => format::percent_change,
                Lens::Reliability | Lens::Speed | Lens::Overall => |v| format::signed(v, 1),
            },
            "none",
        ),
        interval: row.low.zip(row.high).map(|(l, h)| format!("{} to {}", effect(lens, l), effect(lens, h))),
        traffic: Cell::number(row.traffic_mean, format, "none"),
        models_mean: Cell::number(row.model_mean, format, "none"),
        models: Cell::count(row.models),
        share: Cell::number((total > 0.0).then(|| row.tokens_per_day / total), format::percent, "none"),
        spark: axis.and_then(|axis| Spark::new(&by_slug.get(row.provider.as_str())?.days, axis)),
        reason: row.reason.clone(),
    };
    list.providers.iter().filter(|r| r.tier != Tier::Unrated).map(row).collect()
}

fn unrated(list: &TierList) -> Vec<Unrated> {
    let row = |row: &ProviderTier| Unrated {
        href: link::provider(row.provider.as_str()),
        name: row.name.clone(),
        reason: row.reason.clone().unwrap_or_else(|| "no reason was recorded".to_owned()),
    };
    list.providers.iter().filter(|r| r.tier == Tier::Unrated).map(row).collect()
}
