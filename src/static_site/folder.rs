//! The folder of a static site: written next to its target and moved into place as a whole.

use super::PublishError;
use crate::failpoint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// File that marks a folder as a publication and lists what belongs to it.
pub const MARKER: &str = ".hitrate-publication";
/// Its name while it is written.
const MARKER_BEING_WRITTEN: &str = ".hitrate-publication.new";

/// The content of the marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The snapshot that was published.
    pub snapshot: String,
    /// Version of the program.
    pub version: String,
    /// The published entries at the top of the folder.
    pub entries: BTreeSet<String>,
    /// Whether the folder is being written: then all of its entries are the publication's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unfinished: bool,
}

impl Marker {
    fn new(snapshot: &str, entries: BTreeSet<String>) -> Self {
        let (snapshot, version) = (snapshot.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { snapshot, version, entries, is_unfinished: false }
    }

    fn has(&self, name: &OsString) -> bool {
        name.to_str().is_some_and(|name| name == MARKER || self.entries.contains(name))
    }
}

/// A folder being written. If it is dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct Folder {
    target: PathBuf,
    beside: PathBuf,
    /// Entries of the target that no publication wrote; they are kept.
    foreign: Vec<OsString>,
    /// Those of them that are in the temporary folder now and must not be lost.
    moved: Vec<OsString>,
    /// The lock on the temporary folder: another publication does not take it for a leftover.
    _lock: File,
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PublishError + '_ {
    move |source| PublishError::Io { path: path.to_owned(), source }
}

/// Names at the top of a folder; empty if the folder does not exist.
fn entries(folder: &Path) -> Result<Vec<OsString>, PublishError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(folder)(error)),
    };
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry.map_err(failed(folder))?.file_name());
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
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| PublishError::NoName { path: target.clone() })?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new(".")).to_owned();
        let prefix = format!(".{name}.publishing-");
        leftovers::sweep(&parent, &prefix, &target);
        let there = entries(&target)?;
        let is_ours = there.iter().any(|name| name == MARKER);
        let ours = if is_ours { known(&target.join(MARKER))? } else { Marker::new("", BTreeSet::new()) };
        if !there.is_empty() && !is_ours && !force {
            return Err(PublishError::NotOurs { path: target });
        }
        let foreign = there.into_iter().filter(|name| !ours.has(name)).collect();
        fs::create_dir_all(&parent).map_err(failed(&parent))?;
        let beside = parent.join(format!("{prefix}{:016x}", rand::random::<u64>()));
        fs::create_dir(&beside).map_err(failed(&beside))?;
        let lock = File::open(&beside).map_err(failed(&beside))?;
        // A file system without locks: then two publications at once are not kept apart.
        _ = lock.try_lock();
        let folder = Self { target, beside, foreign, moved: Vec::new(), _lock: lock };
        folder.mark(&Marker { is_unfinished: true, ..Marker::new("", BTreeSet::new()) })?;
        Ok(folder)
    }

    /// Writes the marker as a whole: a publication that is killed leaves the one before or this one.
    fn mark(&self, marker: &Marker) -> Result<(), PublishError> {
        let text = serde_json::to_vec_pretty(marker).unwrap_or_default();
        let (written, place) = (self.beside.join(MARKER_BEING_WRITTEN), self.beside.join(MARKER));
        fs::write(&written, text).and_then(|()| fs::rename(&written, &place)).map_err(failed(&place))
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
    /// folder. Files of others are moved first: from the exchange on, the temporary folder has only what was published
    /// before. What a kill in between leaves is put right by the next publication ([`leftovers::sweep`]).
    ///
    /// # Errors
    /// [`PublishError::Taken`] if a file of others has the name of a published one and `force` is not set;
    /// [`PublishError::Io`].
    pub fn finish(mut self, snapshot: &str, force: bool) -> Result<(), PublishError> {
        let own = entries(&self.beside)?.into_iter().filter_map(|name| name.into_string().ok());
        let marker = Marker::new(snapshot, own.filter(|name| name != MARKER).collect());
        let mut kept = std::mem::take(&mut self.foreign);
        if let Some(taken) = kept.iter().find(|name| marker.has(name)).filter(|_| !force) {
            return Err(PublishError::Taken { path: self.target.join(taken) });
        }
        self.mark(&marker)?;
        failpoint::reach("site.staged").map_err(failed(&self.beside))?;
        if !self.target.exists() {
            return fs::rename(&self.beside, &self.target).map_err(failed(&self.target));
        }
        kept.retain(|name| !marker.has(name));
        for name in kept {
            let (from, to) = (self.target.join(&name), self.beside.join(&name));
            fs::rename(&from, &to).map_err(failed(&from))?;
            self.moved.push(name);
            failpoint::reach("site.moved").map_err(failed(&to))?;
        }
        exchange(&self.beside, &self.target).map_err(failed(&self.target))?;
        self.moved.clear();
        failpoint::reach("site.exchanged").map_err(failed(&self.target))?;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The exchange failed: files of others go back.
        for name in std::mem::take(&mut self.moved) {
            let (from, to) = (self.beside.join(&name), self.target.join(&name));
            if let Err(error) = fs::rename(&from, &to) {
                tracing::error!(path = %from.display(), %error, "could not move a file of others back; it stays here");
                return;
            }
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
fn known(marker: &Path) -> Result<Marker, PublishError> {
    let text = fs::read(marker).map_err(failed(marker))?;
    serde_json::from_slice(&text).map_err(|source| PublishError::Marker { path: marker.to_owned(), source })
}

/// The temporary folders of publications that were killed.
mod leftovers {
    use super::{File, MARKER, Path, TryLockError, entries, fs, io, known};

    /// Puts right what publications to `target` left in `parent`: files of others go back to the target, and the folder is
    /// removed. What is not certainly a leftover stays, with a warning.
    pub fn sweep(parent: &Path, prefix: &str, target: &Path) {
        let Ok(listed) = fs::read_dir(parent) else { return };
        for entry in listed.filter_map(Result::ok) {
            let is_leftover = entry.file_name().to_string_lossy().starts_with(prefix)
                && entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_leftover && let Err(why) = sweep_one(&entry.path(), target) {
                let path = entry.path();
                tracing::warn!(path = %path.display(), %why, "a publication that was killed left this folder; it stays");
            }
        }
    }

    fn sweep_one(left: &Path, target: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let lock = File::open(left)?;
        match lock.try_lock() {
            Ok(()) => {}
            // A publication is writing it.
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let at = left.join(MARKER);
        if !at.exists() {
            return Err(
                "it has no marker of a publication: move what you need out of it, then delete it".into()
            );
        }
        let marker = known(&at)?;
        if !marker.is_unfinished {
            if !target.exists() {
                // Killed between two steps of an exchange: this folder is a whole publication.
                return Ok(fs::rename(left, target)?);
            }
            for name in entries(left)?.into_iter().filter(|name| !marker.has(name)) {
                let to = target.join(&name);
                if to.symlink_metadata().is_ok() {
                    let name = name.display();
                    return Err(format!("`{name}` is also in {}; move it away", target.display()).into());
                }
                fs::rename(left.join(&name), &to)?;
            }
        }
        match fs::remove_dir_all(left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
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
    // The name begins as that of a leftover.
    let mut aside = one.as_os_str().to_owned();
    aside.push("-before");
    let aside = PathBuf::from(aside);
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
        let listed = entries(folder).expect("readable").into_iter();
        let mut names: Vec<String> = listed.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The target with a publication and files of others, and a new publication that is killed at a step.
    fn killed(root: &Path, at: fn(&Folder, &Path)) -> PathBuf {
        let target = root.join("site");
        published(&target, "old.html", false).expect("a new folder");
        fs::create_dir(target.join(".git")).expect("made");
        fs::write(target.join(".git/HEAD"), "ref").expect("written");
        fs::write(target.join("CNAME"), "tiers.test").expect("written");
        let folder = Folder::begin(&target, false).expect("begun");
        folder.write("new.html", b"new").expect("written");
        at(&folder, &target);
        // A process that is killed runs no destructor; its lock ends with it.
        let Folder { _lock, .. } = &folder;
        _lock.unlock().expect("unlocked");
        std::mem::forget(folder);
        target
    }

    fn marked(folder: &Folder) {
        folder.mark(&Marker::new("id", BTreeSet::from(["new.html".to_owned()]))).expect("marked");
    }

    fn move_others(folder: &Folder, target: &Path, names: &[&str]) {
        for name in names {
            fs::rename(target.join(name), folder.beside.join(name)).expect("moved");
        }
    }

    #[test]
    fn a_publication_that_is_killed_at_any_step_loses_no_file_of_others() {
        let steps: [fn(&Folder, &Path); 7] = [
            |_, _| {},
            |folder, _| marked(folder),
            |folder, target| {
                marked(folder);
                move_others(folder, target, &[".git"]);
            },
            |folder, target| {
                marked(folder);
                move_others(folder, target, &[".git", "CNAME"]);
            },
            |folder, target| {
                marked(folder);
                move_others(folder, target, &[".git", "CNAME"]);
                exchange(&folder.beside, target).expect("exchanged");
            },
            // The two steps of an exchange in which there is no target.
            |folder, target| {
                marked(folder);
                move_others(folder, target, &[".git", "CNAME"]);
                let aside = folder.beside.with_file_name(".site.publishing-00-before");
                fs::rename(target, aside).expect("moved");
            },
            |folder, target| {
                marked(folder);
                move_others(folder, target, &[".git", "CNAME"]);
                fs::rename(target, folder.beside.with_file_name(".site.publishing-ff-before"))
                    .expect("moved");
                fs::rename(&folder.beside, target).expect("moved");
            },
        ];
        for (number, step) in steps.into_iter().enumerate() {
            let root = tempfile::tempdir().expect("a folder");
            let target = killed(root.path(), step);
            published(&target, "next.html", false).unwrap_or_else(|error| panic!("step {number}: {error}"));
            assert_eq!(names(&target), [".git", MARKER, "CNAME", "next.html"], "step {number}");
            assert_eq!(fs::read(target.join(".git/HEAD")).expect("there"), b"ref", "step {number}");
            assert_eq!(names(root.path()), ["site"], "step {number}: the leftovers are gone");
        }
    }

    #[test]
    fn what_is_not_certainly_a_leftover_stays() {
        let root = tempfile::tempdir().expect("a folder");
        let target = root.path().join("site");
        let (strange, twice) =
            (root.path().join(".site.publishing-1"), root.path().join(".site.publishing-2"));
        fs::create_dir(&strange).expect("made");
        fs::write(strange.join("thesis.tex"), "years").expect("written");
        published(&target, "a.html", false).expect("published");
        fs::write(target.join("CNAME"), "one").expect("written");
        fs::create_dir(&twice).expect("made");
        fs::write(twice.join("CNAME"), "two").expect("written");
        fs::copy(target.join(MARKER), twice.join(MARKER)).expect("copied");
        // Another publication that is being written.
        let other = Folder::begin(&target, false).expect("begun");
        other.write("b.html", b"b").expect("written");
        published(&target, "c.html", false).expect("published");
        assert_eq!(fs::read(strange.join("thesis.tex")).expect("there"), b"years");
        assert_eq!(fs::read(twice.join("CNAME")).expect("there"), b"two");
        assert_eq!(fs::read(target.join("CNAME")).expect("there"), b"one");
        other.finish("id", false).expect("the other one finishes");
        assert_eq!(names(&target), [MARKER, "CNAME", "b.html"]);
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
