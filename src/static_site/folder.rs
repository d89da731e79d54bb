//! The folder of a static site: written next to its target and moved into place as a whole.

use super::PublishError;
use crate::failpoint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// File that marks a folder as a publication and lists what belongs to it.
pub const MARKER: &str = ".hitrate-publication";

/// The content of the marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The snapshot that was published.
    pub snapshot: String,
    /// Version of the program.
    pub version: String,
    /// The published entries at the top of the folder.
    pub entries: BTreeSet<String>,
}

/// A folder being written. If it is dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct Folder {
    target: PathBuf,
    beside: PathBuf,
    /// Entries of the target that no publication wrote; they are kept.
    foreign: Vec<String>,
    /// Whether the temporary folder contains files that must not be lost.
    is_precious: bool,
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PublishError + '_ {
    move |source| PublishError::Io { path: path.to_owned(), source }
}

/// Names at the top of a folder; empty if the folder does not exist.
fn entries(folder: &Path) -> Result<BTreeSet<String>, PublishError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(failed(folder)(error)),
    };
    let name = |entry: io::Result<fs::DirEntry>| {
        Ok(entry.map_err(failed(folder))?.file_name().to_string_lossy().into_owned())
    };
    listed.map(name).collect()
}

impl Folder {
    /// Begins a publication at `target`. Only [`Folder::finish`] changes the target.
    ///
    /// # Errors
    /// [`PublishError::NotOurs`] if the target contains files that no publication wrote, unless `force` is set;
    /// [`PublishError::Io`].
    pub fn begin(target: &Path, force: bool) -> Result<Self, PublishError> {
        // A symbolic link is followed, so that the folder behind it is replaced and not the link.
        let target = target.canonicalize().unwrap_or_else(|_| target.to_owned());
        let there = entries(&target)?;
        let ours = if there.contains(MARKER) { known(&target.join(MARKER))? } else { BTreeSet::new() };
        if !there.is_empty() && !there.contains(MARKER) && !force {
            return Err(PublishError::NotOurs { path: target });
        }
        let foreign = there.into_iter().filter(|name| name != MARKER && !ours.contains(name)).collect();
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| PublishError::NoName { path: target.clone() })?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new(".")).to_owned();
        fs::create_dir_all(&parent).map_err(failed(&parent))?;
        let beside = parent.join(format!(".{name}.publishing-{}", std::process::id()));
        fs::create_dir(&beside).map_err(failed(&beside))?;
        Ok(Self { target, beside, foreign, is_precious: false })
    }

    /// Creates a folder below it, including its parents.
    ///
    /// # Errors
    /// [`PublishError::Io`].
    pub fn make(&self, folder: &str) -> Result<(), PublishError> {
        let path = self.beside.join(folder);
        fs::create_dir_all(&path).map_err(failed(&path))
    }

    /// Writes a file.
    ///
    /// # Errors
    /// [`PublishError::Io`].
    pub fn write(&self, file: &str, bytes: &[u8]) -> Result<(), PublishError> {
        let path = self.beside.join(file);
        fs::write(&path, bytes).map_err(failed(&path))
    }

    /// Moves the folder into place (in one step if the system can), keeps files of others, and removes the previous
    /// folder.
    ///
    /// # Errors
    /// [`PublishError::Taken`] if a file of others has the name of a published one and `force` is not set;
    /// [`PublishError::Io`].
    pub fn finish(mut self, snapshot: &str, force: bool) -> Result<(), PublishError> {
        let own = entries(&self.beside)?;
        if let Some(taken) = self.foreign.iter().find(|name| own.contains(*name)).filter(|_| !force) {
            return Err(PublishError::Taken { path: self.target.join(taken) });
        }
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let marker = Marker { snapshot: snapshot.to_owned(), version, entries: own };
        let text = serde_json::to_vec_pretty(&marker).unwrap_or_default();
        self.write(MARKER, &text)?;
        failpoint::reach("site.staged").map_err(failed(&self.beside))?;
        if !self.target.exists() {
            return fs::rename(&self.beside, &self.target).map_err(failed(&self.target));
        }
        exchange(&self.beside, &self.target).map_err(failed(&self.target))?;
        self.is_precious = true;
        failpoint::reach("site.exchanged").map_err(failed(&self.target))?;
        for name in self.foreign.iter().filter(|name| !marker.entries.contains(*name)) {
            let (from, to) = (self.beside.join(name), self.target.join(name));
            fs::rename(&from, &to).map_err(failed(&from))?;
            failpoint::reach("site.moved").map_err(failed(&to))?;
        }
        self.is_precious = false;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_precious {
            return;
        }
        // Already gone if it was moved into place; otherwise it is an unfinished folder or the previous one.
        if let Err(error) = fs::remove_dir_all(&self.beside)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.beside.display(), %error, "could not remove the folder");
        }
    }
}

/// What an earlier publication wrote.
fn known(marker: &Path) -> Result<BTreeSet<String>, PublishError> {
    let text = fs::read(marker).map_err(failed(marker))?;
    let read = serde_json::from_slice::<Marker>(&text);
    read.map(|marker| marker.entries)
        .map_err(|source| PublishError::Marker { path: marker.to_owned(), source })
}

/// Exchanges two folders atomically.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        // Some file systems do not support it.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => exchange_in_steps(one, other),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    exchange_in_steps(one, other)
}

/// The same in three steps; between the first two, `other` does not exist.
fn exchange_in_steps(one: &Path, other: &Path) -> io::Result<()> {
    let aside = one.with_extension("before");
    fs::rename(other, &aside)?;
    if let Err(error) = fs::rename(one, other) {
        fs::rename(&aside, other)?;
        return Err(error);
    }
    fs::rename(&aside, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(target: &Path, file: &str, force: bool) -> Result<(), PublishError> {
        let folder = Folder::begin(target, force)?;
        folder.write(file, b"new")?;
        folder.finish("id", force)
    }

    fn names(folder: &Path) -> Vec<String> {
        entries(folder).expect("readable").into_iter().collect()
    }

    #[test]
    fn a_publication_replaces_the_one_before_and_keeps_what_others_put_there() {
        let root = tempfile::tempdir().expect("a folder");
        let target = root.path().join("deep/site");
        published(&target, "a.html", false).expect("a new folder");
        assert_eq!(names(&target), [MARKER, "a.html"]);
        fs::create_dir(target.join(".git")).expect("made");
        fs::write(target.join("CNAME"), "tiers.test").expect("written");
        published(&target, "b.html", false).expect("again");
        assert_eq!(names(&target), [".git", MARKER, "CNAME", "b.html"], "the old page is gone");
        let taken = published(&target, "CNAME", false).expect_err("refused");
        assert!(taken.to_string().contains("CNAME") && taken.to_string().contains("--force"), "{taken}");
        assert_eq!(names(&target), [".git", MARKER, "CNAME", "b.html"], "and nothing changed");
        published(&target, "CNAME", true).expect("forced");
        assert_eq!(fs::read(target.join("CNAME")).expect("there"), b"new");
        assert_eq!(names(&root.path().join("deep")), ["site"], "nothing is left next to it");
    }

    #[test]
    fn a_folder_of_others_is_refused_and_left_as_it_is() {
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("thesis.tex"), "years").expect("written");
        let refused = Folder::begin(root.path(), false).expect_err("refused").to_string();
        assert!(refused.contains("--force"), "{refused}");
        published(root.path(), "a.html", true).expect("forced");
        assert_eq!(names(root.path()), [MARKER, "a.html", "thesis.tex"]);
        let file = root.path().join("a.html");
        assert!(Folder::begin(&file, true).is_err(), "a file is not a folder");
        fs::write(root.path().join(MARKER), "not JSON").expect("written");
        assert!(matches!(Folder::begin(root.path(), false), Err(PublishError::Marker { .. })));
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let root = tempfile::tempdir().expect("a folder");
        let target = root.path().join("site");
        let folder = Folder::begin(&target, false).expect("begun");
        folder.write("a.html", b"half").expect("written");
        drop(folder);
        assert_eq!(names(root.path()), [""; 0]);
    }

    #[test]
    fn in_steps_two_folders_change_places_too() {
        let root = tempfile::tempdir().expect("a folder");
        let (one, other) = (root.path().join("one"), root.path().join("other"));
        for (folder, file) in [(&one, "1"), (&other, "2")] {
            fs::create_dir(folder).expect("made");
            fs::write(folder.join(file), "").expect("written");
        }
        exchange_in_steps(&one, &other).expect("exchanged");
        assert_eq!((names(&one), names(&other)), (vec!["2".to_owned()], vec!["1".to_owned()]));
    }
}
