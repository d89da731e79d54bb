//! Files that survive a crash: a reader sees the old content or the new one, never a part.

pub mod seal;

use crate::failpoint;
use chrono::{DateTime, Utc};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The extension of a file that is being written.
const TEMPORARY: &str = "tmp";

/// What follows the name of a file that was set aside, before the time.
const DAMAGED: &str = ".damaged-";
/// The mark of a whole file with a date that cannot be right.
const MISDATED: &str = ".misdated-";

/// Writes a file beside its place, flushes it to disk and renames it into place; creates its folders if needed, and flushes
/// the folders, so that the file also survives a loss of power. If it fails, no temporary file is left.
///
/// # Errors
/// What `failed` makes of the path and the system's error.
pub fn write<E>(path: &Path, bytes: &[u8], failed: impl Fn(&Path, io::Error) -> E) -> Result<(), E> {
    let folder = folder_of(path);
    create_folders(folder).map_err(|error| failed(folder, error))?;
    let temporary = path.with_extension(TEMPORARY);
    let written = File::create(&temporary)
        .and_then(|mut file| {
            let half = bytes.len() / 2;
            file.write_all(&bytes[..half])?;
            failpoint::reach("durable.half")?;
            file.write_all(&bytes[half..]).and_then(|()| file.sync_all())
        })
        .and_then(|()| failpoint::reach("durable.written"))
        .map_err(|error| failed(&temporary, error));
    let renamed = written.and_then(|()| fs::rename(&temporary, path).map_err(|error| failed(path, error)));
    if renamed.is_err() {
        // The error of the attempt is the one to report.
        _ = fs::remove_file(&temporary);
    }
    renamed?;
    failpoint::reach("durable.renamed").map_err(|error| failed(path, error))?;
    // The rename itself is durable only after the folder is synced.
    sync(folder).map_err(|error| failed(folder, error))
}

/// The folder of a file; `.` for a name alone.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Flushes the entries of a folder to disk.
///
/// # Errors
/// If the system refuses.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all())
}

/// Creates a folder and those above it that are missing, and flushes each new entry to disk.
///
/// # Errors
/// If the system refuses.
pub fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    create_folders(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        created => created?,
    }
    match sync(above) {
        // A folder above the data folder need not be readable.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Opens a file for reading that must be a regular one: a pipe would wait for a writer for ever, and a device may have no
/// end.
///
/// # Errors
/// [`io::ErrorKind::IsADirectory`] for a folder, [`io::ErrorKind::InvalidData`] for a pipe, a socket or a device, and what
/// the system refuses.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Opening alone may have an effect on a device.
    check_regular(&fs::metadata(path)?)?;
    let mut options = File::options();
    options.read(true);
    // It may be exchanged for a pipe before it is opened.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = options.open(path)?;
    check_regular(&file.metadata()?)?;
    Ok(file)
}

fn check_regular(found: &fs::Metadata) -> io::Result<()> {
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file"));
    }
    if !found.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is a pipe, a socket or a device, not a file",
        ));
    }
    Ok(())
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// As [`open_regular`], and [`io::ErrorKind::InvalidData`] if the file is larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// The absolute path without links, also of a file that does not exist yet.
pub fn resolved(path: &Path) -> PathBuf {
    if let Ok(there) = path.canonicalize() {
        return there;
    }
    let parent = folder_of(path);
    let parent = if parent == path { parent.to_owned() } else { resolved(parent) };
    match path.file_name() {
        Some(name) => parent.join(name),
        None => parent,
    }
}

/// Renames a damaged file to `NAME.damaged-YYYYMMDDTHHMMSSZ` beside its place, and returns its new path. Damaged files are
/// kept, so that they can be examined.
///
/// # Errors
/// If the system refuses.
pub fn set_aside(path: &Path, at: DateTime<Utc>) -> io::Result<PathBuf> {
    rename_with(path, DAMAGED, at)
}

/// Renames a whole file that belongs to a date that cannot be right to `NAME.misdated-YYYYMMDDTHHMMSSZ` beside its place, and
/// returns its new path.
///
/// # Errors
/// If the system refuses.
pub fn set_misdated_aside(path: &Path, at: DateTime<Utc>) -> io::Result<PathBuf> {
    rename_with(path, MISDATED, at)
}

fn rename_with(path: &Path, mark: &str, at: DateTime<Utc>) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = format!("{name}{mark}{}", at.format("%Y%m%dT%H%M%SZ"));
    let mut place = path.with_file_name(&aside);
    let mut number = 2;
    while place.symlink_metadata().is_ok() {
        place = path.with_file_name(format!("{aside}-{number}"));
        number += 1;
    }
    fs::rename(path, &place)?;
    sync(folder_of(path))?;
    Ok(place)
}

/// The name that a file had before [`set_aside`]; `None` if it was not set aside.
pub fn name_before(aside: &str) -> Option<&str> {
    aside.rsplit_once(DAMAGED).map(|(name, _)| name)
}

/// The name or path that a file had before [`set_misdated_aside`]; `None` if it is not such a file.
pub fn before_misdated(aside: &str) -> Option<&str> {
    aside.rsplit_once(MISDATED).map(|(name, _)| name)
}

/// Deletes the temporary files that a process left in a folder and the folders below it when it was killed, and returns how
/// many. Only for folders that no other process writes to.
pub fn sweep(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut swept = 0;
    for entry in entries.filter_map(Result::ok) {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        if kind.is_dir() {
            swept += sweep(&path);
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == TEMPORARY) {
            swept += usize::from(fs::remove_file(&path).is_ok());
        }
    }
    swept
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
    let folder = folder_of(&place);
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
    sync(folder)
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

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_read_and_none_that_is_too_large() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "four").expect("written");
        symlink(at("file"), at("link")).expect("linked");
        for name in ["file", "link"] {
            assert_eq!(read(&at(name), 4).expect("read"), b"four");
        }
        let large = read(&at("file"), 3).expect_err("too large");
        assert!(large.to_string().contains("more than 3 bytes"), "{large}");
        // A socket stands for a pipe, which would wait.
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("bound");
        symlink("/dev/zero", at("device")).expect("linked");
        for name in ["socket", "device"] {
            let error = read(&at(name), 4).expect_err(name);
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{name}: {error}");
            assert!(error.to_string().contains("not a file"), "{name}: {error}");
        }
        assert_eq!(read(folder.path(), 4).expect_err("a folder").kind(), io::ErrorKind::IsADirectory);
        assert_eq!(read(&at("missing"), 4).expect_err("nothing").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_cannot_be_replaced_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = replace(folder.path(), b"x").expect_err("a folder is not a file");
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert!(replace(&folder.path().join("missing/file"), b"x").is_err(), "the folder is not created");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_failed_write_leaves_no_temporary_file_and_folders_are_created() {
        let folder = tempfile::tempdir().expect("a folder");
        let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
        let deep = folder.path().join("a/b/c/file.json");
        write(&deep, b"one", failed).expect("written");
        assert_eq!(fs::read(&deep).expect("read"), b"one");
        // A folder is in its place, so the rename fails.
        let taken = folder.path().join("taken.json");
        fs::create_dir_all(taken.join("inside")).expect("created");
        let error = write(&taken, b"two", failed).expect_err("not a file");
        assert!(error.contains("taken.json"), "{error}");
        assert_eq!(names(folder.path()), ["a", "taken.json"]);
        // A file is in the place of a folder.
        let error = write(&deep.join("below"), b"three", failed).expect_err("not a folder");
        assert!(error.contains("file.json"), "{error}");
    }

    #[test]
    fn temporary_files_of_a_killed_process_are_swept() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("2026/08")).expect("created");
        for name in ["current.tmp", "2026/08/run.tmp", "2026/08/run.pack", "tmp"] {
            fs::write(at(name), "x").expect("written");
        }
        assert_eq!(sweep(folder.path()), 2);
        assert_eq!(names(folder.path()), ["2026", "tmp"]);
        assert_eq!(names(&at("2026/08")), ["run.pack"]);
        assert_eq!(sweep(&at("missing")), 0);
    }

    #[test]
    fn damaged_files_are_kept_under_names_of_their_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.manifest.zst");
        let time = "2026-08-01T10:57:00Z".parse().expect("a time");
        for content in ["one", "two", "three"] {
            fs::write(&path, content).expect("written");
            let aside = set_aside(&path, time).expect("renamed");
            assert_eq!(fs::read(&aside).expect("kept"), content.as_bytes());
            let name = aside.file_name().expect("a name").to_string_lossy();
            assert_eq!(name_before(&name), Some("run.manifest.zst"), "{name}");
        }
        let aside = "run.manifest.zst.damaged-20260801T105700Z";
        assert_eq!(names(folder.path()), [aside.to_owned(), format!("{aside}-2"), format!("{aside}-3")]);
        assert_eq!(name_before("run.manifest.zst"), None);
        assert!(set_aside(&path, time).is_err(), "there is no such file");
    }
}
