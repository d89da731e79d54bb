//! The archive of raw bodies: content-addressed, append-only, the source of truth. Everything else can be rebuilt from
//! it.
//!
//! A run writes one pack (zstd frames of about [`FRAME_BYTES`] of bodies each, with similar bodies side by side, so
//! that they compress well together) and one manifest (JSON lines, zstd). A body that an earlier run already holds is
//! referenced instead of being stored again, if its pack still has it. To keep that cheap, only the previous manifest is
//! searched; it refers to earlier packs in turn.
//!
//! Nothing in it is trusted: frames have checksums, manifests a digest, bodies their sha256. A file that cannot be read
//! costs only its own content, and is named.

mod decisions;
mod manifest;
mod pack;
mod read;
mod shared;
mod substitutes;
#[cfg(test)]
mod tests;
mod verify;
mod write;

pub use manifest::{Entry, Location, Manifest, RunHeader};
pub use shared::Problem;
pub use verify::{Scope, Verified};
pub use write::Fetched;

use crate::durable;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use shared::Shared;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Size of the bodies in a frame. Larger frames compress better, but reading a single body costs more.
const FRAME_BYTES: usize = 4 << 20;
const ZSTD_LEVEL: i32 = 3;

/// How the name of a manifest ends.
const MANIFEST: &str = ".manifest.zst";

/// Errors of the archive.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum ArchiveError {
    /// A file could not be read or written.
    #[error("archive {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    /// A manifest cannot be read.
    #[error("archive {path}, line {line}: {source}")]
    Manifest {
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        source: serde_json::Error,
    },
    /// A manifest is whole, but not in a form that this version reads.
    #[error(
        "archive {path}, line {line}: {source}; the file is whole, so a newer version of hitrate wrote it"
    )]
    OtherForm { path: PathBuf, line: usize, source: serde_json::Error },
    /// A manifest names a pack outside the archive.
    #[error("archive {path}, line {line}: the pack `{pack}` is not inside the archive")]
    Outside { path: PathBuf, line: usize, pack: String },
    /// A body does not match its manifest.
    #[error("archive {path}: the sha256 of the body of {url} is not {expected}, the one in its manifest")]
    Corrupt { path: PathBuf, url: String, expected: String },
}

impl ArchiveError {
    /// Whether the content of the file is damaged. A file that the system refuses to read, or that a newer version wrote, is
    /// not.
    pub fn is_damage(&self) -> bool {
        match self {
            // Errors of the decoder have no number; one of them is about memory.
            Self::Io { source, .. } => {
                source.kind() == io::ErrorKind::IsADirectory
                    || (source.raw_os_error().is_none() && !source.to_string().contains("Allocation error"))
            }
            Self::Manifest { .. } | Self::Corrupt { .. } => true,
            Self::OtherForm { .. } | Self::Outside { .. } => false,
        }
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError + '_ {
    move |source| ArchiveError::Io { path: path.to_owned(), source }
}

/// The folder with packs and manifests. Clones share what they found out about it.
#[derive(Debug, Clone)]
pub struct Archive {
    dir: PathBuf,
    shared: Arc<Shared>,
}

impl Archive {
    /// Opens the archive in a folder; the folder is created when the first run is written.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), shared: Arc::default() }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.dir
    }

    /// Paths of the manifests, oldest run first.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn manifests(&self) -> Result<Vec<PathBuf>, ArchiveError> {
        let mut found = files(&self.dir)?;
        found.retain(|path| path.to_string_lossy().ends_with(MANIFEST));
        // The path contains the time of the run, so sorting by path sorts by time.
        found.sort();
        Ok(found)
    }

    /// The ids of all archived runs, whether their manifests can be read or not.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn run_ids(&self) -> Result<BTreeSet<String>, ArchiveError> {
        Ok(self.manifests()?.iter().map(|path| run_id_of(path)).collect())
    }

    /// The manifest of a run.
    ///
    /// # Errors
    /// [`ArchiveError`] if it does not exist or cannot be read.
    pub fn manifest(&self, run_id: &str, observed_at: DateTime<Utc>) -> Result<Manifest, ArchiveError> {
        Self::read_manifest(&self.manifest_file(run_id, observed_at))
    }

    /// Whether the archive has a manifest of a run, readable or not.
    pub fn has(&self, run_id: &str, observed_at: DateTime<Utc>) -> bool {
        self.manifest_file(run_id, observed_at).exists()
    }

    /// Path of the manifest of a run.
    pub fn manifest_file(&self, run_id: &str, observed_at: DateTime<Utc>) -> PathBuf {
        self.dir.join(day_of(observed_at)).join(format!("{run_id}{MANIFEST}"))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ArchiveError`] naming the file and the line.
    pub fn read_manifest(path: &Path) -> Result<Manifest, ArchiveError> {
        Manifest::read(path).map(|(manifest, _)| manifest)
    }

    /// The manifests that can be read, oldest run first. Those that cannot are logged and listed by [`Archive::problems`].
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn readable_manifests(&self) -> Result<Vec<Manifest>, ArchiveError> {
        let read = |path: PathBuf| match Self::read_manifest(&path) {
            Ok(manifest) => {
                self.shared.repaired(&path);
                Some(manifest)
            }
            Err(error) => {
                self.shared.note(Problem::of_manifest(&path, &error), None);
                None
            }
        };
        Ok(self.manifests()?.into_iter().filter_map(read).collect())
    }

    /// The damaged manifests that were set aside and have not been restored since: the paths at which they were, and where
    /// they are.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn set_aside_before(&self) -> Result<Vec<(PathBuf, PathBuf)>, ArchiveError> {
        let before = |aside: PathBuf| {
            let name = aside.file_name().unwrap_or_default().to_string_lossy();
            let place = aside.with_file_name(durable::name_before(&name)?);
            let counts = place.to_string_lossy().ends_with(MANIFEST) && !place.exists();
            counts.then_some((place, aside))
        };
        let mut found: Vec<_> = files(&self.dir)?.into_iter().filter_map(before).collect();
        found.sort();
        Ok(found)
    }

    /// Number of manifests that were set aside because of the date of their run.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn misdated(&self) -> Result<usize, ArchiveError> {
        let is_misdated = |path: &&PathBuf| {
            durable::before_misdated(&path.to_string_lossy()).is_some_and(|before| before.ends_with(MANIFEST))
        };
        Ok(files(&self.dir)?.iter().filter(is_misdated).count())
    }

    /// Sets a manifest aside if its content is damaged. Returns whether it did.
    pub fn set_aside_if_damaged(&self, path: &Path, at: DateTime<Utc>) -> bool {
        match Self::read_manifest(path) {
            Err(error) => self.set_aside(path, &error, at),
            Ok(_) => false,
        }
    }

    /// Notes that a manifest cannot be read, and sets it aside if it is damaged.
    fn set_aside(&self, path: &Path, error: &ArchiveError, at: DateTime<Utc>) -> bool {
        self.shared.note(Problem::of_manifest(path, error), None);
        if !error.is_damage() {
            return false;
        }
        match durable::set_aside(path, at) {
            Ok(aside) => {
                let (path, aside) = (path.display(), aside.display());
                tracing::error!(%path, %error, "this manifest is damaged; it is kept as {aside}");
                true
            }
            Err(refused) => {
                let path = path.display();
                tracing::error!(%path, %error, %refused, "this manifest is damaged and cannot be renamed; it stays and is skipped");
                false
            }
        }
    }

    /// What this process found to be missing or damaged and did not find repaired since, by path. Repairs are looked for
    /// before a run is written.
    pub fn problems(&self) -> Vec<Problem> {
        self.shared.problems()
    }

    /// Bytes on disk of packs and manifests.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn bytes(&self) -> Result<u64, ArchiveError> {
        files(&self.dir)?.iter().map(|path| size(path)).sum()
    }

    /// Bytes on disk of packs and manifests of some runs.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn bytes_of(&self, run_ids: &BTreeSet<String>) -> Result<u64, ArchiveError> {
        let all = files(&self.dir)?;
        all.iter().filter(|path| run_ids.contains(&run_id_of(path))).map(|path| size(path)).sum()
    }
}

/// The folder of a day, relative to the archive.
fn day_of(time: DateTime<Utc>) -> String {
    time.format("%Y/%m/%d").to_string()
}

/// The id of the run that a file of the archive is of, from its name, so that it is known even if the file cannot be read.
pub fn run_id_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// sha256 of a body, hex.
pub fn hex_sha256(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All files below a folder; none if it does not exist. Links to folders are not followed, because they may lead in a circle:
/// they are among the files, and [`Archive::verify`] names them.
fn files(dir: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let mut found = Vec::new();
    if !dir.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(dir).map_err(io_error(dir))?.filter_map(Result::ok) {
        let path = entry.path();
        // A folder with the name of a file is damage, and is named when it is read.
        if path.extension().is_none() && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// The size of a file, bytes; 0 if it has been renamed meanwhile, as temporary files are.
fn size(path: &Path) -> Result<u64, ArchiveError> {
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        found => Ok(found.map_err(io_error(path))?.len()),
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
    durable::write(path, bytes, |path, source| io_error(path)(source))
}
