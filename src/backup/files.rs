//! Lists and copies the files of a data folder.

use super::BackupError;
use crate::durable;
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

/// What a folder has.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// All regular files, by path.
    pub files: Vec<Found>,
    /// What is neither a regular file nor a folder, by path: pipes, devices, and links to folders, which may lead in a circle.
    pub others: Vec<String>,
}

/// All regular files below a folder. Files in progress and locks are left out. A folder that does not exist has no files.
pub(super) fn walk(folder: &Path, prefix: &str) -> Result<Walked, BackupError> {
    let mut found = Walked::default();
    enter(folder, prefix, MOST_LEVELS, &mut found)?;
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found.others.sort();
    Ok(found)
}

fn enter(folder: &Path, prefix: &str, levels: usize, found: &mut Walked) -> Result<(), BackupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(io_error(folder))?;
        let source = entry.path();
        let name = source.file_name().and_then(|name| name.to_str());
        let Some(name) = name else { return Err(BackupError::Name(source)) };
        if name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".lock") {
            continue;
        }
        let path = format!("{prefix}/{name}");
        if entry.file_type().map_err(io_error(&source))?.is_dir() {
            if levels == 0 {
                return Err(BackupError::Name(source));
            }
            enter(&source, &path, levels - 1, found)?;
        } else if let Some(file) = find(&source, path.clone())? {
            found.files.push(file);
        } else if source.exists() {
            found.others.push(path);
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

/// Why a file was not copied.
#[derive(Debug)]
pub(super) enum CopyError {
    /// The source cannot be read.
    Read(io::Error),
    /// The target cannot be written.
    Write(io::Error),
}

impl CopyError {
    /// The error with the path that it is of.
    pub fn of(self, source: &Path, target: &Path) -> BackupError {
        match self {
            Self::Read(error) => io_error(source)(error),
            Self::Write(error) => io_error(target)(error),
        }
    }
}

/// Copies a regular file with its permissions to a new place and returns the size and the sha256 of what was copied.
pub(super) fn copy(source: &Path, target: &Path) -> Result<(u64, String), CopyError> {
    let mut from = durable::open_regular(source).map_err(CopyError::Read)?;
    let permissions = from.metadata().map_err(CopyError::Read)?.permissions();
    let mut to = File::create_new(target).map_err(CopyError::Write)?;
    let copied = pass(&mut from, &mut to)?;
    to.set_permissions(permissions).map_err(CopyError::Write)?;
    Ok(copied)
}

/// The size and the sha256 of a regular file.
pub(super) fn digest(path: &Path) -> io::Result<(u64, String)> {
    let passed = pass(&mut durable::open_regular(path)?, &mut io::sink());
    passed.map_err(|(CopyError::Read(error) | CopyError::Write(error))| error)
}

fn pass(from: &mut impl Read, to: &mut impl Write) -> Result<(u64, String), CopyError> {
    let (mut digest, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                digest.update(&piece[..length]);
                to.write_all(&piece[..length]).map_err(CopyError::Write)?;
                bytes += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CopyError::Read(error)),
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
        for file in walk(folder, "")?.files {
            File::open(&file.source).and_then(|file| file.sync_all()).map_err(io_error(&file.source))?;
        }
        Ok(())
    }
}

/// Renames a folder and flushes the folder around it.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::rename(from, to).map_err(io_error(to))?;
    let around = durable::folder_of(to);
    durable::sync(around).map_err(io_error(around))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_side_of_a_failed_copy_is_named_and_links_to_folders_are_not_entered() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).expect("created");
        fs::write(at("inner/source"), "x").expect("written");
        std::os::unix::fs::symlink(".", at("inner/circle")).expect("linked");
        std::os::unix::fs::symlink("/dev/zero", at("inner/device")).expect("linked");
        let named = |from: &str, to: &str| {
            copy(&at(from), &at(to)).map_err(|error| error.of(&at(from), &at(to)).to_string())
        };
        let unread = named("inner/missing", "copy").expect_err("no source");
        assert!(unread.contains("inner/missing"), "{unread}");
        let device = named("inner/device", "copy").expect_err("no end");
        assert!(device.contains("inner/device") && device.contains("not a file"), "{device}");
        let unwritten = named("inner/source", "nowhere/copy").expect_err("no target");
        assert!(unwritten.contains("nowhere/copy") && !unwritten.contains("source"), "{unwritten}");
        assert_eq!(named("inner/source", "copy").expect("copied").0, 1);
        let walked = walk(&at("inner"), "archive").expect("read");
        assert_eq!(walked.others, ["archive/circle", "archive/device"]);
        assert_eq!(walked.files.len(), 1, "{walked:?}");
    }

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
