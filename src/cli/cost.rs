//! `hitrate cost`.

use super::tables::{clean, dash, now, percent, simulated_note, table, thousands, usd};
use super::workload::{self, Chosen};
use super::{Cli, Common, exit, model};
use crate::cost::{
    Across, AcrossFilter, BreakEven, CostOfModel, EndpointCost, Month, MonthlyCost, OwnNumbers, Quality,
    ToWin, across, compare,
};
use crate::domain::format;
use crate::domain::session::SessionCost;
use crate::domain::workload::{CacheTtl, Workload};
use crate::snapshot::Snapshot;
use crate::wording::price_list::Style;
use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `cost`.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// Model id (`author/name`, `author/name:free`) or canonical slug.
    #[arg(required_unless_present = "across")]
    model: Option<String>,
    /// Workload: a name, a workload file (TOML or JSON; FILE#NAME if it holds several), or a request log
    /// (JSON Lines of usage objects) to fit a workload to [default: the first workload].
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

/// The contract of `hitrate cost --json`, with the costs of a model or, with `--across`, the ranking.
#[derive(Serialize)]
struct Document<'a, T> {
    #[serde(flatten)]
    costs: &'a T,
    as_of: chrono::DateTime<chrono::Utc>,
    simulated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<&'a workload::FitDocument>,
}

/// Prints what sessions cost at a model's endpoints, or across all models.
pub fn run(common: &Common, args: &CostArgs) -> Result<u8> {
    if args.across && args.model.is_some() {
        // Not left to clap: if two arguments conflict, clap drops the requirement of one for the other.
        let said = "a model cannot be combined with --across, which ranks the endpoints of all models";
        Cli::command().error(ErrorKind::ArgumentConflict, said).exit();
    }
    let snapshot = common.snapshot()?;
    let found = args.model.as_deref().map(|name| model::find(&snapshot, name)).transpose()?;
    let mut chosen = workload::choose(common, &snapshot, args.workload.as_deref())?;
    let own = OwnNumbers { cache_ttl: args.cache_ttl, ..OwnNumbers::default() };
    chosen.workload = own.over(&chosen.workload)?;
    let (as_of, simulated, fit) = (snapshot.as_of, snapshot.simulated, chosen.fit.as_ref());
    if let Some(model) = found {
        let mut cost = compare(&snapshot, model, &chosen.workload);
        let month = args.bill.map(|month| cost.monthly(model, month, args.at.as_deref()));
        cost.monthly = month.transpose().map_err(|error| anyhow::anyhow!(error.to_string()))?;
        common.print(&Document { costs: &cost, as_of, simulated, fit }, || {
            fit_summary(&chosen) + &describe_model(&cost, simulated)
        })?;
        return Ok(exit::OK);
    }
    let mut ranked = rank(&snapshot, &chosen, &args.limits)?;
    let shown = if args.limits.top == 0 { ranked.rows.len() } else { args.limits.top };
    ranked.rows.truncate(shown);
    common.print(&Document { costs: &ranked, as_of, simulated, fit }, || {
        fit_summary(&chosen) + &describe_across(&ranked, simulated)
    })?;
    Ok(exit::OK)
}

/// What was recognised in a request log, printed before the results that follow from it.
fn fit_summary(chosen: &Chosen) -> String {
    chosen.fit.as_ref().map_or_else(String::new, |fit| format!("{}\n\n", workload::describe(fit)))
}

fn rank(snapshot: &Snapshot, chosen: &Chosen, limits: &Limits) -> Result<Across> {
    let quality = limits.quality.as_deref().map(|path| {
        let text = std::fs::read_to_string(path)
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

fn describe_model(cost: &CostOfModel, simulated: bool) -> String {
    let header = [
        "endpoint",
        "tier",
        "session",
        "90 % interval",
        "cold in",
        "cached in",
        "writes",
        "output",
        "failures",
        "retention",
        "to be the cheapest",
        "beats the cheapest by list, cold",
    ];
    let mut rows = table(&header, 2);
    let parts = cost.endpoints.iter().filter_map(|endpoint| endpoint.parts.as_ref());
    let parts = parts.flat_map(|p| [p.cold_input, p.cached_input, p.writes, p.output, p.failures]);
    let usd = format::usd_column(cost.endpoints.iter().filter_map(|endpoint| endpoint.cost), parts);
    for endpoint in &cost.endpoints {
        rows.add_row(row(endpoint, &usd));
    }
    let mut text =
        format!("{}, USD per session of {}\n", clean(&cost.model_id), describe_workload(&cost.workload));
    text.push_str(simulated_note(simulated));
    text.push_str(&rows.to_string());
    text.push_str(&format!("\n{}", cost.conclusion(&STYLE)));
    for endpoint in cost.endpoints.iter().filter(|e| !e.is_choice) {
        let why = endpoint.why.as_deref().unwrap_or_default();
        text.push_str(&format!("\nNot compared: {}: {why}.", clean(endpoint.tag.as_str())));
    }
    for note in &cost.notes {
        text.push_str(&format!("\nNote: {note}."));
    }
    if let Some(month) = &cost.monthly {
        text.push_str(&describe_month(month, &cost.workload));
    }
    text
}

/// The month at each endpoint, below the sessions.
fn describe_month(month: &MonthlyCost, workload: &Workload) -> String {
    let mut rows = table(&["endpoint", "a month", "interval", "against the bill"], 1);
    let usd = format::usd_column(month.endpoints.iter().map(|row| row.usd), std::iter::empty());
    for row in &month.endpoints {
        let change = match row.is_present {
            true => "your bill".to_owned(),
            false => dash(row.change, |change| format::percent_change(change, 0)),
        };
        let ends = if row.is_present { "-".to_owned() } else { interval(row.low, row.high, &usd) };
        rows.add_row([clean(row.tag.as_str()), usd(row.usd), ends, change]);
    }
    format!("\n\n{}\n{rows}", month.assumption(&workload.name, &STYLE))
}

fn row(endpoint: &EndpointCost, usd: &impl Fn(f64) -> String) -> Vec<String> {
    let mark = match (endpoint.cheapest, endpoint.cheapest_by_list) {
        (true, true) => " (cheapest, also by list)",
        (true, false) => " (cheapest)",
        (false, true) => " (cheapest by list)",
        (false, false) => "",
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
        clean(endpoint.tag.as_str()) + mark,
        endpoint.tier.to_string(),
        dash(endpoint.cost, usd) + &now(endpoint.unusual_now(), usd),
        interval(endpoint.low, endpoint.high, usd),
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

fn describe_across(ranked: &Across, simulated: bool) -> String {
    let header =
        ["rank", "model", "endpoint", "tier", "session", "90 % interval", "retention", "score", "context"];
    let mut rows = table(&header, 4);
    let usd = format::usd_column(ranked.rows.iter().map(|row| row.cost), std::iter::empty());
    for row in &ranked.rows {
        let assumed = if row.assumed { " assumed" } else { "" };
        rows.add_row([
            row.rank.to_string(),
            clean(&row.model_id),
            clean(row.tag.as_str()),
            row.tier.to_string(),
            usd(row.cost),
            interval(row.low, row.high, &usd),
            dash(row.retention, |q| whole(q) + assumed),
            dash(row.quality, |score| score.to_string()),
            dash(row.context_length, |c| thousands(c as f64)),
        ]);
    }
    let mut text = format!("All models, USD per session of {}\n", describe_workload(&ranked.workload));
    text.push_str(simulated_note(simulated));
    text.push_str(&format!(
        "{rows}\nShowing {} of {} endpoints; {}.",
        ranked.rows.len(),
        ranked.found,
        ranked.quality_note
    ));
    let reasons: Vec<String> = ranked
        .left_out
        .reasons()
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    if !reasons.is_empty() {
        text.push_str(&format!("\nExcluded: {}.", reasons.join("; ")));
    }
    text
}

fn interval(low: Option<f64>, high: Option<f64>, usd: impl Fn(f64) -> String) -> String {
    dash(low.zip(high), |(low, high)| format!("{} to {}", usd(low), usd(high)))
}

fn whole(share: f64) -> String {
    format::percent(share, 0)
}
