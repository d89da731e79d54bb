//! Reads files into [`LogFile`]s, whatever their container: JSON Lines, arrays and documents, CSV, SQLite, event
//! streams, each as it is or compressed with gzip or zstd. One entry is parsed and dropped at a time. What cannot be read
//! is counted with its lines, and reading goes on.

mod beside;
mod collect;
mod compressed;
mod csv_rows;
mod event_stream;
mod folder;
mod json;
mod lines;
mod pieces;
mod scanner;
mod sqlite;
mod tap;

pub use folder::{Walk, log_paths, walk};

use super::entry::{FileContext, Layout};
use super::format::Format;
use super::found::LogFile;
use super::inclusion::decide;
use collect::{Collector, Stop};
use compressed::{Content, Opened};
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use tap::Tap;

/// Note for a file in a known format that has no calls.
const NO_CALLS: &str = "the log is in a known format and contains no calls";

/// How to read a file.
#[derive(Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// The format; `None` recognises it from the first entries.
    pub format: Option<&'static Format>,
    /// Called with the number of bytes read so far, before decompression.
    pub progress: Option<&'a dyn Fn(u64)>,
}

impl fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOptions").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Why a file is not a log.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot read {path}: {cause}")]
    Io {
        /// The file.
        path: String,
        /// The cause. The message contains it.
        cause: io::Error,
    },
    /// It has no content.
    #[error("{path} is empty: expected a log, for example one JSON object per line")]
    Empty {
        /// The file.
        path: String,
    },
    /// It is in a container that is not read.
    #[error("{path} is {what}: {advice}")]
    Container {
        /// The file.
        path: String,
        /// What it is.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// No reader recognises it.
    #[error(
        "{path} has no usage in a known format ({looked}): expected a log, an export or usage records of a model API, \
         router, gateway or coding agent; docs/traffic.md lists the formats, and `--format ID` forces one"
    )]
    Unknown {
        /// The file.
        path: String,
        /// What was looked at.
        looked: String,
    },
}

/// Reads the file at `path`.
///
/// # Errors
/// [`ReadError`]. Damage inside a file is not an error: it is counted in [`LogFile::found`].
pub fn read_file(path: &Path, options: &ReadOptions<'_>) -> Result<LogFile, ReadError> {
    let failed = |cause| ReadError::Io { path: path.display().to_string(), cause };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, expected a file")));
    }
    let context = FileContext { beside: beside::read(path), path: path.to_owned(), ..FileContext::default() };
    read(Box::new(file), Some(path), context, options)
}

/// Reads bytes, for example of standard input or of a request.
///
/// # Errors
/// [`ReadError`].
pub fn read_bytes(
    bytes: impl Read,
    context: FileContext,
    options: &ReadOptions<'_>,
) -> Result<LogFile, ReadError> {
    read(Box::new(bytes), None, context, options)
}

/// Reads a source; `at` is its path if it can be opened again.
fn read<'a>(
    source: Box<dyn Read + 'a>,
    at: Option<&Path>,
    context: FileContext,
    options: &ReadOptions<'a>,
) -> Result<LogFile, ReadError> {
    let path = shown(&context.path);
    let failed = |cause| ReadError::Io { path: path.clone(), cause };
    let tap = Tap::new(source, options.progress);
    let Opened { head, mut source, is_compressed, is_broken, content } =
        compressed::open(&tap).map_err(|error| failed(tap.cause(error)))?;
    let damaged = || ReadError::Container {
        path: path.clone(),
        what: "damaged compressed data",
        advice: "nothing of it can be decompressed to a log; copy the file again",
    };
    if head.is_empty() && is_broken {
        return Err(damaged());
    }
    if head.is_empty() {
        return Err(ReadError::Empty { path });
    }
    let mut out = Collector::new(context, options.format);
    let read = match content {
        Content::Refused { what, advice } => return Err(ReadError::Container { path, what, advice }),
        Content::Sqlite => {
            out.layout(Layout::Sqlite);
            match at.filter(|_| !is_compressed) {
                Some(at) => sqlite::read(at, &tap, &mut out),
                None => sqlite::read_copied(&mut source, &mut out),
            }
        }
        Content::Csv { delimiter } => {
            out.layout(Layout::Csv);
            csv_rows::read(source, delimiter, &mut out)
        }
        Content::EventStream => {
            out.layout(Layout::EventStream);
            event_stream::read(&mut BufReader::with_capacity(1 << 16, source), &mut out)
        }
        Content::Json => json::read(&mut BufReader::with_capacity(1 << 18, source), &mut out),
    };
    let done = match read {
        Ok(()) => out.done(),
        Err(Stop::Unknown) => Err(out.looked()),
        Err(Stop::Io(error)) if is_compressed && !tap.has_failed() => {
            out.unread(&compressed::reason(&error), 0);
            match out.done() {
                Err(_) if !compressed::is_bomb(&error) => return Err(damaged()),
                done => done,
            }
        }
        Err(Stop::Io(error)) => return Err(failed(error)),
    };
    let (mut context, format, mut found) =
        done.map_err(|looked| ReadError::Unknown { path: path.clone(), looked })?;
    // They may hold whole conversations, and the reader is done with them.
    context.beside = Vec::new();
    let decisions = decide(&mut found.calls, format);
    if found.calls.is_empty() && found.unread.is_empty() {
        found.notes.insert(NO_CALLS.to_owned(), 1);
    }
    tap.drain().map_err(failed)?;
    let (sha256, bytes) = tap.digest();
    Ok(LogFile { context, format, found, decisions, sha256, bytes })
}

fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() { "standard input".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests;
