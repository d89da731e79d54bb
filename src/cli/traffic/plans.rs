//! `hitrate traffic plans`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic plans`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic plans")]
pub struct PlansArgs {}

/// Runs `hitrate traffic plans`.
pub fn run(_common: &Common, _args: &PlansArgs) -> Result<u8> {
    bail!("`hitrate traffic plans` is not built yet")
}
