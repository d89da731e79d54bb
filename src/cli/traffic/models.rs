//! `hitrate traffic models`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic models`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic models")]
pub struct ModelsArgs {}

/// Runs `hitrate traffic models`.
pub fn run(_common: &Common, _args: &ModelsArgs) -> Result<u8> {
    bail!("`hitrate traffic models` is not built yet")
}
