//! Files that survive a crash: a reader sees the old content or the new one, never a part.

use crate::failpoint;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    written.and_then(|()| failpoint::reach("durable.written")).map_err(|error| failed(&temporary, error))?;
    fs::rename(&temporary, path)
        .and_then(|()| failpoint::reach("durable.renamed"))
        .map_err(|error| failed(path, error))?;
    // The rename itself is durable only after the folder is synced.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, error))
}

/// Creates a folder for this user only, unless there is one.
///
/// # Errors
/// If the system refuses.
pub fn private_folder(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Links that are followed to find the place of a file, as on Linux.
const MOST_LINKS: usize = 40;

/// Replaces the content of a file as a whole. Unlike [`write`], it creates no folder, a symbolic link stays and its target
/// is replaced, an existing file keeps its permissions and, if possible, its owner, and the temporary file has a random
/// name.
///
/// # Errors
/// If the place is not a regular file, or the system refuses; the file is then unchanged.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// The same for content that a function writes.
///
/// # Errors
/// See [`replace`], and the error of the function.
pub fn replace_with(path: &Path, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let place = behind_links(path)?;
    let existing = match fs::metadata(&place) {
        Ok(existing) => Some(existing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if existing.as_ref().is_some_and(|existing| !existing.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hitrate-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder)?;
    content(temporary.as_file_mut())?;
    if let Some(existing) = &existing {
        keep(temporary.as_file(), existing)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(&place).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// The place that a path leads to, whether or not there is a file.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(link) = fs::read_link(&place) else { return Ok(place) };
        place = place.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Gives a file the owner and the permissions of another one.
fn keep(file: &File, of: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (of.uid(), of.gid()) {
            // Only root may give a file away; for everyone else the content matters more.
            _ = fchown(file, Some(of.uid()), Some(of.gid()));
        }
    }
    file.set_permissions(of.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_the_file_behind_it_keeps_its_permissions() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).expect("created");
        fs::write(at("real/config.json"), "old").expect("written");
        fs::set_permissions(at("real/config.json"), PermissionsExt::from_mode(0o640)).expect("set");
        symlink("real/config.json", at("second")).expect("linked");
        symlink("second", at("config.json")).expect("linked");
        fs::write(at("config.tmp"), "of someone else").expect("written");

        replace(&at("config.json"), b"new").expect("replaced");
        assert_eq!(fs::read(at("real/config.json")).expect("read"), b"new");
        let mode = fs::metadata(at("real/config.json")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(fs::read_link(at("config.json")).expect("a link"), Path::new("second"));
        assert_eq!(fs::read(at("config.tmp")).expect("read"), b"of someone else");
        assert_eq!(names(folder.path()), ["config.json", "config.tmp", "real", "second"]);
        assert_eq!(names(&at("real")), ["config.json"], "no temporary file is left");

        symlink("real/later.json", at("dangling")).expect("linked");
        replace(&at("dangling"), b"x").expect("created");
        assert_eq!(fs::read(at("real/later.json")).expect("read"), b"x");
        symlink("loop", at("loop")).expect("linked");
        assert!(replace(&at("loop"), b"x").is_err());
    }

    #[test]
    fn what_cannot_be_replaced_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = replace(folder.path(), b"x").expect_err("a folder is not a file");
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert!(replace(&folder.path().join("missing/file"), b"x").is_err(), "the folder is not created");
        assert!(names(folder.path()).is_empty());
    }
}
