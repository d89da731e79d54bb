//! `hitrate accept`: makes a suspect run part of the record.

use super::tables::line;
use super::{Common, exit, running};
use crate::pipeline::{AcceptReport, Pipeline, PipelineError};
use crate::store::StoreError;
use anyhow::{Context, Result};
use clap::Args;

/// Arguments of `accept`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate accept 20260807T165700Z --field effective_pricing.cacheHitRate\n  \
hitrate accept 20260807T165700Z --all\n\n\
The status page, `hitrate collect` and the log name the run and its fields. Later runs are compared with the accepted one.")]
pub struct AcceptArgs {
    /// Id of the suspect run.
    #[arg(value_name = "RUN")]
    run_id: String,
    /// Field to accept, as named on the status page; may be repeated.
    #[arg(long, value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    field: Vec<String>,
    /// Accept all findings against the run.
    #[arg(long)]
    all: bool,
}

/// Accepts the run, through the running server if one holds the store; exit code 7 if the run stays suspect.
pub fn run(common: &Common, args: &AcceptArgs) -> Result<u8> {
    let data = common.recorded()?;
    let fields = (!args.all).then_some(args.field.as_slice());
    let report = match Pipeline::open(common.settings()?, data, Common::clock()) {
        Ok(pipeline) => {
            let report = pipeline.accept(&args.run_id, fields)?;
            pipeline.store.checkpoint()?;
            report
        }
        Err(PipelineError::Store(StoreError::Locked { .. })) if running::has_server(&common.data()) => {
            ask_server(common, args)?
        }
        Err(error) => return Err(error.into()),
    };
    common.print(&report, || describe(&report))?;
    Ok(if report.open.is_empty() { exit::OK } else { exit::SUSPECT })
}

fn ask_server(common: &Common, args: &AcceptArgs) -> Result<AcceptReport> {
    let fields: Vec<String> = args.field.iter().map(|field| running::encode(field)).collect();
    let path = format!("/local/accept?run={}&fields={}", running::encode(&args.run_id), fields.join(","));
    let body = running::post(&common.data(), &path)?;
    serde_json::from_slice(&body).context("cannot read the server's response")
}

fn describe(report: &AcceptReport) -> String {
    if report.needs_replay {
        return format!(
            "run {}: accepted {}; newer runs are already published, so it enters the record with the next `hitrate replay`",
            report.run_id,
            report.accepted.join(", ")
        );
    }
    let mut text =
        format!("run {}: {}, accepted {}", report.run_id, report.status, report.accepted.join(", "));
    for finding in &report.open {
        text.push_str(&format!("\nstill suspect: {}: {}", line(&finding.field), line(&finding.detail)));
    }
    if let Some(snapshot) = &report.snapshot {
        text.push_str(&format!("\npublished {snapshot}"));
    }
    text
}
