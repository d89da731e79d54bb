//! The manifest of a run: JSON lines, compressed, with a digest at the end of the file.

use super::{ArchiveError, ZSTD_LEVEL, io_error};
use crate::domain::document::Request;
use crate::durable::{self, seal};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Component, Path};

/// Largest size of an uncompressed manifest, bytes. A sweep of 1,300 requests has 0.5 MB.
const MANIFEST_BYTES: u64 = 256 << 20;

/// The header of a manifest: facts about its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Id of the run.
    pub run_id: String,
    /// When the run observed the upstream.
    pub observed_at: DateTime<Utc>,
    /// The upstream's base URL.
    pub upstream: String,
    /// Whether the upstream is the simulator.
    pub simulated: bool,
    /// Version of the program that collected the run.
    pub version: String,
    /// Requests sent, retries included.
    pub requests: usize,
    /// How long fetching took.
    pub duration_ms: i64,
    /// Why the sweep stopped early: the upstream refused further requests or was unreachable.
    pub stopped: Option<String>,
    /// Whether it ended before it had requested every document that a whole sweep needs. Manifests of older versions do not
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<bool>,
    /// Name of the upstream. Manifests of versions that knew only one do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_name: Option<String>,
}

/// The outcome of one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The request.
    pub request: Request,
    /// HTTP status; `None` if there was no response.
    pub status: Option<u16>,
    /// When the response arrived.
    pub fetched_at: DateTime<Utc>,
    /// Why there is no body.
    pub error: Option<String>,
    /// Location of the body.
    pub body: Option<Location>,
}

/// The location of a body.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// sha256 of the body, hex.
    pub sha256: String,
    /// Pack file, relative to the archive folder.
    pub pack: String,
    /// Offset of its frame in the pack, bytes.
    pub frame: u64,
    /// Offset of the body in the uncompressed frame, bytes.
    pub offset: usize,
    /// Its length, bytes.
    pub length: usize,
}

impl Location {
    /// The offset of the first byte after the body in the uncompressed frame.
    pub(super) fn end(&self) -> usize {
        self.offset.saturating_add(self.length)
    }
}

/// A run's manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The run.
    pub header: RunHeader,
    /// Its requests, in the order of the plan.
    pub entries: Vec<Entry>,
}

impl Manifest {
    /// The content of the manifest's file.
    pub(super) fn encode(&self, path: &Path) -> Result<Vec<u8>, ArchiveError> {
        let invalid = |source| ArchiveError::Manifest { path: path.to_owned(), line: 1, source };
        let mut lines = serde_json::to_vec(&self.header).map_err(invalid)?;
        for entry in &self.entries {
            lines.push(b'\n');
            serde_json::to_writer(&mut lines, entry).map_err(invalid)?;
        }
        Ok(seal::seal(seal::compress(&lines, ZSTD_LEVEL).map_err(io_error(path))?))
    }

    /// Reads a manifest and whether its file has a digest.
    pub(super) fn read(path: &Path) -> Result<(Self, bool), ArchiveError> {
        let file = durable::read(path, MANIFEST_BYTES).map_err(io_error(path))?;
        let opened = seal::open(&file).map_err(io_error(path))?;
        let text = text(opened.packed).map_err(io_error(path))?;
        let mut lines = text.lines().enumerate();
        let wrong = |line: usize| {
            move |source| {
                if opened.is_sealed {
                    return ArchiveError::OtherForm { path: path.to_owned(), line, source };
                }
                ArchiveError::Manifest { path: path.to_owned(), line, source }
            }
        };
        let (_, first) = lines.next().unwrap_or_default();
        let header = serde_json::from_str(first).map_err(wrong(1))?;
        let entry = |(number, line): (usize, &str)| {
            let entry: Entry = serde_json::from_str(line).map_err(wrong(number + 1))?;
            match entry.body.as_ref().filter(|body| !is_inside(&body.pack)) {
                None => Ok(entry),
                Some(body) => Err(ArchiveError::Outside {
                    path: path.to_owned(),
                    line: number + 1,
                    pack: body.pack.clone(),
                }),
            }
        };
        let entries = lines.map(entry).collect::<Result<_, _>>()?;
        Ok((Self { header, entries }, opened.is_sealed))
    }
}

/// The text of a compressed manifest.
fn text(packed: &[u8]) -> io::Result<String> {
    String::from_utf8(seal::unpack(packed, MANIFEST_BYTES)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the manifest is not UTF-8"))
}

/// Whether the name of a pack leads to a file inside the archive: relative, without `..`.
fn is_inside(pack: &str) -> bool {
    let path = Path::new(pack);
    pack.ends_with(".pack") && path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_are_inside_the_archive() {
        for name in ["2026/08/01/20260801T105700Z.pack", "a.pack", "20260801T105700Z.1f2e3d4c.pack"] {
            assert!(is_inside(name), "{name}");
        }
        for name in
            ["", "/etc/a.pack", "../a.pack", "2026/../../a.pack", "./../a.pack", "/a.pack", "a.json", ".."]
        {
            assert!(!is_inside(name), "{name}");
        }
    }
}
