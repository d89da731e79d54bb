//! Rebuilds the store from the archive: the same code on the same bodies gives the same record. A run that cannot be
//! read or stored is set aside by name, and the replay continues.

use super::imports::Kept;
use super::rebuild::Rebuild;
use super::refused::Refused;
use super::retention::roll_up;
use super::{DataDir, Pipeline, PipelineError, collect};
use crate::archive::{Archive, ArchiveError, run_id_of as run_id};
use crate::domain::reading::RunReadings;
use crate::failpoint;
use crate::store::{RunRecord, StoreError};
use crate::upstream::caught;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

/// The result of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// Runs in the archive.
    pub runs: usize,
    /// Runs that were stored.
    pub stored: usize,
    /// Readings that were stored.
    pub readings: usize,
    /// Runs that could not be read from the archive or could not be stored.
    pub set_aside: Vec<SetAside>,
    /// Id of the published snapshot.
    pub snapshot: Option<String>,
}

/// An archived run that is not in the record, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// Id of the run.
    pub run_id: String,
    /// Its manifest.
    pub file: String,
    /// The error of the archive, the decoder or the store.
    pub reason: String,
}

/// The outcome of an archived run.
type Outcome = Result<(RunReadings, RunRecord), SetAside>;

impl Pipeline {
    /// Rebuilds the store from an archive, run by run in chronological order, then publishes. `on_progress(done,
    /// total)` is called with the number of runs.
    ///
    /// # Errors
    /// [`PipelineError`] if the archive's folder cannot be read, if the store is locked, full or otherwise unable to
    /// accept any run, or if the result cannot be published. A single run that cannot be read or stored is not an
    /// error: the report names it.
    pub fn replay(
        &self,
        archive: &Archive,
        on_progress: impl FnMut(usize, usize),
    ) -> Result<ReplayReport, PipelineError> {
        self.replay_with(archive, None, on_progress)
    }

    /// Rebuilds the store like [`Pipeline::replay`], and imports the files again of which `imports` keeps copies, each
    /// between the same runs as before, and then the archived history.
    ///
    /// # Errors
    /// As [`Pipeline::replay`]. A copy that cannot be imported is set aside like a run.
    pub fn replay_with(
        &self,
        archive: &Archive,
        imports: Option<&DataDir>,
        on_progress: impl FnMut(usize, usize),
    ) -> Result<ReplayReport, PipelineError> {
        let _alone = self.record_alone();
        let marker = Rebuild::begin(&self.data, archive.folder(), self.clock.now())?;
        let mut report = self.store_all(archive, imports, None, on_progress)?;
        for (place, aside) in archive.set_aside_before()? {
            let reason = format!("the manifest was damaged and is kept as {}", aside.display());
            let (run_id, file) = (run_id(&place), place.display().to_string());
            report.runs += 1;
            report.set_aside.push(SetAside { run_id, file, reason });
        }
        // Before publishing: a folder that a replay filled has no archive of its own, and that is in order.
        marker.finish(&self.data, self.clock.now())?;
        let failed = |source| StoreError::Io { path: self.data.store(), source };
        failpoint::reach("replay.publish").map_err(failed)?;
        if report.stored > 0 {
            report.snapshot = Some(self.publish()?.id.clone());
            roll_up(&self.store, self.config.retention.hourly_days, false)?;
        }
        Ok(report)
    }

    /// Stores all runs of an archive in order, without those from a time on, with the imports between them. Publishes
    /// nothing.
    pub(super) fn store_all(
        &self,
        archive: &Archive,
        imports: Option<&DataDir>,
        without: Option<DateTime<Utc>>,
        mut on_progress: impl FnMut(usize, usize),
    ) -> Result<ReplayReport, PipelineError> {
        let mut manifests = archive.manifests()?;
        let is_left_out = |path: &PathBuf| {
            without.zip(collect::time_of(&run_id(path))).is_some_and(|(from, time)| time >= from)
        };
        manifests.retain(|path| !is_left_out(path));
        let mut report = ReplayReport { runs: manifests.len(), ..ReplayReport::default() };
        let mut kept = imports.map_or_else(|| Ok(Vec::new()), Kept::all)?;
        let failed = |source| StoreError::Io { path: self.data.store(), source };
        for (position, path) in manifests.iter().enumerate() {
            if let Some((from, time)) = imports.zip(collect::time_of(&run_id(path))) {
                let (left, failed) = self.import_again(from, kept, Some(time));
                kept = left;
                report.set_aside.extend(failed);
            }
            match self.store_archived(archive, path)? {
                Ok((run, record)) if record.status.is_accepted() => {
                    report.stored += 1;
                    report.readings += run.readings.len();
                }
                Ok(_) => {}
                Err(aside) => report.set_aside.push(aside),
            }
            on_progress(position + 1, manifests.len());
            failpoint::reach("replay.run").map_err(failed)?;
        }
        if let Some(from) = imports {
            report.set_aside.extend(self.import_again(from, kept, None).1);
            let history = Archive::open(from.history());
            let unreadable = history.unreadable()?.into_iter();
            report.set_aside.extend(unreadable.map(|(path, error)| SetAside {
                run_id: run_id(&path),
                file: path.display().to_string(),
                reason: error.to_string(),
            }));
            if let Err(error) = self.replay_history(&history, &mut |batch| self.keep_imported(batch)) {
                let file = from.history().display().to_string();
                tracing::error!(file, %error, "setting the archived history aside");
                let run_id = "history".to_owned();
                report.set_aside.push(SetAside { run_id, file, reason: error.to_string() });
            }
        }
        Ok(report)
    }

    /// Reads a run from the archive and stores it. A run that cannot be read, that the store rejects or that causes a
    /// panic is set aside.
    pub(super) fn store_archived(&self, archive: &Archive, path: &Path) -> Result<Outcome, PipelineError> {
        let stored = caught(|| {
            let manifest = Archive::read_manifest(path)?;
            let bodies = archive.bodies(&manifest)?;
            self.recorder(archive).record(&manifest, &bodies)
        });
        let mut is_readable = true;
        let reason = match stored {
            Ok(Ok((run, record))) => {
                self.close_days_before(run.observed_at.date_naive());
                self.close_shift_days_before(run.observed_at.date_naive());
                return Ok(Ok((run, record)));
            }
            Ok(Err(error)) if !concerns_one_run(&error) => return Err(error),
            Ok(Err(error)) => {
                is_readable = !matches!(error, PipelineError::Archive(_));
                error.to_string()
            }
            Err(panic) => panic,
        };
        // A file that cannot be read may be repaired at any time; a content that is refused stays refused.
        if is_readable && path.starts_with(self.data.archive()) {
            Refused::add(&self.data, &run_id(path), path, &reason);
        }
        let aside = SetAside { run_id: run_id(path), file: path.display().to_string(), reason };
        let SetAside { run_id, file, reason } = &aside;
        tracing::error!(run_id, file, reason, "setting this archived run aside");
        Ok(Err(aside))
    }
}

/// Whether an error concerns a single run, so that another run may still be stored. A locked store or a full disk does
/// not.
pub(super) fn concerns_one_run(error: &PipelineError) -> bool {
    match error {
        PipelineError::Archive(ArchiveError::Io { source, .. }) => !is_shortage(source),
        PipelineError::Archive(_) | PipelineError::OtherUpstream { .. } => true,
        PipelineError::Store(error) => error.concerns_content(),
        _ => false,
    }
}

/// Whether the system lacks something that every file needs: disk space, memory, file descriptors.
fn is_shortage(error: &io::Error) -> bool {
    /// `ENFILE` and `EMFILE`: too many open files.
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory)
        || error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code))
}
