//! The page of a model: its endpoints side by side.

use super::changes::{self, Change};
use crate::cost::CostOfModel;
use crate::domain::endpoint::PriceTier;
use crate::domain::flag::FlagKind;
use crate::domain::tier::Lens;
use crate::domain::workload::Workload;
use crate::site::charts::cost_bars::CostPart;
use crate::site::charts::day_chart::DayChart;
use crate::site::charts::hours::{self, Hours};
use crate::site::charts::session_bars::{self, SessionBars, SessionCell};
use crate::site::charts::{self, OfModel};
use crate::site::parts::flags::{self, Explained};
use crate::site::parts::lens_table::LensTable;
use crate::site::parts::picks::{Picks, picks};
use crate::site::parts::preference::{self, Instructions, instructions};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell, RateRange, When, basis, format, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::price_list::{self, ListVerdict};
use askama::Template;

/// Maximum number of changes shown.
const CHANGES: usize = 30;

#[derive(Template)]
#[template(path = "model.html")]
struct ModelPage<'a> {
    shell: Shell,
    model: &'a ModelEntry,
    author: &'a str,
    facts: Facts,
    siblings: Vec<&'a str>,
    advice: Option<Advice<'a>>,
    workload: String,
    workloads: &'a [Workload],
    rows: Vec<Row<'a>>,
    by_lens: LensTable<'a>,
    flags: Vec<Explained>,
    without_uptime: &'static str,
    conditions: Vec<(String, String)>,
    endings: Vec<(String, When)>,
    preferences: Option<Instructions>,
    cost: Option<CostPart>,
    charts: Vec<DayChart>,
    hours: Hours,
    session_bars: Vec<SessionBars>,
    has_intervals: bool,
    basis: Option<String>,
    charted: usize,
    changes: Vec<Change<'a>>,
}

struct Facts {
    hit_rate: String,
    tokens: String,
    context: Option<String>,
    created: Option<When>,
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

struct Row<'a> {
    of: &'a Endpoint,
    range: Option<RateRange>,
    cheapest_list: bool,
    cheapest_session: bool,
    session: Cell,
    effective: Cell,
    hit_rate: Cell,
    tokens: Cell,
    prices: Vec<Cell>,
    sessions: Vec<SessionCell>,
}

/// Renders the page of a model.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, model: &ModelEntry) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let workload = snapshot.default_workload();
    let picks = picks(snapshot, model);
    let sessions = session_bars::of_model(snapshot, model);
    let with_sessions = model.endpoints.iter().zip(sessions.rows);
    let mut rows: Vec<Row> =
        with_sessions.map(|(e, sessions)| row(e, workload, sessions, picks.as_ref())).collect();
    align(&mut rows);
    let charts = [OfModel::EffectivePrice, OfModel::HitRate];
    let is_priced = |cost: &CostOfModel| cost.endpoints.iter().any(|e| e.cost.is_some());
    ModelPage {
        shell: Shell::new(
            view,
            Section::Models,
            format!("{} and its hosts", model.name),
            format!("The hosts of {} side by side: hit rates, prices and uptime.", model.model_id),
        )
        .picture(link::model_card(&model.model_id))
        .at(link::model(&model.model_id))
        .json(link::model_json(&model.model_id)),
        model,
        author: model.model_id.split('/').next().unwrap_or_default(),
        facts: facts(model),
        siblings: siblings(snapshot, model),
        advice: picks.as_ref().map(advice),
        workload: snapshot.default_title(),
        workloads: &snapshot.workloads,
        rows,
        without_uptime: without_uptime(snapshot),
        has_intervals: sessions.bars.iter().any(|bars| bars.has_intervals),
        session_bars: sessions.bars,
        hours: hours::of_model(&snapshot.hourly, model),
        by_lens: LensTable::new(model),
        flags: flags::explained(model.endpoints.iter().map(|e| (e.tag.to_string(), e))),
        conditions: model.endpoints.iter().flat_map(conditions).collect(),
        endings: model.endpoints.iter().filter_map(ending).collect(),
        cost: sessions.default.filter(is_priced).map(CostPart::new),
        preferences: instructions(snapshot, model, view.now),
        charted: model.endpoints.len().min(charts::LINES),
        charts: charts.into_iter().filter_map(|what| charts::of_model(snapshot, model, what)).collect(),
        changes: changes::of_model(snapshot, &model.model_id, CHANGES),
        basis: basis::of_days(&model.endpoints),
    }
    .render()
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

fn row<'a>(
    endpoint: &'a Endpoint,
    workload: &str,
    sessions: Vec<SessionCell>,
    picks: Option<&Picks>,
) -> Row<'a> {
    let is = |picked: fn(&Picks) -> uuid::Uuid| picks.map(picked) == Some(endpoint.endpoint_id);
    let first = endpoint.session_cost.get(workload).copied();
    let cheapest_session = is(|p| p.by_session.endpoint_id);
    let default_session = Cell::number(first, format::usd, "not priced").labelled("session");
    let default_session = default_session.with_now(endpoint.unusual_cost_now(workload));
    Row {
        of: endpoint,
        range: charts::range_of_days(&endpoint.days, charts::RANGE_DAYS).map(RateRange::new),
        cheapest_list: is(|p| p.by_list.endpoint_id),
        cheapest_session,
        session: if cheapest_session { default_session.best() } else { default_session },
        effective: Cell::number(endpoint.effective.input, format::usd, "no traffic").labelled("price paid"),
        hit_rate: hit_rate(endpoint).labelled("hit rate"),
        tokens: Cell::number(endpoint.tokens_per_day, format::tokens, "no traffic").labelled("tokens/day"),
        prices: prices(endpoint),
        sessions,
    }
}

/// The hit rate and, if only marked prompts use the cache, that among them.
fn hit_rate(endpoint: &Endpoint) -> Cell {
    let used = endpoint.hit_rate_used.filter(|_| endpoint.is_flagged(FlagKind::MarkedByClient));
    let used = used.map_or_else(String::new, |used| format!(" ({} if marked)", format::percent(used)));
    Cell::number(endpoint.hit_rate, |rate| format!("{}{used}", format::percent(rate)), "no traffic")
}

/// "since 3 Aug (was B)": how long an endpoint's tier has held; `None` for an unrated one.
pub fn held(endpoint: &Endpoint) -> Option<String> {
    let verdict = endpoint.verdicts.get(&Lens::Cost)?;
    let before = verdict.previous.map(|tier| format!(" (was {tier})")).unwrap_or_default();
    Some(format!("since {}{before}", format::short_day(verdict.since?)))
}

/// Longest context, prompt and answer.
fn lengths(endpoint: &Endpoint) -> [Cell; 3] {
    let facts = &endpoint.facts;
    [facts.context_length, endpoint.prompt_limit(), facts.max_completion_tokens]
        .map(|length| Cell::number(length.map(|n| n as f64), |n| format::context(n as i64), "not stated"))
}

/// Writes every column of dollars with the same decimals.
fn align(rows: &mut [Row]) {
    Cell::align_usd(rows.iter_mut().map(|row| &mut row.session));
    Cell::align_usd(rows.iter_mut().map(|row| &mut row.effective));
    for nth in 0..DOLLAR_PRICES {
        Cell::align_usd(rows.iter_mut().map(|row| &mut row.prices[nth]));
    }
}

/// How many of [`prices`] are in dollars: all but the last.
const DOLLAR_PRICES: usize = 7;

/// List prices (input, cache read, cache write, cache write for an hour, output), effective prices (input, output), and
/// the realised discount.
fn prices(endpoint: &Endpoint) -> Vec<Cell> {
    let listed = |price: Option<f64>| Cell::number(price, format::usd, "not listed");
    let paid = |price: Option<f64>| Cell::number(price, format::usd, "no traffic");
    let (list, effective) = (&endpoint.list, &endpoint.effective);
    vec![
        listed(list.input),
        listed(list.cache_read),
        listed(list.cache_write),
        listed(list.cache_write_1h),
        listed(list.output),
        paid(effective.input),
        paid(effective.output),
        Cell::number(endpoint.realised_discount, format::percent, "unknown"),
    ]
}

/// Why an uptime is absent: the upstream publishes none for endpoints with too little traffic, and some runs have none
/// at all.
fn without_uptime(snapshot: &Snapshot) -> &'static str {
    let mut all = snapshot.models.iter().flat_map(|model| &model.endpoints);
    let any_published = all.any(|e| e.uptime_30m.is_some() || e.uptime_1d.is_some());
    if any_published { "too little traffic" } else { "not published" }
}

/// Uptime 30 m, 1 d; availability; speed; first token; tokens a request.
fn service(endpoint: &Endpoint, without_uptime: &str) -> Vec<Cell> {
    vec![
        Cell::number(endpoint.uptime_30m, format::percent_fine, without_uptime),
        Cell::number(endpoint.uptime_1d, format::percent_fine, without_uptime),
        Cell::number(endpoint.availability, format::percent_fine, "not published"),
        Cell::number(endpoint.throughput, |v| format!("{v:.0}"), "not measured"),
        Cell::number(endpoint.latency_ms, format::milliseconds, "not measured"),
        Cell::number(endpoint.tokens_per_request, format::tokens, "unknown"),
    ]
}

/// What happens to prompts, as far as the provider declares it.
pub fn prompts(endpoint: &Endpoint) -> Option<&'static str> {
    Some(match (endpoint.facts.trains_on_prompts, endpoint.facts.retains_prompts) {
        (Some(true), _) => "used for training",
        (Some(false), Some(true)) => "kept, not trained on",
        (Some(false), Some(false)) => "not kept",
        (None, Some(true)) => "kept",
        (Some(false), None) => "not trained on",
        (None, Some(false)) => "not kept",
        (None, None) => return None,
    })
}

/// The tag of an endpoint that the upstream will drop or has dropped, and the date.
fn ending(endpoint: &Endpoint) -> Option<(String, When)> {
    Some((endpoint.tag.to_string(), When::new(endpoint.facts.deprecation_date?)))
}

/// The tag of an endpoint with each of its conditional prices as text.
fn conditions(endpoint: &Endpoint) -> impl Iterator<Item = (String, String)> {
    endpoint.price_tiers.iter().map(|tier| (endpoint.tag.to_string(), condition(tier)))
}

/// `prompts over 128k tokens: input $0.72`; prices in USD per million tokens.
fn condition(tier: &PriceTier) -> String {
    let mut when: Vec<String> = Vec::new();
    if let Some(tokens) = tier.min_prompt_tokens {
        when.push(format!("prompts over {} tokens", format::context(tokens)));
    }
    when.extend(tier.times());
    let prices = [
        ("input", tier.input),
        ("cache read", tier.cache_read),
        ("cache write", tier.cache_write),
        ("cache write for 1 h", tier.cache_write_1h),
        ("output", tier.output),
    ];
    let prices: Vec<String> = prices
        .into_iter()
        .filter_map(|(name, price)| Some(format!("{name} {}", format::usd(price?.to_f64()))))
        .collect();
    let when = if when.is_empty() { "always".to_owned() } else { when.join(", ") };
    format!("{when}: {}", prices.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::Weekday;
    use crate::domain::units::UsdPerMtok;

    #[test]
    fn a_conditional_price_reads_as_a_sentence() {
        let price = |text: &str| Some(UsdPerMtok(text.parse().expect("a price")));
        let long = PriceTier {
            min_prompt_tokens: Some(128_000),
            input: price("0.72"),
            output: price("3"),
            ..PriceTier::default()
        };
        assert_eq!(condition(&long), "prompts over 128k tokens: input $0.72, output $3.00");
        let night = PriceTier {
            utc_start: Some(1630),
            utc_end: Some(30),
            input: price("0.1"),
            ..PriceTier::default()
        };
        assert_eq!(condition(&night), "16:30 to 00:30 UTC: input $0.10");
        let weekend = PriceTier {
            utc_days: vec![Weekday::Saturday, Weekday::Sunday],
            cache_write_1h: price("6"),
            ..PriceTier::default()
        };
        assert_eq!(condition(&weekend), "on Sat, Sun UTC: cache write for 1 h $6.00");
    }
}
