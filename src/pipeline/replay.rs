//! Rebuilding from the archive: the same code on the same bodies gives the same record.

use super::{Pipeline, PipelineError};
use crate::archive::Archive;
use crate::domain::reading::is_accepted;
use serde::Serialize;

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// Runs in the archive.
    pub runs: usize,
    /// Those that were stored.
    pub stored: usize,
    /// Endpoints' readings stored.
    pub readings: usize,
    /// Id of the snapshot that was published.
    pub snapshot: Option<String>,
}

impl Pipeline {
    /// Rebuilds the store from an archive, run by run in order of time, then publishes. `on_progress` is told how many
    /// of how many runs are done.
    ///
    /// # Errors
    /// [`PipelineError`]: the first run that cannot be read stops the replay, naming its file.
    pub fn replay(
        &self,
        archive: &Archive,
        mut on_progress: impl FnMut(usize, usize),
    ) -> Result<ReplayReport, PipelineError> {
        let manifests = archive.manifests()?;
        let mut report = ReplayReport { runs: manifests.len(), stored: 0, readings: 0, snapshot: None };
        for (position, path) in manifests.iter().enumerate() {
            let manifest = Archive::read_manifest(path)?;
            let bodies = archive.bodies(&manifest)?;
            let (run, record) = self.store_run(archive, &manifest, &bodies)?;
            if is_accepted(&record.status) {
                report.stored += 1;
                report.readings += run.readings.len();
            }
            on_progress(position + 1, manifests.len());
        }
        if report.stored > 0 {
            report.snapshot = Some(self.publish()?.id.clone());
        }
        Ok(report)
    }

    /// Stores the runs that are archived and newer than the newest stored one.
    pub(super) fn recover(&self) -> Result<(), PipelineError> {
        let newest = self.store.newest_time()?;
        let mut pending = Vec::new();
        // Newest first: the first one that is known ends the search.
        for path in self.archive.manifests()?.into_iter().rev() {
            let manifest = Archive::read_manifest(&path)?;
            if newest.is_some_and(|newest| manifest.header.observed_at <= newest) {
                break;
            }
            pending.push(manifest);
        }
        for manifest in pending.into_iter().rev() {
            tracing::warn!(run_id = manifest.header.run_id, "archived but not stored: storing it now");
            let bodies = self.archive.bodies(&manifest)?;
            self.store_run(&self.archive, &manifest, &bodies)?;
        }
        Ok(())
    }
}
