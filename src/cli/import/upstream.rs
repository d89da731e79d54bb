//! `hitrate import upstream`: what the upstream still offers of past days.

use super::super::collect::warn_about_contact;
use super::super::serve::is_own_machine;
use super::super::{Common, advance, exit, progress, runtime};
use crate::domain::imported::{ImportBatch, ImportKind};
use crate::pipeline::{HistoryPlan, ImportOptions, ImportStop, Pipeline, PipelineError, UpstreamImport};
use crate::scheduler::CronExpression;
use crate::serve::Announced;
use crate::store::StoreError;
use crate::upstream::history::HistoryRange;
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

/// Arguments of `import upstream`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate import upstream\n  \
hitrate import upstream --dry-run\n  \
hitrate import upstream --only charts --models moonshotai/kimi-k2.6\n\n\
Answers are archived in batches of 50: after an interruption, the same command requests only the rest. A running service \
imports by itself, between its sweeps.")]
pub struct UpstreamArgs {
    /// How far back charts and the log of list prices reach.
    #[arg(long, value_enum, default_value_t = Reach::All)]
    range: Reach,
    /// Kinds of data, separated by commas [default: all].
    #[arg(long, value_name = "KINDS", value_enum, value_delimiter = ',')]
    only: Vec<Data>,
    /// Model ids or canonical slugs, separated by commas [default: all models of the newest run].
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    models: Vec<String>,
    /// Maximum number of requests of this call; the hourly limit of the settings applies, too.
    #[arg(long, value_name = "N")]
    requests: Option<usize>,
    /// Request again what was answered more than a day ago.
    #[arg(long)]
    again: bool,
    /// Print what would be requested, and request nothing.
    #[arg(long)]
    dry_run: bool,
    /// Base URL of the upstream; overrides the settings.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Requests per second; 0 means unlimited, for a replay server on this machine.
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Time to assign to the import (RFC 3339), for recorded days [default: now].
    #[arg(long, value_name = "RFC3339")]
    at: Option<DateTime<Utc>>,
}

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reach {
    /// As far as the upstream goes; a month if it does not accept this.
    All,
    /// About 30 days.
    #[value(name = "1m")]
    Month,
}

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Data {
    /// Daily effective prices, and the hit rates derived from them; includes `prices`.
    Charts,
    /// The log of list prices.
    Prices,
    /// Uptime by hour.
    Uptime,
    /// Closing hit rates.
    Rates,
    /// Activity of models.
    Activity,
}

impl Data {
    fn kind(self) -> ImportKind {
        match self {
            Self::Charts => ImportKind::PriceCharts,
            Self::Prices => ImportKind::ListedPrices,
            Self::Uptime => ImportKind::UptimeHours,
            Self::Rates => ImportKind::ClosingRates,
            Self::Activity => ImportKind::Activity,
        }
    }
}

impl UpstreamArgs {
    fn options(&self) -> ImportOptions {
        let all = Data::value_variants();
        let kinds = if self.only.is_empty() { all } else { &self.only };
        ImportOptions {
            kinds: kinds.iter().map(|data| data.kind()).collect(),
            range: match self.range {
                Reach::All => HistoryRange::All,
                Reach::Month => HistoryRange::Month,
            },
            models: self.models.clone(),
            requests: self.requests,
            again: self.again,
            upstream: self.upstream.clone(),
            rate: self.rate,
            at: self.at,
        }
    }
}

/// Imports from the upstream. Exit codes: 0 nothing is left, 5 some requests are left, 4 upstream unavailable.
pub fn run(common: &Common, args: &UpstreamArgs) -> Result<u8> {
    let config = common.settings()?;
    let schedule = CronExpression::parse(&config.schedule.cron).context("setting `schedule.cron`")?;
    let upstream = args.upstream.clone().unwrap_or_else(|| config.upstream.base_url.clone());
    let data = common.recorded()?;
    if !args.dry_run {
        warn_about_contact(&config);
    }
    let pipeline = Pipeline::open(config, data.clone(), Common::clock()).map_err(|error| match error {
        PipelineError::Store(StoreError::Locked { .. }) if Announced::read(&data).is_some() => {
            anyhow::Error::from(error).context(
                "the service that runs on this data folder imports history by itself; its status page shows how far it is",
            )
        }
        error => error.into(),
    })?;
    let options = args.options();
    if args.dry_run {
        let plan = pipeline.history_plan(&options)?;
        common.print(&plan, || describe_plan(&plan))?;
        return Ok(exit::OK);
    }
    // A sweep by another process needs the store that this one holds.
    let has_schedule = !is_own_machine(&upstream);
    let next_sweep = |time: DateTime<Utc>| schedule.next_after(time).filter(|_| has_schedule);
    let bar = progress(0, "importing history");
    let report = runtime()?.block_on(async {
        let cancel = super::super::serve::stop_on_signal();
        let mut sink = |batch: &ImportBatch| pipeline.keep_imported(batch);
        let shown = advance(&bar);
        pipeline.import_upstream(&options, &next_sweep, &mut sink, &cancel, shown).await
    })?;
    bar.finish_and_clear();
    pipeline.store.checkpoint()?;
    common.print(&report, || describe(&report))?;
    Ok(match report.stopped {
        Some(ImportStop::Refused | ImportStop::Unavailable) => exit::UPSTREAM,
        None if report.failed == 0 => exit::OK,
        _ => exit::PARTIAL,
    })
}

fn describe_plan(plan: &HistoryPlan) -> String {
    let mut text = plan.progress.to_string();
    for (kind, requests) in &plan.left {
        text.push_str(&format!("\nto request: {requests} × {kind}"));
    }
    text
}

fn describe(report: &UpstreamImport) -> String {
    let mut text =
        format!("{}\n{} requests, {} documents archived", report.progress, report.requests, report.documents);
    for (kind, done) in &report.by_kind {
        text.push_str(&format!(
            "\n{kind}: {} rows stored, {} known, {} disagree with the record, {} of unknown endpoints, {} refused",
            done.stored, done.known, done.disagreements, done.unmatched, done.refused
        ));
    }
    for example in &report.imported.examples {
        text.push_str(&format!("\n  {example}"));
    }
    for failure in &report.failures {
        text.push_str(&format!("\nfailed: {failure}"));
    }
    if let Some(stopped) = report.stopped {
        text.push_str(&format!("\nstopped: {stopped}"));
    }
    text
}
