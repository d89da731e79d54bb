//! The spool: what was received and is not imported yet, in segments of JSON Lines in the data folder. A request is
//! accepted once its line is flushed to disk; requests that arrive together share one flush.

use super::files::{create_folder, create_new, sync_folder};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// Extension of the segment that is being written.
const OPEN: &str = "open";
/// Extension of a complete segment.
const COMPLETE: &str = "jsonl";
/// Folder of the lines that cannot be imported.
const QUARANTINE: &str = "quarantine";
/// A segment is completed at this size, bytes.
const SEGMENT_BYTES: u64 = 32 << 20;
/// Lines that share one flush, at most.
const MOST_TOGETHER: usize = 256;

/// Why a request cannot be accepted now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpoolError {
    /// Too many requests wait for the disk.
    #[error("the queue is full; send the request again later")]
    QueueFull,
    /// Too much is waiting to be imported.
    #[error(
        "the data that wait to be imported have reached `private.max_spool_mib`; send the request again later"
    )]
    SpoolFull,
    /// The disk refuses, or the writer ended.
    #[error("cannot write to the spool: {0}")]
    Disk(String),
}

struct Line {
    bytes: Vec<u8>,
    done: oneshot::Sender<Result<(), SpoolError>>,
}

/// The writing end of the spool. Clones share it; the writer ends after the last of them is dropped.
#[derive(Clone)]
pub struct Spool {
    lines: SyncSender<Line>,
    shared: Arc<Shared>,
    most_bytes: u64,
}

/// What writer, importer and status share.
struct Shared {
    folder: PathBuf,
    bytes: AtomicU64,
    completed: Notify,
}

/// How the spool is limited.
#[derive(Debug, Clone, Copy)]
pub struct SpoolLimits {
    /// Requests that may wait for the disk.
    pub queue: usize,
    /// Bytes that may wait to be imported.
    pub most_bytes: u64,
    /// A segment that is not empty is completed after this time.
    pub complete_after: Duration,
}

impl Spool {
    /// Opens the spool of a folder: completes the segments that an earlier process left open, and starts the writer. Its
    /// thread ends after the last clone of the spool is dropped.
    ///
    /// # Errors
    /// If the folder cannot be read or written.
    pub fn open(folder: &Path, limits: SpoolLimits) -> io::Result<(Self, JoinHandle<()>)> {
        create_folder(folder)?;
        let mut number = 0;
        let mut bytes = 0;
        for segment in segments(folder)? {
            number = number.max(segment.number);
            if segment.is_open {
                complete_abandoned(&segment.path)?;
            }
        }
        for segment in segments(folder)? {
            bytes += fs::metadata(&segment.path)?.len();
        }
        // No number is used twice, so that nothing in quarantine is overwritten.
        let quarantine = folder.join(QUARANTINE);
        let quarantined = if quarantine.exists() { segments(&quarantine)? } else { Vec::new() };
        number = quarantined.iter().map(|segment| segment.number).fold(number, u64::max);
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            bytes: AtomicU64::new(bytes),
            completed: Notify::new(),
        });
        let (lines, waiting) = sync_channel(limits.queue.max(1));
        let mut writer = Writer { shared: shared.clone(), limits, number, segment: None };
        let thread =
            std::thread::Builder::new().name("spool".to_owned()).spawn(move || writer.run(&waiting))?;
        shared.completed.notify_one();
        Ok((Self { lines, shared, most_bytes: limits.most_bytes }, thread))
    }

    /// Appends a line and waits until it is on disk.
    ///
    /// # Errors
    /// [`SpoolError`]; the line is then not stored.
    pub async fn append(&self, bytes: Vec<u8>) -> Result<(), SpoolError> {
        if self.bytes() + bytes.len() as u64 > self.most_bytes {
            return Err(SpoolError::SpoolFull);
        }
        let (done, answer) = oneshot::channel();
        let ended = || SpoolError::Disk("the writer ended".to_owned());
        self.lines.try_send(Line { bytes, done }).map_err(|error| match error {
            TrySendError::Full(_) => SpoolError::QueueFull,
            TrySendError::Disconnected(_) => ended(),
        })?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Bytes that are not imported yet.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Reading end.
    pub fn reader(&self) -> SpoolReader {
        SpoolReader(self.shared.clone())
    }
}

/// The reading end of the spool.
#[derive(Clone)]
pub struct SpoolReader(Arc<Shared>);

impl SpoolReader {
    /// Waits until a segment was completed.
    pub async fn completed(&self) {
        self.0.completed.notified().await;
    }

    /// The complete segments, oldest first.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn complete(&self) -> io::Result<Vec<PathBuf>> {
        let found = segments(&self.0.folder)?;
        Ok(found.into_iter().filter(|segment| !segment.is_open).map(|segment| segment.path).collect())
    }

    /// Deletes an imported segment.
    ///
    /// # Errors
    /// If it cannot be deleted; it would be imported again, which changes nothing.
    pub fn delete(&self, segment: &Path) -> io::Result<()> {
        let size = fs::metadata(segment)?.len();
        fs::remove_file(segment)?;
        self.forget(size);
        sync_folder(&self.0.folder)
    }

    /// Writes the lines of a segment that cannot be imported to the folder `quarantine`, with the reason in a file beside
    /// them, and deletes the segment.
    ///
    /// # Errors
    /// If they cannot be written; the segment stays then.
    pub fn quarantine(&self, segment: &Path, lines: &[u8], reason: &str) -> io::Result<PathBuf> {
        let folder = self.0.folder.join(QUARANTINE);
        create_folder(&folder)?;
        let place = folder.join(segment.file_name().unwrap_or_default());
        let note = place.with_extension("reason.txt");
        for (path, content) in [(&place, lines), (&note, reason.as_bytes())] {
            // Left by an attempt that a crash interrupted.
            let _ = fs::remove_file(path);
            let mut file = create_new(path)?;
            file.write_all(content)?;
            file.sync_all()?;
        }
        sync_folder(&folder)?;
        self.delete(segment)?;
        Ok(place)
    }

    fn forget(&self, size: u64) {
        let less = |bytes: u64| Some(bytes.saturating_sub(size));
        let _ = self.0.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

struct Segment {
    number: u64,
    is_open: bool,
    path: PathBuf,
}

/// The segments of a folder, oldest first.
fn segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        let extension = path.extension().and_then(|extension| extension.to_str());
        let (Some(number), Some(extension @ (OPEN | COMPLETE))) = (number, extension) else { continue };
        found.push(Segment { number, is_open: extension == OPEN, path });
    }
    found.sort_by_key(|segment| segment.number);
    Ok(found)
}

/// Completes a segment that a crash left open. A line without its end was never acknowledged, so it is cut off.
fn complete_abandoned(path: &Path) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole == 0 {
        return fs::remove_file(path);
    }
    if whole < bytes.len() {
        let file = File::options().write(true).open(path)?;
        file.set_len(whole as u64)?;
        file.sync_all()?;
    }
    fs::rename(path, path.with_extension(COMPLETE))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

struct Writer {
    shared: Arc<Shared>,
    limits: SpoolLimits,
    number: u64,
    segment: Option<Written>,
}

/// The segment that is being written.
struct Written {
    file: File,
    path: PathBuf,
    bytes: u64,
    since: Instant,
}

impl Writer {
    fn run(&mut self, waiting: &Receiver<Line>) {
        loop {
            let wait = self.segment.as_ref().map(|written| {
                (written.since + self.limits.complete_after).saturating_duration_since(Instant::now())
            });
            let first = match wait {
                None => waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => waiting.recv_timeout(wait),
            };
            match first {
                Ok(line) => self.write(line, waiting),
                Err(RecvTimeoutError::Timeout) => self.complete(),
                Err(RecvTimeoutError::Disconnected) => return self.complete(),
            }
            let is_due = self.segment.as_ref().is_some_and(|written| {
                written.bytes >= SEGMENT_BYTES || written.since.elapsed() >= self.limits.complete_after
            });
            if is_due {
                self.complete();
            }
        }
    }

    /// Writes a line and those that wait behind it, flushes once, and answers all of them.
    fn write(&mut self, first: Line, waiting: &Receiver<Line>) {
        let mut lines = vec![first];
        lines.extend(waiting.try_iter().take(MOST_TOGETHER - 1));
        let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.bytes.len() + 1).sum());
        for line in &lines {
            bytes.extend_from_slice(&line.bytes);
            bytes.push(b'\n');
        }
        let outcome = self.flush(&bytes).map_err(|error| SpoolError::Disk(error.to_string()));
        if let Err(error) = &outcome {
            tracing::error!(%error, "received telemetry is rejected until the disk accepts it");
        }
        for line in lines {
            // The client may have gone; its line is stored all the same.
            let _ = line.done.send(outcome.clone());
        }
    }

    fn flush(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.segment.is_none() {
            self.number += 1;
            let path = self.shared.folder.join(format!("{:010}.{OPEN}", self.number));
            let file = create_new(&path)?;
            sync_folder(&self.shared.folder)?;
            self.segment = Some(Written { file, path, bytes: 0, since: Instant::now() });
        }
        let Some(written) = &mut self.segment else { return Ok(()) };
        let outcome = written.file.write_all(bytes).and_then(|()| written.file.sync_data());
        match outcome {
            Ok(()) => {
                written.bytes += bytes.len() as u64;
                self.shared.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                // A part of the lines may be in the file. They were not acknowledged, so they are cut off; if that fails
                // too, the segment ends here, and the reader reports the damaged line.
                let restored = io::Seek::seek(&mut written.file, io::SeekFrom::Start(written.bytes))
                    .and_then(|_| written.file.set_len(written.bytes));
                if restored.is_err() {
                    self.complete();
                }
                Err(error)
            }
        }
    }

    fn complete(&mut self) {
        let Some(written) = self.segment.take() else { return };
        let place = written.path.with_extension(COMPLETE);
        let outcome = if written.bytes == 0 {
            fs::remove_file(&written.path)
        } else {
            fs::rename(&written.path, &place).and_then(|()| sync_folder(&self.shared.folder))
        };
        match outcome {
            Ok(()) => self.shared.completed.notify_one(),
            Err(error) => {
                tracing::error!(%error, "cannot complete a segment of received telemetry; the next start does")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(most_bytes: u64) -> SpoolLimits {
        SpoolLimits { queue: 4, most_bytes, complete_after: Duration::from_millis(30) }
    }

    async fn first_complete(reader: &SpoolReader) -> PathBuf {
        loop {
            if let Some(path) = reader.complete().expect("listed").into_iter().next() {
                return path;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_line_is_on_disk_when_it_is_accepted_and_its_segment_is_completed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (spool, _writer) = Spool::open(folder.path(), limits(1 << 20)).expect("open");
        spool.append(b"{}".to_vec()).await.expect("accepted");
        let stored: Vec<Vec<u8>> = segments(folder.path())
            .expect("listed")
            .into_iter()
            .map(|segment| fs::read(segment.path).expect("read"))
            .collect();
        assert_eq!(stored, [b"{}\n"]);
        let reader = spool.reader();
        let path = first_complete(&reader).await;
        assert_eq!(spool.bytes(), 3);
        reader.delete(&path).expect("deleted");
        assert_eq!((spool.bytes(), reader.complete().expect("listed").len()), (0, 0));
    }

    #[tokio::test]
    async fn what_a_crash_left_is_completed_without_the_torn_line() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("0000000007.open"), "{\"a\":1}\n{\"b\"").expect("written");
        fs::write(folder.path().join("0000000008.open"), "{\"c\"").expect("written");
        let (spool, _writer) = Spool::open(folder.path(), limits(1 << 20)).expect("open");
        let complete = spool.reader().complete().expect("listed");
        assert_eq!(complete.len(), 1);
        assert_eq!(fs::read_to_string(&complete[0]).expect("read"), "{\"a\":1}\n");
        spool.append(b"{}".to_vec()).await.expect("accepted");
        let newest = segments(folder.path()).expect("listed").pop().expect("a segment");
        assert_eq!(newest.number, 9, "no number is used twice");
    }

    #[tokio::test]
    async fn a_full_spool_refuses_and_a_quarantined_segment_frees_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (spool, _writer) = Spool::open(folder.path(), limits(4)).expect("open");
        spool.append(b"{}".to_vec()).await.expect("accepted");
        assert_eq!(spool.append(b"{}".to_vec()).await, Err(SpoolError::SpoolFull));
        let reader = spool.reader();
        let path = first_complete(&reader).await;
        let place = reader.quarantine(&path, b"{}\n", "because").expect("moved");
        assert_eq!(fs::read_to_string(place.with_extension("reason.txt")).expect("read"), "because");
        assert_eq!(fs::read_to_string(place).expect("read"), "{}\n");
        assert_eq!(spool.bytes(), 0);
        spool.append(b"{}".to_vec()).await.expect("accepted");
    }
}
