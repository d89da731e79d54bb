//! The page of a provider: its tier under each lens, and its endpoints compared with their peers.

use super::changes::{self, Change};
use super::model;
use crate::domain::thresholds::INTERVAL_COVERAGE;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::ProviderTier;
use crate::site::charts;
use crate::site::charts::day_chart::DayChart;
use crate::site::parts::flags::{self, Explained};
use crate::site::parts::record::{self, Reliability, Sides};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell, effect, effect_with_unit, format, held, lens, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, ModelEntry, ProviderEntry, Snapshot, Verdict};
use askama::Template;

/// Maximum number of changes shown.
const CHANGES: usize = 30;

#[derive(Template)]
#[template(path = "provider.html")]
struct ProviderPage<'a> {
    shell: Shell,
    provider: &'a ProviderEntry,
    tokens: String,
    share: Option<String>,
    links: Vec<(&'static str, String)>,
    workload: String,
    standings: Vec<Standing>,
    rows: Vec<Row<'a>>,
    flags: Vec<Explained>,
    chart: Option<DayChart>,
    sides: [Side<'a>; 2],
    is_even: bool,
    reliability: Reliability<'a>,
    changes: Vec<Change<'a>>,
}

/// The best and worst models of the provider under one lens.
struct Side<'a> {
    about: String,
    better: &'static str,
    worse: &'static str,
    sides: Sides<'a>,
}

/// The result of the provider under one lens.
struct Standing {
    href: String,
    lens: &'static str,
    badge: Badge,
    held: Option<String>,
    between: Option<String>,
    intervals: Option<String>,
    value: String,
    place: Option<String>,
    certain: Option<String>,
    models_mean: Option<String>,
    reason: Option<String>,
    traffic: Option<String>,
    traffic_name: &'static str,
}

struct Row<'a> {
    model: &'a ModelEntry,
    of: &'a Endpoint,
    /// Hit rate, its difference from peers, session cost, its difference from peers, uptime and tokens.
    cells: Vec<Cell>,
}

/// Renders the page of a provider.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, provider: &ProviderEntry) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let total = snapshot.summary.tokens_per_day;
    let mut served: Vec<(&ModelEntry, &Endpoint)> =
        snapshot.endpoints_of(provider.provider.as_str()).collect();
    let traffic = |e: &Endpoint| e.tokens_per_day.unwrap_or(0.0);
    served.sort_by(|a, b| traffic(b.1).total_cmp(&traffic(a.1)));
    let workload = snapshot.default_workload();
    let title = snapshot.default_title();
    let sides = sides(&served, &title);
    ProviderPage {
        shell: Shell::new(
            view,
            Section::Providers,
            provider.name.clone(),
            format!("Caching, cost and reliability of {} compared with its peers.", provider.name),
        )
        .picture(link::provider_card(provider.provider.as_str()))
        .at(link::provider(provider.provider.as_str()))
        .json(link::provider_json(provider.provider.as_str())),
        provider,
        tokens: match provider.tokens_per_day > 0.0 {
            true => format!("{} a day", format::tokens(provider.tokens_per_day)),
            false => "no traffic".to_owned(),
        },
        share: (total > 0.0).then(|| share(provider.tokens_per_day / total)),
        links: links(provider),
        workload: title,
        standings: lens::all().into_iter().filter_map(|lens| standing(snapshot, provider, lens)).collect(),
        flags: flags::explained(served.iter().map(|(m, e)| (format!("{} at {}", m.model_id, e.tag), *e))),
        is_even: sides.iter().all(|side| side.sides.good.is_empty() && side.sides.bad.is_empty()),
        sides,
        reliability: record::reliability(&served),
        changes: changes::of_provider(snapshot, &provider.provider, CHANGES),
        chart: charts::of_provider(provider),
        rows: served.into_iter().map(|(model, of)| Row { model, of, cells: cells(of, workload) }).collect(),
    }
    .render()
}

fn sides<'a>(served: &[(&'a ModelEntry, &'a Endpoint)], workload: &str) -> [Side<'a>; 2] {
    [
        Side {
            about: format!("Cost of a {workload} session compared with peers on the same model"),
            better: "Cheaper",
            worse: "More expensive",
            sides: record::sides(served, Lens::Cost),
        },
        Side {
            about: "Hit rate, in points, compared with peers on the same model".to_owned(),
            better: "Caches more",
            worse: "Caches less",
            sides: record::sides(served, Lens::Cache),
        },
    ]
}

/// A share of the traffic; a share that would round to zero is shown as "less than".
fn share(fraction: f64) -> String {
    let least = 0.0005;
    if fraction > 0.0 && fraction < least {
        "less than 0.1\u{202f}%".to_owned()
    } else {
        format::percent(fraction)
    }
}

/// The provider's own pages, if they are plain web addresses.
fn links(provider: &ProviderEntry) -> Vec<(&'static str, String)> {
    let all = [
        ("Status page", &provider.status_page),
        ("Privacy policy", &provider.privacy_policy),
        ("Terms of service", &provider.terms_of_service),
    ];
    all.into_iter().filter_map(|(name, href)| Some((name, link::external(href.as_deref())?))).collect()
}

fn standing(snapshot: &Snapshot, provider: &ProviderEntry, lens: Lens) -> Option<Standing> {
    let list = snapshot.tier_list(lens, None)?;
    let position = list.providers.iter().position(|row| row.provider == provider.provider);
    let row = position.and_then(|position| list.providers.get(position));
    let is_rated = |row: &&ProviderTier| row.tier != Tier::Unrated;
    let rated = list.providers.iter().filter(is_rated).count();
    let value = row.filter(is_rated).and_then(|row| row.adjusted);
    let format = lens::measure(lens);
    Some(Standing {
        href: link::tiers(lens, list.workload.as_deref()),
        lens: lens::title(lens),
        badge: Badge::of_any(row),
        held: row.and_then(|row| since(row, lens)),
        between: row.and_then(|row| row.span).map(|span| format!("between {} and {}", span.best, span.worst)),
        value: value.map_or_else(|| "unrated".to_owned(), |v| spoken(lens, v)),
        intervals: row.and_then(|row| intervals(row, lens)),
        place: position.zip(value).map(|(position, _)| format!("{} of {rated}", position + 1)),
        certain: row.and_then(certain),
        models_mean: row.and_then(|row| row.model_mean).map(format),
        reason: match row {
            Some(row) => row.reason.clone(),
            None => Some("none of its endpoints has enough traffic to be compared".to_owned()),
        },
        traffic: row.and_then(|row| row.traffic_mean).map(format),
        traffic_name: match lens {
            Lens::Cache => "its users’ hit rate",
            Lens::Cost => "its users’ session",
            Lens::Reliability => "requests answered",
            Lens::Speed => "tokens per second",
            Lens::Overall => "its users’ score",
        },
    })
}

/// "rank 3 to 11; A 62 %, B 30 %": the ranks that 90 % of the resamples give, and how often they give each tier.
fn certain(row: &ProviderTier) -> Option<String> {
    let (best, worst) = row.rank_low.zip(row.rank_high)?;
    let tier = |(tier, share): (&Tier, &f64)| format!("{tier} {}", format::percent(*share));
    let tiers: Vec<String> = row.tier_probabilities.iter().flatten().map(tier).collect();
    let ranks = if best == worst { format!("rank {best}") } else { format!("rank {best} to {worst}") };
    Some(if tiers.is_empty() { ranks } else { format!("{ranks}; {}", tiers.join(", ")) })
}

/// "S since 3 August 2026 (was A)", and the measured figure if it is not the published one.
fn since(row: &ProviderTier, lens: Lens) -> Option<String> {
    let since = row.since?.format("%-d %B %Y");
    let before = row.previous.map(|tier| format!(" (was {tier})")).unwrap_or_default();
    let held = held(row, lens).map(|held| format!("; {held}")).unwrap_or_default();
    Some(format!("{} since {since}{before}{held}", row.tier))
}

/// "same models, next week: +4.0 to +22.0; another model: 0.0 to +26.0 (90 %)".
fn intervals(row: &ProviderTier, lens: Lens) -> Option<String> {
    let ends = |name: &str, ends: (Option<f64>, Option<f64>)| {
        let (low, high) = ends.0.zip(ends.1)?;
        Some(format!("{name}: {} to {}", effect(lens, low), effect(lens, high)))
    };
    let next_week = ends("same models, next week", (row.next_low, row.next_high));
    let both: Vec<String> = next_week.into_iter().chain(ends("another model", (row.low, row.high))).collect();
    (!both.is_empty()).then(|| format!("{} ({})", both.join("; "), format::percent(INTERVAL_COVERAGE)))
}

/// An effect with words for its direction.
fn spoken(lens: Lens, value: f64) -> String {
    match lens {
        Lens::Cache => effect_with_unit(lens, value),
        Lens::Cost if value < 0.0 => format!("{} cheaper", format::percent_tenth(value.abs())),
        Lens::Cost => format!("{} more expensive", format::percent_tenth(value)),
        Lens::Reliability | Lens::Speed | Lens::Overall => format!("{}\u{202f}σ", effect(lens, value)),
    }
}

fn cells(endpoint: &Endpoint, workload: &str) -> Vec<Cell> {
    let to_peers = |lens: Lens| {
        let value = endpoint.verdicts.get(&lens).and_then(|v: &Verdict| v.value);
        Cell::number(value, |value| effect(lens, value), "no peers")
    };
    let session = endpoint.session_cost.get(workload).copied();
    vec![
        Cell::number(endpoint.hit_rate, format::percent, "no traffic").labelled("hit rate"),
        to_peers(Lens::Cache).labelled("points to peers"),
        Cell::number(session, format::usd_fine, "not priced").labelled("session"),
        to_peers(Lens::Cost).labelled("cost to peers"),
        Cell::number(endpoint.uptime_1d, format::percent_fine, "unknown").labelled("uptime 1 d"),
        Cell::number(endpoint.tokens_per_day, format::tokens, "no traffic").labelled("tokens/day"),
    ]
}
