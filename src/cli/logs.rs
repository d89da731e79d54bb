//! Reads the user's logs for the verbs that take them: files, folders and standard input.

use super::progress;
use crate::request_log::{
    FileContext, Format, LogFile, ReadError, ReadOptions, Walk, format, formats, read_bytes, read_file, walk,
};
use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::path::Path;

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// Logs that were read.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// The files, in the order of the paths.
    pub files: Vec<LogFile>,
    /// Files that are no logs, by reason.
    pub skipped: BTreeMap<String, Vec<String>>,
    /// Whether a path was a folder.
    pub has_folder: bool,
}

/// Parses a format of `--format`.
pub(super) fn known_format(id: &str) -> Result<&'static Format, String> {
    format(id).ok_or_else(|| {
        let known: Vec<&str> = formats().map(|format| format.id).collect();
        let known = strsim_order(id, known);
        format!("unknown format `{id}` (expected one of {})", known.join(", "))
    })
}

/// The names in the order of their similarity to another one.
fn strsim_order<'a>(wanted: &str, mut names: Vec<&'a str>) -> Vec<&'a str> {
    names.sort_by(|a, b| strsim::jaro_winkler(b, wanted).total_cmp(&strsim::jaro_winkler(a, wanted)));
    names
}

/// Reads the logs at a path. In a folder, files that are no logs are skipped.
///
/// # Errors
/// If the path is no log, or a folder without one.
pub(super) fn read(path: &str, format: Option<&'static Format>) -> Result<Logs> {
    if path == STANDARD_INPUT {
        let bar = progress(0, "reading (bytes)");
        let report = |bytes| bar.set_position(bytes);
        let options = ReadOptions { format, progress: Some(&report) };
        let log = read_bytes(std::io::stdin().lock(), FileContext::default(), &options);
        bar.finish_and_clear();
        return Ok(Logs { files: vec![log?], ..Logs::default() });
    }
    let path = Path::new(path);
    let Walk { files, skipped } = walk(path)?;
    let sizes = files.iter().map(|file| file.metadata().map_or(0, |file| file.len()));
    let bar = progress(usize::try_from(sizes.sum::<u64>()).unwrap_or(usize::MAX), "reading (bytes)");
    let logs = if path.is_dir() {
        folder(path, Walk { files, skipped }, format, &bar)
    } else {
        one(path, format, &bar, 0).map(|log| Logs { files: vec![log], ..Logs::default() }).map_err(Into::into)
    };
    bar.finish_and_clear();
    logs
}

fn one(
    path: &Path,
    format: Option<&'static Format>,
    bar: &ProgressBar,
    before: u64,
) -> Result<LogFile, ReadError> {
    let report = |bytes| bar.set_position(before + bytes);
    read_file(path, &ReadOptions { format, progress: Some(&report) })
}

fn folder(path: &Path, mut walk: Walk, format: Option<&'static Format>, bar: &ProgressBar) -> Result<Logs> {
    let mut logs = Logs { has_folder: true, ..Logs::default() };
    let mut before = 0;
    let mut first = None;
    for file in std::mem::take(&mut walk.files) {
        let read = one(&file, format, bar, before);
        before += file.metadata().map_or(0, |file| file.len());
        match read {
            Ok(log) => logs.files.push(log),
            Err(error) => {
                walk.skip(why(&error), &file);
                first.get_or_insert(error);
            }
        }
    }
    if logs.files.is_empty() {
        let found = format!("{} contains no log in a known format", path.display());
        match first {
            Some(error) => return Err(error).context(found),
            None => bail!("{found}: it has no file that could be one"),
        }
    }
    let shown =
        |paths: Vec<std::path::PathBuf>| paths.iter().map(|path| path.display().to_string()).collect();
    logs.skipped = walk.skipped.into_iter().map(|(reason, paths)| (reason, shown(paths))).collect();
    Ok(logs)
}

/// Why a file of a folder was skipped.
const fn why(error: &ReadError) -> &'static str {
    match error {
        ReadError::Io { .. } => "cannot be read",
        ReadError::Empty { .. } => "empty",
        ReadError::Container { what, .. } => what,
        ReadError::Unknown { .. } => "no usage in a known format",
    }
}
