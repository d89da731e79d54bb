//! `hitrate replay`: rebuilds the store and the snapshot from the archive alone.

use super::{Common, advance, exit, progress};
use crate::archive::Archive;
use crate::clock::Clock;
use crate::pipeline::{DataDir, Pipeline, SetAside, prepare_replay, store_in_use};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
hitrate replay --into rebuilt")]
pub struct ReplayArgs {
    /// Folder for the new store and snapshot; must not contain a store yet, except that of an interrupted replay.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

/// Rebuilds into another folder; the archive of the data folder is only read. Exit code 5 if a run was set aside.
pub fn run(common: &Common, args: &ReplayArgs) -> Result<u8> {
    let target = DataDir::new(&args.into);
    let (settings, clock) = (common.settings()?, Common::clock());
    // A process that uses the store is the more helpful answer.
    if target.store().exists()
        && let Some(used) = store_in_use(&settings, &target)
    {
        return Err(used.into());
    }
    let source = Archive::open(common.data().archive());
    prepare_replay(&settings, &target, source.folder(), clock.now())?;
    // Not `open`: into the data folder itself, that would rebuild the record a first time.
    let pipeline = Pipeline::open_to_replay(settings, target, clock)?;
    let bar = progress(0, "replaying");
    let report = pipeline.replay_with(&source, Some(&common.data()), advance(&bar))?;
    bar.finish_and_clear();
    pipeline.store.checkpoint()?;
    common.print(&report, || {
        let mut text = format!(
            "{} of {} archived runs stored in {}, {} readings",
            report.stored,
            report.runs,
            args.into.display(),
            report.readings
        );
        for SetAside { run_id, file, reason } in &report.set_aside {
            text.push_str(&format!("\nset aside: run {run_id} ({file}): {reason}"));
        }
        text
    })?;
    Ok(if report.set_aside.is_empty() { exit::OK } else { exit::PARTIAL })
}
