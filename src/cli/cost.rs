//! `hitrate cost`.

use super::workload::{self, Chosen};
use super::{Cli, Common, cost_tables, exit, model, print_json, print_text};
use crate::cost::{Across, AcrossFilter, CostOfModel, OwnNumbers, Quality, across, compare};
use crate::domain::workload::CacheTtl;
use crate::snapshot::Snapshot;
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

/// The contract of `hitrate cost --json`.
#[derive(Serialize)]
struct CostDocument<'a> {
    #[serde(flatten)]
    cost: &'a CostOfModel,
    as_of: chrono::DateTime<chrono::Utc>,
    simulated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<&'a workload::FitDocument>,
}

/// The contract of `hitrate cost --across --json`.
#[derive(Serialize)]
struct AcrossDocument<'a> {
    #[serde(flatten)]
    across: &'a Across,
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
        let cost = compare(&snapshot, model, &chosen.workload);
        if common.json {
            print_json(&CostDocument { cost: &cost, as_of, simulated, fit })?;
        } else {
            print_text(&(fit_summary(&chosen) + &cost_tables::model(&cost, simulated)))?;
        }
        return Ok(exit::OK);
    }
    let mut ranked = rank(&snapshot, &chosen, &args.limits)?;
    let shown = if args.limits.top == 0 { ranked.rows.len() } else { args.limits.top };
    ranked.rows.truncate(shown);
    if common.json {
        print_json(&AcrossDocument { across: &ranked, as_of, simulated, fit })?;
    } else {
        print_text(&(fit_summary(&chosen) + &cost_tables::across(&ranked, simulated)))?;
    }
    Ok(exit::OK)
}

/// What was recognised in a request log, printed before the results that follow from it.
fn fit_summary(chosen: &Chosen) -> String {
    chosen.fit.as_ref().map_or_else(String::new, |fit| format!("{}\n\n", cost_tables::fit(fit)))
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
