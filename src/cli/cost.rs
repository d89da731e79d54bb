//! `hitrate cost`.

use super::tables::{
    Column, Report, Table, clean, dash, line, name, now, number, percent, text, thousands, tier, usd,
};
use super::workload::{self, Chosen};
use super::{Cli, Common, exit, model};
use crate::cost::{
    Across, AcrossFilter, AcrossRow, BreakEven, CostOfModel, EndpointCost, EndpointMonth, Month, MonthlyCost,
    OwnNumbers, Quality, ToWin, across, compare,
};
use crate::domain::format;
use crate::domain::session::SessionCost;
use crate::domain::workload::{CacheTtl, Workload};
use crate::snapshot::Snapshot;
use crate::table::{Cell, columns, tsv};
use crate::wording::price_list::Style;
use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use std::path::PathBuf;

/// Arguments of `cost`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate cost z-ai/glm-5.2\n  \
hitrate cost z-ai/glm-5.2 --workload requests.jsonl\n  \
hitrate cost z-ai/glm-5.2 --bill 300 --at novita/fp8\n  \
hitrate cost --across --best --min-context 128000 --parameter tools")]
pub struct CostArgs {
    /// Model id (`author/name`, `author/name:free`) or canonical slug.
    #[arg(required_unless_present = "across")]
    model: Option<String>,
    /// Workload: a name, a workload file (TOML or JSON; FILE#NAME if it holds several), or a log or
    /// folder of logs, as `hitrate traffic inspect` reads them, to fit a workload to; `mine` is fitted to your own
    /// traffic [default: the first workload].
    #[arg(long, value_name = "NAME|FILE")]
    workload: Option<String>,
    /// Lifetime of cache writes, 5m or 1h; overrides the workload's.
    #[arg(long, value_name = "TTL")]
    cache_ttl: Option<CacheTtl>,
    /// A month: its bill in dollars (`300`) or its tokens (`200M`). Prints what the same month costs at each endpoint.
    #[arg(long, value_name = "AMOUNT", conflicts_with = "across")]
    bill: Option<Month>,
    /// Where the bill is paid: the tag of an endpoint, or the slug of a provider [default: at all endpoints, at what the
    /// traffic pays on average].
    #[arg(long, value_name = "HOST", requires = "bill")]
    at: Option<String>,
    /// Rank the endpoints of all models.
    #[arg(long)]
    across: bool,
    #[command(flatten)]
    limits: Limits,
}

/// Limits of `--across`.
#[derive(Debug, Args)]
struct Limits {
    /// File with your scores of models, one model_id,score per line; hitrate has no quality figures of its own.
    #[arg(long, value_name = "FILE", requires = "across")]
    quality: Option<PathBuf>,
    /// Minimum score of a model.
    #[arg(long, value_name = "N", requires = "quality")]
    min_quality: Option<f64>,
    /// Minimum context length of an endpoint, in tokens.
    #[arg(long, value_name = "TOKENS", requires = "across")]
    min_context: Option<i64>,
    /// Request parameter that an endpoint must support, such as `tools`; may be repeated.
    #[arg(long, value_name = "NAME", requires = "across")]
    parameter: Vec<String>,
    /// Quantization that an endpoint may declare, such as `bf16`; may be repeated.
    #[arg(long, value_name = "NAME", requires = "across")]
    quantization: Vec<String>,
    /// Author whose models to include, such as `moonshotai`; may be repeated.
    #[arg(long, value_name = "NAME", requires = "across")]
    author: Vec<String>,
    /// Show only the cheapest endpoint of each model.
    #[arg(long, requires = "across")]
    best: bool,
    /// Number of rows to print, also with --json; 0 means all.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "across")]
    top: usize,
}

/// Prints what sessions cost at a model's endpoints, or across all models, with `--json` as `/api/v1/cost` does.
pub fn run(common: &Common, args: &CostArgs) -> Result<u8> {
    if args.across && args.model.is_some() {
        // Not left to clap: if two arguments conflict, clap drops the requirement of one for the other.
        let said = "a model cannot be combined with --across, which ranks the endpoints of all models";
        Cli::command().error(ErrorKind::ArgumentConflict, said).exit();
    }
    let snapshot = common.snapshot()?;
    let found = args.model.as_deref().map(|name| model::find(&snapshot, name)).transpose()?;
    let mut chosen = workload::choose_for(common, &snapshot, args.workload.as_deref(), found)?;
    let own = OwnNumbers { cache_ttl: args.cache_ttl, ..OwnNumbers::default() };
    chosen.workload = own.over(&chosen.workload)?;
    if common.json {
        // The document is that of the API, which knows no request log.
        fit_summary(&chosen).lines().for_each(|line| eprintln!("{line}"));
    }
    if let Some(model) = found {
        let mut cost = compare(&snapshot, model, &chosen.workload);
        let month = args.bill.map(|month| cost.monthly(model, month, args.at.as_deref()));
        cost.monthly = month.transpose().map_err(|error| anyhow::anyhow!(error.to_string()))?;
        common.report(&cost, || describe_model(&cost, &chosen, snapshot.simulated))?;
        return Ok(exit::OK);
    }
    let mut ranked = rank(&snapshot, &chosen, &args.limits)?;
    let shown = if args.limits.top == 0 { ranked.rows.len() } else { args.limits.top };
    ranked.rows.truncate(shown);
    common.report(&ranked, || describe_across(&ranked, &chosen, snapshot.simulated))?;
    Ok(exit::OK)
}

/// What was recognised in a request log, printed before the results that follow from it.
fn fit_summary(chosen: &Chosen) -> String {
    chosen.fit.as_ref().map_or_else(String::new, |fit| format!("{}\n\n", workload::describe(fit)))
}

fn rank(snapshot: &Snapshot, chosen: &Chosen, limits: &Limits) -> Result<Across> {
    let quality = limits.quality.as_deref().map(|path| {
        let text = crate::config::read_text(path)
            .with_context(|| format!("cannot read the scores in {}", path.display()))?;
        Quality::parse(&text).with_context(|| path.display().to_string())
    });
    let quality = quality.transpose()?;
    let filter = AcrossFilter {
        min_context: limits.min_context,
        parameters: limits.parameter.clone(),
        quantizations: limits.quantization.clone(),
        authors: limits.author.clone(),
        min_quality: limits.min_quality,
        best_of_model: limits.best,
    };
    Ok(across(snapshot, &chosen.workload, &filter, quality.as_ref()))
}

fn describe_workload(workload: &Workload) -> String {
    format!(
        "{}: {} turns, {} prompt tokens (longest prompt: {}), {} of them reusable, {} output tokens{}",
        clean(&workload.name),
        workload.turns,
        thousands(workload.prompt_tokens()),
        thousands(workload.longest_prompt()),
        percent(Some(workload.reusable_share())),
        thousands(workload.output_tokens()),
        if workload.cache_ttl == CacheTtl::OneHour { ", cache writes kept for an hour" } else { "" }
    )
}

columns!(EndpointCost, |row| {
    "tag": Cell::text(&row.tag),
    "provider": Cell::text(&row.provider),
    "name": Cell::text(&row.name),
    "endpoint_id": Cell::text(row.endpoint_id),
    "tier": Cell::tier(row.tier),
    "cost": Cell::Number(row.cost),
    "low": Cell::Number(row.low),
    "high": Cell::Number(row.high),
    "cost_now": Cell::Number(row.cost_now),
    "cold_input": Cell::Number(part(row, |parts| parts.cold_input)),
    "cached_input": Cell::Number(part(row, |parts| parts.cached_input)),
    "writes": Cell::Number(part(row, |parts| parts.writes)),
    "output": Cell::Number(part(row, |parts| parts.output)),
    "failures": Cell::Number(part(row, |parts| parts.failures)),
    "cold": Cell::Number(row.cold),
    "warm": Cell::Number(row.warm),
    "hit_rate": Cell::Number(row.hit_rate),
    "retention": Cell::Number(row.basis.retention),
    "assumed": Cell::Flag(Some(row.assumed)),
    "cheapest": Cell::Flag(Some(row.cheapest)),
    "cheapest_by_list": Cell::Flag(Some(row.cheapest_by_list)),
    "is_choice": Cell::Flag(Some(row.is_choice)),
    "why": Cell::maybe(row.why.as_ref()),
});

fn part(row: &EndpointCost, of: fn(&SessionCost) -> f64) -> Option<f64> {
    row.parts.as_ref().map(of)
}

columns!(AcrossRow, |row| {
    "rank": Cell::count(row.rank),
    "model_id": Cell::text(&row.model_id),
    "tag": Cell::text(&row.tag),
    "provider": Cell::text(&row.provider),
    "tier": Cell::tier(row.tier),
    "cost": Cell::Number(Some(row.cost)),
    "low": Cell::Number(row.low),
    "high": Cell::Number(row.high),
    "retention": Cell::Number(row.retention),
    "assumed": Cell::Flag(Some(row.assumed)),
    "quality": Cell::Number(row.quality),
    "context_length": Cell::Whole(row.context_length),
    "quantization": Cell::maybe(row.quantization.as_ref()),
});

fn describe_model(cost: &CostOfModel, chosen: &Chosen, simulated: bool) -> Report {
    const COLUMNS: [Column; 13] = [
        name("endpoint", 1),
        tier("tier", 2),
        number("session", 1),
        number("90 % interval", 2),
        text("cheapest", 3),
        number("cold in", 7),
        number("cached in", 7),
        number("writes", 8),
        number("output", 7),
        number("failures", 8),
        number("retention", 4),
        text("to be the cheapest", 5),
        text("beats the cheapest by list, cold", 6),
    ];
    let mut rows = Table::new(&COLUMNS, tsv(&cost.endpoints));
    let parts = cost.endpoints.iter().filter_map(|endpoint| endpoint.parts.as_ref());
    let parts = parts.flat_map(|p| [p.cold_input, p.cached_input, p.writes, p.output, p.failures]);
    let usd = format::usd_column(cost.endpoints.iter().filter_map(|endpoint| endpoint.cost), parts);
    for endpoint in &cost.endpoints {
        rows.row(row(endpoint, &usd));
    }
    let heading =
        format!("{}, USD per session of {}", clean(&cost.model_id), describe_workload(&cost.workload));
    let mut notes = cost.conclusion(&STYLE);
    for endpoint in cost.endpoints.iter().filter(|e| !e.is_choice) {
        let why = line(endpoint.why.as_deref().unwrap_or_default());
        notes.push_str(&format!("\nNot compared: {}: {why}.", clean(endpoint.tag.as_str())));
    }
    for note in &cost.notes {
        notes.push_str(&format!("\nNote: {}.", line(note)));
    }
    let report = Report::default().aside(fit_summary(chosen)).text(heading).simulated(simulated);
    // One table, so that a pipe gets one header.
    match &cost.monthly {
        Some(month) => describe_month(report, month, &cost.workload).text(notes),
        None => report.table(rows).text(notes),
    }
}

columns!(EndpointMonth, |row| {
    "tag": Cell::text(&row.tag),
    "provider": Cell::text(&row.provider),
    "usd": Cell::Number(Some(row.usd)),
    "low": Cell::Number(row.low),
    "high": Cell::Number(row.high),
    "usd_now": Cell::Number(row.usd_now),
    "change": Cell::Number(row.change),
});

/// The month at each endpoint, instead of the sessions.
fn describe_month(report: Report, month: &MonthlyCost, workload: &Workload) -> Report {
    const COLUMNS: [Column; 4] =
        [name("endpoint", 1), number("a month", 1), number("interval", 2), number("against the bill", 1)];
    let mut rows = Table::new(&COLUMNS, tsv(&month.endpoints));
    let usd = format::usd_column(month.endpoints.iter().map(|row| row.usd), std::iter::empty());
    for row in &month.endpoints {
        let change = match row.is_present {
            true => "your bill".to_owned(),
            false => dash(row.change, |change| format::percent_change(change, 0)),
        };
        let ends = if row.is_present { "-".to_owned() } else { interval(row.low, row.high, &usd) };
        rows.row([row.tag.to_string(), usd(row.usd), ends, change]);
    }
    report.text(month.assumption(&workload.name, &STYLE)).table(rows)
}

fn row(endpoint: &EndpointCost, usd: &impl Fn(f64) -> String) -> Vec<String> {
    let mark = match (endpoint.cheapest, endpoint.cheapest_by_list) {
        (true, true) => "yes, also by list",
        (true, false) => "yes",
        (false, true) => "by list",
        (false, false) => "-",
    };
    let part = |of: fn(&SessionCost) -> f64| dash(endpoint.parts.as_ref().map(of), usd);
    let assumed = if endpoint.assumed { " assumed" } else { "" };
    let retention = dash(endpoint.basis.retention, |q| whole(q) + assumed);
    let to_win = match endpoint.to_win {
        ToWin::Cheapest { down_to: Some(q) } => format!("stays so down to {}", whole(q)),
        ToWin::Cheapest { down_to: None } => "is".to_owned(),
        ToWin::Needs { retention, .. } => format!("needs {}", whole(retention)),
        ToWin::Cannot { at_best } => format!("not even at 100 % ({})", usd(at_best)),
        ToWin::NotCompared => "-".to_owned(),
    };
    let break_even = match endpoint.break_even {
        Some(BreakEven::From { hit_rate }) if hit_rate <= 0.0 => "always".to_owned(),
        Some(BreakEven::From { hit_rate }) => format!("from a {} hit rate", whole(hit_rate)),
        Some(BreakEven::Never) => "never".to_owned(),
        None => "-".to_owned(),
    };
    vec![
        endpoint.tag.to_string(),
        endpoint.tier.to_string(),
        dash(endpoint.cost, usd) + &now(endpoint.unusual_now(), usd),
        interval(endpoint.low, endpoint.high, usd),
        mark.to_owned(),
        part(|p| p.cold_input),
        part(|p| p.cached_input),
        part(|p| p.writes),
        part(|p| p.output),
        part(|p| p.failures),
        retention,
        to_win,
        break_even,
    ]
}

/// How the terminal writes a conclusion about the price list.
const STYLE: Style = Style { usd, percent: whole, tag: clean };

fn describe_across(ranked: &Across, chosen: &Chosen, simulated: bool) -> Report {
    const COLUMNS: [Column; 9] = [
        number("rank", 3),
        name("model", 1),
        name("endpoint", 1),
        tier("tier", 2),
        number("session", 1),
        number("90 % interval", 2),
        number("retention", 4),
        number("score", 3),
        number("context", 5),
    ];
    let mut rows = Table::new(&COLUMNS, tsv(&ranked.rows));
    let usd = format::usd_column(ranked.rows.iter().map(|row| row.cost), std::iter::empty());
    for row in &ranked.rows {
        let assumed = if row.assumed { " assumed" } else { "" };
        rows.row([
            row.rank.to_string(),
            row.model_id.clone(),
            row.tag.to_string(),
            row.tier.to_string(),
            usd(row.cost),
            interval(row.low, row.high, &usd),
            dash(row.retention, |q| whole(q) + assumed),
            dash(row.quality, |score| score.to_string()),
            dash(row.context_length, |c| thousands(c as f64)),
        ]);
    }
    let heading = format!("All models, USD per session of {}", describe_workload(&ranked.workload));
    let mut notes =
        format!("Showing {} of {} endpoints; {}.", ranked.rows.len(), ranked.found, ranked.quality_note);
    let reasons: Vec<String> = ranked
        .left_out
        .reasons()
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    if !reasons.is_empty() {
        notes.push_str(&format!("\nExcluded: {}.", reasons.join("; ")));
    }
    let report = Report::default().aside(fit_summary(chosen)).text(heading).simulated(simulated);
    report.table(rows).text(notes)
}

fn interval(low: Option<f64>, high: Option<f64>, usd: impl Fn(f64) -> String) -> String {
    dash(low.zip(high), |(low, high)| format!("{} to {}", usd(low), usd(high)))
}

fn whole(share: f64) -> String {
    format::percent(share, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::column::Values;
    use crate::table::typed;

    #[test]
    fn statements_are_flags() {
        let (of_model, across) = (typed(&[] as &[EndpointCost]), typed(&[] as &[AcrossRow]));
        let flags: Vec<&str> = of_model
            .iter()
            .chain(&across)
            .filter(|column| matches!(column.values, Values::Flag(_)))
            .map(|column| column.name)
            .collect();
        assert_eq!(flags, ["assumed", "cheapest", "cheapest_by_list", "is_choice", "assumed"]);
    }
}
