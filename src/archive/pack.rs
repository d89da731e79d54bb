//! Packs: the bodies of a run, side by side in zstd frames.

use super::manifest::Location;
use super::{ArchiveError, FRAME_BYTES, ZSTD_LEVEL, hex_sha256, io_error, write_durably};
use crate::durable::{self, seal};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Digits of the digest in the name of a pack whose plain name is taken; the last is the whole digest.
const DIGITS: [usize; 3] = [8, 16, 64];

/// Gathers bodies into frames.
#[derive(Debug, Default)]
pub(super) struct PackWriter {
    done: Vec<u8>,
    open: Vec<u8>,
}

impl PackWriter {
    /// Adds a body and returns its location, without the name of the pack.
    pub fn add(&mut self, sha256: &str, body: &[u8]) -> io::Result<Location> {
        if !self.open.is_empty() && self.open.len() + body.len() > FRAME_BYTES {
            self.close_frame()?;
        }
        let location = Location {
            sha256: sha256.to_owned(),
            pack: String::new(),
            frame: self.done.len() as u64,
            offset: self.open.len(),
            length: body.len(),
        };
        self.open.extend_from_slice(body);
        if location.length == 0 && self.open.is_empty() {
            // An empty body needs a frame, too.
            self.close_frame()?;
        }
        Ok(location)
    }

    fn close_frame(&mut self) -> io::Result<()> {
        self.done.extend_from_slice(&seal::compress(&self.open, ZSTD_LEVEL)?);
        self.open.clear();
        Ok(())
    }

    /// The frames of the pack; empty if nothing was added.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        if !self.open.is_empty() {
            self.close_frame()?;
        }
        Ok(self.done)
    }
}

/// Writes a pack, unless it is there already, and returns its name. A pack is never overwritten: if `NAME.pack` has another
/// content, because the run was collected before, the new pack is `NAME.DIGEST.pack`.
pub(super) fn store(archive: &Path, name: &str, content: &[u8]) -> Result<String, ArchiveError> {
    let digest = hex_sha256(content);
    let with_digest = DIGITS.iter().map(|digits| format!("{name}.{}.pack", &digest[..*digits]));
    for candidate in std::iter::once(format!("{name}.pack")).chain(with_digest) {
        let path = archive.join(&candidate);
        match durable::read(&path, content.len() as u64) {
            Ok(there) if there == content => return Ok(candidate),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write_durably(&path, content)?;
                return Ok(candidate);
            }
            // It has another content, or its content cannot be known.
            Ok(_) | Err(_) => {}
        }
    }
    let taken = io::Error::new(io::ErrorKind::AlreadyExists, "a damaged pack has the name of this content");
    Err(io_error(&archive.join(format!("{name}.{digest}.pack")))(taken))
}

/// The first `bytes` bytes of a frame of a pack, uncompressed; fewer if the frame is shorter.
pub(super) fn read_frame(path: &Path, frame: u64, bytes: usize) -> Result<Vec<u8>, ArchiveError> {
    let mut file = durable::open_regular(path).map_err(io_error(path))?;
    file.seek(SeekFrom::Start(frame)).map_err(io_error(path))?;
    let mut content = Vec::with_capacity(bytes.min(FRAME_BYTES));
    zstd::Decoder::new(file)
        .and_then(|decoder| decoder.single_frame().take(bytes as u64).read_to_end(&mut content))
        .map_err(io_error(path))?;
    Ok(content)
}

/// A body in its uncompressed frame; `None` if it does not have its sha256.
pub(super) fn body_in<'a>(frame: &'a [u8], location: &Location) -> Option<&'a [u8]> {
    frame.get(location.offset..location.end()).filter(|body| hex_sha256(body) == location.sha256)
}
