//! Checks a backup against its manifest.

use super::files;
use super::read::{self, name_of};
use super::{BackupError, BackupFile, MANIFEST, Manifest, STORE};
use crate::archive::{Archive, run_id_of};
use crate::store::{Store, StoreError, StoreOptions};
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

/// Reads every file of a backup and compares it with the manifest, checks that each archived run has its packs, opens the
/// copy of the store and checks that the archive has its runs. `on_progress(done, total)` is called with the number of files.
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
    problems.extend(check_list(&manifest));
    if !damaged.contains(STORE) && lists_store(&manifest) {
        let options = StoreOptions { path: backup.join(STORE), ..options.clone() };
        problems.extend(check_store(&manifest, &options).unwrap_or_else(|error| {
            vec![Problem { path: STORE.to_owned(), reason: format!("it cannot be checked: {error}") }]
        }));
        problems.extend(not_archived(&options, archived(&manifest.files)));
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
    for path in there.iter().filter(|path| is_run(path)) {
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

/// Whether a manifest lists a copy of the store.
pub(super) fn lists_store(manifest: &Manifest) -> bool {
    manifest.files.iter().any(|file| file.path == STORE)
}

/// Whether the list of files can be that of a backup.
pub(super) fn check_list(manifest: &Manifest) -> Option<Problem> {
    let problem =
        |path: &str, reason: &str| Some(Problem { path: path.to_owned(), reason: reason.to_owned() });
    if manifest.store.is_some() && !lists_store(manifest) {
        problem(STORE, "the manifest describes it, but does not list it")
    } else if manifest.files.is_empty() {
        problem(MANIFEST, "it lists no file")
    } else {
        None
    }
}

/// The ids of the runs whose manifests are among some files.
pub(super) fn archived<'a>(files: impl IntoIterator<Item = &'a BackupFile>) -> BTreeSet<String> {
    let paths = files.into_iter().map(|file| file.path.as_str());
    paths.filter(|path| is_run(path)).map(|path| run_id_of(Path::new(path))).collect()
}

/// Whether a path is that of the manifest of an archived run.
fn is_run(path: &str) -> bool {
    path.starts_with("archive/") && path.ends_with(".manifest.zst")
}

/// Opens the copy of the store without changing it and compares its content with the manifest.
///
/// # Errors
/// [`StoreError`] if the copy cannot be read, but not because it is damaged: too little memory, a newer schema.
pub(super) fn check_store(manifest: &Manifest, options: &StoreOptions) -> Result<Vec<Problem>, StoreError> {
    let Some(expected) = &manifest.store else { return Ok(Vec::new()) };
    let problem = |reason| Problem { path: STORE.to_owned(), reason };
    match Store::open_read_only(options.clone()).and_then(|store| store.content()) {
        Ok(found) => Ok(expected.differences(&found).into_iter().map(problem).collect()),
        Err(error) if error.damage().is_some() => Ok(vec![problem(error.to_string())]),
        Err(error) => Err(error),
    }
}

/// The runs of a copy of the store that are not among the archived ones; none if the copy cannot be read, which is a problem
/// of its own.
pub(super) fn not_archived(options: &StoreOptions, archived: BTreeSet<String>) -> Option<Problem> {
    let stored = Store::open_read_only(options.clone()).and_then(|store| store.run_ids()).unwrap_or_default();
    let lost: Vec<&str> = stored.iter().filter(|run| !archived.contains(*run)).map(String::as_str).collect();
    let (first, last) = (lost.first()?, lost.last()?);
    let count = lost.len();
    let reason = match count {
        1 => format!("the run {first} of the store is not in the archive, so a replay does not have it"),
        _ => format!(
            "{count} runs of the store are not in the archive, from {first} to {last}, so a replay does not have them"
        ),
    };
    Some(Problem { path: "archive".to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::FORMAT;

    #[test]
    fn only_damage_is_a_problem_of_the_copy_of_a_store() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = |work: &str| StoreOptions {
            path: folder.path().join(STORE),
            work_dir: folder.path().join(work),
            memory: "256MB".to_owned(),
            threads: 1,
            query_timeout: std::time::Duration::from_secs(60),
        };
        let store = Store::open(options("work")).expect("it opens");
        let content = store.content().expect("it is empty");
        drop(store);
        let manifest = Manifest {
            format: FORMAT,
            program: "test".to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            store: Some(content),
            with_traffic: false,
            files: Vec::new(),
            digest: None,
        };
        assert_eq!(check_store(&manifest, &options("work")).expect("it can be read"), []);
        // Without its work folder, a store cannot be read, but nothing is wrong with it.
        check_store(&manifest, &options("missing")).expect_err("not a problem of the copy");
        std::fs::write(folder.path().join(STORE), "not a database, but long enough to be looked at")
            .expect("written");
        assert_eq!(check_store(&manifest, &options("work")).expect("damage is a problem").len(), 1);
    }
}
