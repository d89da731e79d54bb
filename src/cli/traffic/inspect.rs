//! `hitrate traffic inspect`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic inspect")]
pub struct InspectArgs {}

/// Runs `hitrate traffic inspect`.
pub fn run(_common: &Common, _args: &InspectArgs) -> Result<u8> {
    bail!("`hitrate traffic inspect` is not built yet")
}
