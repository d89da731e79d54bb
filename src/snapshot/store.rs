//! Snapshots on disk: written completely, made current by renaming, loaded at startup.

use super::finite::{self, NotFinite};
use super::{FORMAT, Snapshot};
use crate::durable::{self, seal};
use crate::failpoint;
use chrono::{DateTime, Utc};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// Number of snapshots kept besides the current one.
const KEEP: usize = 3;
const CURRENT: &str = "current";
/// Largest size of a snapshot, bytes, compressed or not; one of a whole catalogue has some tens of MB. And of the file that
/// names the current one.
const SNAPSHOT_BYTES: u64 = 1 << 30;
const CURRENT_BYTES: u64 = 4096;
/// How the name of a snapshot's file ends.
const FILE: &str = ".json.zst";
/// Bytes of JSON per piece, and the number of pieces that may wait for compression.
const PIECE: usize = 256 * 1024;
const PIECES: usize = 8;

/// Errors of snapshots on disk.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum SnapshotError {
    /// A file could not be read or written.
    #[error("snapshot {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    /// A file was written by a version with a different format.
    #[error(
        "snapshot {path} has format {found}, but this version reads {wanted}; the next `hitrate collect` or \
         `hitrate serve` builds a new one from the store"
    )]
    OtherFormat { path: PathBuf, found: u32, wanted: u32 },
    /// A snapshot contains a number that JSON cannot express. If it were written as null, it could not be read back.
    #[error("the snapshot was not saved: `{field}` is {value}, not a number; the last snapshot stays")]
    NotFinite {
        field: String,
        /// The number as text: `inf`, `-inf` or `NaN`.
        value: String,
    },
    /// A file is not a snapshot that this version can read.
    #[error(
        "snapshot {path} cannot be read ({source}); the next collection or `hitrate replay` writes a new one"
    )]
    Unreadable { path: PathBuf, source: serde_json::Error },
}

impl SnapshotError {
    /// Whether the file is damaged or missing, so that another one can take its place. A file that the system refuses to
    /// read, or that another version wrote, is not.
    fn is_damage(&self) -> bool {
        match self {
            Self::Io { source, .. } => {
                let kinds = [io::ErrorKind::NotFound, io::ErrorKind::IsADirectory];
                kinds.contains(&source.kind()) || source.raw_os_error().is_none()
            }
            Self::Unreadable { .. } => true,
            Self::OtherFormat { .. } | Self::NotFinite { .. } => false,
        }
    }

    /// The file.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. } | Self::Unreadable { path, .. } | Self::OtherFormat { path, .. } => {
                Some(path)
            }
            Self::NotFinite { .. } => None,
        }
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError + '_ {
    move |source| SnapshotError::Io { path: path.to_owned(), source }
}

/// Saves a snapshot in `dir` and makes it the current one. A reader sees either the old or the new one, never a partial
/// one.
///
/// # Errors
/// [`SnapshotError::NotFinite`] if a number is infinite or NaN, [`SnapshotError::Io`] if the directory cannot be
/// written. In both cases the current snapshot stays.
pub fn save(dir: &Path, snapshot: &Snapshot) -> Result<PathBuf, SnapshotError> {
    finite::check(snapshot)
        .map_err(|NotFinite { field, value }| SnapshotError::NotFinite { field, value })?;
    let path = file_of(dir, &snapshot.id);
    let packed = seal::seal(packed(snapshot, &path)?);
    let write =
        |path: &Path, bytes: &[u8]| durable::write(path, bytes, |path, source| io_error(path)(source));
    write(&path, &packed)?;
    failpoint::reach("publish.written").map_err(io_error(&path))?;
    write(&dir.join(CURRENT), snapshot.id.as_bytes())?;
    failpoint::reach("publish.saved").map_err(io_error(&path))?;
    prune(dir, &path)?;
    Ok(path)
}

/// The snapshot as compressed JSON: another thread writes the JSON while this one compresses it.
fn packed(snapshot: &Snapshot, path: &Path) -> Result<Vec<u8>, SnapshotError> {
    let (sender, pieces) = mpsc::sync_channel(PIECES);
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || {
            let mut out = BufWriter::with_capacity(PIECE, Pieces(sender));
            serde_json::to_writer(&mut out, snapshot)?;
            out.flush().map_err(serde_json::Error::io)
        });
        let compress = |pieces: mpsc::Receiver<Vec<u8>>| {
            let mut out = zstd::Encoder::new(Vec::new(), 3)?;
            out.include_checksum(true)?;
            pieces.iter().try_for_each(|piece| out.write_all(&piece))?;
            out.finish()
        };
        let packed = compress(pieces);
        let written = writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // If compression failed, writing failed because its reader is gone; the compression error is the cause.
        let packed = packed.map_err(io_error(path))?;
        written.map_err(|source| SnapshotError::Unreadable { path: path.to_owned(), source })?;
        Ok(packed)
    })
}

/// A writer that passes its data to another thread.
struct Pieces(mpsc::SyncSender<Vec<u8>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn prune(dir: &Path, current: &Path) -> Result<(), SnapshotError> {
    for path in saved(dir)?.into_iter().filter(|path| path != current).skip(KEEP) {
        fs::remove_file(&path).map_err(io_error(&path))?;
    }
    Ok(())
}

/// The files of snapshots, newest first.
fn saved(dir: &Path) -> Result<Vec<PathBuf>, SnapshotError> {
    let mut saved: Vec<(std::time::SystemTime, PathBuf)> = fs::read_dir(dir)
        .map_err(io_error(dir))?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(FILE))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    saved.sort();
    Ok(saved.into_iter().rev().map(|(_, path)| path).collect())
}

fn file_of(dir: &Path, id: &str) -> PathBuf {
    dir.join(format!("{id}{FILE}"))
}

/// The id of the current snapshot of `dir`; `None` if there is none or it cannot be read.
pub fn current_id(dir: &Path) -> Option<String> {
    read_id(dir).ok()
}

fn read_id(dir: &Path) -> io::Result<String> {
    let bytes = durable::read(&dir.join(CURRENT), CURRENT_BYTES)?;
    let id = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not the id of a snapshot"))?;
    Ok(id.trim().to_owned())
}

/// Loads the current snapshot of `dir`; `None` if there is none yet. If its file or the one that names it is damaged or
/// missing, the newest one that is kept and readable is loaded instead, and the error is logged. Nothing is changed on disk.
///
/// # Errors
/// [`SnapshotError`] if there is one that cannot be read, and no other.
pub fn load(dir: &Path) -> Result<Option<Snapshot>, SnapshotError> {
    let loaded = load_with_reason(dir)?;
    Ok(loaded.map(|(snapshot, instead)| {
        if let Some(error) = instead {
            let id = &snapshot.id;
            tracing::error!(%error, "the current snapshot cannot be used; using {id}, an earlier one");
        }
        snapshot
    }))
}

/// The same with the error because of which an earlier snapshot was loaded, instead of logging it.
///
/// # Errors
/// As [`load`].
pub fn load_with_reason(dir: &Path) -> Result<Option<(Snapshot, Option<SnapshotError>)>, SnapshotError> {
    match load_current(dir) {
        Err(error) if error.is_damage() => match newest_readable(dir) {
            Some(snapshot) => Ok(Some((snapshot, Some(error)))),
            None => Err(error),
        },
        loaded => Ok(loaded?.map(|snapshot| (snapshot, None))),
    }
}

/// Loads the current snapshot of `dir` like [`load`], and repairs the folder: a damaged file is set aside, and the snapshot
/// that is loaded instead becomes the current one. Only for the process that writes the folder.
///
/// # Errors
/// As [`load`].
pub fn load_and_repair(dir: &Path, now: DateTime<Utc>) -> Result<Option<Snapshot>, SnapshotError> {
    let error = match load_current(dir) {
        Err(error) if error.is_damage() => error,
        loaded => return loaded,
    };
    set_aside(&error, now);
    let Some(snapshot) = newest_readable(dir) else { return Err(error) };
    let id = &snapshot.id;
    tracing::error!(%error, "the current snapshot cannot be used; {id}, an earlier one, is now current");
    let current = dir.join(CURRENT);
    if let Err(error) = durable::write(&current, id.as_bytes(), |path, source| io_error(path)(source)) {
        tracing::warn!(%error, "cannot make the earlier snapshot the current one");
    }
    Ok(Some(snapshot))
}

/// Renames a damaged snapshot. If that fails, it is only logged: the next publication writes another one.
fn set_aside(error: &SnapshotError, now: DateTime<Utc>) {
    let path = error.path().filter(|path| path.exists());
    match path.map(|path| durable::set_aside(path, now)) {
        Some(Ok(aside)) => {
            let aside = aside.display();
            tracing::error!(%error, "the snapshot is damaged; it is kept as {aside}");
        }
        Some(Err(refused)) => tracing::error!(%error, %refused, "a damaged snapshot cannot be renamed"),
        None => {}
    }
}

/// The newest snapshot that is kept and can be read.
fn newest_readable(dir: &Path) -> Option<Snapshot> {
    saved(dir).ok()?.iter().find_map(|path| read(path).ok())
}

fn load_current(dir: &Path) -> Result<Option<Snapshot>, SnapshotError> {
    match read_id(dir) {
        Ok(id) => read(&file_of(dir, &id)).map(Some),
        // Snapshots without the file that names the current one: it was lost.
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                && saved(dir).map_or(true, |saved| saved.is_empty()) =>
        {
            Ok(None)
        }
        Err(error) => Err(io_error(&dir.join(CURRENT))(error)),
    }
}

/// Reads the file of a snapshot.
fn read(path: &Path) -> Result<Snapshot, SnapshotError> {
    let path = path.to_owned();
    let file = durable::read(&path, SNAPSHOT_BYTES).map_err(io_error(&path))?;
    let opened = seal::open(&file).map_err(io_error(&path))?;
    let body = seal::unpack(opened.packed, SNAPSHOT_BYTES).map_err(io_error(&path))?;
    match serde_json::from_slice::<Snapshot>(&body) {
        Ok(snapshot) if snapshot.format == FORMAT => Ok(snapshot),
        Ok(snapshot) => Err(SnapshotError::OtherFormat { path, found: snapshot.format, wanted: FORMAT }),
        Err(source) => Err(match serde_json::from_slice::<Head>(&body) {
            Ok(Head { format }) if format != Some(FORMAT) => {
                SnapshotError::OtherFormat { path, found: format.unwrap_or(FIRST_FORMAT), wanted: FORMAT }
            }
            _ => SnapshotError::Unreadable { path, source },
        }),
    }
}

/// The format that did not state itself.
const FIRST_FORMAT: u32 = 1;

/// The part of a snapshot that states its format.
#[derive(serde::Deserialize)]
struct Head {
    format: Option<u32>,
}
