//! `hitrate collect`: collects, stores and publishes one run.

use super::tables::line;
use super::{Common, advance, exit, progress, runtime};
use crate::domain::document::RouteAnswer;
use crate::domain::reading::RunStatus;
use crate::pipeline::{CollectOptions, CollectReport, Pipeline, PipelineError};
use crate::serve::{Following, run_span};
use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Arguments of `collect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate collect\n  \
hitrate collect --data-dir /var/lib/hitrate --json")]
pub struct CollectArgs {
    /// Base URL of the upstream; overrides the settings.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Time to assign to the run (RFC 3339), for recorded days [default: now].
    #[arg(long, value_name = "RFC3339")]
    at: Option<DateTime<Utc>>,
    /// Requests per second; 0 means unlimited, for a replay server on this machine.
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
}

/// Collects once. Exit codes: 0 ok, 5 partial, 7 suspect, 4 upstream unavailable.
pub fn run(common: &Common, args: &CollectArgs) -> Result<u8> {
    let config = common.settings()?;
    warn_about_contact(&config);
    let pipeline = Pipeline::open(config, common.data(), Common::clock())?;
    let options =
        CollectOptions { upstream: args.upstream.clone(), at: args.at, rate: args.rate, simulated: false };
    let bar = progress(0, "collecting");
    let cancel = CancellationToken::new();
    let span = run_span();
    let collected = pipeline.collect(&options, &cancel, advance(&bar)).instrument(span.clone());
    let report = runtime()?.block_on(collected)?;
    let _in_run = span.entered();
    bar.finish_and_clear();
    match pipeline.publish() {
        // Nothing was accepted yet, so there is nothing to publish.
        Err(PipelineError::NoRun(_)) => {}
        other => drop(other?),
    }
    pipeline.store.checkpoint()?;
    if args.at.is_none() {
        follow(&pipeline)?;
    }
    common.print(&report, || describe(&report))?;
    Ok(match report.status {
        RunStatus::Ok => exit::OK,
        RunStatus::Partial => exit::PARTIAL,
        RunStatus::Suspect => exit::SUSPECT,
        RunStatus::Failed => exit::UPSTREAM,
    })
}

/// Applies the rules of alerts and sends what is due. A failure is logged: the run is stored and published.
fn follow(pipeline: &Pipeline) -> Result<()> {
    let Some(following) = Following::of(pipeline) else { return Ok(()) };
    runtime()?.block_on(async {
        match following.apply() {
            Ok(Some(notices)) => tracing::info!(notices, "alert rules applied"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the alert rules could not be applied"),
        }
        if let Err(error) = following.outbox().run_due().await {
            tracing::error!(%error, "alerts could not be sent");
        }
    });
    Ok(())
}

/// Without a contact, the upstream can only block the collector, not write to its operator.
pub(super) fn warn_about_contact(config: &crate::config::Config) {
    if config.upstream.contact_url.trim().is_empty() {
        tracing::warn!(
            "no contact is set (upstream.contact_url): the upstream cannot reach you if your collector causes trouble"
        );
    }
}

fn describe(report: &CollectReport) -> String {
    let mut text = format!(
        "run {} at {}: {}\n{} requests, {} documents ({} KiB archived), {} endpoints, {} with usage, window {}, {} ms",
        report.run_id,
        report.observed_at.to_rfc3339(),
        report.status,
        report.requests,
        report.documents,
        report.archive_bytes / 1024,
        report.endpoints,
        report.readings,
        report.window_kind,
        report.duration_ms
    );
    for (reason, rows) in &report.quarantined {
        text.push_str(&format!("\nquarantined: {rows} rows, {reason}"));
    }
    match report.comparison {
        Some(RouteAnswer::NotOffered) => {
            text.push_str(
                "\ndaily hit rates: not offered by this upstream; days without a sweep remain gaps",
            );
        }
        Some(RouteAnswer::Answered) => text.push_str("\ndaily hit rates: received"),
        Some(RouteAnswer::Failed) => text.push_str("\ndaily hit rates: failed; the next sweep retries"),
        None => {}
    }
    if report.drift > 0 {
        text.push_str(&format!("\nunknown fields: {}", report.drift));
    }
    for finding in &report.findings {
        text.push_str(&format!("\nsuspect: {}: {}", line(&finding.field), line(&finding.detail)));
    }
    if !report.findings.is_empty() {
        text.push_str(&format!(
            "\nnot published; if the change is genuine, run: hitrate accept {} --field NAME",
            report.run_id
        ));
    }
    for failure in &report.failures {
        text.push_str(&format!("\nfailed: {}", line(failure)));
    }
    text
}
