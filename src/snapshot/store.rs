//! Snapshots on disk: saved whole, swapped in by renaming, loaded at start.

use super::finite::{self, NotFinite};
use super::{FORMAT, Snapshot};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// How many snapshots are kept beside the current one.
const KEEP: usize = 3;
const CURRENT: &str = "current";
/// Bytes of JSON that are handed on at once, and how many such pieces may wait to be compressed.
const PIECE: usize = 256 * 1024;
const PIECES: usize = 8;

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
    /// A file was written by a version that saved another form.
    #[error(
        "snapshot {path} has format {found} and this version reads {wanted}; the next `hitrate collect` or \
         `hitrate serve` builds a new one from the store"
    )]
    OtherFormat {
        /// Which file.
        path: PathBuf,
        /// Its form.
        found: u32,
        /// The form of this version.
        wanted: u32,
    },
    /// A snapshot holds a number that JSON cannot express. Written as null it could not be read back.
    #[error("the snapshot was not saved: `{field}` is {value}, which is no number; the last snapshot stays")]
    NotFinite {
        /// The way to the number inside the snapshot.
        field: String,
        /// The number as text: `inf`, `-inf` or `NaN`.
        value: String,
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
/// [`SnapshotError::NotFinite`] where a number is infinite or not a number, [`SnapshotError::Io`] where the folder cannot
/// be written; the current one then stays.
pub fn save(dir: &Path, snapshot: &Snapshot) -> Result<PathBuf, SnapshotError> {
    finite::check(snapshot)
        .map_err(|NotFinite { field, value }| SnapshotError::NotFinite { field, value })?;
    fs::create_dir_all(dir).map_err(io_error(dir))?;
    let path = dir.join(format!("{}.json.zst", snapshot.id));
    let packed = packed(snapshot, &path)?;
    write_durably(&path, &packed)?;
    write_durably(&dir.join(CURRENT), snapshot.id.as_bytes())?;
    prune(dir, &path)?;
    Ok(path)
}

/// The snapshot as compressed JSON: one thread writes it, this one compresses what is written so far.
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
        // Where compressing failed, writing failed for want of a reader: the first is the cause.
        let packed = packed.map_err(io_error(path))?;
        written.map_err(|source| SnapshotError::Unreadable { path: path.to_owned(), source })?;
        Ok(packed)
    })
}

/// Hands what is written to another thread.
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
    match serde_json::from_slice::<Snapshot>(&body) {
        Ok(snapshot) if snapshot.format == FORMAT => Ok(Some(snapshot)),
        Ok(snapshot) => Err(SnapshotError::OtherFormat { path, found: snapshot.format, wanted: FORMAT }),
        Err(source) => Err(match serde_json::from_slice::<Head>(&body) {
            Ok(head) if head.format != FORMAT => {
                SnapshotError::OtherFormat { path, found: head.format, wanted: FORMAT }
            }
            _ => SnapshotError::Unreadable { path, source },
        }),
    }
}

/// As much of a snapshot of any form as says which one it is; the first one did not.
#[derive(serde::Deserialize)]
struct Head {
    #[serde(default = "first_format")]
    format: u32,
}

fn first_format() -> u32 {
    1
}
