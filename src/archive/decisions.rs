//! Decisions of operators about suspect runs: a part of the archive, so that a replay repeats them.

use super::{Archive, ArchiveError, io_error, write_durably};
use crate::durable;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// Largest size of a decision, bytes.
const DECISION_BYTES: u64 = 4 << 20;

/// The fields that an operator accepted in a suspect run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Decision {
    run_id: String,
    fields: Vec<String>,
    accepted_at: DateTime<Utc>,
}

impl Archive {
    /// The fields of a run that an operator accepted by name although their meaning changed.
    ///
    /// # Errors
    /// [`ArchiveError`] if the decision cannot be read.
    pub fn accepted(&self, run_id: &str) -> Result<Vec<String>, ArchiveError> {
        let path = self.decision_file(run_id);
        match durable::read(&path, DECISION_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(io_error(&path)(error)),
            Ok(bytes) => serde_json::from_slice::<Decision>(&bytes)
                .map(|decision| decision.fields)
                .map_err(|source| ArchiveError::Manifest { path, line: 1, source }),
        }
    }

    /// Records that an operator accepts fields of a run. The decision is part of the archive, so that a replay repeats
    /// it.
    ///
    /// # Errors
    /// [`ArchiveError`] if it cannot be written.
    pub fn accept(&self, run_id: &str, fields: &[String], at: DateTime<Utc>) -> Result<(), ArchiveError> {
        let mut all = self.accepted(run_id)?;
        all.extend(fields.iter().filter(|field| !all.contains(field)).cloned().collect::<Vec<_>>());
        let path = self.decision_file(run_id);
        let decision = Decision { run_id: run_id.to_owned(), fields: all, accepted_at: at };
        let invalid = |source| ArchiveError::Manifest { path: path.clone(), line: 1, source };
        let text = serde_json::to_vec_pretty(&decision).map_err(invalid)?;
        write_durably(&path, &text)
    }

    fn decision_file(&self, run_id: &str) -> PathBuf {
        self.dir.join("accepted").join(format!("{run_id}.json"))
    }
}
