//! `hitrate import upstream`: what the upstream still offers of past days.

use super::super::Common;
use anyhow::{Result, bail};
use clap::Args;

/// Arguments of `import upstream`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
hitrate import upstream")]
pub struct UpstreamArgs {}

/// Imports from the upstream.
pub fn run(common: &Common, _: &UpstreamArgs) -> Result<u8> {
    let _ = common;
    bail!("this build cannot import from the upstream")
}
