//! Finds backups and reads their manifests.

use super::files::{io_error, is_safe};
use super::{BackupError, FORMAT, MANIFEST, Manifest};
use crate::archive::hex_sha256;
use crate::durable;
use chrono::NaiveDateTime;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Form of the name of a backup: the time of its start, UTC.
pub(super) const NAME: &str = "%Y%m%dT%H%M%SZ";

/// Largest size of a manifest, bytes. A file of the archive takes some 200.
const MANIFEST_BYTES: u64 = 1 << 30;
/// The format whose manifest has no digest.
const FIRST_FORMAT: u32 = 1;

/// Whether a name is that of a backup.
pub(super) fn is_name(name: &str) -> bool {
    NaiveDateTime::parse_from_str(name, NAME).is_ok()
}

/// The name of a folder.
pub(super) fn name_of(backup: &Path) -> String {
    let absolute = std::fs::canonicalize(backup).unwrap_or_else(|_| backup.to_owned());
    absolute.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The complete backups in a folder, oldest first.
///
/// # Errors
/// [`BackupError::Io`] if the folder cannot be read.
pub fn all(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        let is_named = path.file_name().and_then(|name| name.to_str()).is_some_and(is_name);
        if is_named && path.join(MANIFEST).is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The backup that a folder is, or else the newest one in it.
///
/// # Errors
/// [`BackupError::NoBackup`], [`BackupError::Io`].
pub fn find(folder: &Path) -> Result<PathBuf, BackupError> {
    if folder.join(MANIFEST).is_file() {
        return Ok(folder.to_owned());
    }
    if !folder.is_dir() {
        return Err(BackupError::NoBackup(folder.to_owned()));
    }
    all(folder)?.pop().ok_or_else(|| BackupError::NoBackup(folder.to_owned()))
}

/// The manifest of a backup.
///
/// # Errors
/// [`BackupError::Io`], [`BackupError::Manifest`], [`BackupError::Format`].
pub fn manifest(backup: &Path) -> Result<Manifest, BackupError> {
    let path = backup.join(MANIFEST);
    let bytes = durable::read(&path, MANIFEST_BYTES).map_err(io_error(&path))?;
    let invalid = |detail: String| BackupError::Manifest { path: path.clone(), detail };
    #[derive(serde::Deserialize)]
    struct Head {
        format: u32,
    }
    let Head { format } = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
    if format > FORMAT {
        return Err(BackupError::Format { path, found: format });
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
    if format > FIRST_FORMAT
        && manifest.digest != Some(digest(&bytes).map_err(|error| invalid(error.to_string()))?)
    {
        let detail =
            "its content does not match its digest, so it was changed or is damaged; use another backup";
        return Err(invalid(detail.to_owned()));
    }
    match manifest.files.iter().find(|file| !is_safe(&file.path)) {
        Some(file) => Err(invalid(format!("it names the path `{}`", file.path.escape_default()))),
        None => Ok(manifest),
    }
}

/// The digest of a manifest, with or without a digest in it: sha256 of its compact JSON with sorted keys.
pub(super) fn digest(manifest: &[u8]) -> serde_json::Result<String> {
    let mut fields: BTreeMap<String, serde_json::Value> = serde_json::from_slice(manifest)?;
    fields.remove("digest");
    Ok(hex_sha256(&serde_json::to_vec(&fields)?))
}
