//! Checking everything that the archive has.

use super::manifest::{Location, Manifest};
use super::shared::Problem;
use super::{Archive, ArchiveError, files, pack, run_id_of, size};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Runs of a sample: the newest ones, and as many spread evenly over the older ones.
const SAMPLE: usize = 24;

/// The runs that [`Archive::verify`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// The newest 24, and up to 24 spread evenly over the older ones.
    Sample,
}

impl Scope {
    /// The manifests that are read, of all manifests from the oldest to the newest.
    fn of(self, manifests: &[PathBuf]) -> Vec<&PathBuf> {
        match self {
            Self::All => manifests.iter().collect(),
            Self::Sample => {
                let (older, newest) = manifests.split_at(manifests.len().saturating_sub(SAMPLE));
                let step = older.len().div_ceil(SAMPLE).max(1);
                older.iter().step_by(step).chain(newest).collect()
            }
        }
    }
}

/// Result of [`Archive::verify`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Manifests, those that cannot be read included.
    pub manifests: usize,
    /// Those of them that were read.
    pub read: usize,
    /// Manifests of older versions among those that were read, which have no digest: damage that leaves them readable is not found.
    pub without_digest: usize,
    /// Packs.
    pub packs: usize,
    /// Packs that no manifest refers to: the process ended between a pack and its manifest. They do no harm. Null if not
    /// every manifest was read.
    pub unreferenced: Option<usize>,
    /// Bodies that were read and have their sha256; a body that several runs share counts once.
    pub bodies: usize,
    /// Size of all files, bytes.
    pub bytes: u64,
    /// Files that are missing, damaged or unreadable, by path.
    pub problems: Vec<Problem>,
}

/// The bodies of a pack that cannot be read.
#[derive(Debug, Default)]
struct Lost {
    run_ids: BTreeSet<String>,
    sha256: BTreeSet<String>,
    reason: String,
}

/// A check in progress.
#[derive(Debug, Default)]
struct Check {
    verified: Verified,
    referenced: HashSet<String>,
    lost: BTreeMap<String, Lost>,
    /// The locations of the last manifest, and whether each holds its body. Most bodies of the next one are there.
    last: BTreeMap<(String, u64, usize), (Location, bool)>,
}

impl Archive {
    /// Reads the manifests of a scope, every body that they refer to and every decision of an operator, and compares them
    /// with their checksums. Memory does not grow with the number of runs. `progress(done, total)` is called with the number
    /// of manifests. Runs can be archived meanwhile.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] if the folder cannot be listed. Everything else is a problem of the result.
    pub fn verify(
        &self,
        scope: Scope,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Verified, ArchiveError> {
        let manifests = self.manifests()?;
        let read = scope.of(&manifests);
        let mut check = Check::default();
        (check.verified.manifests, check.verified.read) = (manifests.len(), read.len());
        for (position, path) in read.iter().enumerate() {
            match Manifest::read(path) {
                Ok((manifest, has_digest)) => {
                    check.verified.without_digest += usize::from(!has_digest);
                    let named = run_id_of(path);
                    if manifest.header.run_id != named {
                        let what = format!("it is the manifest of run {}", manifest.header.run_id);
                        check.verified.problems.push(problem(path, [named], what, true));
                    }
                    self.check_bodies(&manifest, &mut check);
                }
                Err(error) => check.verified.problems.push(Problem::of_manifest(path, &error)),
            }
            progress(position + 1, read.len());
        }
        self.check_files(scope, &mut check)?;
        let Check { mut verified, lost, .. } = check;
        verified.problems.extend(lost.into_iter().map(|(pack, lost)| self.lost(&pack, lost)));
        verified.problems.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(verified)
    }

    /// Checks the bodies of a manifest, except those that the last manifest had at the same place.
    fn check_bodies(&self, manifest: &Manifest, check: &mut Check) {
        let last = std::mem::take(&mut check.last);
        let mut left: BTreeMap<(&str, u64), Vec<&Location>> = BTreeMap::new();
        for location in manifest.entries.iter().filter_map(|entry| entry.body.as_ref()) {
            let key = (location.pack.clone(), location.frame, location.offset);
            match last.get(&key).filter(|(known, _)| known == location) {
                Some((known, holds)) => {
                    if !holds {
                        let lost = check.lost.entry(known.pack.clone()).or_default();
                        lost.run_ids.insert(manifest.header.run_id.clone());
                    }
                    check.last.insert(key, (known.clone(), *holds));
                }
                None => left.entry((&location.pack, location.frame)).or_default().push(location),
            }
        }
        for ((pack, frame), locations) in left {
            check.referenced.insert(pack.to_owned());
            let end = locations.iter().map(|location| location.end()).max().unwrap_or_default();
            let (content, reason) = match pack::read_frame(&self.dir.join(pack), frame, end) {
                Ok(content) => (content, "the bodies do not have their sha256".to_owned()),
                Err(error) => (Vec::new(), error.to_string()),
            };
            for location in locations {
                let holds = pack::body_in(&content, location).is_some();
                let key = (location.pack.clone(), location.frame, location.offset);
                if check.last.insert(key, (location.clone(), holds)).is_none() {
                    check.verified.bodies += usize::from(holds);
                }
                if !holds {
                    let lost = check.lost.entry(pack.to_owned()).or_default();
                    lost.run_ids.insert(manifest.header.run_id.clone());
                    lost.sha256.insert(location.sha256.clone());
                    lost.reason.clone_from(&reason);
                }
            }
        }
    }

    /// Checks the decisions, and counts files and what is left of damaged ones.
    fn check_files(&self, scope: Scope, check: &mut Check) -> Result<(), ArchiveError> {
        let mut unreferenced = 0;
        for path in files(&self.dir)? {
            if path.is_symlink() && path.is_dir() {
                let what =
                    "it is a link to a folder, which is not followed; move the folder itself here".to_owned();
                check.verified.problems.push(problem(&path, [], what, true));
                continue;
            }
            check.verified.bytes += size(&path)?;
            let name = path.strip_prefix(&self.dir).unwrap_or(&path).to_string_lossy().into_owned();
            if name.ends_with(".pack") {
                check.verified.packs += 1;
                unreferenced += usize::from(!check.referenced.contains(&name));
            } else if name.ends_with(".json")
                && let Err(error) = self.accepted(&run_id_of(&path))
            {
                check.verified.problems.push(problem(&path, [run_id_of(&path)], error.to_string(), true));
            }
        }
        check.verified.unreferenced = (scope == Scope::All).then_some(unreferenced);
        for (place, aside) in self.set_aside_before()? {
            let what = format!(
                "it was damaged and is kept as `{}`; restore it from a backup",
                aside.file_name().unwrap_or_default().to_string_lossy()
            );
            check.verified.problems.push(problem(&place, [run_id_of(&place)], what, true));
        }
        Ok(())
    }

    /// The problem of a pack that lacks bodies.
    fn lost(&self, pack: &str, lost: Lost) -> Problem {
        let Lost { run_ids, sha256, reason } = lost;
        let (mut elsewhere, bodies) = (0, sha256.len());
        let substitutes = self.substitutes(pack);
        for sha256 in &sha256 {
            let holds = |place: &Location| {
                let content = pack::read_frame(&self.dir.join(&place.pack), place.frame, place.end());
                content.is_ok_and(|content| pack::body_in(&content, place).is_some())
            };
            elsewhere += usize::from(substitutes.of(sha256).iter().any(holds));
        }
        let missing = bodies - elsewhere;
        let consequence = match missing {
            0 => "other packs have all of them, so nothing is lost".to_owned(),
            _ => format!("no other pack has {missing} of them, so these runs cannot be replayed"),
        };
        let what = format!("{bodies} of its bodies cannot be read ({reason}); {consequence}");
        problem(&self.dir.join(pack), run_ids, what, missing > 0)
    }
}

fn problem(path: &Path, run_ids: impl IntoIterator<Item = String>, what: String, is_loss: bool) -> Problem {
    Problem { path: PathBuf::from(path), run_ids: run_ids.into_iter().collect(), what, is_loss }
}
