//! `hitrate traffic status`.

use super::asked;
use crate::cli::{Common, exit, print_text};
use crate::clock::Clock;
use crate::traffic::status::{DEFAULT_FORMAT, StatusFormat, start, status};
use anyhow::{Result, anyhow};
use clap::Args;

/// Options of `hitrate traffic status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic status\n  \
hitrate traffic status --since 7d --format '{hit_rate}'\n  \
hitrate traffic status --json")]
pub struct StatusArgs {
    /// The line, with placeholders in braces: hit_rate, saved, paid, calls, failures, prompt, read, output, model,
    /// regression, since.
    #[arg(long, value_name = "FORMAT", default_value = DEFAULT_FORMAT)]
    format: String,
    /// Start of the period: today (UTC), 7d or 30d.
    #[arg(long, value_name = "PERIOD", default_value = "today")]
    since: String,
}

/// Runs `hitrate traffic status`.
pub fn run(common: &Common, args: &StatusArgs) -> Result<u8> {
    let format = StatusFormat::parse(&args.format).map_err(|why| anyhow!("{why}"))?;
    let now = Common::clock().now();
    let from = start(&args.since, now).map_err(|why| anyhow!("{why}"))?;
    let store = asked::store(common)?;
    // Loading the snapshot takes longer than the queries, and only savings need its prices.
    let snapshot = if common.json || format.contains("saved") { asked::snapshot(common)? } else { None };
    let found = status(&store, snapshot.as_ref(), &args.since, from, now)?;
    match common.json {
        true => common.print(&found, String::new)?,
        false => print_text(&crate::site::clean(format.line(&found)))?,
    }
    Ok(exit::OK)
}
