//! Takes compression off and finds out by its first bytes what a file contains. Names and endings do not count.

use super::tap::Tap;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Cursor, Read};

/// Bytes that decide what a file contains.
const HEAD: u64 = 16 << 10;
/// A file may be compressed this many times over.
const MOST_LAYERS: usize = 3;
/// Compressed data may expand by this factor …
const MOST_EXPANSION: u64 = 250;
/// … beyond the first 256 MiB.
const FREE_EXPANSION: u64 = 256 << 20;

/// What a file contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// JSON values, or text that cannot be read as anything else.
    Json,
    /// Delimited values with a header.
    Csv { delimiter: u8 },
    /// An SQLite database.
    Sqlite,
    /// Server-sent events.
    EventStream,
    /// Something that is not read.
    Refused { what: &'static str, advice: &'static str },
}

/// A file whose compression is taken off.
pub(super) struct Opened<'a> {
    /// The first bytes of the content; `source` begins with them.
    pub head: Vec<u8>,
    pub source: Box<dyn Read + 'a>,
    pub is_compressed: bool,
    /// Whether decompression fails within `head`.
    pub is_broken: bool,
    pub content: Content,
}

/// Opens the content behind a tap.
pub(super) fn open<'a>(tap: &Tap<'a>) -> io::Result<Opened<'a>> {
    let mut source: Box<dyn Read + 'a> = Box::new(tap.clone());
    for layer in 0.. {
        let mut head = Vec::new();
        let broken = match source.by_ref().take(HEAD).read_to_end(&mut head) {
            // What could be decompressed before the damage is still content.
            Err(error) if layer > 0 && !tap.has_failed() => Some(error),
            Err(error) => return Err(error),
            Ok(_) => None,
        };
        let is_broken = broken.is_some();
        let is_gzip = head.starts_with(&[0x1f, 0x8b]);
        let is_zstd = head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        let content = content(&head);
        let start = Cursor::new(head.clone());
        let rest: Box<dyn Read + 'a> = match broken {
            Some(error) => Box::new(start.chain(Broken(Some(error)))),
            None => Box::new(start.chain(source)),
        };
        source = match (is_gzip, is_zstd) {
            _ if layer >= MOST_LAYERS || !(is_gzip || is_zstd) => {
                return Ok(Opened { head, source: rest, is_compressed: layer > 0, is_broken, content });
            }
            (true, _) => bounded(tap, MultiGzDecoder::new(BufReader::new(rest))),
            _ => bounded(tap, zstd::stream::read::Decoder::new(rest)?),
        };
    }
    Err(io::Error::other("too many layers of compression"))
}

/// Why compressed data could not be read to its end.
pub(super) fn reason(error: &io::Error) -> String {
    let what = if is_bomb(error) {
        error.to_string()
    } else {
        "the compressed data is damaged or cut off".to_owned()
    };
    format!("{what}; nothing after that point is read")
}

/// Whether reading was given up because the data expand out of proportion.
pub(super) fn is_bomb(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Bomb>())
}

#[derive(Debug, thiserror::Error)]
#[error("the compressed data expands more than {MOST_EXPANSION} times")]
struct Bomb;

/// Decompressed data that may not grow out of proportion.
struct Bounded<'a, R> {
    tap: Tap<'a>,
    source: R,
    bytes: u64,
}

fn bounded<'a>(tap: &Tap<'a>, source: impl Read + 'a) -> Box<dyn Read + 'a> {
    Box::new(Bounded { tap: tap.clone(), source, bytes: 0 })
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.bytes += read as u64;
        if self.bytes > FREE_EXPANSION + MOST_EXPANSION * self.tap.bytes_read() {
            return Err(io::Error::other(Bomb));
        }
        Ok(read)
    }
}

/// Fails at the place where decompression failed.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

fn content(head: &[u8]) -> Content {
    let refused = |what, advice| Content::Refused { what, advice };
    if head.starts_with(b"SQLite format 3\0") {
        return Content::Sqlite;
    }
    if head.starts_with(b"PK\x03\x04") {
        return refused("a ZIP archive", "unpack it and give the folder");
    }
    if head.starts_with(b"PAR1") {
        return refused("a Parquet file", "convert it to JSON Lines or CSV");
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return refused("UTF-16 text", "convert it to UTF-8");
    }
    if head.len() > 262 && &head[257..262] == b"ustar" {
        return refused("a tar archive", "unpack it and give the folder");
    }
    let text = String::from_utf8_lossy(head);
    let mut lines =
        text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else { return Content::Json };
    if first.starts_with(['{', '[']) {
        return Content::Json;
    }
    let is_event_field =
        |line: &str| ["data:", "event:", "id:", "retry:", ":"].iter().any(|field| line.starts_with(field));
    if is_event_field(first) && text.lines().any(|line| line.starts_with("data:")) {
        return Content::EventStream;
    }
    let is_json_next = lines.next().is_some_and(|line| line.starts_with(['{', '[']));
    match delimiter(first).filter(|_| !is_json_next) {
        Some(delimiter) => Content::Csv { delimiter },
        None => Content::Json,
    }
}

/// The delimiter of a header, if the line can be one: at least two names.
fn delimiter(header: &str) -> Option<u8> {
    if header.contains(['\0', '{', '}', '\u{fffd}']) {
        return None;
    }
    let most = [b',', b';', b'\t'].into_iter().max_by_key(|d| header.bytes().filter(|b| b == d).count())?;
    header.as_bytes().contains(&most).then_some(most)
}
