//! What the rules remember between publications: one file in the folder of the alerts.

use crate::config::Rule;
use crate::domain::change::Change;
use crate::durable;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Name of the file.
const FILE: &str = "rules.json";
/// Name of the file that is locked while rules are applied.
const LOCK: &str = "rules.lock";
/// Version of its format.
const VERSION: u32 = 1;

/// Errors of the state.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum StateError {
    /// The file cannot be read or written.
    #[error("cannot access the state of the alert rules {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    /// The file was written by a newer version.
    #[error("the state of the alert rules {path} has version {found}; this program knows version {VERSION}")]
    TooNew { path: PathBuf, found: u32 },
}

/// A change that is not to be reported again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whether it was reported; otherwise it was there before the rule was.
    #[serde(default)]
    pub is_reported: bool,
    /// The change as it was last read, if it was reported or if later readings may date it again.
    #[serde(default)]
    pub change: Option<Change>,
}

/// The cost of a session at an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The cost at the start, or at the last recovery, USD.
    pub base: f64,
    /// The cost at the last notice since then, USD.
    #[serde(default)]
    pub reported: Option<f64>,
}

/// What one rule remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleState {
    /// Digest of the conditions: a rule with other conditions starts from scratch.
    pub fingerprint: String,
    /// Changes that are not to be reported again, by id.
    #[serde(default)]
    pub seen: BTreeMap<Uuid, Seen>,
    /// Session costs by `model@endpoint id`.
    #[serde(default)]
    pub costs: BTreeMap<String, Level>,
    /// Preferences by model, as JSON; null if there is none.
    #[serde(default)]
    pub preferences: BTreeMap<String, Option<serde_json::Value>>,
    /// Reported drops of the own hit rate, `model@provider`.
    #[serde(default)]
    pub own: BTreeSet<String>,
    /// Reported trouble of the collection.
    #[serde(default)]
    pub trouble: BTreeSet<String>,
}

/// What all rules remember.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Version of the format.
    #[serde(default)]
    pub version: u32,
    /// By name of the rule.
    #[serde(default)]
    pub rules: BTreeMap<String, RuleState>,
    /// Time of the newest data that the rules were applied to.
    #[serde(default)]
    pub as_of: Option<DateTime<Utc>>,
    /// When the rules were last applied.
    #[serde(default)]
    pub checked_at: Option<DateTime<Utc>>,
    /// The last error, if the last attempt failed.
    #[serde(default)]
    pub error: Option<String>,
}

/// The digest of a rule without its name, receivers and severity.
pub fn fingerprint(rule: &Rule) -> String {
    let conditions = Rule { name: String::new(), receivers: Vec::new(), severity: None, ..rule.clone() };
    let digest = Sha256::digest(format!("{conditions:?}").as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl State {
    /// The right to apply the rules, held by one process at a time, so that a server and a command do not overwrite what the
    /// other one remembers. Waits for it; the folder is created if needed.
    ///
    /// # Errors
    /// If the file cannot be opened or locked.
    pub fn lock(folder: &Path) -> Result<File, StateError> {
        let path = folder.join(LOCK);
        let failed = |source| StateError::Io { path: path.clone(), source };
        durable::private_folder(folder).map_err(failed)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(lock)
    }

    /// The state in a folder; empty if there is none yet. A damaged file is renamed and reported in the log, and the rules
    /// start from scratch.
    ///
    /// # Errors
    /// If the file cannot be read, or was written by a newer version.
    pub fn load(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join(FILE);
        let failed = |source| StateError::Io { path: path.clone(), source };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(state) if state.version > VERSION => Err(StateError::TooNew { path, found: state.version }),
            Ok(state) => Ok(state),
            Err(error) => {
                let aside = folder.join(format!("{FILE}.damaged"));
                tracing::error!(%error, path = %path.display(), aside = %aside.display(), "the state of the alert rules is damaged; they start from scratch");
                std::fs::rename(&path, aside).map_err(failed)?;
                Ok(Self::default())
            }
        }
    }

    /// Writes the state into a folder.
    ///
    /// # Errors
    /// If the file cannot be written; the old one is then unchanged.
    pub fn save(&self, folder: &Path) -> Result<(), StateError> {
        let path = folder.join(FILE);
        let state = Self { version: VERSION, ..self.clone() };
        let bytes = serde_json::to_vec(&state)
            .map_err(|error| StateError::Io { path: path.clone(), source: io::Error::other(error) })?;
        durable::write(&path, &bytes, |path, source| StateError::Io { path: path.to_owned(), source })
    }
}
