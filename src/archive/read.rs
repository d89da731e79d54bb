//! Reading the bodies of a run.

use super::manifest::{Location, Manifest};
use super::substitutes::Substitutes;
use super::{Archive, ArchiveError, FRAME_BYTES, pack};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Frames of other packs that are kept while the bodies of a run are read: with [`FRAME_BYTES`] each, 64 MiB.
const MOST_FRAMES: usize = 16;

/// The frames of other packs that were read last.
#[derive(Debug, Default)]
struct Frames(VecDeque<Frame>);

/// A part of a frame, uncompressed; empty if the frame cannot be read.
#[derive(Debug)]
struct Frame {
    pack: String,
    offset: u64,
    /// The number of bytes that were requested.
    limit: usize,
    content: Vec<u8>,
}

impl Frames {
    /// The frame of a location, at least up to the end of its body.
    fn of(&mut self, archive: &Path, location: &Location) -> &[u8] {
        let is_same = |frame: &Frame| (&frame.pack, frame.offset) == (&location.pack, location.frame);
        let known = self.0.iter().position(|frame| is_same(frame) && frame.limit >= location.end());
        let position = known.unwrap_or_else(|| {
            self.0.retain(|frame| !is_same(frame));
            self.0.truncate(MOST_FRAMES - 1);
            // To the end of a usual frame: the next body is probably in it, too.
            let limit = location.end().max(FRAME_BYTES);
            let content = pack::read_frame(&archive.join(&location.pack), location.frame, limit);
            self.0.push_front(Frame {
                pack: location.pack.clone(),
                offset: location.frame,
                limit,
                content: content.unwrap_or_default(),
            });
            0
        });
        &self.0[position].content
    }
}

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
        let mut others = Frames::default();
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
        substitutes
            .of(&lost.sha256)
            .iter()
            .find_map(|place| pack::body_in(frames.of(&self.dir, place), place).map(<[u8]>::to_vec))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_other_packs_are_read_once_and_few_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |number: usize, length: usize| Location {
            sha256: String::new(),
            pack: format!("{number}.pack"),
            frame: 0,
            offset: 0,
            length,
        };
        for number in 0..MOST_FRAMES + 3 {
            let content = zstd::encode_all(&vec![7_u8; 2 * FRAME_BYTES][..], 3).expect("packed");
            std::fs::write(folder.path().join(format!("{number}.pack")), content).expect("written");
        }
        let mut frames = Frames::default();
        for number in 0..MOST_FRAMES + 3 {
            assert_eq!(frames.of(folder.path(), &at(number, 3)).len(), FRAME_BYTES, "{number}");
        }
        assert_eq!(frames.0.len(), MOST_FRAMES);
        // The last one is known, even if its file is gone; the first one is not.
        for number in [0, MOST_FRAMES + 2] {
            std::fs::remove_file(folder.path().join(format!("{number}.pack"))).expect("removed");
        }
        assert_eq!(frames.of(folder.path(), &at(MOST_FRAMES + 2, 9)).len(), FRAME_BYTES);
        assert!(frames.of(folder.path(), &at(0, 3)).is_empty());
        // A larger body needs more of its frame.
        assert_eq!(frames.of(folder.path(), &at(5, FRAME_BYTES + 1)).len(), FRAME_BYTES + 1);
        assert_eq!(frames.0.len(), MOST_FRAMES);
    }
}
