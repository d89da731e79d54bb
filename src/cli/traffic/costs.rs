//! `hitrate traffic costs`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic costs`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic costs")]
pub struct CostsArgs {}

/// Runs `hitrate traffic costs`.
pub fn run(_common: &Common, _args: &CostsArgs) -> Result<u8> {
    bail!("`hitrate traffic costs` is not built yet")
}
