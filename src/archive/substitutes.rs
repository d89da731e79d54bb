//! Where else the bodies of lost packs are: after a loss, the next run that receives the same body stores it again.

use super::manifest::{Location, Manifest};
use std::collections::{HashMap, HashSet};

/// The places, outside of some unreadable packs, of the bodies that these packs had.
#[derive(Debug, Default)]
pub(super) struct Substitutes {
    /// The unreadable packs.
    pub packs: HashSet<String>,
    /// The places by sha256.
    places: HashMap<String, Vec<Location>>,
}

impl Substitutes {
    /// Finds them in manifests, which are read twice: `manifests` is called for each pass.
    pub fn find<I: Iterator<Item = Manifest>>(packs: HashSet<String>, manifests: impl Fn() -> I) -> Self {
        let locations = || manifests().flat_map(|one| one.entries).filter_map(|entry| entry.body);
        let lost: HashSet<String> =
            locations().filter(|location| packs.contains(&location.pack)).map(|one| one.sha256).collect();
        let mut places: HashMap<String, Vec<Location>> = HashMap::new();
        for location in locations().filter(|one| lost.contains(&one.sha256) && !packs.contains(&one.pack)) {
            let known = places.entry(location.sha256.clone()).or_default();
            if !known.contains(&location) {
                known.push(location);
            }
        }
        Self { packs, places }
    }

    /// The other places of a body.
    pub fn of(&self, sha256: &str) -> &[Location] {
        self.places.get(sha256).map_or(&[], Vec::as_slice)
    }
}
