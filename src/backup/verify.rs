//! Checks a backup against its manifest.

use super::files;
use super::read::{self, name_of};
use super::{BackupError, Manifest, STORE};
use crate::archive::Archive;
use crate::store::{Store, StoreOptions};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// Something that is wrong with a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Path in the backup.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Name of the backup.
    pub backup: String,
    /// Number of files that the manifest lists.
    pub files: usize,
    /// Their size, bytes.
    pub bytes: u64,
    /// Archived runs.
    pub archived_runs: usize,
    /// Runs in the copy of the store; null if there is none.
    pub runs: Option<usize>,
    /// What is wrong; empty if the backup is whole.
    pub problems: Vec<Problem>,
}

/// Reads every file of a backup and compares it with the manifest, checks that each archived run has its packs, and opens
/// the copy of the store. `on_progress(done, total)` is called with the number of files.
///
/// # Errors
/// [`BackupError`] if the manifest cannot be read. Anything else that is wrong is in the report.
pub fn verify(
    backup: &Path,
    options: &StoreOptions,
    on_progress: impl Fn(usize, usize),
) -> Result<VerifyReport, BackupError> {
    let manifest = read::manifest(backup)?;
    let mut problems = Vec::new();
    for (position, file) in manifest.files.iter().enumerate() {
        let reason = match files::digest(&backup.join(&file.path)) {
            Err(error) => Some(error.to_string()),
            Ok((bytes, _)) if bytes != file.bytes => {
                Some(format!("it has {bytes} bytes, expected {}", file.bytes))
            }
            Ok((_, sha256)) if sha256 != file.sha256 => {
                Some("its sha256 is not that of the manifest".to_owned())
            }
            Ok(_) => None,
        };
        problems.extend(reason.map(|reason| Problem { path: file.path.clone(), reason }));
        on_progress(position + 1, manifest.files.len());
    }
    let damaged: BTreeSet<String> = problems.iter().map(|problem| problem.path.clone()).collect();
    let archived_runs = check_archive(backup, &manifest, &damaged, &mut problems);
    if !damaged.contains(STORE) {
        problems.extend(check_store(backup, &manifest, options));
    }
    Ok(VerifyReport {
        backup: name_of(backup),
        files: manifest.files.len(),
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
        archived_runs,
        runs: manifest.store.as_ref().map(|store| store.rows_of("run")),
        problems,
    })
}

/// Checks that each archived run has its packs. Returns the number of runs.
fn check_archive(
    backup: &Path,
    manifest: &Manifest,
    damaged: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> usize {
    let there: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    let mut runs = 0;
    for path in there.iter().filter(|path| path.starts_with("archive/") && path.ends_with(".manifest.zst")) {
        runs += 1;
        if damaged.contains(*path) {
            continue;
        }
        match Archive::read_manifest(&backup.join(path)) {
            Err(error) => problems.push(Problem { path: (*path).to_owned(), reason: error.to_string() }),
            Ok(run) => {
                let packs: BTreeSet<&str> =
                    run.entries.iter().filter_map(|entry| Some(entry.body.as_ref()?.pack.as_str())).collect();
                let missing = packs.iter().map(|pack| format!("archive/{pack}"));
                problems.extend(missing.filter(|pack| !there.contains(pack.as_str())).map(|pack| Problem {
                    path: (*path).to_owned(),
                    reason: format!("its pack {pack} is not in the backup"),
                }));
            }
        }
    }
    runs
}

/// Opens the copy of the store without changing it and compares its content with the manifest.
pub(super) fn check_store(folder: &Path, manifest: &Manifest, options: &StoreOptions) -> Vec<Problem> {
    let Some(expected) = &manifest.store else { return Vec::new() };
    let options = StoreOptions { path: folder.join(STORE), ..options.clone() };
    let problem = |reason| Problem { path: STORE.to_owned(), reason };
    match Store::open_read_only(options).and_then(|store| store.content()) {
        Ok(found) => expected.differences(&found).into_iter().map(problem).collect(),
        Err(error) => vec![problem(error.to_string())],
    }
}
