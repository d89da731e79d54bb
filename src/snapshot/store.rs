//! Snapshots on disk: saved whole, swapped in by renaming, loaded at start.

use super::Snapshot;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How many snapshots are kept beside the current one.
const KEEP: usize = 3;
const CURRENT: &str = "current";

/// What can go wrong with snapshots on disk.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file could not be read or written.
    #[error("snapshot {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not a snapshot this version reads.
    #[error(
        "snapshot {path} cannot be read ({source}); the next collection or `hitrate replay` writes a new one"
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError + '_ {
    move |source| SnapshotError::Io { path: path.to_owned(), source }
}

/// Saves a snapshot in `dir` and makes it the current one; a reader sees the old or the new one, never half of it.
///
/// # Errors
/// [`SnapshotError::Io`] where the folder cannot be written; the current one then stays.
pub fn save(dir: &Path, snapshot: &Snapshot) -> Result<PathBuf, SnapshotError> {
    fs::create_dir_all(dir).map_err(io_error(dir))?;
    let path = dir.join(format!("{}.json.zst", snapshot.id));
    let body = serde_json::to_vec(snapshot)
        .map_err(|source| SnapshotError::Unreadable { path: path.clone(), source })?;
    let packed = zstd::encode_all(body.as_slice(), 3).map_err(io_error(&path))?;
    write_durably(&path, &packed)?;
    write_durably(&dir.join(CURRENT), snapshot.id.as_bytes())?;
    prune(dir, &path)?;
    Ok(path)
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary).map_err(io_error(&temporary))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io_error(&temporary))?;
    fs::rename(&temporary, path).map_err(io_error(path))
}

fn prune(dir: &Path, current: &Path) -> Result<(), SnapshotError> {
    let mut saved: Vec<(std::time::SystemTime, PathBuf)> = fs::read_dir(dir)
        .map_err(io_error(dir))?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".json.zst") && entry.path() != current)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    saved.sort();
    let surplus = saved.len().saturating_sub(KEEP);
    for (_, path) in saved.into_iter().take(surplus) {
        fs::remove_file(&path).map_err(io_error(&path))?;
    }
    Ok(())
}

/// Loads the current snapshot of `dir`; `None` where there is none yet.
///
/// # Errors
/// [`SnapshotError`] where there is one that cannot be read.
pub fn load(dir: &Path) -> Result<Option<Snapshot>, SnapshotError> {
    let current = dir.join(CURRENT);
    let id = match fs::read_to_string(&current) {
        Ok(id) => id,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(&current)(error)),
    };
    let path = dir.join(format!("{}.json.zst", id.trim()));
    let file = File::open(&path).map_err(io_error(&path))?;
    let body = zstd::decode_all(file).map_err(io_error(&path))?;
    serde_json::from_slice(&body).map(Some).map_err(|source| SnapshotError::Unreadable { path, source })
}
