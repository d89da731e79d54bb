//! The state of the deliveries on disk: one file, replaced as a whole under a lock, so that a crash loses nothing and the
//! server and a command never overwrite each other.

use crate::alerts::channels::message::Message;
use crate::alerts::notice::Notice;
use crate::domain::delivery::Delivery;
use crate::durable;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Deliveries that the log keeps.
pub const MOST_LOGGED: usize = 200;
const FILE: &str = "deliveries.json";
const LOCK: &str = "deliveries.lock";
const SENDING: &str = "sending.lock";

/// Errors of alerts.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum AlertsError {
    /// The state cannot be read or written.
    #[error("cannot use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    /// The state is not readable as such.
    #[error(
        "{path} is damaged: {source}; move it away to start with an empty one (notices that wait are lost, and those of the last days may be sent again)"
    )]
    Damaged { path: PathBuf, source: serde_json::Error },
    /// There is no such receiver.
    #[error("there is no receiver `{name}`; {}", listed(.known))]
    Unknown { name: String, known: Vec<String> },
    /// Another process sends at this moment.
    #[error("another process is sending messages; try again in a minute")]
    Busy,
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "the settings have no `[[alerts.receivers]]`".to_owned(),
        names => format!("the settings have {}", names.join(", ")),
    }
}

/// Why a receiver gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffReason {
    /// It failed for too long, or is gone.
    Failed,
    /// The operator disabled it.
    Operator,
}

/// When and why a receiver was turned off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Off {
    /// When, UTC.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: OffReason,
}

/// What is known about a receiver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReceiverRecord {
    /// Set if it gets nothing.
    pub off: Option<Off>,
    /// The first failure since the last success.
    pub failing_since: Option<DateTime<Utc>>,
    /// Failures in a row.
    pub failures: u32,
    /// No attempt before this time.
    pub not_before: Option<DateTime<Utc>>,
    /// When it last accepted a message.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Attempts within the last hour.
    pub attempts: Vec<DateTime<Utc>>,
    /// Notices that no message holds yet, and since when.
    pub waiting: Vec<Waiting>,
    /// Messages to send, oldest first.
    pub messages: Vec<Outgoing>,
    /// Ids of the notices that were accepted into the outbox, and when.
    pub seen: BTreeMap<String, DateTime<Utc>>,
}

/// A notice that no message holds yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// Since when.
    pub since: DateTime<Utc>,
    /// The notice.
    pub notice: Notice,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The message.
    pub message: Message,
    /// Attempts so far.
    pub attempts: u32,
    /// How often the receiver refused this message.
    #[serde(default)]
    pub refusals: u32,
}

/// All of the state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// By name of the receiver.
    pub receivers: BTreeMap<String, ReceiverRecord>,
    /// The last deliveries, newest first.
    pub log: VecDeque<Delivery>,
}

impl State {
    /// Adds a delivery to the log.
    pub fn note(&mut self, delivery: Delivery) {
        self.log.push_front(delivery);
        self.log.truncate(MOST_LOGGED);
    }
}

/// The folder of the state.
#[derive(Debug, Clone)]
pub struct StateFile(PathBuf);

impl StateFile {
    /// The state in a folder, which is created on the first write.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Reads the state; the default if there is none yet.
    ///
    /// # Errors
    /// [`AlertsError`].
    pub fn read(&self) -> Result<State, AlertsError> {
        let path = self.0.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| AlertsError::Damaged { path, source })
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(State::default()),
            Err(source) => Err(AlertsError::Io { path, source }),
        }
    }

    /// Changes the state: read, changed and written under a lock. Nothing is written if nothing changes.
    ///
    /// # Errors
    /// [`AlertsError`].
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, AlertsError> {
        let lock = self.lock_file(LOCK)?;
        lock.lock().map_err(|source| AlertsError::Io { path: self.0.join(LOCK), source })?;
        let before = self.read()?;
        let mut state = before.clone();
        let result = change(&mut state);
        if state != before {
            let path = self.0.join(FILE);
            let bytes = serde_json::to_vec(&state)
                .map_err(|source| AlertsError::Damaged { path: path.clone(), source })?;
            durable::write(&path, &bytes, |path: &Path, source| AlertsError::Io {
                path: path.to_owned(),
                source,
            })?;
        }
        // Closing the file releases the lock.
        Ok(result)
    }

    /// The right to send: held by one process at a time, so that no message is sent by two at once.
    ///
    /// # Errors
    /// [`AlertsError::Busy`] if another process has it.
    pub fn sending(&self) -> Result<File, AlertsError> {
        let lock = self.lock_file(SENDING)?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(std::fs::TryLockError::WouldBlock) => Err(AlertsError::Busy),
            Err(std::fs::TryLockError::Error(source)) => {
                Err(AlertsError::Io { path: self.0.join(SENDING), source })
            }
        }
    }

    fn lock_file(&self, name: &str) -> Result<File, AlertsError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| AlertsError::Io { path, source }
        };
        // Notices may be about own traffic.
        durable::private_folder(&self.0).map_err(failed(&self.0))?;
        let path = self.0.join(name);
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed(&path))
    }
}
