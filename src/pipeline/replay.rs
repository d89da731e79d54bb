//! Rebuilding from the archive: the same code on the same bodies gives the same record. A run that cannot be read or
//! stored is set aside by name, and the rest goes on.

use super::panics::caught;
use super::{Pipeline, PipelineError, collect};
use crate::archive::Archive;
use crate::domain::reading::{RunReadings, is_accepted};
use crate::store::RunRecord;
use serde::Serialize;
use std::path::Path;

/// How many runs one line of the log names.
const NAMED_RUNS: usize = 20;

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// Runs in the archive.
    pub runs: usize,
    /// Those that were stored.
    pub stored: usize,
    /// Endpoints' readings stored.
    pub readings: usize,
    /// Runs that could not be read from the archive or could not be stored.
    pub set_aside: Vec<SetAside>,
    /// Id of the snapshot that was published.
    pub snapshot: Option<String>,
}

/// An archived run that is not in the record, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// Id of the run.
    pub run_id: String,
    /// Its manifest.
    pub file: String,
    /// What the archive, the decoder or the store said.
    pub reason: String,
}

/// What became of an archived run.
type Outcome = Result<(RunReadings, RunRecord), SetAside>;

impl Pipeline {
    /// Rebuilds the store from an archive, run by run in order of time, then publishes. `on_progress` is told how many
    /// of how many runs are done.
    ///
    /// # Errors
    /// [`PipelineError`] where the archive's folder cannot be read, where the store is locked, full or otherwise unable
    /// to take any run, and where the result cannot be published. A single run that cannot be read or stored is no
    /// error: the report names it.
    pub fn replay(
        &self,
        archive: &Archive,
        mut on_progress: impl FnMut(usize, usize),
    ) -> Result<ReplayReport, PipelineError> {
        let _alone = self.record_alone();
        let manifests = archive.manifests()?;
        let mut report = ReplayReport {
            runs: manifests.len(),
            stored: 0,
            readings: 0,
            set_aside: Vec::new(),
            snapshot: None,
        };
        for (position, path) in manifests.iter().enumerate() {
            match self.store_archived(archive, path)? {
                Ok((run, record)) if is_accepted(&record.status) => {
                    report.stored += 1;
                    report.readings += run.readings.len();
                }
                Ok(_) => {}
                Err(aside) => report.set_aside.push(aside),
            }
            on_progress(position + 1, manifests.len());
        }
        if report.stored > 0 {
            report.snapshot = Some(self.publish()?.id.clone());
        }
        Ok(report)
    }

    /// Stores the runs that are archived and newer than the newest stored one; the caller records alone. Older ones that are not stored are only
    /// named: history is a sequence of changes, so a run cannot be inserted into it later.
    ///
    /// # Errors
    /// As [`Pipeline::replay`].
    pub(super) fn recover(&self) -> Result<(), PipelineError> {
        let newest = self.store.newest_time()?.map(collect::run_id);
        let known = self.store.run_ids()?;
        let mut late = Vec::new();
        for path in self.archive.manifests()? {
            let run_id = run_id(&path);
            if known.contains(&run_id) {
                continue;
            }
            // Ids are times: their order is that of the runs.
            if newest.as_ref().is_some_and(|newest| run_id <= *newest) {
                late.push(run_id);
                continue;
            }
            tracing::warn!(run_id, "archived but not stored: storing it now");
            // What cannot be stored is in the log by now, and the next run is as good as any other.
            drop(self.store_archived(&self.archive, &path)?);
        }
        if !late.is_empty() {
            let named = late[..late.len().min(NAMED_RUNS)].join(", ");
            tracing::warn!(
                runs = late.len(),
                "archived runs older than the newest stored one are not in the record ({named}); \
                 `hitrate replay --into DIR` rebuilds it with them"
            );
        }
        Ok(())
    }

    /// Reads a run from the archive and stores it. A run that cannot be read, that the store refuses or that ends in a
    /// panic is set aside.
    fn store_archived(&self, archive: &Archive, path: &Path) -> Result<Outcome, PipelineError> {
        let stored = caught(|| {
            let manifest = Archive::read_manifest(path)?;
            let bodies = archive.bodies(&manifest)?;
            self.store_run(archive, &manifest, &bodies)
        });
        let reason = match stored {
            Ok(Ok(stored)) => return Ok(Ok(stored)),
            Ok(Err(error)) if !concerns_one_run(&error) => return Err(error),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic,
        };
        let aside = SetAside { run_id: run_id(path), file: path.display().to_string(), reason };
        let SetAside { run_id, file, reason } = &aside;
        tracing::error!(run_id, file, reason, "this archived run is set aside");
        Ok(Err(aside))
    }
}

/// Whether an error is about one run: another run may well be stored. A locked store or a full disk is not.
fn concerns_one_run(error: &PipelineError) -> bool {
    match error {
        PipelineError::Archive(_) => true,
        PipelineError::Store(error) => error.concerns_content(),
        _ => false,
    }
}

/// The id of the run that a manifest is of, from its file name: it is known even if the file cannot be read.
fn run_id(manifest: &Path) -> String {
    let name = manifest.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}
