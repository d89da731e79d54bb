//! `hitrate traffic status`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic status`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic status")]
pub struct StatusArgs {}

/// Runs `hitrate traffic status`.
pub fn run(_common: &Common, _args: &StatusArgs) -> Result<u8> {
    bail!("`hitrate traffic status` is not built yet")
}
