//! `hitrate traffic`: the user's own logs.

mod asked;
mod costs;
mod files;
mod forget;
mod import;
mod inspect;
mod misses;
mod models;
mod notes;
mod own;
mod plans;
mod report;
mod sessions;
mod status;
mod words;

use super::Common;
use anyhow::Result;
use clap::{Args, Subcommand};

/// Options of `hitrate traffic`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic inspect spend_logs.jsonl\n  \
hitrate traffic import ~/.claude/projects\n  \
hitrate traffic report")]
pub struct TrafficArgs {
    #[command(subcommand)]
    verb: TrafficVerb,
}

#[derive(Debug, Subcommand)]
enum TrafficVerb {
    /// Read a log without storing anything, and print what it contains.
    Inspect(inspect::InspectArgs),
    /// Import logs into your own traffic.
    Import(import::ImportArgs),
    /// Delete imported calls by source or time.
    Forget(forget::ForgetArgs),
    /// List the imported files.
    Files(files::FilesArgs),
    /// Print your hit rates, failures, latency and spend by model and provider.
    Report(report::ReportArgs),
    /// Print your traffic by model.
    Models(models::ModelsArgs),
    /// Print your sessions.
    Sessions(sessions::SessionsArgs),
    /// Print the cache misses and their causes.
    Misses(misses::MissesArgs),
    /// Print one line for a prompt or a status bar.
    Status(status::StatusArgs),
    /// Print what your calls would have cost at every endpoint of their models.
    Costs(costs::CostsArgs),
    /// Compare flat plans with paying per token, for your traffic or a workload.
    Plans(plans::PlansArgs),
}

/// Runs `hitrate traffic`.
pub fn run(common: &Common, args: &TrafficArgs) -> Result<u8> {
    match &args.verb {
        TrafficVerb::Inspect(args) => inspect::run(common, args),
        TrafficVerb::Import(args) => import::run(common, args),
        TrafficVerb::Forget(args) => forget::run(common, args),
        TrafficVerb::Files(args) => files::run(common, args),
        TrafficVerb::Report(args) => report::run(common, args),
        TrafficVerb::Models(args) => models::run(common, args),
        TrafficVerb::Sessions(args) => sessions::run(common, args),
        TrafficVerb::Misses(args) => misses::run(common, args),
        TrafficVerb::Status(args) => status::run(common, args),
        TrafficVerb::Costs(args) => costs::run(common, args),
        TrafficVerb::Plans(args) => plans::run(common, args),
    }
}
