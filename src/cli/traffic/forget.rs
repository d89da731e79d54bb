//! `hitrate traffic forget`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic forget`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic forget")]
pub struct ForgetArgs {}

/// Runs `hitrate traffic forget`.
pub fn run(_common: &Common, _args: &ForgetArgs) -> Result<u8> {
    bail!("`hitrate traffic forget` is not built yet")
}
