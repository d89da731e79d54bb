//! `hitrate traffic import`: reads logs into the user's own traffic.

use crate::cli::logs::{STANDARD_INPUT, known_format};
use crate::cli::tables::{Report, clean, line, thousands};
use crate::cli::{Common, exit, progress};
use crate::clock::Clock;
use crate::domain::format::counted;
use crate::pipeline::traffic_options;
use crate::request_log::{
    Call, FileContext, Format, LogFile, ReadError, ReadOptions, Unread, log_paths, read_bytes, read_file,
};
use crate::snapshot;
use crate::store::{ImportOptions, Imported, Resolved, StoreError, StoreOptions, TrafficStore};
use crate::traffic::catalogue::Catalogue;
use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Memory limit of the database during an import, with one thread. The calls of the file are in memory beside it.
const MEMORY: &str = "192MB";
/// The database stays open over several files for at most this time, so that others can use it in between.
const OPEN_FOR: Duration = Duration::from_secs(2);
/// Files that are listed one by one for people; of more, only those with something to report.
const LISTED: usize = 20;

/// Options of `hitrate traffic import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic import ~/.claude/projects\n  \
hitrate traffic import spend_logs.jsonl --source gateway\n  \
hitrate traffic import --merge activity.csv")]
pub struct ImportArgs {
    /// Files or folders; `-` reads standard input.
    #[arg(value_name = "PATH", required_unless_present = "resolve")]
    paths: Vec<PathBuf>,
    /// Name of the source, to delete or select its calls later [default: the format].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Format of the files [default: recognised by their content].
    #[arg(long, value_name = "ID", value_parser = known_format)]
    format: Option<&'static Format>,
    /// Import a source whose calls overlap in time with those of another source of the same platform, without the calls
    /// that match one of them by time, model and token counts.
    #[arg(long)]
    merge: bool,
    /// Look up models and endpoints of earlier imports that were not in the catalogue at the time. Every import does so.
    #[arg(long)]
    resolve: bool,
}

/// What an import did: the contract of `hitrate traffic import --json`.
#[derive(Debug, Default, Serialize)]
pub struct ImportDocument {
    /// The imported files, and those that were imported before.
    pub files: Vec<FileDocument>,
    /// Files that were not imported, with the reason.
    pub refused: Vec<Refused>,
    /// Files of folders that are no logs.
    pub skipped: u64,
    /// Calls that were added, sums included.
    pub calls: u64,
    /// Calls of earlier imports whose model was found in the catalogue now.
    pub resolved: u64,
    /// Whether a catalogue was there; otherwise models and endpoints are looked up at the next import.
    pub has_catalogue: bool,
}

/// One imported file.
#[derive(Debug, Serialize)]
pub struct FileDocument {
    /// Its path; `-` is standard input.
    pub path: String,
    /// Identifier of its format.
    pub format: &'static str,
    #[serde(flatten)]
    /// What was imported.
    pub imported: Imported,
    /// Entries that could not be used, by reason.
    pub unread: BTreeMap<String, Unread>,
}

/// A file that was not imported.
#[derive(Debug, Serialize)]
pub struct Refused {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// A file to read.
struct Source {
    path: PathBuf,
    /// Whether the user named it; a file of a folder may be no log.
    is_named: bool,
    bytes: u64,
}

/// Runs `hitrate traffic import`.
pub fn run(common: &Common, args: &ImportArgs) -> Result<u8> {
    if args.source.as_deref().is_some_and(|source| source.trim().is_empty()) {
        bail!("--source needs a name");
    }
    let sources = sources(&args.paths)?;
    let data = common.data();
    let options =
        StoreOptions { memory: MEMORY.to_owned(), threads: 1, ..traffic_options(&common.settings()?, &data) };
    let snapshot = snapshot::store::load(&data.snapshots()).unwrap_or_else(|error| {
        tracing::warn!(%error, "importing without the catalogue of models");
        None
    });
    let catalogue = snapshot.as_ref().map(Catalogue::new);
    let resolve =
        |call: &Call| catalogue.as_ref().map_or_else(Resolved::default, |known| known.resolve(call));
    let mut import = Import {
        args,
        options,
        now: Common::clock().now(),
        store: None,
        resolve: &resolve,
        done: ImportDocument { has_catalogue: catalogue.is_some(), ..ImportDocument::default() },
    };
    if catalogue.is_some() && data.traffic().exists() {
        import.done.resolved = import.store()?.resolve(&resolve)?;
    }
    let total: u64 = sources.iter().map(|source| source.bytes).sum();
    let bar = progress(usize::try_from(total).unwrap_or(usize::MAX), "importing (bytes)");
    let mut before = 0;
    for source in &sources {
        import.file(source, &bar, before)?;
        before += source.bytes;
        bar.set_position(before);
    }
    bar.finish_and_clear();
    let Import { done, .. } = import;
    if done.files.is_empty() && !args.paths.is_empty() {
        bail!(nothing(&done));
    }
    common.report(&done, || describe(&done))?;
    let is_partial = !done.refused.is_empty() || done.files.iter().any(|file| !file.unread.is_empty());
    Ok(if is_partial { exit::PARTIAL } else { exit::OK })
}

/// The files at the paths of the command line.
fn sources(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> = Vec::new();
    for path in paths {
        if path.as_os_str() == STANDARD_INPUT {
            sources.push(Source { path: PathBuf::new(), is_named: true, bytes: 0 });
            continue;
        }
        let failed = || format!("cannot read {}", clean(&path.display().to_string()));
        // The same file under another path is the same file.
        let path = std::fs::canonicalize(path).with_context(failed)?;
        let is_named = !path.is_dir();
        for path in log_paths(&path)? {
            let bytes = path.metadata().map_or(0, |metadata| metadata.len());
            sources.push(Source { path, is_named, bytes });
        }
    }
    Ok(sources)
}

/// An import of several files.
struct Import<'a> {
    args: &'a ImportArgs,
    options: StoreOptions,
    now: DateTime<Utc>,
    store: Option<(TrafficStore, Instant)>,
    resolve: &'a dyn Fn(&Call) -> Resolved,
    done: ImportDocument,
}

impl Import<'_> {
    /// The database, opened if it is not open.
    fn store(&mut self) -> Result<&TrafficStore> {
        if self.store.is_none() {
            self.store = Some((TrafficStore::open(self.options.clone())?, Instant::now()));
        }
        let (store, _) = self.store.as_ref().context("the database of own traffic is closed")?;
        Ok(store)
    }

    /// Reads and imports one file.
    fn file(&mut self, source: &Source, bar: &ProgressBar, before: u64) -> Result<()> {
        if self.store.as_ref().is_some_and(|(_, since)| since.elapsed() > OPEN_FOR) {
            self.store = None;
        }
        let shown = shown(&source.path);
        let read = match read(source, self.args.format, &|bytes| bar.set_position(before + bytes)) {
            Ok(read) => read,
            Err(error) => {
                let is_no_log = !matches!(error, ReadError::Io { .. });
                if is_no_log && !source.is_named {
                    self.done.skipped += 1;
                } else {
                    self.done.refused.push(Refused { path: shown, reason: error.to_string() });
                }
                return Ok(());
            }
        };
        let options =
            ImportOptions { source: self.args.source.as_deref(), merge: self.args.merge, now: self.now };
        let resolve = self.resolve;
        match self.store()?.import_with(&read, &options, resolve) {
            Ok(imported) => {
                self.done.calls += imported.calls;
                let LogFile { format, found, .. } = read;
                let (format, unread) = (format.id, found.unread);
                self.done.files.push(FileDocument { path: shown, format, imported, unread });
            }
            Err(StoreError::Overlap(overlap)) => {
                self.done.refused.push(Refused { path: shown, reason: overlap.to_string() });
            }
            Err(error) if error.concerns_content() => {
                self.done.refused.push(Refused { path: shown, reason: error.to_string() });
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

fn read(
    source: &Source,
    format: Option<&'static Format>,
    progress: &dyn Fn(u64),
) -> Result<LogFile, ReadError> {
    let options = ReadOptions { format, progress: Some(progress) };
    if source.path.as_os_str().is_empty() {
        return read_bytes(std::io::stdin().lock(), FileContext::default(), &options);
    }
    read_file(&source.path, &options)
}

fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() { STANDARD_INPUT.to_owned() } else { path.display().to_string() }
}

/// Why nothing was imported.
fn nothing(done: &ImportDocument) -> String {
    match done.refused.as_slice() {
        [] => format!("nothing was imported: none of the {} files is a log in a known format", done.skipped),
        [only] => format!("{} was not imported: {}", clean(&only.path), line(&only.reason)),
        several => {
            let all: Vec<String> =
                several.iter().map(|one| format!("{}: {}", clean(&one.path), line(&one.reason))).collect();
            format!("nothing was imported:\n{}", all.join("\n"))
        }
    }
}

fn describe(done: &ImportDocument) -> Report {
    let mut lines = Vec::new();
    for file in &done.files {
        if done.files.len() <= LISTED || !file.unread.is_empty() {
            lines.push(format!("{}: {}", clean(&file.path), outcome(file)));
        }
        for (reason, unread) in &file.unread {
            lines.push(format!("  {}", unread_line(reason, unread)));
        }
    }
    for refused in &done.refused {
        lines.push(format!("{}: not imported: {}", clean(&refused.path), line(&refused.reason)));
    }
    let sums = done.files.iter().map(|file| file.imported.sums).sum();
    let mut total = format!("{} imported", entries(done.calls, sums, ""));
    if done.files.len() > 1 {
        total = format!("{total} from {}", counted(done.files.len() as u64, "file"));
    }
    let unknown: u64 = done.files.iter().map(|file| file.imported.unknown_models).sum();
    let ambiguous: u64 = done.files.iter().map(|file| file.imported.ambiguous).sum();
    let mut notes = vec![format!("{total}.")];
    if done.skipped > 0 {
        notes.push(format!("{} skipped: no logs in a known format.", counted(done.skipped, "file")));
    }
    if done.resolved > 0 {
        notes.push(format!("{} of earlier imports found in the catalogue.", counted(done.resolved, "call")));
    }
    if !done.has_catalogue {
        notes.push("There is no catalogue of models yet: after `hitrate collect`, the next import, or `hitrate traffic import --resolve`, looks up models and endpoints.".to_owned());
    } else if unknown > 0 {
        notes.push(format!("{} of models that are not in the catalogue.", counted(unknown, "call")));
    }
    if ambiguous > 0 {
        notes.push(format!(
            "{} of providers with several endpoints of the model: the log does not state which one.",
            counted(ambiguous, "call")
        ));
    }
    lines.push(notes.join(" "));
    Report::default().text(lines.join("\n"))
}

/// What happened to a file.
fn outcome(file: &FileDocument) -> String {
    let imported = &file.imported;
    if imported.already_imported {
        return "already imported; nothing changed".to_owned();
    }
    if imported.calls + imported.replaced + imported.duplicates + imported.merged + imported.deleted == 0 {
        return "no calls; nothing was stored".to_owned();
    }
    let grown = if imported.grown { ", which has grown since the last import" } else { "" };
    let source = clean(&imported.source);
    let mut parts = vec![format!("{} as `{source}`{grown}", entries(imported.calls, imported.sums, "new "))];
    for (count, what) in [
        (imported.replaced, "replaced by a more complete record"),
        (imported.duplicates, "left out as repeated"),
        (imported.merged, "left out because another source has them"),
        (imported.deleted, "left out because they were deleted from an earlier version of the file"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", thousands(count as f64)));
        }
    }
    parts.join(", ")
}

/// `3 entries not read (lines 4, 9, 12): not valid JSON`
fn unread_line(reason: &str, unread: &Unread) -> String {
    let lines: Vec<String> = unread.first.iter().filter(|line| **line > 0).map(ToString::to_string).collect();
    let more = if unread.entries > unread.first.len() as u64 { ", …" } else { "" };
    let place = match lines.as_slice() {
        [] => String::new(),
        [one] if more.is_empty() => format!(" (line {one})"),
        all => format!(" (lines {}{more})", all.join(", ")),
    };
    let noun = if unread.entries == 1 { "entry" } else { "entries" };
    format!("{} {noun} not read{place}: {}", unread.entries, line(reason))
}

/// Calls and sums over several requests, apart: `3 calls`, `3 calls and 1 sum`, `1 sum`.
fn entries(all: u64, sums: u64, new: &str) -> String {
    let calls = counted(all - sums.min(all), &format!("{new}call"));
    match (sums, all - sums.min(all)) {
        (0, _) => calls,
        (_, 0) => counted(sums, &format!("{new}sum")),
        _ => format!("{calls} and {}", counted(sums, &format!("{new}sum"))),
    }
}

#[cfg(test)]
mod tests {
    use super::entries;

    #[test]
    fn sums_are_not_called_calls() {
        assert_eq!(entries(0, 0, ""), "0 calls");
        assert_eq!(entries(1, 0, "new "), "1 new call");
        assert_eq!(entries(274, 274, ""), "274 sums");
        assert_eq!(entries(3, 1, "new "), "2 new calls and 1 new sum");
    }
}
