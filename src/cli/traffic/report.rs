//! `hitrate traffic report`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic report`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic report")]
pub struct ReportArgs {}

/// Runs `hitrate traffic report`.
pub fn run(_common: &Common, _args: &ReportArgs) -> Result<u8> {
    bail!("`hitrate traffic report` is not built yet")
}
