//! The archive of raw bodies: content-addressed, append-only, the source of truth. Everything else can be rebuilt from
//! it.
//!
//! A run writes one pack (zstd frames of about [`FRAME_BYTES`] of bodies each, with similar bodies side by side, so
//! that they compress well together) and one manifest (JSON lines, zstd). A body that an earlier run already holds is
//! referenced instead of being stored again. To keep that cheap, only the previous manifest is searched; it refers to
//! earlier packs in turn.

use crate::domain::document::Request;
use crate::domain::ids::DocumentName;
use crate::durable;
use crate::failpoint;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, hash_map};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Size of the bodies in a frame. Larger frames compress better, but reading a single body costs more.
const FRAME_BYTES: usize = 4 << 20;
const ZSTD_LEVEL: i32 = 3;

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
    /// A body does not match its manifest.
    #[error("archive {path}: the sha256 of the body of {url} is not {expected}, the one in its manifest")]
    Corrupt { path: PathBuf, url: String, expected: String },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError + '_ {
    move |source| ArchiveError::Io { path: path.to_owned(), source }
}

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// The fields that an operator accepted in a suspect run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Decision {
    run_id: String,
    fields: Vec<String>,
    accepted_at: DateTime<Utc>,
}

/// A run's manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The run.
    pub header: RunHeader,
    /// Its requests, in the order of the plan.
    pub entries: Vec<Entry>,
}

/// A response to be archived.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The request.
    pub request: Request,
    /// HTTP status.
    pub status: Option<u16>,
    /// When the response arrived.
    pub fetched_at: DateTime<Utc>,
    /// Why there is no body.
    pub error: Option<String>,
    /// The body, if any.
    pub body: Option<Vec<u8>>,
}

/// The folder with packs and manifests.
#[derive(Debug, Clone)]
pub struct Archive {
    dir: PathBuf,
}

impl Archive {
    /// Opens the archive in a folder; the folder is created when the first run is written.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Writes a run: the pack, then the manifest, each flushed to disk and renamed into place, so that a manifest never
    /// names a body that is not there. `rank` is the place of a kind of documents in the pack. Returns the manifest and
    /// the bytes written.
    ///
    /// # Errors
    /// [`ArchiveError`] if the folder cannot be written or the previous manifest cannot be read.
    pub fn write(
        &self,
        header: RunHeader,
        fetched: &[Fetched],
        rank: impl Fn(&DocumentName) -> usize,
    ) -> Result<(Manifest, u64), ArchiveError> {
        let mut known = self.bodies_before(header.observed_at)?;
        let pack_name = format!("{}/{}.pack", header.observed_at.format("%Y/%m/%d"), header.run_id);
        let mut pack = PackWriter::new(pack_name);
        let mut order: Vec<&Fetched> = fetched.iter().filter(|one| one.body.is_some()).collect();
        // Similar bodies compress better side by side; the model breaks ties, so that a pair's bodies keep a fixed
        // order.
        order.sort_by_cached_key(|one| {
            let Request { kind, pair, path } = &one.request;
            (rank(kind), pair.as_ref().map(|pair| &pair.model), path)
        });
        let mut locations: HashMap<&str, Location> = HashMap::new();
        for one in order {
            let Some(body) = &one.body else { continue };
            let sha256 = hex_sha256(body);
            if !known.contains_key(&sha256) {
                let location = pack.add(&sha256, body)?;
                known.insert(sha256.clone(), location);
            }
            if let Some(location) = known.get(&sha256) {
                locations.insert(one.request.path.as_str(), location.clone());
            }
        }
        let entry = |one: &Fetched| Entry {
            request: one.request.clone(),
            status: one.status,
            fetched_at: one.fetched_at,
            error: one.error.clone(),
            body: one.body.as_ref().and_then(|_| locations.get(one.request.path.as_str()).cloned()),
        };
        let manifest = Manifest { header, entries: fetched.iter().map(entry).collect() };
        let pack_bytes = pack.finish(&self.dir)?;
        failpoint::reach("archive.pack").map_err(io_error(&self.dir))?;
        let manifest_bytes = self.write_manifest(&manifest)?;
        failpoint::reach("archive.manifest").map_err(io_error(&self.dir))?;
        Ok((manifest, pack_bytes + manifest_bytes))
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<u64, ArchiveError> {
        let path = self.manifest_file(&manifest.header.run_id, manifest.header.observed_at);
        let invalid = |source| ArchiveError::Manifest { path: path.clone(), line: 1, source };
        let mut lines = serde_json::to_vec(&manifest.header).map_err(invalid)?;
        for entry in &manifest.entries {
            lines.push(b'\n');
            serde_json::to_writer(&mut lines, entry).map_err(invalid)?;
        }
        let packed = zstd::encode_all(lines.as_slice(), ZSTD_LEVEL).map_err(io_error(&path))?;
        write_durably(&path, &packed)?;
        Ok(packed.len() as u64)
    }

    /// Paths of the manifests, oldest run first.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn manifests(&self) -> Result<Vec<PathBuf>, ArchiveError> {
        let mut found = files(&self.dir)?;
        found.retain(|path| path.to_string_lossy().ends_with(".manifest.zst"));
        // The path contains the time of the run, so sorting by path sorts by time.
        found.sort();
        Ok(found)
    }

    /// The manifest of a run.
    ///
    /// # Errors
    /// [`ArchiveError`] if it does not exist or cannot be read.
    pub fn manifest(&self, run_id: &str, observed_at: DateTime<Utc>) -> Result<Manifest, ArchiveError> {
        Self::read_manifest(&self.manifest_file(run_id, observed_at))
    }

    fn manifest_file(&self, run_id: &str, observed_at: DateTime<Utc>) -> PathBuf {
        let day = observed_at.format("%Y/%m/%d").to_string();
        self.dir.join(day).join(format!("{run_id}.manifest.zst"))
    }

    /// The fields of a run that an operator accepted by name although their meaning changed.
    ///
    /// # Errors
    /// [`ArchiveError`] if the decision cannot be read.
    pub fn accepted(&self, run_id: &str) -> Result<Vec<String>, ArchiveError> {
        let path = self.decision_file(run_id);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(io_error(&path)(error)),
            Ok(bytes) => serde_json::from_slice::<Decision>(&bytes)
                .map(|decision| decision.fields)
                .map_err(|source| ArchiveError::Manifest { path, line: 1, source }),
        }
    }

    /// Records that an operator accepts fields of a run. The decision is part of the archive, so that a replay repeats
    /// it.
    ///
    /// # Errors
    /// [`ArchiveError`] if it cannot be written.
    pub fn accept(&self, run_id: &str, fields: &[String], at: DateTime<Utc>) -> Result<(), ArchiveError> {
        let mut all = self.accepted(run_id)?;
        all.extend(fields.iter().filter(|field| !all.contains(field)).cloned().collect::<Vec<_>>());
        let path = self.decision_file(run_id);
        let decision = Decision { run_id: run_id.to_owned(), fields: all, accepted_at: at };
        let invalid = |source| ArchiveError::Manifest { path: path.clone(), line: 1, source };
        let text = serde_json::to_vec_pretty(&decision).map_err(invalid)?;
        write_durably(&path, &text)
    }

    fn decision_file(&self, run_id: &str) -> PathBuf {
        self.dir.join("accepted").join(format!("{run_id}.json"))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ArchiveError`] naming the file and the line.
    pub fn read_manifest(path: &Path) -> Result<Manifest, ArchiveError> {
        let file = File::open(path).map_err(io_error(path))?;
        let mut text = String::new();
        zstd::Decoder::new(file)
            .and_then(|mut decoder| decoder.read_to_string(&mut text))
            .map_err(io_error(path))?;
        let mut lines = text.lines().enumerate();
        let wrong =
            |line: usize| move |source| ArchiveError::Manifest { path: path.to_owned(), line, source };
        let (_, first) = lines.next().unwrap_or_default();
        let header = serde_json::from_str(first).map_err(wrong(1))?;
        let entries = lines
            .map(|(number, line)| serde_json::from_str(line).map_err(wrong(number + 1)))
            .collect::<Result<_, _>>()?;
        Ok(Manifest { header, entries })
    }

    /// Reads the bodies of a manifest in its order; `None` for an entry without a body. Each body is checked against
    /// its sha256.
    ///
    /// # Errors
    /// [`ArchiveError`] if a pack is missing, truncated or does not match the manifest.
    pub fn bodies(&self, manifest: &Manifest) -> Result<Vec<Option<Vec<u8>>>, ArchiveError> {
        let mut frames: HashMap<(&str, u64), Vec<u8>> = HashMap::new();
        for location in manifest.entries.iter().filter_map(|entry| entry.body.as_ref()) {
            let key = (location.pack.as_str(), location.frame);
            if let hash_map::Entry::Vacant(place) = frames.entry(key) {
                place.insert(self.read_frame(&location.pack, location.frame)?);
            }
        }
        let body = |entry: &Entry| {
            let Some(location) = &entry.body else { return Ok(None) };
            let frame = frames.get(&(location.pack.as_str(), location.frame)).map_or(&[][..], Vec::as_slice);
            let bytes = frame.get(location.offset..location.offset + location.length).unwrap_or_default();
            if hex_sha256(bytes) == location.sha256 {
                return Ok(Some(bytes.to_vec()));
            }
            Err(ArchiveError::Corrupt {
                path: self.dir.join(&location.pack),
                url: entry.request.path.clone(),
                expected: location.sha256.clone(),
            })
        };
        manifest.entries.iter().map(body).collect()
    }

    fn read_frame(&self, pack: &str, frame: u64) -> Result<Vec<u8>, ArchiveError> {
        let path = self.dir.join(pack);
        let mut file = File::open(&path).map_err(io_error(&path))?;
        file.seek(SeekFrom::Start(frame)).map_err(io_error(&path))?;
        let mut bytes = Vec::with_capacity(FRAME_BYTES);
        zstd::Decoder::new(file)
            .and_then(|decoder| decoder.single_frame().read_to_end(&mut bytes))
            .map_err(io_error(&path))?;
        Ok(bytes)
    }

    /// The bodies that the newest manifest before a time refers to.
    fn bodies_before(&self, time: DateTime<Utc>) -> Result<HashMap<String, Location>, ArchiveError> {
        for path in self.manifests()?.into_iter().rev() {
            let manifest = Self::read_manifest(&path)?;
            if manifest.header.observed_at < time {
                let locations = manifest.entries.into_iter().filter_map(|entry| entry.body);
                return Ok(locations.map(|location| (location.sha256.clone(), location)).collect());
            }
        }
        Ok(HashMap::new())
    }

    /// Bytes on disk of packs and manifests.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn bytes(&self) -> Result<u64, ArchiveError> {
        let bytes = |path: &PathBuf| Ok(path.metadata().map_err(io_error(path))?.len());
        files(&self.dir)?.iter().map(bytes).sum()
    }
}

/// sha256 of a body, hex.
pub fn hex_sha256(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All files below a folder; none if it does not exist.
fn files(dir: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let mut found = Vec::new();
    if !dir.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(dir).map_err(io_error(dir))?.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
    durable::write(path, bytes, |path, source| io_error(path)(source))
}

/// Gathers bodies into frames.
struct PackWriter {
    name: String,
    done: Vec<u8>,
    open: Vec<u8>,
}

impl PackWriter {
    fn new(name: String) -> Self {
        Self { name, done: Vec::new(), open: Vec::new() }
    }

    fn add(&mut self, sha256: &str, body: &[u8]) -> Result<Location, ArchiveError> {
        if !self.open.is_empty() && self.open.len() + body.len() > FRAME_BYTES {
            self.close_frame()?;
        }
        let location = Location {
            sha256: sha256.to_owned(),
            pack: self.name.clone(),
            frame: self.done.len() as u64,
            offset: self.open.len(),
            length: body.len(),
        };
        self.open.extend_from_slice(body);
        Ok(location)
    }

    fn close_frame(&mut self) -> Result<(), ArchiveError> {
        let packed =
            zstd::encode_all(self.open.as_slice(), ZSTD_LEVEL).map_err(io_error(Path::new(&self.name)))?;
        self.done.extend_from_slice(&packed);
        self.open.clear();
        Ok(())
    }

    fn finish(mut self, dir: &Path) -> Result<u64, ArchiveError> {
        if !self.open.is_empty() {
            self.close_frame()?;
        }
        if self.done.is_empty() {
            return Ok(0);
        }
        write_durably(&dir.join(&self.name), &self.done)?;
        Ok(self.done.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(at: &str) -> RunHeader {
        RunHeader {
            run_id: at.replace([':', '-'], ""),
            observed_at: at.parse().expect("a time"),
            upstream: "http://127.0.0.1:1".into(),
            simulated: true,
            version: "test".into(),
            requests: 3,
            duration_ms: 1,
            stopped: None,
            cut_short: None,
            upstream_name: None,
        }
    }

    fn fetched(path: &str, body: &str) -> Fetched {
        Fetched {
            request: Request { kind: DocumentName::new("providers"), pair: None, path: path.into() },
            status: Some(200),
            fetched_at: "2026-08-01T00:00:00Z".parse().expect("a time"),
            error: None,
            body: Some(body.into()),
        }
    }

    #[test]
    fn bodies_come_back_and_the_same_body_is_stored_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let archive = Archive::open(dir.path());
        let first = [fetched("/a", "one"), fetched("/b", "two")];
        let (manifest, _) = archive.write(header("2026-08-01T00:00:00Z"), &first, |_| 0).expect("written");
        let second = [fetched("/a", "one"), fetched("/b", "three")];
        let (later, _) = archive.write(header("2026-08-01T01:00:00Z"), &second, |_| 0).expect("written");
        let pack_of =
            |manifest: &Manifest, n: usize| manifest.entries[n].body.as_ref().map(|b| b.pack.clone());
        assert_eq!(pack_of(&later, 0), pack_of(&manifest, 0));
        assert_ne!(pack_of(&later, 1), pack_of(&manifest, 1));
        let read = Archive::read_manifest(&archive.manifests().expect("listed")[1]).expect("read");
        assert_eq!(read, later);
        let bodies = archive.bodies(&read).expect("read");
        assert_eq!(bodies, [Some(b"one".to_vec()), Some(b"three".to_vec())]);
    }

    #[test]
    fn a_changed_pack_is_noticed() {
        let dir = tempfile::tempdir().expect("a folder");
        let archive = Archive::open(dir.path());
        let (mut manifest, _) =
            archive.write(header("2026-08-01T00:00:00Z"), &[fetched("/a", "one")], |_| 0).expect("written");
        manifest.entries[0].body.as_mut().expect("a body").sha256 = "0".repeat(64);
        assert!(matches!(archive.bodies(&manifest), Err(ArchiveError::Corrupt { .. })));
    }
}
