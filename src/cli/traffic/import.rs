//! `hitrate traffic import`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic import`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic import")]
pub struct ImportArgs {}

/// Runs `hitrate traffic import`.
pub fn run(_common: &Common, _args: &ImportArgs) -> Result<u8> {
    bail!("`hitrate traffic import` is not built yet")
}
