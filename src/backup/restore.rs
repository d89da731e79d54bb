//! Makes a data folder of a backup.

use super::files::{self, CopyError, io_error};
use super::read::{self, name_of};
use super::verify::{Problem, archived, check_list, check_store, not_archived};
use super::{BackupError, BackupFile, MANIFEST, STORE};
use crate::durable;
use crate::failpoint;
use crate::store::StoreOptions;
use serde::Serialize;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How the name of a restore in progress begins, and the number of letters and digits that follow.
const STAGING: &str = ".hitrate-restore-";
const RANDOM: usize = 6;

/// The result of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// Name of the backup.
    pub backup: String,
    /// The new data folder.
    pub into: PathBuf,
    /// Number of files.
    pub files: usize,
    /// Their size, bytes.
    pub bytes: u64,
    /// Runs in the store; null if the backup has no store.
    pub runs: Option<usize>,
    /// Damaged files that were left out.
    pub skipped: Vec<Problem>,
}

/// Copies a backup into a new data folder and checks every copied file and the store. The folder gets its name at the end.
/// `on_progress(done, total)` is called with the number of files.
///
/// # Errors
/// [`BackupError::NotEmpty`], [`BackupError::Damaged`] unless `skip_damaged` leaves damaged files out, [`BackupError`];
/// then there is no new data folder.
pub fn restore(
    backup: &Path,
    into: &Path,
    skip_damaged: bool,
    options: &StoreOptions,
    on_progress: impl Fn(usize, usize),
) -> Result<RestoreReport, BackupError> {
    refuse_within(backup, into)?;
    refuse_files(into)?;
    let manifest = read::manifest(backup)?;
    let name = name_of(backup);
    if let Some(problem) = check_list(&manifest) {
        return Err(BackupError::Manifest { path: backup.join(MANIFEST), detail: problem.reason });
    }
    let around = durable::folder_of(into);
    fs::create_dir_all(around).map_err(io_error(around))?;
    remove_stale(around);
    let (staging, _in_use) = stage(around)?;
    let damaged = |problem: &Problem, more: usize| BackupError::Damaged {
        name: name.clone(),
        problem: format!("{}: {}", problem.path, problem.reason),
        more: if more > 0 { format!(" (and {more} more)") } else { String::new() },
    };
    let (mut skipped, mut restored): (Vec<Problem>, Vec<&BackupFile>) = (Vec::new(), Vec::new());
    for (position, file) in manifest.files.iter().enumerate() {
        match copy(file, backup, staging.path())? {
            None => restored.push(file),
            Some(problem) if skip_damaged => skipped.push(problem),
            Some(problem) => return Err(damaged(&problem, 0)),
        }
        on_progress(position + 1, manifest.files.len());
    }
    let has_store = restored.iter().any(|file| file.path == STORE);
    let options = StoreOptions { path: staging.path().join(STORE), ..options.clone() };
    let wrong = if has_store { check_store(&manifest, &options)? } else { Vec::new() };
    // Of the list of the backup: a damaged file of the archive is named by itself.
    let unarchived = has_store && wrong.is_empty();
    if let Some(lost) = unarchived.then(|| not_archived(&options, archived(&manifest.files))).flatten() {
        if !skip_damaged {
            return Err(damaged(&lost, 0));
        }
        skipped.push(lost);
    }
    if let Some(first) = wrong.first() {
        if !skip_damaged {
            return Err(damaged(first, wrong.len() - 1));
        }
        let store = staging.path().join(STORE);
        fs::remove_file(&store).map_err(io_error(&store))?;
        restored.retain(|file| file.path != STORE);
        skipped.extend(wrong);
    }
    let has_store = restored.iter().any(|file| file.path == STORE);
    files::flush(staging.path())?;
    failpoint::reach("restore.copied").map_err(io_error(staging.path()))?;
    place(staging.path(), into)?;
    // It has its name, so there is nothing to remove.
    drop(staging.keep());
    Ok(RestoreReport {
        backup: name,
        into: into.to_owned(),
        files: restored.len(),
        bytes: restored.iter().map(|file| file.bytes).sum(),
        runs: manifest.store.as_ref().filter(|_| has_store).map(|store| store.rows_of("run")),
        skipped,
    })
}

/// A folder beside the place of the new data folder, removed with everything in it if the restore fails, and the lock by
/// which other processes see that it is in use.
fn stage(around: &Path) -> Result<(TempDir, Option<File>), BackupError> {
    loop {
        let mut builder = tempfile::Builder::new();
        let staging =
            builder.prefix(STAGING).rand_bytes(RANDOM).tempdir_in(around).map_err(io_error(around))?;
        let locked = File::open(staging.path()).and_then(|folder| folder.lock().map(|()| folder));
        // Another process may have taken it for stale before it was locked.
        if staging.path().is_dir() {
            return Ok((staging, locked.ok()));
        }
    }
}

/// Removes what killed restores left in a folder. A folder that a running restore has locked stays.
fn remove_stale(around: &Path) {
    let Ok(entries) = fs::read_dir(around) else { return };
    for entry in entries.filter_map(Result::ok) {
        let (name, path) = (entry.file_name(), entry.path());
        let random = name.to_str().and_then(|name| name.strip_prefix(STAGING));
        let is_named = random.is_some_and(|random| {
            random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if !is_named || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let Ok(folder) = File::open(&path) else { continue };
        if folder.try_lock().is_err() {
            continue;
        }
        match fs::remove_dir_all(&path) {
            Ok(()) => tracing::warn!(path = %path.display(), "removed what a killed restore left"),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "what a killed restore left cannot be removed");
            }
        }
    }
}

/// Refuses a target inside a backup, a folder of backups or a data folder: it would be in the way there, and be lost with it.
fn refuse_within(backup: &Path, into: &Path) -> Result<(), BackupError> {
    let (place, backup) = (durable::resolved(into), durable::resolved(backup));
    for folder in place.ancestors().skip(1) {
        let is_backup = folder == backup
            || folder.file_name().and_then(|name| name.to_str()).is_some_and(read::is_name)
                && folder.join(MANIFEST).is_file();
        let what = if is_backup {
            "a backup"
        } else if read::all(folder).is_ok_and(|backups| !backups.is_empty()) {
            "a folder of backups"
        } else if folder.join(STORE).is_file() {
            "a data folder"
        } else {
            continue;
        };
        return Err(BackupError::Within { path: into.to_owned(), folder: folder.to_owned(), what });
    }
    Ok(())
}

/// Refuses a target that has files.
fn refuse_files(into: &Path) -> Result<(), BackupError> {
    match fs::read_dir(into) {
        Ok(entries) => match entries.count() {
            0 => Ok(()),
            _ => Err(BackupError::NotEmpty(into.to_owned())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error(into)(error)),
    }
}

/// Copies a file and compares the copy with the manifest.
fn copy(file: &BackupFile, backup: &Path, folder: &Path) -> Result<Option<Problem>, BackupError> {
    let target = folder.join(&file.path);
    for private in ["traffic", "alerts"] {
        if file.path.starts_with(&format!("{private}/")) {
            let private = folder.join(private);
            durable::private_folder(&private).map_err(io_error(&private))?;
        }
    }
    files::make_room(&target)?;
    let source = backup.join(&file.path);
    let problem = |reason: String| Problem { path: file.path.clone(), reason };
    let found = match files::copy(&source, &target) {
        Ok((bytes, sha256)) if (bytes, &sha256) == (file.bytes, &file.sha256) => return Ok(None),
        Ok((bytes, _)) if bytes != file.bytes => {
            problem(format!("it has {bytes} bytes, expected {}", file.bytes))
        }
        Ok(_) => problem("its sha256 is not that of the manifest".to_owned()),
        // A file of the backup that cannot be read is damaged; a target that cannot be written is not.
        Err(CopyError::Read(error)) => problem(error.to_string()),
        Err(CopyError::Write(error)) => return Err(io_error(&target)(error)),
    };
    let _ = fs::remove_file(&target);
    Ok(Some(found))
}

/// Gives the finished folder its name. An empty folder of that name is replaced.
fn place(staging: &Path, into: &Path) -> Result<(), BackupError> {
    match files::rename(staging, into) {
        Err(BackupError::Io { path, source }) if staging.exists() => Err(BackupError::Place { path, source }),
        renamed => renamed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_inside_a_backup_or_a_data_folder_is_taken() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        let backup = at("backups/20260801T105700Z");
        for folder in [&backup, &at("data/archive"), &at("moved")] {
            fs::create_dir_all(folder).expect("created");
        }
        for file in [backup.join(MANIFEST), at("data").join(STORE), at("moved").join(MANIFEST)] {
            fs::write(file, "x").expect("written");
        }
        for (place, what) in [
            ("backups/new", "a folder of backups"),
            ("backups/20260801T105700Z/new", "a backup"),
            ("backups/20260801T105700Z/archive/new", "a backup"),
            ("data/archive/restored", "a data folder"),
            ("data/../backups/new", "a folder of backups"),
        ] {
            let error = refuse_within(&backup, &at(place)).expect_err(place).to_string();
            assert!(error.contains(what), "{place}: {error}");
            assert!(!at(place).exists());
        }
        // A backup that was renamed is the one that is restored.
        refuse_within(&at("moved"), &at("moved/new")).expect_err("in the backup itself");
        for place in ["new", "data", "data-new/restored"] {
            refuse_within(&backup, &at(place)).unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }

    #[test]
    fn stale_folders_are_removed_but_nothing_else_and_none_in_use() {
        let around = tempfile::tempdir().expect("a folder");
        let others = [
            ".hitrate-restore-",
            ".hitrate-restore-notes",
            ".hitrate-restore-a-b.c",
            "hitrate-restore-abcdef",
        ];
        for name in others.iter().chain(&[".hitrate-restore-aB3dEf"]) {
            fs::create_dir_all(around.path().join(name).join("archive")).expect("created");
        }
        fs::write(around.path().join(".hitrate-restore-abcdef"), "a file").expect("written");
        let (running, lock) = stage(around.path()).expect("created");
        assert!(lock.is_some(), "it is locked");
        fs::write(running.path().join("hitrate.duckdb"), "in progress").expect("written");
        remove_stale(around.path());
        assert!(running.path().join("hitrate.duckdb").exists(), "it is in use");
        assert!(!around.path().join(".hitrate-restore-aB3dEf").exists(), "a killed restore left it");
        for name in others.iter().chain(&[".hitrate-restore-abcdef"]) {
            assert!(around.path().join(name).exists(), "{name}");
        }
        // As if the process had been killed.
        let left = running.keep();
        drop(lock);
        remove_stale(around.path());
        assert!(!left.exists());
    }
}
