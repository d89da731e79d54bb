//! Backups of a data folder: complete folders side by side, each named by its time. A file of the archive that did not
//! change is a hard link to the one of the previous backup. The manifest is written last, and the folder gets its name
//! after that, so a backup that was cut short is never taken for one.

mod files;
mod read;
mod restore;
mod verify;
mod write;

pub use read::{all, find, manifest};
pub use restore::{RestoreReport, restore};
pub use verify::{Problem, VerifyReport, verify};
pub use write::{BackupReport, Source, Target, write};

use crate::store::{StoreContent, StoreError};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Name of the manifest in a backup.
pub const MANIFEST: &str = "manifest.json";
/// The database in a backup and in a data folder.
pub const STORE: &str = "hitrate.duckdb";
/// Version of the manifest and of the layout. Since version 2, the manifest has a digest.
const FORMAT: u32 = 2;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Path in the backup and in the data folder, with slashes.
    pub path: String,
    /// Size, bytes.
    pub bytes: u64,
    /// sha256 of the content, hex.
    pub sha256: String,
    /// Time of the last change in the data folder.
    pub modified: DateTime<Utc>,
}

/// The list of the files of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this list.
    pub format: u32,
    /// Program and version that wrote it.
    pub program: String,
    /// When the backup began.
    pub created_at: DateTime<Utc>,
    /// What the copy of the store contains; null if the backup has none.
    pub store: Option<StoreContent>,
    /// Whether the user's own traffic is included.
    pub with_traffic: bool,
    /// The files, by path.
    pub files: Vec<BackupFile>,
    /// sha256 of this list as compact JSON with sorted keys and without this field, hex. Null in the format 1.
    #[serde(default)]
    pub digest: Option<String>,
}

/// What can go wrong with a backup.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum BackupError {
    /// A file could not be read or written.
    #[error("backup {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// A name is not UTF-8, or folders are nested too deeply.
    #[error(
        "{0} cannot be backed up: its name is not UTF-8, or its folder is nested too deeply; move it elsewhere"
    )]
    Name(PathBuf),
    /// The folder holds other files.
    #[error("{folder} is neither empty nor a folder of backups: it has `{entry}`; choose another folder")]
    NotBackups { folder: PathBuf, entry: String },
    /// A file is named, or something that looks like one.
    #[error(
        "{0} is not a folder: a backup is a folder, not one file; name a folder such as /backup/hitrate, and pack a finished backup with `tar` if you need one file"
    )]
    NotFolder(PathBuf),
    /// The folder is in the data folder.
    #[error(
        "{0} is in the data folder and would be lost with it; choose a folder elsewhere, best on another disk"
    )]
    Inside(PathBuf),
    /// The place of a restore is in another folder of hitrate.
    #[error("{path} is inside {folder}, {what}; restore into a new folder elsewhere")]
    Within { path: PathBuf, folder: PathBuf, what: &'static str },
    /// Another process writes to the same folder.
    #[error("another process writes a backup to {0}; wait until it has finished")]
    Busy(PathBuf),
    /// Two backups in one second.
    #[error("there is already a backup {0}; wait a second and try again")]
    Exists(PathBuf),
    /// There is no data.
    #[error("there is nothing to back up in {0}; name the data folder with --data-dir")]
    Nothing(PathBuf),
    /// There is no backup.
    #[error(
        "there is no complete backup in {0}; name a folder that `hitrate backup` wrote (one that was cut short has no manifest)"
    )]
    NoBackup(PathBuf),
    /// The manifest cannot be read.
    #[error("{path} is not the manifest of a backup: {detail}")]
    Manifest { path: PathBuf, detail: String },
    /// A newer version wrote the backup.
    #[error("{path} has the format {found}; this version of hitrate reads {FORMAT}; update hitrate")]
    Format { path: PathBuf, found: u32 },
    /// The target of a restore has files.
    #[error("{0} is not empty; restore into a new folder, then move it to its place")]
    NotEmpty(PathBuf),
    /// The restored folder cannot get its name.
    #[error(
        "cannot rename the restored folder to {path}: {source}; name a folder that does not exist and is not a mount point"
    )]
    Place { path: PathBuf, source: std::io::Error },
    /// The backup is damaged.
    #[error(
        "the backup {name} is damaged: {problem}{more}; `hitrate backup verify` lists all problems, and `--skip-damaged` restores the rest"
    )]
    Damaged { name: String, problem: String, more: String },
    /// The copy of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
