//! The archived runs whose content cannot be stored, so that they are not tried again at every start. The list is only a
//! memory: without it, each of them is tried once more.

use super::DataDir;
use crate::durable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// The refused runs by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused(BTreeMap<String, Refusal>);

/// Why a run was refused, and of what: another version of the program or another manifest is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refusal {
    reason: String,
    version: String,
    bytes: u64,
    modified_ms: u128,
}

impl Refused {
    /// Reads the list of a data folder; empty if there is none or it cannot be read.
    pub fn load(data: &DataDir) -> Self {
        let read = std::fs::read(data.refused()).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Number of runs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this version refused this manifest of a run.
    pub fn holds(&self, run_id: &str, manifest: &Path) -> bool {
        let (bytes, modified_ms) = state_of(manifest);
        self.0.get(run_id).is_some_and(|one| {
            one.version == env!("CARGO_PKG_VERSION") && (one.bytes, one.modified_ms) == (bytes, modified_ms)
        })
    }

    /// Adds a run to the list of a data folder. A failure is logged: the run is then tried again at the next start.
    pub fn add(data: &DataDir, run_id: &str, manifest: &Path, reason: &str) {
        let mut all = Self::load(data);
        let (bytes, modified_ms) = state_of(manifest);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        all.0.insert(run_id.to_owned(), Refusal { reason: reason.to_owned(), version, bytes, modified_ms });
        all.save(data);
    }

    /// Removes the runs that are stored now.
    pub fn forget(data: &DataDir, stored: impl Fn(&str) -> bool) {
        let mut all = Self::load(data);
        let before = all.len();
        all.0.retain(|run_id, _| !stored(run_id));
        if all.len() < before {
            all.save(data);
        }
    }

    fn save(&self, data: &DataDir) {
        let path = data.refused();
        let written = serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::from)
            .and_then(|text| durable::write(&path, &text, |_, error| error));
        if let Err(error) = written {
            tracing::warn!(file = %path.display(), %error, "cannot write the list of refused runs");
        }
    }
}

/// Size and time of the last change of a file.
fn state_of(file: &Path) -> (u64, u128) {
    let Ok(found) = std::fs::metadata(file) else { return (0, 0) };
    let modified = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (found.len(), modified.map_or(0, |since| since.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_remembered_until_its_manifest_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path());
        let manifest = folder.path().join("a.manifest.zst");
        std::fs::write(&manifest, b"one").expect("written");
        assert!(!Refused::load(&data).holds("a", &manifest));
        Refused::add(&data, "a", &manifest, "out of range");
        assert!(Refused::load(&data).holds("a", &manifest));
        assert!(!Refused::load(&data).holds("b", &manifest));
        std::fs::write(&manifest, b"another").expect("written");
        assert!(!Refused::load(&data).holds("a", &manifest));
        Refused::forget(&data, |run_id| run_id == "a");
        assert_eq!(Refused::load(&data).len(), 0);
        std::fs::write(data.refused(), b"{").expect("written");
        assert_eq!(Refused::load(&data), Refused::default());
    }
}
