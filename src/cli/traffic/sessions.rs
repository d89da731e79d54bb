//! `hitrate traffic sessions`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic sessions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic sessions")]
pub struct SessionsArgs {}

/// Runs `hitrate traffic sessions`.
pub fn run(_common: &Common, _args: &SessionsArgs) -> Result<u8> {
    bail!("`hitrate traffic sessions` is not built yet")
}
