//! `hitrate backup` and `hitrate restore`: backups of the data folder, also while the service runs.

use super::{Common, advance, exit, progress, running};
use crate::backup::{self, BackupReport, Problem, RestoreReport, Source, Target, VerifyReport};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::format;
use crate::pipeline::{DataDir, traffic_options};
use crate::store::{self, CopiesInUse, Store, StoreError, StoreOptions, TrafficStore};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lines that a text lists of each kind of problem.
const LISTED: usize = 20;

/// Arguments of `backup`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  \
hitrate backup /backup/hitrate --keep 7\n  \
hitrate backup verify /backup/hitrate\n\n\
`hitrate restore` brings a backup back. Each backup is a folder DIR/YYYYMMDDTHHMMSSZ with everything that a data folder \
needs. Unchanged files of the archive are hard links to the previous backup. The settings are included; server.json and \
tokens are not."
)]
pub struct BackupArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// Folder of the backups: new, empty, or written by this command before; not in the data folder.
    #[arg(value_name = "DIR", required = true)]
    folder: Option<PathBuf>,
    /// Include your own traffic, which is private.
    #[arg(long)]
    with_traffic: bool,
    /// Number of backups to keep; older ones are removed after this one is complete [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Read every file of a backup and compare it with the manifest, check that the archive is whole, and open the copy of
    /// the store. Exit code 1 if anything is wrong.
    #[command(after_help = "Examples:\n  \
hitrate backup verify /backup/hitrate\n  \
hitrate backup verify /backup/hitrate/20260801T035700Z --json")]
    Verify {
        /// A backup, or a folder of backups: then the newest one.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Verify all backups in the folder.
        #[arg(long)]
        all: bool,
    },
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate restore /backup/hitrate --into /var/lib/hitrate-new\n  \
hitrate restore /backup/hitrate/20260801T035700Z --into restored --json")]
pub struct RestoreArgs {
    /// A backup, or a folder of backups: then the newest one.
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// The new data folder. It must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Restore a damaged backup without its damaged files.
    #[arg(long)]
    skip_damaged: bool,
}

/// A copy of a database that is removed after its use.
struct Temporary {
    path: PathBuf,
    /// Ends after the removal.
    _in_use: CopiesInUse,
}

impl Temporary {
    /// Removes copies that killed processes left in a work folder, then makes a new one there.
    fn make<E>(work_dir: &Path, copy: impl FnOnce() -> Result<PathBuf, E>) -> Result<Self, E> {
        store::remove_stale_copies(work_dir);
        let in_use = CopiesInUse::begin(work_dir);
        copy().map(|path| Self { path, _in_use: in_use })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have been removed already; what is left is in a work folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes or verifies a backup.
pub fn run(common: &Common, args: &BackupArgs) -> Result<u8> {
    match (&args.what, &args.folder) {
        (Some(What::Verify { folder, all }), _) => verify(common, folder, *all),
        (None, Some(folder)) => write(common, args, folder),
        (None, None) => {
            anyhow::bail!("name the folder of the backups, for example `hitrate backup /backup/hitrate`")
        }
    }
}

/// Exit code 5 if the backup is complete, but the data folder is not: no store, a lost or changed file of the
/// archive, or settings that cannot be read.
fn write(common: &Common, args: &BackupArgs, folder: &Path) -> Result<u8> {
    let data = common.data();
    // A backup needs only the data folder.
    let (config, unread) = running::settings_or_defaults(common)?;
    // Before the copies, which take long.
    let target = Target::open(&data, folder)?;
    let store = copy_of_store(common, &config, &data)?;
    let traffic = if args.with_traffic { copy_of_traffic(&config, &data)? } else { None };
    let (_work, options) = beside(&config)?;
    let has_unreadable_store = store.is_none() && (data.store().exists() || running::has_server(&data));
    let files = [config.workloads.file.as_str(), config.traffic.plans.as_str()];
    let source = Source {
        data: &data,
        settings: Source::settings_of(&data, common.config.as_deref(), &files),
        store: store.as_ref().map(|copy| copy.path.clone()),
        traffic: traffic.as_ref().map(|copy| copy.path.clone()),
        options,
    };
    let bar = progress(0, "copying");
    let keep = args.keep.map(|keep| keep as usize);
    let mut report = backup::write(&source, &target, keep, Common::clock().now(), advance(&bar))?;
    bar.finish_and_clear();
    if !data.store().exists() && store.is_some() {
        report.problems.push(format!(
            "{} was deleted; its copy is from the running server, which still has it open: restart the service to rebuild it",
            data.store().display()
        ));
    }
    report.problems.extend(unread.map(|error| {
        format!(
            "the settings cannot be read ({error}); they are included as they are, but files that `workloads.file` and \
             `traffic.plans` name are not"
        )
    }));
    common.print(&report, || describe(&report))?;
    Ok(if report.is_sound() && !has_unreadable_store { exit::OK } else { exit::PARTIAL })
}

/// A copy of the store, also of one that a running server holds, even if its file was deleted. `None` if there is none, or
/// it is damaged: the archive alone is a backup.
fn copy_of_store(common: &Common, config: &Config, data: &DataDir) -> Result<Option<Temporary>> {
    let is_deleted = !data.store().exists();
    if is_deleted && !running::has_server(data) {
        return Ok(None);
    }
    let paths = ["/local/store-copy".to_owned()];
    let ask = || {
        let read = |store: &Store| Ok(store.copy()?);
        let copied = running::read_or_ask_as(config, common, "the copy of the store", &paths, read)?;
        copied.into_iter().next().context("the server made no copy of the store")
    };
    match Temporary::make(&data.work(), ask) {
        Ok(copy) => Ok(Some(copy)),
        Err(error) if is_deleted => {
            tracing::error!(%error, "the store was deleted and the server cannot copy it; the backup is written without it");
            Ok(None)
        }
        Err(error) => match error.downcast_ref::<StoreError>() {
            Some(StoreError::Open { .. } | StoreError::Damaged { .. }) => {
                tracing::error!(%error, "the backup is written without the store; `hitrate replay` rebuilds it");
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

fn copy_of_traffic(config: &Config, data: &DataDir) -> Result<Option<Temporary>> {
    let Some(store) = TrafficStore::open_existing(traffic_options(config, data))? else { return Ok(None) };
    Ok(Some(Temporary::make(&data.traffic_work(), || store.copy())?))
}

/// How to open a copy of the store without writing beside it; the folder is removed with its guard.
fn beside(config: &Config) -> Result<(tempfile::TempDir, StoreOptions)> {
    let work = tempfile::tempdir().context("cannot create a temporary folder (TMPDIR)")?;
    let options = StoreOptions {
        path: PathBuf::new(),
        work_dir: work.path().to_owned(),
        memory: config.store.memory.clone(),
        threads: config.store.threads,
        query_timeout: Duration::from_secs(config.store.query_timeout_seconds),
    };
    Ok((work, options))
}

fn describe(report: &BackupReport) -> String {
    let mut text = format!(
        "{}: {} files, {}; copied {} ({}), linked {}",
        report.backup.display(),
        report.files,
        format::bytes(report.bytes),
        report.copied,
        format::bytes(report.copied_bytes),
        report.files.saturating_sub(report.copied)
    );
    match report.runs {
        Some(runs) => text.push_str(&format!("\n{runs} runs in the copy of the store")),
        None => text.push_str("\nwithout a store; `hitrate replay` rebuilds it from the archive"),
    }
    let mut list = |what: &str, paths: &[String]| {
        for path in paths.iter().take(LISTED) {
            text.push_str(&format!("\n{what}: {path}"));
        }
        if paths.len() > LISTED {
            text.push_str(&format!("\n{what}: and {} more", paths.len() - LISTED));
        }
    };
    list("missing in the data folder, taken from the previous backup", &report.missing);
    list("differs from the previous backup, although it never changes", &report.changed);
    list("problem", &report.problems);
    list("removed the old backup", &report.removed);
    text
}

fn verify(common: &Common, folder: &Path, all: bool) -> Result<u8> {
    let backups = if all { backup::all(folder)? } else { vec![backup::find(folder)?] };
    if backups.is_empty() {
        return Err(backup::BackupError::NoBackup(folder.to_owned()).into());
    }
    let (_work, options) = beside(&running::settings_or_defaults(common)?.0)?;
    let mut reports = Vec::new();
    for one in &backups {
        let bar = progress(0, "verifying");
        reports.push(backup::verify(one, &options, advance(&bar))?);
        bar.finish_and_clear();
    }
    common.print(&reports, || reports.iter().map(describe_verified).collect::<Vec<_>>().join("\n"))?;
    let is_whole = reports.iter().all(|report| report.problems.is_empty());
    Ok(if is_whole { exit::OK } else { exit::ERROR })
}

fn describe_verified(report: &VerifyReport) -> String {
    let verdict = if report.problems.is_empty() { "whole" } else { "DAMAGED" };
    let mut text = format!(
        "{}: {verdict}, {} files, {}, {} archived runs",
        report.backup,
        report.files,
        format::bytes(report.bytes),
        report.archived_runs
    );
    match report.runs {
        Some(runs) => text.push_str(&format!(", {runs} runs in the store")),
        None => text.push_str(", without a store"),
    }
    add_problems(&mut text, "damaged", &report.problems);
    text
}

fn add_problems(text: &mut String, what: &str, problems: &[Problem]) {
    for problem in problems.iter().take(LISTED) {
        text.push_str(&format!("\n{what}: {}: {}", problem.path, problem.reason));
    }
    if problems.len() > LISTED {
        text.push_str(&format!("\n{what}: and {} more", problems.len() - LISTED));
    }
}

/// Restores a backup; exit code 5 if damaged files were left out.
pub fn restore(common: &Common, args: &RestoreArgs) -> Result<u8> {
    let from = backup::find(&args.from)?;
    // The settings of the present data folder limit memory and threads; the backup has its own.
    let (_work, options) = beside(&running::settings_or_defaults(common)?.0)?;
    let bar = progress(0, "restoring");
    let report = backup::restore(&from, &args.into, args.skip_damaged, &options, advance(&bar))?;
    bar.finish_and_clear();
    common.print(&report, || describe_restored(&report))?;
    Ok(if report.skipped.is_empty() { exit::OK } else { exit::PARTIAL })
}

fn describe_restored(report: &RestoreReport) -> String {
    let into = report.into.display();
    let mut text = format!(
        "restored {} into {into}: {} files, {}",
        report.backup,
        report.files,
        format::bytes(report.bytes)
    );
    match report.runs {
        Some(runs) => text.push_str(&format!(
            "\n{runs} runs in the store, checked against the backup\nstart it with: hitrate --data-dir {into} serve"
        )),
        None => text.push_str(&format!(
            "\nwithout a store; rebuild it with: hitrate --data-dir {into} replay --into {into}"
        )),
    }
    add_problems(&mut text, "left out", &report.skipped);
    text
}
