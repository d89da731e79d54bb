//! Reading the bodies of a run.

use super::manifest::{Location, Manifest};
use super::substitutes::Substitutes;
use super::{Archive, ArchiveError, pack};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Uncompressed frames by pack and offset; `None` for a frame that cannot be read.
type Frames = HashMap<(String, u64), Option<Vec<u8>>>;

impl Archive {
    /// Reads the bodies of a manifest in its order; `None` for an entry without a body. Each body is checked against
    /// its sha256. A body that its pack no longer holds is read from another pack, if one has it.
    ///
    /// # Errors
    /// [`ArchiveError`] if a body is lost: its pack is missing, truncated or does not match the manifest.
    pub fn bodies(&self, manifest: &Manifest) -> Result<Vec<Option<Vec<u8>>>, ArchiveError> {
        let mut frames: BTreeMap<(&str, u64), Vec<(usize, &Location)>> = BTreeMap::new();
        for (position, entry) in manifest.entries.iter().enumerate() {
            if let Some(location) = &entry.body {
                frames.entry((&location.pack, location.frame)).or_default().push((position, location));
            }
        }
        let mut bodies = vec![None; manifest.entries.len()];
        let mut others = Frames::new();
        for ((pack, frame), wanted) in frames {
            let path = self.dir.join(pack);
            let end = wanted.iter().map(|(_, location)| location.end()).max().unwrap_or_default();
            let (content, mut failed) = match pack::read_frame(&path, frame, end) {
                Ok(content) => (content, None),
                Err(error) => (Vec::new(), Some(error)),
            };
            for (position, location) in wanted {
                let body = match pack::body_in(&content, location).map(<[u8]>::to_vec) {
                    None => self.body_elsewhere(location, &mut others),
                    found => found,
                };
                if body.is_none() {
                    let url = manifest.entries[position].request.path.clone();
                    let expected = location.sha256.clone();
                    return Err(failed.take().unwrap_or(ArchiveError::Corrupt { path, url, expected }));
                }
                bodies[position] = body;
            }
        }
        Ok(bodies)
    }

    /// The manifests that cannot be read, or whose bodies cannot, with the reason. Reads the whole archive.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be read.
    pub fn unreadable(&self) -> Result<Vec<(PathBuf, ArchiveError)>, ArchiveError> {
        let unreadable = |path: PathBuf| {
            let read = Self::read_manifest(&path).and_then(|manifest| self.bodies(&manifest));
            read.err().map(|error| (path, error))
        };
        Ok(self.manifests()?.into_iter().filter_map(unreadable).collect())
    }

    /// The body of a location whose pack cannot be read, from another pack.
    fn body_elsewhere(&self, lost: &Location, frames: &mut Frames) -> Option<Vec<u8>> {
        let substitutes = self.substitutes(&lost.pack);
        substitutes.of(&lost.sha256).iter().find_map(|place| {
            let frame = frames.entry((place.pack.clone(), place.frame)).or_insert_with(|| {
                pack::read_frame(&self.dir.join(&place.pack), place.frame, usize::MAX).ok()
            });
            pack::body_in(frame.as_deref()?, place).map(<[u8]>::to_vec)
        })
    }

    /// Where else the bodies of a pack are that cannot be read.
    pub(super) fn substitutes(&self, pack: &str) -> Arc<Substitutes> {
        let mut found = self.shared.substitutes();
        if let Some(substitutes) = found.as_ref().filter(|substitutes| substitutes.packs.contains(pack)) {
            return substitutes.clone();
        }
        let path = self.dir.join(pack);
        tracing::warn!(path = %path.display(), "looking for the bodies of this pack in other packs");
        let paths = self.manifests().unwrap_or_default();
        let manifests = || paths.iter().filter_map(|path| Self::read_manifest(path).ok());
        let mut lost = found.as_ref().map(|substitutes| substitutes.packs.clone()).unwrap_or_default();
        lost.insert(pack.to_owned());
        // All that are missing at once: each search reads every manifest.
        let named: HashSet<String> =
            manifests().flat_map(|one| one.entries).filter_map(|entry| Some(entry.body?.pack)).collect();
        lost.extend(named.into_iter().filter(|pack| !self.dir.join(pack).is_file()));
        let substitutes = Arc::new(Substitutes::find(lost, manifests));
        *found = Some(substitutes.clone());
        substitutes
    }
}
