//! `hitrate import`: data from before the record or from outside it.

mod file;
mod manage;
mod upstream;

use super::Common;
use anyhow::Result;
use clap::{Args, Subcommand};

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate import upstream\n  \
hitrate import file days.parquet\n  \
hitrate import list")]
pub struct ImportArgs {
    #[command(subcommand)]
    verb: ImportVerb,
}

#[derive(Debug, Subcommand)]
enum ImportVerb {
    /// Import files: exports of hitrate, folders of archived bodies, and series that someone else recorded.
    File(file::FileArgs),
    /// Import what the upstream still offers of past days.
    Upstream(upstream::UpstreamArgs),
    /// List the imported sources.
    List(manage::ListArgs),
    /// Remove an imported source with its rows.
    Forget(manage::ForgetArgs),
}

/// Runs `hitrate import`.
pub fn run(common: &Common, args: &ImportArgs) -> Result<u8> {
    match &args.verb {
        ImportVerb::File(args) => file::run(common, args),
        ImportVerb::Upstream(args) => upstream::run(common, args),
        ImportVerb::List(args) => manage::list(common, args),
        ImportVerb::Forget(args) => manage::forget(common, args),
    }
}
