//! Whether the archive is whole: each manifest can be read, and each body has the digest that its manifest states.

use super::Finding;
use crate::archive::{Archive, ArchiveError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Runs that a check reads if not all are requested: the newest ones, and as many spread over the rest.
const NEWEST: usize = 24;
/// Problems that a finding names.
const NAMED: usize = 3;

/// The archive of a data folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archived {
    /// Ids of all archived runs.
    pub run_ids: BTreeSet<String>,
    /// Runs that were read.
    pub read: usize,
    /// Bodies whose digest was compared.
    pub bodies: usize,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
}

impl Archived {
    /// Lists the runs of an archive without reading them.
    ///
    /// # Errors
    /// [`ArchiveError`] if the folder cannot be read.
    pub fn list(archive: &Archive) -> Result<BTreeSet<String>, ArchiveError> {
        Ok(archive.manifests()?.iter().map(|path| run_id(path)).collect())
    }

    /// Reads all runs of an archive, or a sample of them. `on_progress(done, total)` is called with the number of runs.
    ///
    /// # Errors
    /// [`ArchiveError`] if the folder cannot be read.
    pub fn read(
        archive: &Archive,
        all: bool,
        on_progress: impl Fn(usize, usize),
    ) -> Result<Self, ArchiveError> {
        let manifests = archive.manifests()?;
        let chosen = if all { manifests.clone() } else { sample(&manifests) };
        let run_ids = manifests.iter().map(|path| run_id(path)).collect();
        let mut found = Self { run_ids, read: chosen.len(), ..Self::default() };
        for (position, path) in chosen.iter().enumerate() {
            let bodies = Archive::read_manifest(path).and_then(|manifest| archive.bodies(&manifest));
            match bodies {
                Ok(bodies) => found.bodies += bodies.iter().flatten().count(),
                Err(error) => found.problems.push(format!("run {}: {error}", run_id(path))),
            }
            on_progress(position + 1, chosen.len());
        }
        Ok(found)
    }
}

/// Whether the archive of `what` is whole.
pub fn archive(what: &'static str, archived: &Archived) -> Finding {
    let all = archived.run_ids.len();
    let of = if archived.read == all {
        format!("all {all} archived runs")
    } else {
        format!("{} of {all} archived runs (`--all` reads every run)", archived.read)
    };
    if archived.problems.is_empty() {
        return Finding::ok(what, format!("{of} are whole: {} bodies match their digests", archived.bodies));
    }
    let named = archived.problems.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    let more = archived.problems.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Finding::failed(
        what,
        format!("{} of {of} cannot be read: {named}{more}", archived.problems.len()),
        "copy the named files from a backup (`hitrate backup verify` shows whether it is whole); the record keeps its numbers, \
         but a replay sets these runs aside",
    )
}

/// The newest runs, and as many spread evenly over the older ones.
fn sample(manifests: &[PathBuf]) -> Vec<PathBuf> {
    let (older, newest) = manifests.split_at(manifests.len().saturating_sub(NEWEST));
    let step = older.len().div_ceil(NEWEST).max(1);
    older.iter().step_by(step).chain(newest).cloned().collect()
}

/// The id of a run, from the name of its manifest.
fn run_id(manifest: &Path) -> String {
    let name = manifest.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}
