//! Writing a run: the pack, then the manifest.

use super::manifest::{Entry, Location, Manifest, RunHeader};
use super::pack::{self, PackWriter};
use super::shared::{Problem, Stamp};
use super::{Archive, ArchiveError, day_of, hex_sha256, io_error, run_id_of, write_durably};
use crate::domain::document::Request;
use crate::domain::ids::DocumentName;
use crate::failpoint;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

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

impl Archive {
    /// Writes a run: the pack, then the manifest, each flushed to disk and renamed into place, so that a manifest never
    /// names a body that is not there. A run that is collected again gets another pack, and its manifest replaces the old one
    /// in one step. `rank` is the place of a kind of documents in the pack. Returns the manifest and the bytes written.
    ///
    /// A manifest or a pack of an earlier run that cannot be read is logged and not referred to: the bodies are then stored
    /// again.
    ///
    /// # Errors
    /// [`ArchiveError`] if the folder cannot be written.
    pub fn write(
        &self,
        header: RunHeader,
        fetched: &[Fetched],
        rank: impl Fn(&DocumentName) -> usize,
    ) -> Result<(Manifest, u64), ArchiveError> {
        self.look_for_repairs();
        let digests: Vec<Option<String>> =
            fetched.iter().map(|one| one.body.as_deref().map(hex_sha256)).collect();
        let wanted: HashSet<&str> = digests.iter().flatten().map(String::as_str).collect();
        let mut known = self.bodies_before(header.observed_at);
        known.retain(|sha256, _| wanted.contains(sha256.as_str()));
        self.keep_intact(&mut known);
        let name = format!("{}/{}", day_of(header.observed_at), header.run_id);
        let mut order: Vec<(&Fetched, &str)> = fetched
            .iter()
            .zip(&digests)
            .filter_map(|(one, digest)| Some((one, digest.as_deref()?)))
            .collect();
        // Similar bodies compress better side by side; the model breaks ties, so that a pair's bodies keep a fixed
        // order.
        order.sort_by_cached_key(|(one, _)| {
            let Request { kind, pair, path } = &one.request;
            (rank(kind), pair.as_ref().map(|pair| &pair.model), path)
        });
        let mut writer = PackWriter::default();
        let mut added = HashMap::new();
        for (one, sha256) in order {
            if let Some(body) = one.body.as_ref().filter(|_| !known.contains_key(sha256)) {
                let location = writer.add(sha256, body).map_err(io_error(&self.dir.join(&name)))?;
                known.insert(sha256.to_owned(), location.clone());
                added.insert(sha256.to_owned(), location);
            }
        }
        let content = writer.finish().map_err(io_error(&self.dir.join(&name)))?;
        if !content.is_empty() {
            let pack = pack::store(&self.dir, &name, &content)?;
            for sha256 in added.into_keys() {
                known.entry(sha256).and_modify(|location| location.pack.clone_from(&pack));
            }
            // Bodies of packs that are lost may now be in this one.
            *self.shared.substitutes() = None;
            failpoint::reach("archive.pack").map_err(io_error(&self.dir.join(&pack)))?;
        }
        let entry = |(one, digest): (&Fetched, &Option<String>)| Entry {
            request: one.request.clone(),
            status: one.status,
            fetched_at: one.fetched_at,
            error: one.error.clone(),
            body: digest.as_ref().and_then(|sha256| known.get(sha256).cloned()),
        };
        let manifest = Manifest { entries: fetched.iter().zip(&digests).map(entry).collect(), header };
        let manifest_bytes = self.write_manifest(&manifest)?;
        Ok((manifest, content.len() as u64 + manifest_bytes))
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<u64, ArchiveError> {
        let path = self.manifest_file(&manifest.header.run_id, manifest.header.observed_at);
        let content = manifest.encode(&path)?;
        if path.exists() {
            // The manifest of an earlier attempt is replaced, but nothing damaged is overwritten.
            self.set_aside_if_damaged(&path, manifest.header.observed_at);
        }
        write_durably(&path, &content)?;
        failpoint::reach("archive.manifest").map_err(io_error(&path))?;
        Ok(content.len() as u64)
    }

    /// The bodies that the newest readable manifest before a time refers to; none if the folder cannot be listed. Newer
    /// manifests that are damaged are set aside.
    fn bodies_before(&self, time: DateTime<Utc>) -> HashMap<String, Location> {
        let manifests = self.manifests().unwrap_or_else(|error| {
            tracing::error!(%error, "cannot list the archive; storing every body of this run again");
            Vec::new()
        });
        for path in manifests.into_iter().rev() {
            match Self::read_manifest(&path) {
                Ok(manifest) if manifest.header.observed_at < time => {
                    let locations = manifest.entries.into_iter().filter_map(|entry| entry.body);
                    return locations.map(|location| (location.sha256.clone(), location)).collect();
                }
                Ok(_) => {}
                Err(error) => drop(self.set_aside(&path, &error, time)),
            }
        }
        HashMap::new()
    }

    /// Drops the problems of files that were repaired since: manifests that can be read, and packs that hold the bodies that
    /// they lacked.
    fn look_for_repairs(&self) {
        for (path, noted) in self.shared.noted() {
            let mut frames: BTreeMap<u64, Vec<&Location>> = BTreeMap::new();
            for location in &noted.lost {
                frames.entry(location.frame).or_default().push(location);
            }
            let holds = |(frame, locations): (&u64, &Vec<&Location>)| {
                let end = locations.iter().map(|location| location.end()).max().unwrap_or_default();
                let content = pack::read_frame(&path, *frame, end);
                content.is_ok_and(|content| {
                    locations.iter().all(|location| pack::body_in(&content, location).is_some())
                })
            };
            let is_repaired =
                if frames.is_empty() { Self::read_manifest(&path).is_ok() } else { frames.iter().all(holds) };
            if is_repaired {
                self.shared.repaired(&path);
            }
        }
    }

    /// Removes the locations whose pack does not hold the body. Each body is read once in a process, and again only if its
    /// pack has changed since.
    fn keep_intact(&self, known: &mut HashMap<String, Location>) {
        let mut checked = self.shared.checked();
        let mut packs: HashMap<&str, Option<Stamp>> = HashMap::new();
        let mut left: BTreeMap<(&str, u64), Vec<&Location>> = BTreeMap::new();
        let mut intact: HashMap<Location, Stamp> = HashMap::new();
        for location in known.values() {
            let stamp =
                packs.entry(&location.pack).or_insert_with(|| stamp_of(&self.dir.join(&location.pack)));
            match stamp {
                Some(stamp) if checked.get(location) == Some(stamp) => {
                    intact.insert(location.clone(), *stamp);
                }
                _ => left.entry((&location.pack, location.frame)).or_default().push(location),
            }
        }
        for ((pack, frame), locations) in left {
            let path = self.dir.join(pack);
            let end = locations.iter().map(|location| location.end()).max().unwrap_or_default();
            let content = pack::read_frame(&path, frame, end);
            let stamp = packs.get(pack).copied().flatten();
            let (content, what) = match content {
                Ok(content) => (content, "some of its bodies do not have their sha256".to_owned()),
                Err(error) => (Vec::new(), error.to_string()),
            };
            for location in locations {
                match (pack::body_in(&content, location), stamp) {
                    (Some(_), Some(stamp)) => drop(intact.insert(location.clone(), stamp)),
                    _ => {
                        let problem = Problem {
                            path: path.clone(),
                            run_ids: vec![run_id_of(&path)],
                            what: format!("{what}; bodies that the upstream still sends are stored again"),
                            is_loss: true,
                        };
                        self.shared.note(problem, Some(location.clone()));
                    }
                }
            }
        }
        // Only what this run refers to can be referred to by the next one.
        *checked = intact;
        let checked = &*checked;
        known.retain(|_, location| checked.contains_key(location));
    }
}

/// The state of a pack; `None` if it is missing.
fn stamp_of(pack: &Path) -> Option<Stamp> {
    let file = pack.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((file.len(), file.modified().ok()))
}
