//! `hitrate rollup`: rolls up the hourly readings that are older than the setting.

use super::{Common, exit, running};
use crate::pipeline::{open_store, roll_up};
use crate::store::{RolledUp, StoreError};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

/// Arguments of `rollup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate rollup --dry-run\n  \
hitrate rollup\n\n\
The setting `retention.hourly_days` decides which days are rolled up. A server does the same after each collection. The \
archive is never changed: `hitrate replay` without the setting brings every reading back.")]
pub struct RollupArgs {
    /// Print what would be removed, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
struct RollupReport {
    /// The setting `retention.hourly_days`.
    hourly_days: u32,
    /// Whether nothing was changed.
    dry_run: bool,
    /// The days and readings; null if there was nothing to roll up.
    rolled_up: Option<RolledUp>,
    /// Bytes of the database file that were given back to the disk; a running server reuses them instead.
    freed_bytes: u64,
}

/// Rolls up, through the running server if one holds the store.
pub fn run(common: &Common, args: &RollupArgs) -> Result<u8> {
    let data = common.recorded()?;
    let settings = common.settings()?;
    let hourly_days = settings.retention.hourly_days;
    if hourly_days == 0 {
        bail!(
            "the setting `retention.hourly_days` is 0: all readings are kept; set a number of days in hitrate.toml"
        );
    }
    let mut freed_bytes = 0;
    let rolled_up = match open_store(&settings, &data) {
        Ok(store) => {
            let rolled_up = roll_up(&store, hourly_days, args.dry_run)?;
            if !args.dry_run {
                freed_bytes = store.compact()?;
            }
            rolled_up
        }
        Err(StoreError::Locked { .. }) if running::has_server(&data) => {
            let path = format!("/local/rollup?dry_run={}", args.dry_run);
            let body = running::post(&data, &path)?;
            serde_json::from_slice(&body).context("cannot read the server's response")?
        }
        Err(error) => return Err(error.into()),
    };
    let report = RollupReport { hourly_days, dry_run: args.dry_run, rolled_up, freed_bytes };
    common.print(&report, || describe(&report))?;
    Ok(exit::OK)
}

fn describe(report: &RollupReport) -> String {
    let Some(RolledUp { first_day, last_day, removed, kept }) = report.rolled_up else {
        return format!("nothing to roll up: no day is older than {} days", report.hourly_days);
    };
    let would = if report.dry_run { "would remove" } else { "removed" };
    format!(
        "{first_day} to {last_day}: {would} {removed} hourly readings; {kept} readings and all days are kept"
    )
}
