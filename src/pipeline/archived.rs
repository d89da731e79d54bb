//! Archive and store compared: what one has and the other lacks.

use super::rebuild::Rebuild;
use super::{Pipeline, PipelineError, collect};
use crate::archive::run_id_of;
use crate::domain::format;
use crate::domain::reading::RunStatus;
use crate::wording::status::ARCHIVE;
use std::collections::BTreeSet;

impl Pipeline {
    /// Stores the newest run again if it failed, was collected again, and the process ended before the second attempt was
    /// stored: then the archive has an attempt that the store does not know.
    ///
    /// # Errors
    /// As [`Pipeline::replay`].
    pub(super) fn recover_retried(&self) -> Result<(), PipelineError> {
        let Some(newest) = self.store.newest_time()? else { return Ok(()) };
        let row = self.store.run(&collect::run_id(newest))?;
        let Some(run) = row.map(|row| row.run).filter(|run| run.status == RunStatus::Failed) else {
            return Ok(());
        };
        // A manifest that cannot be read is reported elsewhere.
        let Ok(manifest) = self.archive.manifest(&run.run_id, run.observed_at) else { return Ok(()) };
        let documents = manifest.entries.iter().filter(|entry| entry.body.is_some()).count();
        let archived = (manifest.header.requests, documents, manifest.header.duration_ms);
        if archived == (run.requests, run.documents, run.duration_ms) {
            return Ok(());
        }
        let path = self.archive.manifests()?.into_iter().find(|path| run_id_of(path) == run.run_id);
        if let Some(path) = path {
            tracing::warn!(run_id = run.run_id, "storing the second attempt of a failed run");
            // A failure is already logged.
            drop(self.store_archived(&self.archive, &path)?);
        }
        Ok(())
    }

    /// Sets aside the manifests of runs that are not stored because the manifests are damaged, and logs what the archive lacks.
    pub(super) fn examine_archive(&self) -> Result<(), PipelineError> {
        let stored = self.store.run_ids()?;
        match self.archive.manifests() {
            Ok(manifests) => {
                for path in manifests.iter().filter(|path| !stored.contains(&run_id_of(path))) {
                    self.archive.set_aside_if_damaged(path, self.clock.now());
                }
            }
            Err(error) => tracing::error!(%error, "cannot list the archive"),
        }
        let folder = self.data.path().display();
        for note in self.archive_notes()? {
            tracing::warn!(%folder, "{note}");
        }
        if Rebuild::is_of_other(&self.data) && !self.data.archive().exists() {
            tracing::info!(
                %folder,
                "this record was replayed from the archive of another folder; to continue collecting, copy `archive` and `imports` here"
            );
        }
        Ok(())
    }

    /// What is wrong with the archive, one line each: what it lacks of the record, what is set aside, and which files this
    /// process found to be missing or damaged.
    ///
    /// # Errors
    /// [`PipelineError`] if the store cannot be read.
    pub fn archive_problems(&self) -> Result<Vec<String>, PipelineError> {
        let mut lines = self.archive_notes()?;
        lines.extend(self.damaged_files());
        Ok(lines)
    }

    /// The files of the archive that this process found to be missing or damaged, one line each.
    pub(super) fn damaged_files(&self) -> impl Iterator<Item = String> {
        let problems = self.archive.problems().into_iter();
        problems.map(|problem| format!("{}: {}", problem.path.display(), problem.what))
    }

    /// What visitors may know of the archive's problems: lines for the status page, without paths. They are also kept for
    /// [`Pipeline::health`].
    pub(super) fn archive_notes(&self) -> Result<Vec<String>, PipelineError> {
        let notes = self.compare_with_archive()?;
        self.monitor.lacking(&notes);
        Ok(notes)
    }

    fn compare_with_archive(&self) -> Result<Vec<String>, PipelineError> {
        let (Ok(manifests), Ok(aside)) = (self.archive.manifests(), self.archive.set_aside_before()) else {
            return Ok(vec![format!("{ARCHIVE}the folder cannot be read; the log names the reason")]);
        };
        let archived: BTreeSet<String> = manifests.iter().map(|path| run_id_of(path)).collect();
        let stored = self.store.run_ids()?;
        let lacking: Vec<String> = stored.difference(&archived).cloned().collect();
        let damaged =
            aside.iter().map(|(place, _)| run_id_of(place)).filter(|run_id| !stored.contains(run_id));
        let damaged: Vec<String> = damaged.collect();
        let mut notes = Vec::new();
        // A folder that was filled by a replay has no archive of its own.
        let is_copy = !self.data.archive().exists() && Rebuild::is_of_other(&self.data);
        if !lacking.is_empty() && !is_copy {
            notes.push(format!(
                "{ARCHIVE}{} of the {} runs of the record are missing ({}); the record cannot be rebuilt with them: restore the archive from a backup",
                lacking.len(),
                stored.len(),
                format::first_names(&lacking)
            ));
        }
        if !damaged.is_empty() {
            notes.push(format!(
                "{ARCHIVE}damaged and not in the record: {} ({}); restore their files from a backup, then restart",
                if damaged.len() == 1 { "1 run".to_owned() } else { format!("{} runs", damaged.len()) },
                format::first_names(&damaged)
            ));
        }
        if Rebuild::is_unfinished_of_itself(&self.data) {
            notes.push(
                format!("{ARCHIVE}a replay did not finish, so imported data may be missing; stop the service and run `hitrate replay` again"),
            );
        }
        Ok(notes)
    }
}
