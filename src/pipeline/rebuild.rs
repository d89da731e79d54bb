//! The marker of a replay: a folder whose replay was interrupted lacks runs, and no store shows that.

use super::{DataDir, PipelineError, open_store};
use crate::config::Config;
use crate::durable;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a replay leaves in the folder that it fills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rebuild {
    /// The archive that is replayed.
    from: PathBuf,
    /// Whether the archive is that of the folder itself. Then every later start stores the runs that are missing.
    into_itself: bool,
    started_at: DateTime<Utc>,
    /// `None` until the replay is complete.
    finished_at: Option<DateTime<Utc>>,
}

impl Rebuild {
    /// Marks a folder before the first run of a replay is stored.
    pub fn begin(data: &DataDir, from: &Path, now: DateTime<Utc>) -> Result<Self, PipelineError> {
        let into_itself = match (from.canonicalize(), data.archive().canonicalize()) {
            (Ok(from), Ok(own)) => from == own,
            _ => from == data.archive(),
        };
        let from = std::path::absolute(from).unwrap_or_else(|_| from.to_owned());
        let begun = Self { from, into_itself, started_at: now, finished_at: None };
        begun.write(data)?;
        Ok(begun)
    }

    /// Marks the replay as complete.
    pub fn finish(self, data: &DataDir, now: DateTime<Utc>) -> Result<(), PipelineError> {
        if self.into_itself {
            return remove(&data.rebuild());
        }
        Self { finished_at: Some(now), ..self }.write(data)
    }

    fn write(&self, data: &DataDir) -> Result<(), PipelineError> {
        let path = data.rebuild();
        let failed = |path: &Path, source| PipelineError::Marker { path: path.to_owned(), source };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(&path, io::Error::other(error)))?;
        durable::write(&path, &text, failed)
    }

    /// The marker of a folder. `None` if there was no replay into it.
    fn read(data: &DataDir) -> Result<Option<Self>, PipelineError> {
        let path = data.rebuild();
        let failed = |source| PipelineError::Marker { path: path.clone(), source };
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
            // Markers are written as a whole, so this is damage, and a folder that serves must not stop because of it.
            Ok(text) => Ok(serde_json::from_slice(&text)
                .inspect_err(
                    |error| tracing::error!(path = %path.display(), %error, "ignoring a damaged marker"),
                )
                .ok()),
        }
    }

    /// Whether a replay of the archive of another folder made this record, and is complete. Such a folder has no archive.
    pub fn is_of_other(data: &DataDir) -> bool {
        matches!(Self::read(data), Ok(Some(marker)) if !marker.into_itself && marker.finished_at.is_some())
    }

    /// Whether a replay of the folder's own archive did not finish. Later starts store the runs, but import no files.
    pub fn is_unfinished_of_itself(data: &DataDir) -> bool {
        matches!(Self::read(data), Ok(Some(marker)) if marker.into_itself && marker.finished_at.is_none())
    }
}

/// Refuses a folder whose record is a part of another one, because a replay into it was interrupted.
///
/// # Errors
/// [`PipelineError::HalfReplay`].
pub fn refuse_half_replay(data: &DataDir) -> Result<(), PipelineError> {
    match Rebuild::read(data)? {
        Some(Rebuild { into_itself: false, finished_at: None, from, .. }) => {
            Err(PipelineError::HalfReplay { folder: data.path().to_owned(), from })
        }
        _ => Ok(()),
    }
}

/// Prepares a folder for a replay of the archive in `from`, and marks it before its store exists, so that a replay that is
/// killed can be repeated from its first moment on. What an interrupted replay left is removed, so that the next one starts
/// from scratch. If the folder was replayed into itself, its store may have served since and is set aside instead.
///
/// # Errors
/// [`PipelineError::NotEmpty`] if the folder has a store that is not the rest of a replay, [`StoreError::Locked`] if that replay
/// is still running.
pub fn prepare_replay(
    config: &Config,
    data: &DataDir,
    from: &Path,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    match Rebuild::read(data)?.filter(|marker| marker.finished_at.is_none()) {
        Some(marker) => remove_unfinished(config, data, &marker, now)?,
        None if data.store().exists() => return Err(PipelineError::NotEmpty(data.path().to_owned())),
        None => {}
    }
    Rebuild::begin(data, from, now)?;
    Ok(())
}

/// Removes what an interrupted replay left, or sets it aside.
fn remove_unfinished(
    config: &Config,
    data: &DataDir,
    marker: &Rebuild,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    if data.store().exists()
        && let Err(error @ StoreError::Locked { .. }) = open_store(config, data)
    {
        return Err(error.into());
    }
    let log = PathBuf::from(format!("{}.wal", data.store().display()));
    for path in [data.store(), log].into_iter().filter(|path| path.exists()) {
        if marker.into_itself {
            let failed = |source| PipelineError::Marker { path: path.clone(), source };
            let aside = durable::set_aside(&path, now).map_err(failed)?;
            tracing::warn!(path = %path.display(), "kept as {}", aside.display());
        } else {
            remove(&path)?;
        }
    }
    tracing::warn!(folder = %data.path().display(), "the last replay into this folder did not finish; starting from scratch");
    Ok(())
}

fn remove(path: &Path) -> Result<(), PipelineError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(PipelineError::Marker { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
