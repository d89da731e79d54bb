//! `hitrate import`: data from before the record or from outside it.

mod upstream;

use super::Common;
use anyhow::Result;
use clap::{Args, Subcommand};

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate import upstream\n  \
hitrate import upstream --dry-run")]
pub struct ImportArgs {
    #[command(subcommand)]
    verb: ImportVerb,
}

#[derive(Debug, Subcommand)]
enum ImportVerb {
    /// Import what the upstream still offers of past days.
    Upstream(upstream::UpstreamArgs),
}

/// Runs `hitrate import`.
pub fn run(common: &Common, args: &ImportArgs) -> Result<u8> {
    match &args.verb {
        ImportVerb::Upstream(args) => upstream::run(common, args),
    }
}
