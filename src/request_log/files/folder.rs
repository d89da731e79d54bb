//! The files of a folder that may be logs.

use super::{ReadError, beside};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders nested deeper than this are not read.
const DEEPEST: usize = 64;
/// Extensions of files that are not logs: they are not opened.
const OTHER_ENDINGS: [&str; 24] = [
    "css", "db-shm", "db-wal", "exe", "gif", "html", "ico", "jpeg", "jpg", "js", "lock", "md", "mp4", "pdf",
    "png", "py", "rs", "sh", "so", "svg", "toml", "ts", "wasm", "yaml",
];

/// What a folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walk {
    /// Files that may be logs, in the order of their paths.
    pub files: Vec<PathBuf>,
    /// Files and folders that were skipped, by reason.
    pub skipped: BTreeMap<String, Vec<PathBuf>>,
}

impl Walk {
    /// Skips a file or folder.
    pub fn skip(&mut self, reason: &str, path: &Path) {
        self.skipped.entry(reason.to_owned()).or_default().push(path.to_owned());
    }
}

/// The files at a path that may be logs: the file itself, or the files of the folder and of its subfolders.
///
/// # Errors
/// [`ReadError::Io`] if the path does not exist or cannot be listed.
pub fn log_paths(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    Ok(walk(path)?.files)
}

/// The same, with what was skipped: hidden files, symbolic links, and files whose extension shows that they are not logs.
///
/// # Errors
/// [`ReadError::Io`] if the path does not exist or cannot be listed.
pub fn walk(path: &Path) -> Result<Walk, ReadError> {
    let failed = |cause| ReadError::Io { path: path.display().to_string(), cause };
    let mut walk = Walk::default();
    if !path.metadata().map_err(failed)?.is_dir() {
        walk.files.push(path.to_owned());
        return Ok(walk);
    }
    list(path, 0, &mut walk).map_err(failed)?;
    walk.files.sort();
    Ok(walk)
}

fn list(folder: &Path, depth: usize, walk: &mut Walk) -> std::io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            // A target in the folder is read at its own place, any other one is not part of the folder.
            walk.skip("symbolic link", &path);
        } else if name.starts_with('.') {
            walk.skip("hidden", &path);
        } else if kind.is_dir() && depth >= DEEPEST {
            walk.skip("nested too deeply", &path);
        } else if kind.is_dir() {
            if list(&path, depth + 1, walk).is_err() {
                walk.skip("cannot be listed", &path);
            }
        } else if !kind.is_file() {
            walk.skip("not a regular file", &path);
        } else if beside::NAMES.contains(&name.as_ref()) && !beside::is_alone(folder, &name) {
            walk.skip("describes the log beside it", &path);
        } else if is_other(&name) {
            walk.skip("not a log by its extension", &path);
        } else {
            walk.files.push(path);
        }
    }
    Ok(())
}

fn is_other(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| OTHER_ENDINGS.contains(&ending.as_str()))
}
