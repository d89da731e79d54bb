//! Snapshots on disk: written completely, made current by renaming, loaded at startup.

use super::finite::{self, NotFinite};
use super::{FORMAT, Snapshot};
use crate::durable;
use crate::failpoint;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// Number of snapshots kept besides the current one.
const KEEP: usize = 3;
const CURRENT: &str = "current";
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
    let path = dir.join(format!("{}.json.zst", snapshot.id));
    let packed = packed(snapshot, &path)?;
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

/// The id of the current snapshot of `dir`; `None` if there is none or it cannot be read.
pub fn current_id(dir: &Path) -> Option<String> {
    fs::read_to_string(dir.join(CURRENT)).ok().map(|id| id.trim().to_owned())
}

/// Loads the current snapshot of `dir`; `None` if there is none yet.
///
/// # Errors
/// [`SnapshotError`] if there is one that cannot be read.
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
    match serde_json::from_slice::<Snapshot>(&body) {
        Ok(snapshot) if snapshot.format == FORMAT => Ok(Some(snapshot)),
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
