//! Writes a backup.

use super::files::{self, CopyError, Found, Walked, io_error};
use super::read::{self, NAME, is_name};
use super::{BackupError, BackupFile, FORMAT, MANIFEST, Manifest, STORE, verify};
use crate::archive::Archive;
use crate::durable;
use crate::failpoint;
use crate::pipeline::DataDir;
use crate::store::{Store, StoreOptions};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The settings in a data folder.
const SETTINGS: &str = "hitrate.toml";

/// What a backup is made of.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// The data folder.
    pub data: &'a DataDir,
    /// The settings and the files that they name: path in the data folder, and place.
    pub settings: Vec<(String, PathBuf)>,
    /// A copy of the store, made before the call; `None` if there is no store.
    pub store: Option<PathBuf>,
    /// A copy of the database of own traffic, made before the call; `None` to leave own traffic out.
    pub traffic: Option<PathBuf>,
    /// How to open the copy of the store.
    pub options: StoreOptions,
}

impl Source<'_> {
    /// The settings of a data folder, and the files in it that they name. `named` is the file of the settings, if it is
    /// not the one in the data folder.
    pub fn settings_of(data: &DataDir, named: Option<&Path>, files: &[&str]) -> Vec<(String, PathBuf)> {
        let settings = named.map_or_else(|| data.path().join(SETTINGS), Path::to_owned);
        let inside = files.iter().map(|file| file.trim()).filter(|file| files::is_safe(file));
        let mut all: Vec<(String, PathBuf)> =
            inside.map(|file| (file.to_owned(), data.path().join(file))).collect();
        all.push((SETTINGS.to_owned(), settings));
        all
    }
}

/// The result of a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// The folder of the backup.
    pub backup: PathBuf,
    /// Number of files.
    pub files: usize,
    /// Their size, bytes.
    pub bytes: u64,
    /// Files that were copied; the others are links to the previous backup.
    pub copied: usize,
    /// Bytes that were copied.
    pub copied_bytes: u64,
    /// Runs in the copy of the store; null if there is none.
    pub runs: Option<usize>,
    /// Files of the archive that the data folder no longer has. They were taken from the previous backup.
    pub missing: Vec<String>,
    /// Packs and manifests that differ from the previous backup, although they never change. The manifest of a failed run
    /// that was collected again is not one of them.
    pub changed: Vec<String>,
    /// What else is wrong with the data folder: runs that its archive lacks, entries of the archive that are no regular
    /// files, a lost store, settings that cannot be read. Sentences.
    pub problems: Vec<String>,
    /// Old backups that were removed.
    pub removed: Vec<String>,
}

impl BackupReport {
    /// Whether the data folder is whole, as far as the backup sees it, and its archive as the previous backup saw it.
    pub fn is_sound(&self) -> bool {
        self.missing.is_empty() && self.changed.is_empty() && self.problems.is_empty()
    }
}

/// How names of archive files end. A folder with such a name would be unusual.
const ARCHIVES: [&str; 10] = [".tar", ".tgz", ".tzst", ".txz", ".tbz2", ".zip", ".7z", ".gz", ".xz", ".zst"];

/// What a file system has in its root.
const OF_FILE_SYSTEM: &str = "lost+found";

/// A folder of backups, locked against other processes that write to it.
#[derive(Debug)]
pub struct Target {
    folder: PathBuf,
    _lock: File,
}

/// Writes a backup of a data folder to a new folder in `target`, then removes the oldest ones beyond `keep`.
/// `on_progress(done, total)` is called with the number of files.
///
/// # Errors
/// [`BackupError`]; then there is no new backup, and the old ones are as before.
pub fn write(
    source: &Source<'_>,
    target: &Target,
    keep: Option<usize>,
    now: DateTime<Utc>,
    on_progress: impl Fn(usize, usize),
) -> Result<BackupReport, BackupError> {
    let folder = target.folder.as_path();
    let name = now.format(NAME).to_string();
    let place = folder.join(&name);
    if place.exists() {
        return Err(BackupError::Exists(place));
    }
    let previous = Previous::newest(folder)?;
    let Walked { files: found, others } = list(source)?;
    let unfinished = Unfinished::begin(folder.join(format!(".{name}.partial")))?;
    let partial = unfinished.0.clone();
    let mut report = BackupReport { backup: place.clone(), ..BackupReport::default() };
    let left_out = |path: &String| {
        format!("{path} is left out: it is a link to a folder, a pipe or a device, not a file")
    };
    report.problems.extend(others.iter().map(left_out));
    let mut written: Vec<BackupFile> = Vec::with_capacity(found.len());
    let total = found.len();
    for (position, file) in found.into_iter().enumerate() {
        written.extend(take(file, &previous, &partial, &mut report)?);
        on_progress(position + 1, total);
    }
    keep_lost(&previous, &partial, &mut written, &mut report)?;
    let copied = written.iter().any(|file| file.path == STORE).then(|| partial.join(STORE));
    let store = copied.as_ref().map(|path| content(path, &source.options)).transpose()?;
    let archived = verify::archived(&written);
    if let Some(path) = copied {
        let options = StoreOptions { path, ..source.options.clone() };
        report.problems.extend(verify::not_archived(&options, archived).map(|problem| problem.reason));
    } else if !archived.is_empty() || previous.files.contains_key(STORE) {
        let lost = "the data folder has no store that can be read, although it has or had runs";
        report.problems.push(lost.to_owned());
    }
    report.runs = store.as_ref().map(|store| store.rows_of("run"));
    written.sort_by(|a, b| a.path.cmp(&b.path));
    report.files = written.len();
    report.bytes = written.iter().map(|file| file.bytes).sum();
    let reached = |place| failpoint::reach(place).map_err(io_error(&partial));
    files::flush(&partial)?;
    reached("backup.copied")?;
    let mut manifest = Manifest {
        format: FORMAT,
        program: format!("hitrate {}", env!("CARGO_PKG_VERSION")),
        created_at: now,
        store,
        with_traffic: source.traffic.is_some(),
        files: written,
        digest: None,
    };
    let path = partial.join(MANIFEST);
    let invalid =
        |error: serde_json::Error| BackupError::Manifest { path: path.clone(), detail: error.to_string() };
    let text = serde_json::to_vec(&manifest).map_err(invalid)?;
    manifest.digest = Some(read::digest(&text).map_err(invalid)?);
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(invalid)?;
    text.push(b'\n');
    durable::write(&path, &text, |path, source| io_error(path)(source))?;
    reached("backup.manifest")?;
    files::rename(&partial, &place)?;
    unfinished.finish();
    if let Some(keep) = keep {
        report.removed = prune(folder, keep, &name)?;
    }
    Ok(report)
}

/// The folder of a backup in progress, removed with everything in it if the backup fails, so that it does not keep a disk full.
struct Unfinished(PathBuf);

impl Unfinished {
    fn begin(partial: PathBuf) -> Result<Self, BackupError> {
        durable::private_folder(&partial).map_err(io_error(&partial))?;
        Ok(Self(partial))
    }

    /// It has another name now.
    fn finish(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty()
            && let Err(error) = fs::remove_dir_all(&self.0)
        {
            let path = self.0.display();
            tracing::warn!(%path, %error, "the unfinished backup cannot be removed; the next one tries again");
        }
    }
}

/// What the copy of a store contains.
fn content(path: &Path, options: &StoreOptions) -> Result<crate::store::StoreContent, BackupError> {
    Ok(Store::open_read_only(StoreOptions { path: path.to_owned(), ..options.clone() })?.content()?)
}

impl Target {
    /// Checks the folder for backups of a data folder, creates it if needed, locks it, and removes what a process left that
    /// was killed.
    ///
    /// # Errors
    /// [`BackupError`] if it cannot have backups.
    pub fn open(data: &DataDir, folder: &Path) -> Result<Self, BackupError> {
        let lock = prepare(data, folder)?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }
}

/// Whether a path is that of a file, or looks like one although nothing is there.
fn looks_like_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    !path.is_dir() && (path.exists() || ARCHIVES.iter().any(|ending| name.ends_with(ending)))
}

fn prepare(data: &DataDir, folder: &Path) -> Result<File, BackupError> {
    if looks_like_file(folder) {
        return Err(BackupError::NotFolder(folder.to_owned()));
    }
    if !data.path().is_dir() {
        return Err(BackupError::Nothing(data.path().to_owned()));
    }
    let (place, inside) = (durable::resolved(folder), durable::resolved(data.path()));
    if place.starts_with(&inside) {
        return Err(BackupError::Inside(folder.to_owned()));
    }
    durable::private_folder(folder).map_err(io_error(folder))?;
    let mut leftovers = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            let unfinished = [".partial", ".removing"].iter().any(|ending| name.ends_with(ending));
            leftovers.extend(unfinished.then_some(path));
        } else if !is_name(&name) && name != OF_FILE_SYSTEM {
            return Err(BackupError::NotBackups { folder: folder.to_owned(), entry: name });
        }
    }
    let path = folder.join(".lock");
    let lock = File::options().create(true).append(true).open(&path).map_err(io_error(&path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(BackupError::Busy(folder.to_owned())),
        Err(fs::TryLockError::Error(source)) => return Err(BackupError::Io { path, source }),
    }
    leftovers.iter().try_for_each(|left| fs::remove_dir_all(left).map_err(io_error(left)))?;
    Ok(lock)
}

/// The previous backup.
#[derive(Default)]
struct Previous {
    folder: PathBuf,
    files: BTreeMap<String, BackupFile>,
}

impl Previous {
    /// The newest backup whose manifest can be read.
    fn newest(folder: &Path) -> Result<Self, BackupError> {
        for backup in read::all(folder)?.into_iter().rev() {
            match read::manifest(&backup) {
                Ok(manifest) => {
                    let files = manifest.files.into_iter().map(|file| (file.path.clone(), file)).collect();
                    return Ok(Self { folder: backup, files });
                }
                Err(error) => {
                    tracing::warn!(%error, "an old backup cannot be read; comparing with an older one")
                }
            }
        }
        Ok(Self::default())
    }

    /// The file of the previous backup, if it is still there in full.
    fn whole(&self, path: &str) -> Option<(&BackupFile, PathBuf)> {
        let file = self.files.get(path)?;
        let place = self.folder.join(path);
        let is_whole = fs::metadata(&place).is_ok_and(|found| found.len() == file.bytes);
        is_whole.then_some((file, place))
    }
}

/// The files of a data folder. The copy of the store was made before: the archive has all its runs, and perhaps newer ones.
fn list(source: &Source<'_>) -> Result<Walked, BackupError> {
    let data = source.data;
    // The pack of a run is written before its manifest. So every manifest of the first list has its pack in the second.
    let of_archive = |root: &Path, name: &str| -> Result<Walked, BackupError> {
        let first = files::walk(root, name)?.files;
        let first: BTreeSet<String> = first.into_iter().map(|file| file.path).collect();
        let mut found = files::walk(root, name)?;
        found.files.retain(|file| !is_manifest(&file.path) || first.contains(&file.path));
        Ok(found)
    };
    let Walked { files: mut found, mut others } = of_archive(&data.archive(), "archive")?;
    for more in [of_archive(&data.imports(), "imports")?, files::walk(&data.alerts(), "alerts")?] {
        found.extend(more.files);
        others.extend(more.others);
    }
    for (path, place) in &source.settings {
        found.extend(files::find(place, path.clone())?);
    }
    if let Some(copy) = &source.store {
        found.extend(files::find(copy, STORE.to_owned())?);
        // The store makes a new one if this one is older, so it may also be missing.
        if let Some(id) = crate::snapshot::store::current_id(&data.snapshots()) {
            for name in [format!("{id}.json.zst"), "current".to_owned()] {
                found.extend(files::find(&data.snapshots().join(&name), format!("snapshots/{name}"))?);
            }
        }
    }
    if let Some(copy) = &source.traffic {
        found.extend(files::find(copy, "traffic/traffic.duckdb".to_owned())?);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    if found.is_empty() {
        return Err(BackupError::Nothing(data.path().to_owned()));
    }
    Ok(Walked { files: found, others })
}

/// Whether a file is written once and never changed, except for [`is_second_attempt`].
fn never_changes(path: &str) -> bool {
    path.starts_with("archive/") && (path.ends_with(".pack") || is_manifest(path))
}

fn is_manifest(path: &str) -> bool {
    path.ends_with(".manifest.zst")
}

/// Whether a manifest is that of a second attempt: a failed run that is collected again has a new manifest, all of whose
/// responses are of a later time.
fn is_second_attempt(old: &Path, new: &Path) -> bool {
    let (Ok(old), Ok(new)) = (Archive::read_manifest(old), Archive::read_manifest(new)) else { return false };
    let times = |manifest: &crate::archive::Manifest| {
        let times = manifest.entries.iter().map(|entry| entry.fetched_at);
        times.clone().min().zip(times.max())
    };
    let is_later = match (times(&old), times(&new)) {
        (Some((_, last)), Some((first, _))) => first > last,
        // The first attempt ended before its first request.
        (None, Some(_)) => true,
        (_, None) => false,
    };
    old.header.run_id == new.header.run_id && is_later
}

/// Links or copies a file into the new backup; `None` if it vanished meanwhile.
fn take(
    file: Found,
    previous: &Previous,
    partial: &Path,
    report: &mut BackupReport,
) -> Result<Option<BackupFile>, BackupError> {
    let target = partial.join(&file.path);
    files::make_room(&target)?;
    let before = previous.whole(&file.path);
    let may_link = file.path.starts_with("archive/") || file.path.starts_with("imports/");
    if let Some((old, place)) = before.as_ref().filter(|_| may_link)
        && (old.bytes, old.modified) == (file.bytes, file.modified)
        // File systems without links: the file is copied.
        && fs::hard_link(place, &target).is_ok()
    {
        return Ok(Some((*old).clone()));
    }
    match files::copy(&file.source, &target) {
        Ok((bytes, sha256)) => {
            let differs = |(old, place): (&BackupFile, PathBuf)| {
                old.sha256 != sha256 && !(is_manifest(&file.path) && is_second_attempt(&place, &target))
            };
            if never_changes(&file.path) && before.is_some_and(differs) {
                report.changed.push(file.path.clone());
            }
            report.copied += 1;
            report.copied_bytes += bytes;
            Ok(Some(BackupFile { path: file.path, bytes, sha256, modified: file.modified }))
        }
        Err(CopyError::Read(error))
            if error.kind() == std::io::ErrorKind::NotFound && !file.source.exists() =>
        {
            Ok(None)
        }
        Err(error) => Err(error.of(&file.source, &target)),
    }
}

/// Takes files of the archive from the previous backup that the data folder no longer has: nothing of the archive is ever
/// deleted, so they were lost. Manifests that were set aside because of their date are not taken back.
fn keep_lost(
    previous: &Previous,
    partial: &Path,
    written: &mut Vec<BackupFile>,
    report: &mut BackupReport,
) -> Result<(), BackupError> {
    let there: BTreeSet<String> = written.iter().map(|file| file.path.clone()).collect();
    let misdated: BTreeSet<&str> = there.iter().filter_map(|path| durable::before_misdated(path)).collect();
    let is_there = |path: &str| there.contains(path) || misdated.contains(path);
    let lost = previous.files.keys().filter(|path| path.starts_with("archive/") && !is_there(path));
    for path in lost {
        let Some((old, place)) = previous.whole(path) else { continue };
        let target = partial.join(path);
        files::make_room(&target)?;
        if fs::hard_link(&place, &target).is_err() {
            files::copy(&place, &target).map_err(|error| error.of(&place, &target))?;
        }
        written.push(old.clone());
        report.missing.push(path.clone());
    }
    Ok(())
}

/// Removes the oldest backups beyond a number, never the one that was just written. Returns their names.
fn prune(folder: &Path, keep: usize, newest: &str) -> Result<Vec<String>, BackupError> {
    let all = read::all(folder)?;
    let surplus = all.len().saturating_sub(keep.max(1));
    let mut removed = Vec::new();
    for backup in all.iter().take(surplus) {
        let name = read::name_of(backup);
        if name == newest {
            continue;
        }
        // Under another name first, so that a removal that is cut short leaves no folder that looks like a backup.
        let leaving = folder.join(format!(".{name}.removing"));
        files::rename(backup, &leaving)?;
        fs::remove_dir_all(&leaving).map_err(io_error(&leaving))?;
        removed.push(name);
    }
    Ok(removed)
}

#[cfg(test)]
mod tests;
