//! Files that survive a crash: a reader sees the old content or the new one, never a part.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file beside its place, flushes it to disk and renames it into place; creates its folder if needed.
///
/// # Errors
/// What `failed` makes of the path and the system's error.
pub fn write<E>(path: &Path, bytes: &[u8], failed: impl Fn(&Path, io::Error) -> E) -> Result<(), E> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let temporary = path.with_extension("tmp");
    let written =
        File::create(&temporary).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| failed(&temporary, error))?;
    fs::rename(&temporary, path).map_err(|error| failed(path, error))?;
    // The rename itself is durable only after the folder is synced.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, error))
}
