//! Files that are damaged between two runs: they are named in the log, set aside, and repaired from the archive.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hitrate::archive::Archive;
use hitrate::clock::{Clock, SystemClock};
use hitrate::pipeline::DataDir;
use hitrate::snapshot::store::current_id;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::kills::number;
use super::lab::{Data, Lab, StopOnPanic, Verb};
use super::process::{End, Ended, finish, run};
use super::state::digests;
use crate::binary::{Server, command};

/// What is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Database,
    /// The write-ahead log, which holds a run that is in no other file of the database.
    Log,
    OldestPack,
    NewestPack,
    OldestManifest,
    NewestManifest,
    Snapshot,
    /// The file that names the current snapshot.
    Current,
    Server,
    Settings,
}

/// How it is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    Torn,
    Flipped,
    Emptied,
    Deleted,
    /// A folder of the same name.
    Folder,
    /// No one may read or write it.
    Denied,
    ReadOnly,
}

const TARGETS: [Target; 10] = [
    Target::Database,
    Target::Log,
    Target::OldestPack,
    Target::NewestPack,
    Target::OldestManifest,
    Target::NewestManifest,
    Target::Snapshot,
    Target::Current,
    Target::Server,
    Target::Settings,
];
const DAMAGES: [Damage; 7] = [
    Damage::Torn,
    Damage::Flipped,
    Damage::Emptied,
    Damage::Deleted,
    Damage::Folder,
    Damage::Denied,
    Damage::ReadOnly,
];

const SETTINGS: &str = "[serve]\npublic_url = \"https://tiers.example.org\"\n";
/// Bits that are flipped at once.
const FLIPS: usize = 3;
/// The mark of files that are set aside.
const ASIDE: &str = ".damaged-";

impl Target {
    fn path(self, folder: &Path) -> PathBuf {
        let data = DataDir::new(folder);
        let manifest = |newest: bool| {
            let all = Archive::open(data.archive()).manifests().expect("readable");
            if newest { all[all.len() - 1].clone() } else { all[0].clone() }
        };
        let pack = |newest: bool| {
            PathBuf::from(manifest(newest).to_string_lossy().replace(".manifest.zst", ".pack"))
        };
        match self {
            Self::Database => data.store(),
            Self::Log => PathBuf::from(format!("{}.wal", data.store().display())),
            Self::OldestPack => pack(false),
            Self::NewestPack => pack(true),
            Self::OldestManifest => manifest(false),
            Self::NewestManifest => manifest(true),
            Self::Snapshot => {
                let id = current_id(&data.snapshots()).expect("a snapshot");
                data.snapshots().join(format!("{id}.json.zst"))
            }
            Self::Current => data.snapshots().join("current"),
            Self::Server => data.server(),
            Self::Settings => folder.join("hitrate.toml"),
        }
    }
}

impl Damage {
    fn apply(self, path: &Path, random: &mut ChaCha8Rng) {
        let mut bytes = fs::read(path).expect("readable");
        match self {
            Self::Torn => {
                bytes.truncate(random.random_range(bytes.len() / 4..bytes.len() * 3 / 4));
                fs::write(path, bytes).expect("written");
            }
            Self::Flipped => {
                for _ in 0..FLIPS {
                    let place = random.random_range(0..bytes.len());
                    bytes[place] ^= 1 << random.random_range(0..8);
                }
                fs::write(path, bytes).expect("written");
            }
            Self::Emptied => fs::write(path, "").expect("written"),
            Self::Deleted => fs::remove_file(path).expect("removed"),
            Self::Folder => {
                fs::remove_file(path).expect("removed");
                fs::create_dir(path).expect("created");
                fs::write(path.join("inside"), "x").expect("written");
            }
            Self::Denied => set_mode(path, 0o000),
            Self::ReadOnly => set_mode(path, 0o444),
        }
    }

    /// Whether only rights are missing: then nothing is damaged, and nothing may be set aside.
    fn is_of_rights(self) -> bool {
        matches!(self, Self::Denied | Self::ReadOnly)
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("set");
}

/// Files and folders that are set aside below a folder.
fn set_aside(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.file_name().is_some_and(|name| name.to_string_lossy().contains(ASIDE)) {
            found.push(entry);
        } else if entry.is_dir() {
            found.extend(set_aside(&entry));
        }
    }
    found.sort();
    found
}

/// Whether a log names a file of a folder.
fn names(log: &str, folder: &Path, path: &Path) -> bool {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    log.contains(&*inside.to_string_lossy())
        || path.file_name().is_some_and(|name| log.contains(&*name.to_string_lossy()))
}

fn errors(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains(" ERROR ")).collect()
}

/// A folder with three runs; the third is in the write-ahead log alone if that is the target.
fn damaged_folder(lab: &Lab, target: Target) -> Data {
    let data = if target == Target::Log {
        let data = lab.folder(Verb::Collect(2));
        let place = End::At("ingest.checkpoint", 1);
        let ended = run(&mut lab.command(Verb::Collect(2), data.path()), place, || false);
        assert!(ended.is_killed, "{ended:?}");
        data
    } else {
        lab.folder(Verb::Collect(3))
    };
    fs::write(data.path().join("hitrate.toml"), SETTINGS).expect("written");
    let stale = "{\"url\":\"http://127.0.0.1:1\",\"token\":\"0\",\"pid\":1}";
    fs::write(data.path().join("server.json"), stale).expect("written");
    data
}

/// Damages a file, then collects twice. Returns whether something was set aside.
fn perform(lab: &Lab, target: Target, damage: Damage, random: &mut ChaCha8Rng) -> bool {
    let context = format!("{target:?} {damage:?}");
    let data = damaged_folder(lab, target);
    let folder = data.path();
    let path = target.path(folder);
    damage.apply(&path, random);
    match target {
        Target::Settings => {
            settings_are_refused(lab, folder, damage, &context);
            return false;
        }
        Target::Server => {
            let ended = Server::of(folder).terminate();
            assert_eq!(ended, Some(0), "{context}: the server starts and stops");
            assert!(path.is_dir() || !path.exists(), "{context}: the announcement is withdrawn");
            return false;
        }
        _ => {}
    }
    let first = finish(&mut lab.command(Verb::Collect(3), folder));
    let aside = set_aside(folder);
    if damage.is_of_rights() {
        rights_are_named(lab, (folder, &path), &first, &context);
        assert!(aside.is_empty(), "{context}: {aside:?}");
        return false;
    }
    assert_eq!(first.code, Some(0), "{context}: {first:?}");
    for one in &aside {
        let name = one.file_name().expect("a name").to_string_lossy().into_owned();
        let before = name.split(ASIDE).next().unwrap_or_default();
        assert!(
            first.err.contains(&name) && first.err.contains(before),
            "{context}: {name} in {}",
            first.err
        );
    }
    if is_kept(target, damage) {
        // What was there before the start, under its new name.
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let kept = aside.iter().find(|one| {
            one.file_name()
                .is_some_and(|aside| aside.to_string_lossy().starts_with(&format!("{name}{ASIDE}")))
        });
        let kept = kept.unwrap_or_else(|| panic!("{context}: {name} is not among {aside:?}"));
        let is_same = match damage {
            Damage::Folder => fs::read(kept.join("inside")).is_ok_and(|inside| inside == b"x"),
            _ => fs::read(kept).is_ok_and(|bytes| bytes.is_empty()),
        };
        assert!(is_same, "{context}: {} has the old content", kept.display());
    }
    assert!(
        !is_certain(target, damage) || names(&first.err, folder, &path),
        "{context} is in the log: {}",
        first.err
    );
    let second = finish(&mut lab.command(Verb::Collect(3), folder));
    assert_eq!(
        (second.code, errors(&second.err)),
        (Some(0), Vec::new()),
        "{context}: the second start is quiet"
    );
    assert_eq!(set_aside(folder), aside, "{context}: nothing more is set aside");
    if matches!(target, Target::OldestPack | Target::NewestPack) && damage != Damage::Flipped {
        // No run of these two needs the lost bodies, but a replay would.
        let checked = finish(command().arg("--data-dir").arg(folder).args(["check", "--all", "--offline"]));
        let said = format!("{}{}", checked.out, checked.err);
        assert!(checked.code == Some(1) && names(&said, folder, &path), "{context}: {said}");
    }
    lab.has_runs(folder, 4, &context);
    !aside.is_empty()
}

/// Whether a collection must notice the damage. A flipped bit or a lost end may be in an unused part of the database, an empty
/// write-ahead log is valid, and old parts of the archive are read only if they are needed.
fn is_certain(target: Target, damage: Damage) -> bool {
    match damage {
        Damage::Emptied => {
            matches!(target, Target::Database | Target::NewestManifest | Target::Snapshot | Target::Current)
        }
        Damage::Folder => {
            matches!(target, Target::Database | Target::Log | Target::Snapshot | Target::Current)
        }
        _ => false,
    }
}

/// Whether the file is set aside as it is: what a collection reads in any case. An empty file that names the current snapshot
/// is written again instead.
fn is_kept(target: Target, damage: Damage) -> bool {
    match damage {
        Damage::Emptied => matches!(target, Target::Database | Target::NewestManifest | Target::Snapshot),
        Damage::Folder => matches!(target, Target::Database | Target::Snapshot),
        _ => false,
    }
}

/// Invalid settings are reported, and nothing is changed.
fn settings_are_refused(lab: &Lab, folder: &Path, damage: Damage, context: &str) {
    let path = folder.join("hitrate.toml");
    if damage == Damage::Flipped {
        // Not every bit matters to TOML: this one does.
        fs::write(&path, SETTINGS.replace('[', "{")).expect("written");
    }
    let archive = folder.join("archive");
    let before = digests(&archive);
    let ended = finish(&mut lab.command(Verb::Collect(3), folder));
    if matches!(damage, Damage::Emptied | Damage::Deleted | Damage::ReadOnly) {
        assert_eq!(ended.code, Some(0), "{context}: the defaults are valid, {ended:?}");
        return;
    }
    assert_eq!(ended.code, Some(1), "{context}: {ended:?}");
    assert!(ended.err.contains("hitrate.toml"), "{context}: {}", ended.err);
    assert_eq!(digests(&archive), before, "{context}: nothing is changed");
}

/// A file without rights stays where it is; the message names it, and with the rights everything is as before.
fn rights_are_named(lab: &Lab, (folder, path): (&Path, &Path), first: &Ended, context: &str) {
    if first.code != Some(0) {
        assert!(names(&first.err, folder, path), "{context}: {}", first.err);
    }
    set_mode(path, 0o644);
    lab.succeeds(Verb::Collect(3), folder);
    lab.has_runs(folder, 4, context);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_files_are_named_set_aside_and_repaired() {
    let rounds = number("HITRATE_DAMAGES", 1);
    let seed = number("HITRATE_KILL_SEED", SystemClock.now().timestamp_micros().unsigned_abs());
    eprintln!("HITRATE_DAMAGES={rounds} HITRATE_KILL_SEED={seed}");
    let mut lab = Lab::new().await;
    tokio::task::block_in_place(|| lab.prepare_runs());
    let other = lab.beside().await;
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        eprintln!("skipped: files without rights; root may read and write every file");
    }
    let mut cases = Vec::new();
    for round in 0..rounds {
        for target in TARGETS {
            let damages = DAMAGES.into_iter().filter(|damage| !(is_root && damage.is_of_rights()));
            // Only where the damage is random does another round differ.
            let damages = damages.filter(|one| round == 0 || matches!(one, Damage::Torn | Damage::Flipped));
            cases.extend(damages.map(|damage| (target, damage)));
        }
    }
    let (next, found) = (AtomicUsize::new(0), Mutex::<BTreeMap<_, (usize, usize)>>::default());
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for lab in [&lab, &other] {
                let (next, cases, found) = (&next, &cases, &found);
                scope.spawn(move || {
                    let _stop = StopOnPanic(next);
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some((target, damage)) = cases.get(number).copied() else { break };
                        let mut random = ChaCha8Rng::seed_from_u64(seed ^ number as u64);
                        let is_aside = perform(lab, target, damage, &mut random);
                        let mut found = found.lock().expect("not poisoned");
                        let count = found.entry((target, damage)).or_default();
                        count.0 += 1;
                        count.1 += usize::from(is_aside);
                    }
                });
            }
        });
    });
    eprintln!("| file | damage | tried | set aside |\n|---|---|---:|---:|");
    for ((target, damage), (tried, aside)) in found.into_inner().expect("not poisoned") {
        eprintln!("| {target:?} | {damage:?} | {tried} | {aside} |");
    }
}
