//! The page of a provider: its tier under each lens, and its endpoints compared with their peers.

mod sides;
mod standing;

use self::sides::Sides;
use self::standing::{Standing, standing};
use super::changes::{self, Change};
use super::model;
use crate::domain::tier::Lens;
use crate::site::charts;
use crate::site::charts::day_chart::DayChart;
use crate::site::charts::spark::{DayAxis, Spark};
use crate::site::parts::flags::{self, Explained};
use crate::site::parts::record::{self, Reliability};
use crate::site::parts::shares;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell, effect, format, lens, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, ModelEntry, ProviderEntry, Verdict};
use askama::Template;

/// Maximum number of changes shown.
const CHANGES: usize = 30;
/// Longest name of the provider in the verdict.
const LONGEST_NAME: usize = 60;

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
    share_chart: Option<DayChart>,
    sides: Sides<'a>,
    reliability: Reliability<'a>,
    changes: Vec<Change<'a>>,
}

struct Row<'a> {
    model: &'a ModelEntry,
    of: &'a Endpoint,
    /// Hit rate, its difference from peers, session cost, its difference from peers, uptime and tokens.
    cells: Vec<Cell>,
    /// Its hit rate by day.
    spark: Option<Spark>,
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
    ProviderPage {
        shell: Shell::new(
            view,
            Section::Providers,
            provider.name.clone(),
            format!("Caching, cost and reliability of {} compared with its peers.", provider.name),
        )
        .picture(link::provider_card(provider.provider.as_str()))
        .at(link::provider(provider.provider.as_str()))
        .with_feeds(link::provider(provider.provider.as_str()))
        .json(link::provider_json(provider.provider.as_str())),
        provider,
        tokens: match provider.tokens_per_day > 0.0 {
            true => format!("{} a day", format::tokens(provider.tokens_per_day)),
            false => "no traffic".to_owned(),
        },
        share: (total > 0.0).then(|| shares::share(provider.tokens_per_day / total)),
        links: links(provider),
        workload: title,
        standings: lens::all().into_iter().filter_map(|lens| standing(snapshot, provider, lens)).collect(),
        flags: flags::explained(served.iter().map(|(m, e)| (format!("{} at {}", m.model_id, e.tag), *e))),
        sides: Sides::new(&format::shorten(&provider.name, LONGEST_NAME), &served),
        reliability: record::reliability(&served),
        changes: changes::of_provider(snapshot, &provider.provider, CHANGES),
        chart: charts::of_provider(provider),
        share_chart: shares::of_provider(snapshot, provider.provider.as_str(), &provider.name),
        rows: rows(served, workload),
    }
    .render()
}

/// The endpoints with their figures and the hit rate over the same days.
fn rows<'a>(served: Vec<(&'a ModelEntry, &'a Endpoint)>, workload: &str) -> Vec<Row<'a>> {
    let axis = DayAxis::over(served.iter().flat_map(|(_, of)| of.days.iter().map(|day| day.day)));
    let row = |(model, of): (&'a ModelEntry, &'a Endpoint)| Row {
        model,
        of,
        cells: cells(of, workload),
        spark: axis.and_then(|axis| Spark::of_endpoint(&of.days, axis)),
    };
    served.into_iter().map(row).collect()
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
