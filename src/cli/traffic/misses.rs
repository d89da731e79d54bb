//! `hitrate traffic misses`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic misses`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic misses")]
pub struct MissesArgs {}

/// Runs `hitrate traffic misses`.
pub fn run(_common: &Common, _args: &MissesArgs) -> Result<u8> {
    bail!("`hitrate traffic misses` is not built yet")
}
