//! What is wrong with a database file that cannot be opened: damage, or a missing right. Of a database file and its
//! write-ahead log, only the one at fault is set aside.

use super::StoreError;
use crate::durable;
use chrono::{DateTime, Utc};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Parts of the messages of DuckDB about a damaged file.
const OF_DAMAGE: [&str; 8] = [
    "Corrupt database file",
    "Corrupt WAL file",
    "replaying WAL file",
    "not a valid DuckDB database",
    "Could not read enough bytes",
    "Is a directory",
    "does not match stored checksum",
    "Failed to load metadata pointer",
];

/// Whether a message of DuckDB says that the content of a file is damaged.
pub(super) fn is_damage(message: &str) -> bool {
    OF_DAMAGE.iter().any(|part| message.contains(part))
}

/// The right that this process lacks for a file, as an error. `None` if it may read and write it, or if there is no
/// such file.
///
/// Only for a file that is not open: closing it here would release DuckDB's lock.
pub(super) fn denied(path: &Path) -> Option<StoreError> {
    let kinds = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem];
    let source = OpenOptions::new().read(true).write(true).open(path).err()?;
    kinds.contains(&source.kind()).then(|| StoreError::Denied { path: path.to_owned(), source })
}

/// The write-ahead log of a database file.
pub(super) fn log_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.wal", path.display()))
}

/// Sets a write-ahead log aside whose database file is gone: DuckDB would create an empty file for it.
pub(super) fn set_orphaned_log_aside(path: &Path) -> Result<(), StoreError> {
    let log = log_of(path);
    if path.exists() || fs::metadata(&log).map_or(0, |log| log.len()) == 0 {
        return Ok(());
    }
    let aside = set_log_aside(&log)?;
    tracing::error!(
        file = %log.display(),
        set_aside = %aside.display(),
        "the database file of this write-ahead log is gone, so the log was set aside"
    );
    Ok(())
}

/// Sets a write-ahead log aside, named by the time of its last change.
pub(super) fn set_log_aside(log: &Path) -> Result<PathBuf, StoreError> {
    let failed = |source| StoreError::Io { path: log.to_owned(), source };
    let changed = fs::metadata(log).and_then(|log| log.modified()).map_err(failed)?;
    durable::set_aside(log, DateTime::<Utc>::from(changed)).map_err(failed)
}

/// Tries to open a database file without its write-ahead log, to find which of them is damaged. If that works, the log
/// stays set aside; otherwise it is back in its place.
pub(super) fn without_log<T>(
    path: &Path,
    open: impl FnOnce() -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let log = log_of(path);
    if !log.exists() {
        return Ok(None);
    }
    let aside = set_log_aside(&log)?;
    if let Ok(opened) = open() {
        tracing::error!(
            file = %log.display(),
            set_aside = %aside.display(),
            "the write-ahead log cannot be replayed and was set aside; its runs are stored again from the archive"
        );
        return Ok(Some(opened));
    }
    put_back(&aside, &log).map_err(|source| StoreError::Io { path: log, source })?;
    Ok(None)
}

fn put_back(aside: &Path, log: &Path) -> io::Result<()> {
    // The attempt to open the file may have created an empty one.
    match fs::remove_file(log) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(aside, log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_other_errors() {
        assert!(is_damage("IO Error: The file \"a.db\" exists, but it is not a valid DuckDB database file!"));
        assert!(is_damage(
            "Corrupt database file: computed checksum 1 does not match stored checksum 2 in block"
        ));
        assert!(is_damage("IO Error: Could not read enough bytes from file \"a.db\""));
        for other in [
            "Out of Memory Error: failed to allocate",
            "IO Error: Could not set lock on file",
            "IO Error: No space left",
        ] {
            assert!(!is_damage(other), "{other}");
        }
    }

    #[test]
    fn a_log_that_is_not_at_fault_is_back_in_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.duckdb");
        let log = log_of(&path);
        fs::write(&log, b"log").expect("written");
        let refused = || Err::<(), _>(StoreError::Refused("damaged".to_owned()));
        assert!(without_log(&path, refused).expect("tried").is_none());
        assert_eq!(fs::read(&log).expect("there"), b"log");
        assert!(without_log(&path, || Ok(())).expect("tried").is_some());
        assert!(!log.exists());
        let names: Vec<_> = fs::read_dir(folder.path()).expect("listed").collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }
}
