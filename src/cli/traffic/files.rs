//! `hitrate traffic files`.

use crate::cli::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Options of `hitrate traffic files`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hitrate traffic files")]
pub struct FilesArgs {}

/// Runs `hitrate traffic files`.
pub fn run(_common: &Common, _args: &FilesArgs) -> Result<u8> {
    bail!("`hitrate traffic files` is not built yet")
}
