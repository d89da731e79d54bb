//! The files and folders that commands write for the user (`--out`).

use super::Common;
use crate::durable::{self, resolved};
use crate::pipeline::DataDir;
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Other names of standard output.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
/// Folders whose entries are devices and open files, which are written to as they are.
const DEVICES: [&str; 2] = ["/dev", "/proc"];
/// What the data folder has besides the paths of [`DataDir`].
const ALSO_KEPT: [&str; 4] = ["hitrate.toml", "private-token", "traffic", "traffic-spool"];

/// Whether a path means standard output.
pub fn is_stdout(out: &Path) -> bool {
    STDOUT.iter().any(|name| out == Path::new(name))
}

/// Writes a file for the user. `-` is standard output, and a device or a pipe is written to as it is. A file is replaced as a
/// whole: a reader sees the old content or the new one, a symbolic link stays and its target is replaced, and an existing
/// file keeps its permissions.
///
/// # Errors
/// If the path is of a file that hitrate keeps in its data folder, or the content cannot be written; names the path.
pub fn write(
    common: &Common,
    out: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    if is_stdout(out) {
        let mut stdout = io::stdout().lock();
        return content(&mut stdout).and_then(|()| stdout.flush()).context("cannot write to standard output");
    }
    let place = resolved(out);
    ensure!(
        !is_kept(&common.data(), &place),
        "{} is where hitrate keeps its own data; choose another file",
        out.display()
    );
    let written = if is_device(out) {
        File::options().append(true).open(out).and_then(|mut device| content(&mut device))
    } else {
        durable::replace_with(out, |file| content(file))
    };
    written.with_context(|| format!("cannot write {}", out.display()))
}

/// Checks the folder that a command is about to write for the user.
///
/// # Errors
/// If it is, contains or is a part of the data folder's own content, or is named like standard output.
pub fn check_folder(common: &Common, out: &Path) -> Result<()> {
    if is_stdout(out) {
        bail!("`{}` is not a folder: this command writes many files; name a folder", out.display());
    }
    let (data, place) = (common.data(), resolved(out));
    ensure!(
        !holds(&data, &place) && !is_kept(&data, &place),
        "{} holds hitrate's own data ({}); choose another folder",
        out.display(),
        data.path().display()
    );
    Ok(())
}

/// Whether a path without links is the data folder or something that hitrate keeps in it.
fn is_kept(data: &DataDir, place: &Path) -> bool {
    let Ok(root) = data.path().canonicalize() else { return false };
    let Ok(inside) = place.strip_prefix(&root) else { return false };
    let Some(first) = inside.components().next() else { return true };
    let first = first.as_os_str().to_string_lossy();
    is_own(data, &first)
}

/// Whether hitrate keeps something of that name in its data folder. The log of the database and what was set aside have the
/// name of the file with an ending.
fn is_own(data: &DataDir, name: &str) -> bool {
    let own = [
        data.archive(),
        data.store(),
        data.snapshots(),
        data.work(),
        data.imports(),
        data.alerts(),
        data.server(),
    ];
    let mut own = own.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy());
    let is_of =
        |kept: &str| name.strip_prefix(kept).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    own.any(|kept| is_of(&kept)) || ALSO_KEPT.iter().any(|kept| is_of(kept))
}

/// Whether a folder has anything that hitrate keeps in a data folder.
///
/// # Errors
/// If the folder cannot be read.
pub fn has_own(data: &DataDir) -> io::Result<bool> {
    for entry in fs::read_dir(data.path())? {
        if is_own(data, &entry?.file_name().to_string_lossy()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a folder contains the data folder.
fn holds(data: &DataDir, folder: &Path) -> bool {
    data.path().canonicalize().is_ok_and(|data| data.starts_with(folder))
}

/// Whether a path leads to a device, a pipe or an open file of a process.
fn is_device(out: &Path) -> bool {
    let is_special = fs::metadata(out).is_ok_and(|there| !there.is_file() && !there.is_dir());
    is_special || DEVICES.iter().any(|folder| out.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_and_what_is_in_it_is_no_output() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().canonicalize().expect("there").join(name);
        fs::create_dir_all(at("data/archive")).expect("made");
        let data = DataDir::new(at("data"));
        for kept in [
            "data",
            "data/archive",
            "data/archive/2026/x.csv",
            "data/hitrate.duckdb",
            "data/hitrate.duckdb.wal",
            "data/server.json",
            "data/snapshots/current",
            "data/traffic/traffic.duckdb",
            "data/hitrate.toml",
        ] {
            assert!(is_kept(&data, &resolved(&at(kept))), "{kept}");
        }
        assert!(has_own(&data).expect("readable"));
        assert!(!has_own(&DataDir::new(at("data/archive"))).expect("readable"), "it is empty");
        for free in ["days.csv", "data/days.csv", "data/public", "database/x", "data/archived.csv"] {
            assert!(!is_kept(&data, &resolved(&at(free))), "{free}");
        }
        assert!(holds(&data, &at("")) && holds(&data, &at("data")) && !holds(&data, &at("data/archive")));
        let way_round = at("data/archive/../../data/archive/x");
        assert!(is_kept(&data, &resolved(&way_round)), "{way_round:?}");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("data/hitrate.duckdb"), at("link.csv")).expect("linked");
            fs::write(at("data/hitrate.duckdb"), "x").expect("written");
            assert!(is_kept(&data, &resolved(&at("link.csv"))));
        }
    }

    #[test]
    fn standard_output_has_its_usual_names() {
        for name in STDOUT {
            assert!(is_stdout(Path::new(name)), "{name}");
        }
        assert!(!is_stdout(Path::new("./-")) && !is_stdout(Path::new("out.csv")));
        assert!(is_device(Path::new("/dev/null")) && is_device(Path::new("/dev/fd/9")));
        assert!(!is_device(Path::new("out.csv")) && !is_device(&std::env::temp_dir()));
    }
}
