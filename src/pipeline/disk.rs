//! The space on the disk of the data folder.

use std::io;
use std::path::Path;

/// Space of a file system, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// What this user can still write.
    pub available: u64,
    /// Its size.
    pub total: u64,
}

/// The space of the file system that has a folder.
///
/// # Errors
/// If the folder does not exist or the system does not report it.
#[cfg(unix)]
pub fn disk_space(folder: &Path) -> io::Result<DiskSpace> {
    let found = rustix::fs::statvfs(folder).map_err(|error| {
        io::Error::new(io::Error::from(error).kind(), format!("{}: {error}", folder.display()))
    })?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(DiskSpace { available: bytes(found.f_bavail), total: bytes(found.f_blocks) })
}

/// The space of the file system that has a folder.
///
/// # Errors
/// Always: this system is not supported.
#[cfg(not(unix))]
pub fn disk_space(folder: &Path) -> io::Result<DiskSpace> {
    Err(io::Error::new(io::ErrorKind::Unsupported, format!("{}: no report of disk space", folder.display())))
}
