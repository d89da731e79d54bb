//! Lists and copies the files of a data folder.

use super::BackupError;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

/// Depth of folders below the data folder.
const MOST_LEVELS: usize = 16;
/// Size of the pieces in which files are copied, bytes.
const PIECE: usize = 1 << 20;

/// A file to be backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Path in the data folder, with slashes.
    pub path: String,
    /// Where it is.
    pub source: PathBuf,
    /// Size, bytes.
    pub bytes: u64,
    /// Time of the last change.
    pub modified: DateTime<Utc>,
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |source| BackupError::Io { path: path.to_owned(), source }
}

/// A regular file, or `None` if there is none.
pub(super) fn find(source: &Path, path: String) -> Result<Option<Found>, BackupError> {
    let found = match fs::metadata(source) {
        Ok(found) if found.is_file() => found,
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(source)(error)),
    };
    let modified = found.modified().map_err(io_error(source))?.into();
    Ok(Some(Found { path, source: source.to_owned(), bytes: found.len(), modified }))
}

/// All regular files below a folder, by path. Files in progress and locks are left out. A folder that does not exist has
/// no files.
pub(super) fn walk(folder: &Path, prefix: &str) -> Result<Vec<Found>, BackupError> {
    let mut found = Vec::new();
    enter(folder, prefix, MOST_LEVELS, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn enter(folder: &Path, prefix: &str, levels: usize, found: &mut Vec<Found>) -> Result<(), BackupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(folder)(error)),
    };
    for entry in entries {
        let source = entry.map_err(io_error(folder))?.path();
        let name = source.file_name().and_then(|name| name.to_str());
        let Some(name) = name else { return Err(BackupError::Name(source)) };
        if name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".lock") {
            continue;
        }
        let path = format!("{prefix}/{name}");
        if source.is_dir() {
            if levels == 0 {
                return Err(BackupError::Name(source));
            }
            enter(&source, &path, levels - 1, found)?;
        } else {
            found.extend(find(&source, path)?);
        }
    }
    Ok(())
}

/// Whether a path of a manifest stays within its folder.
pub(super) fn is_safe(path: &str) -> bool {
    !path.is_empty()
        && !path.contains('\\')
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Copies a file with its permissions to a new place and returns the size and the sha256 of what was copied.
pub(super) fn copy(source: &Path, target: &Path) -> io::Result<(u64, String)> {
    let mut from = File::open(source)?;
    let mut to = File::create_new(target)?;
    let copied = pass(&mut from, &mut to)?;
    to.set_permissions(from.metadata()?.permissions())?;
    Ok(copied)
}

/// The size and the sha256 of a file.
pub(super) fn digest(path: &Path) -> io::Result<(u64, String)> {
    pass(&mut File::open(path)?, &mut io::sink())
}

fn pass(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let (mut digest, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                digest.update(&piece[..length]);
                to.write_all(&piece[..length])?;
                bytes += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((bytes, digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Creates the folder of a file.
pub(super) fn make_room(target: &Path) -> Result<(), BackupError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(io_error(folder))
}

/// Flushes everything below a folder to disk.
pub(super) fn flush(folder: &Path) -> Result<(), BackupError> {
    #[cfg(target_os = "linux")]
    {
        let opened = File::open(folder).map_err(io_error(folder))?;
        rustix::fs::syncfs(&opened).map_err(|error| io_error(folder)(error.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        for file in walk(folder, "")? {
            File::open(&file.source).and_then(|file| file.sync_all()).map_err(io_error(&file.source))?;
        }
        Ok(())
    }
}

/// Renames a folder and flushes the folder around it.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::rename(from, to).map_err(io_error(to))?;
    let around = to.parent().filter(|around| !around.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(around).and_then(|around| around.sync_all()).map_err(io_error(around))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_its_folder_is_not_safe() {
        for path in ["archive/2026/a.pack", "hitrate.toml"] {
            assert!(is_safe(path), "{path}");
        }
        for path in ["", "/etc/passwd", "../a", "a/../../b", "a\\b", "./../a"] {
            assert!(!is_safe(path), "{path}");
        }
    }
}
