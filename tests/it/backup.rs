//! Backups: complete and consistent beside a running server, incremental, verified, restored, and never half.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::binary::{Ran, Server, command, finish, hitrate};
use crate::rig::{dump, folder};
use crate::upstream::{collected, pipeline};

fn backup(data: &Path, to: &Path, more: &[&str]) -> Ran {
    let to = to.display().to_string();
    hitrate(data, &[&["backup", &to, "--json"][..], more].concat())
}

fn verify(data: &Path, to: &Path) -> Ran {
    hitrate(data, &["backup", "verify", &to.display().to_string(), "--json"])
}

fn restore(data: &Path, from: &Path, into: &Path, more: &[&str]) -> Ran {
    let (from, into) = (from.display().to_string(), into.display().to_string());
    hitrate(data, &[&["restore", &from, "--into", &into, "--json"][..], more].concat())
}

/// Names are whole seconds.
fn next_second() {
    std::thread::sleep(std::time::Duration::from_millis(1100));
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The first pack below a folder.
fn pack(folder: &Path) -> PathBuf {
    let mut waiting = vec![folder.to_owned()];
    let mut packs = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == "pack") {
                packs.push(path);
            }
        }
    }
    packs.sort();
    packs.into_iter().next().expect("a pack")
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    std::fs::write(path, bytes).expect("written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_a_server_is_complete_and_the_restored_folder_is_the_same() {
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9, 10]).await;
    std::fs::write(data.path().join("hitrate.toml"), "[fetch]\nrate_per_second = 2\n").expect("written");
    std::fs::write(data.path().join("private-token"), "a secret of the listener").expect("written");
    let to = away.path().join("backups");
    let server = Server::of(data.path());
    let first = backup(data.path(), &to, &[]);
    assert_eq!(first.code, 0, "{first:?}");
    let report = first.json();
    assert_eq!((&report["runs"], &report["missing"]), (&Value::from(2), &serde_json::json!([])));
    let made = PathBuf::from(report["backup"].as_str().expect("a folder"));
    let found = names(&made);
    for there in ["archive", "hitrate.duckdb", "hitrate.toml", "manifest.json", "snapshots"] {
        assert!(found.iter().any(|name| name == there), "{there}: {found:?}");
    }
    for secret in ["server.json", "private-token", "traffic", "hitrate.duckdb.wal", "work"] {
        assert!(!found.iter().any(|name| name == secret), "{secret}: {found:?}");
    }
    assert!(names(&data.path().join("work")).is_empty(), "the copy of the store is removed");

    next_second();
    let second = backup(data.path(), &to, &[]).json();
    let (files, copied) =
        (second["files"].as_u64().expect("files"), second["copied"].as_u64().expect("copied"));
    assert!(copied < files && copied <= 5, "the archive is linked: {second}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let again = PathBuf::from(second["backup"].as_str().expect("a folder"));
        let inode = |folder: &Path| std::fs::metadata(pack(&folder.join("archive"))).expect("a pack").ino();
        assert_eq!(inode(&made), inode(&again));
    }
    let whole = hitrate(data.path(), &["backup", "verify", &to.display().to_string(), "--all", "--json"]);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert_eq!(whole.json().as_array().map(Vec::len), Some(2));

    let into = away.path().join("restored");
    let restored = restore(data.path(), &to, &into, &[]);
    assert_eq!(restored.code, 0, "{restored:?}");
    assert_eq!(restored.json()["runs"], 2);
    let days = hitrate(data.path(), &["export", "days"]).out;
    assert_eq!(server.terminate(), Some(0));
    assert!(hitrate(&into, &["export", "days"]).out == days, "the exports are the same");
    assert!(dump(&into) == dump(data.path()), "so is every table");
    assert_eq!(
        hitrate(&into, &["tiers", "--json"]).json(),
        hitrate(data.path(), &["tiers", "--json"]).json()
    );
    let settings = std::fs::read_to_string(into.join("hitrate.toml")).expect("restored");
    assert!(settings.contains("rate_per_second = 2"));
    let full = restore(data.path(), &to, &into, &[]);
    assert!(full.code == 1 && full.err.contains("is not empty"), "{full:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_named_and_a_damaged_backup_is_restored_only_on_request() {
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9]).await;
    let (to, into) = (away.path().join("backups"), away.path().join("restored"));
    let made = backup(data.path(), &to, &[]).json();
    let made = PathBuf::from(made["backup"].as_str().expect("a folder"));
    let damaged = pack(&made.join("archive"));
    flip(&damaged);
    let name = damaged.file_name().expect("a name").to_string_lossy().into_owned();
    let found = verify(data.path(), &to);
    assert_eq!(found.code, 1, "{found:?}");
    let problems = found.json()[0]["problems"].clone();
    assert_eq!(problems.as_array().map(Vec::len), Some(1), "{problems}");
    assert!(problems[0]["path"].as_str().is_some_and(|path| path.ends_with(&name)), "{problems}");
    let refused = restore(data.path(), &to, &into, &[]);
    assert!(refused.code == 1 && refused.err.contains(&name), "{refused:?}");
    assert_eq!(names(away.path()), ["backups"], "nothing is left of the attempt");
    let partly = restore(data.path(), &to, &into, &["--skip-damaged"]);
    assert_eq!(partly.code, 5, "{partly:?}");
    assert_eq!(partly.json()["skipped"].as_array().map(Vec::len), Some(1));
    assert_eq!(partly.json()["runs"], 1);

    // A store that does not have what the manifest states.
    let manifest = made.join("manifest.json");
    let mut text: Value = serde_json::from_slice(&std::fs::read(&manifest).expect("read")).expect("JSON");
    let mut emptied = text.clone();
    emptied["files"] = serde_json::json!([]);
    std::fs::write(&manifest, emptied.to_string()).expect("written");
    let found = verify(data.path(), &made);
    assert!(found.code == 1 && found.err.contains("does not match its digest"), "{found:?}");
    // As the format without a digest.
    (text["format"], emptied["format"]) = (1.into(), 1.into());
    std::fs::write(&manifest, emptied.to_string()).expect("written");
    let found = verify(data.path(), &made);
    assert!(found.code == 1 && found.out.contains("does not list it"), "{found:?}");
    let refused = restore(data.path(), &made, &away.path().join("other"), &["--skip-damaged"]);
    assert!(refused.code == 1 && refused.err.contains("does not list it"), "{refused:?}");
    let tables = text["store"]["tables"].as_array_mut().expect("tables");
    let run = tables.iter_mut().find(|table| table["table"] == "run").expect("the table of runs");
    run["rows"] = 7.into();
    std::fs::write(&manifest, text.to_string()).expect("written");
    let found = verify(data.path(), &made);
    assert!(found.code == 1 && found.out.contains("`run` has 1 rows, expected 7"), "{found:?}");

    // A manifest that would write elsewhere.
    text["files"][0]["path"] = "../../escaped".into();
    std::fs::write(&manifest, text.to_string()).expect("written");
    let refused = restore(data.path(), &made, &away.path().join("other"), &["--skip-damaged"]);
    assert!(refused.code == 1 && refused.err.contains("escaped"), "{refused:?}");
    std::fs::write(&manifest, "{").expect("written");
    assert_eq!(verify(data.path(), &made).code, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_file_of_the_archive_stays_in_the_backup_and_is_reported() {
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9]).await;
    let to = away.path().join("backups");
    assert_eq!(backup(data.path(), &to, &[]).code, 0);
    let lost = pack(&data.path().join("archive"));
    std::fs::remove_file(&lost).expect("removed");
    next_second();
    let second = backup(data.path(), &to, &["--keep", "1"]);
    assert_eq!(second.code, 5, "{second:?}");
    let report = second.json();
    let name = lost.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(texts(&report["missing"]).iter().all(|path| path.ends_with(&name)), "{report}");
    assert_eq!(texts(&report["missing"]).len(), 1, "{report}");
    assert_eq!(texts(&report["removed"]).len(), 1, "one backup is kept: {report}");
    assert_eq!(names(&to).into_iter().filter(|name| !name.starts_with('.')).count(), 1);
    let whole = verify(data.path(), &to);
    assert_eq!(whole.code, 0, "{whole:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_cannot_be_opened_is_left_out_and_the_archive_is_enough() {
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9, 10]).await;
    let days = hitrate(data.path(), &["export", "days"]).out;
    std::fs::write(data.path().join("hitrate.duckdb"), "this is no database").expect("written");
    let (to, into) = (away.path().join("backups"), away.path().join("restored"));
    let made = backup(data.path(), &to, &[]);
    assert_eq!(made.code, 5, "{made:?}");
    assert_eq!(made.json()["runs"], Value::Null);
    let restored = restore(data.path(), &to, &into, &[]);
    assert_eq!(restored.code, 0, "{restored:?}");
    let into_text = into.display().to_string();
    let replayed = hitrate(&into, &["replay", "--into", &into_text]);
    assert_eq!(replayed.code, 0, "{replayed:?}");
    assert!(hitrate(&into, &["export", "days"]).out == days);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_backup_or_restore_leaves_nothing_that_looks_whole() {
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9]).await;
    let (to, into) = (away.path().join("backups"), away.path().join("restored"));
    let killed = |place: &str, arguments: &[&str]| {
        let mut command = command();
        command.env("HITRATE_FAILPOINT", place).arg("--data-dir").arg(data.path()).args(arguments);
        finish(&mut command)
    };
    let (to_text, into_text) = (to.display().to_string(), into.display().to_string());
    for place in ["backup.copied", "backup.manifest"] {
        let ran = killed(place, &["backup", &to_text]);
        assert_eq!((ran.code, ran.out.as_str()), (-1, ""), "{place}: {ran:?}");
        let found = verify(data.path(), &to);
        assert!(found.code == 1 && found.err.contains("no complete backup"), "{place}: {found:?}");
        next_second();
    }
    let work = data.path().join("work");
    assert!(names(&work).iter().any(|name| name.starts_with("copy-")), "a killed backup leaves its copy");
    std::fs::write(work.join("copy-of-mine"), "of someone else").expect("written");
    let full = killed("backup.copied=full", &["backup", &to_text]);
    assert!(full.code == 1 && full.err.contains("backup.copied"), "{full:?}");
    assert_eq!(names(&to), [".lock"], "a backup that fails keeps no disk full");
    next_second();
    assert_eq!(backup(data.path(), &to, &[]).code, 0);
    let left: Vec<String> = names(&to).into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(left, [".lock"], "the leftovers are removed");
    assert_eq!(names(&work), ["copy-of-mine"], "the copies of the store, too");
    let ran = killed("restore.copied", &["restore", &to_text, "--into", &into_text]);
    assert_eq!(ran.code, -1, "{ran:?}");
    assert!(!into.exists());
    let staging =
        || names(away.path()).into_iter().filter(|name| name.starts_with(".hitrate-restore-")).count();
    assert_eq!(staging(), 1, "{:?}", names(away.path()));
    assert_eq!(restore(data.path(), &to, &into, &[]).code, 0);
    assert_eq!(staging(), 0, "{:?}", names(away.path()));
    // A start also removes copies.
    std::fs::write(work.join("copy-1-0"), "of a killed process").expect("written");
    drop(pipeline(data.path()));
    assert_eq!(names(&work), ["copy-of-mine"]);
    assert_eq!(verify(data.path(), &to).code, 0);
}

#[test]
fn a_folder_with_other_files_and_the_data_folder_itself_are_refused() {
    let (data, other) = (folder(), folder());
    std::fs::create_dir(data.path().join("archive")).expect("created");
    std::fs::write(data.path().join("archive/a.json"), "{}").expect("written");
    std::fs::write(other.path().join("thesis.txt"), "mine").expect("written");
    let refused = backup(data.path(), other.path(), &[]);
    assert!(
        refused.code == 1
            && refused.err.contains("neither empty nor a folder of backups: it has `thesis.txt`"),
        "{refused:?}"
    );
    assert_eq!(names(other.path()), ["thesis.txt"]);
    let inside = backup(data.path(), &data.path().join("backups"), &[]);
    assert!(inside.code == 1 && inside.err.contains("is in the data folder"), "{inside:?}");
    assert_eq!(names(data.path()), ["archive"], "the refused folder is not made");
    // The root of a disk of its own.
    let disk = folder();
    std::fs::create_dir(disk.path().join("lost+found")).expect("created");
    let first = backup(data.path(), disk.path(), &[]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(disk.path().join("lost+found").exists());
    // One file is not offered, and no folder with the name of one is made.
    for name in ["hitrate.tar", "hitrate.tar.zst", "hitrate.TGZ", "hitrate.zip"] {
        let file = backup(data.path(), &other.path().join(name), &[]);
        assert!(file.code == 1 && file.err.contains("a backup is a folder, not one file"), "{file:?}");
        assert!(!other.path().join(name).exists());
    }
    let file = backup(data.path(), &other.path().join("thesis.txt"), &[]);
    assert!(file.code == 1 && file.err.contains("is not a folder"), "{file:?}");
    assert_eq!(std::fs::read(other.path().join("thesis.txt")).expect("there"), b"mine");
    let empty = folder();
    let nothing = backup(empty.path(), &other.path().join("new"), &[]);
    assert!(nothing.code == 1 && nothing.err.contains("nothing to back up"), "{nothing:?}");
    let missing = verify(data.path(), &other.path().join("nowhere"));
    assert!(missing.code == 1 && missing.err.contains("no complete backup"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_the_archive_lacks_and_a_lost_store_are_reported() {
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9, 10]).await;
    let to = |name: &str| away.path().join(name);
    assert_eq!(backup(data.path(), &to("first"), &[]).code, 0);
    // The archive is gone, and no earlier backup in the new place has it.
    std::fs::rename(data.path().join("archive"), to("archive")).expect("moved");
    let without_archive = backup(data.path(), &to("second"), &[]);
    assert_eq!(without_archive.code, 5, "{without_archive:?}");
    let problems = without_archive.json()["problems"].clone();
    assert!(texts(&problems)[0].contains("2 runs of the store are not in the archive"), "{problems}");
    let found = verify(data.path(), &to("second"));
    assert!(found.code == 1 && found.out.contains("are not in the archive"), "{found:?}");
    let refused = restore(data.path(), &to("second"), &to("restored"), &[]);
    assert!(refused.code == 1 && refused.err.contains("are not in the archive"), "{refused:?}");
    let partly = restore(data.path(), &to("second"), &to("restored"), &["--skip-damaged"]);
    assert_eq!((partly.code, &partly.json()["runs"]), (5, &Value::from(2)), "the store is kept: {partly:?}");
    // The store is gone.
    std::fs::rename(to("archive"), data.path().join("archive")).expect("moved");
    std::fs::remove_file(data.path().join("hitrate.duckdb")).expect("removed");
    next_second();
    for place in ["first", "third"] {
        let without_store = backup(data.path(), &to(place), &[]);
        assert_eq!(without_store.code, 5, "{place}: {without_store:?}");
        let problems = without_store.json()["problems"].clone();
        assert!(texts(&problems)[0].contains("no store"), "{problems}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_deleted_under_a_server_is_copied_from_it() {
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9, 10]).await;
    let server = Server::of(data.path());
    std::fs::remove_file(data.path().join("hitrate.duckdb")).expect("removed");
    let made = backup(data.path(), &away.path().join("backups"), &[]);
    assert_eq!(made.code, 5, "{made:?}");
    assert!(made.json()["problems"].to_string().contains("was deleted"), "{made:?}");
    assert!(!data.path().join("hitrate.duckdb").exists(), "no other store is made in its place");
    assert_eq!(made.json()["runs"], 2, "{made:?}");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_needs_no_settings_and_a_restore_does_not_go_into_a_backup() {
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9]).await;
    std::fs::write(data.path().join("hitrate.toml"), "[fetch]\nrate = 1\n").expect("written");
    let to = away.path().join("backups");
    let made = backup(data.path(), &to, &[]);
    assert_eq!(made.code, 5, "{made:?}");
    let report = made.json();
    assert_eq!(report["runs"], 1);
    assert!(texts(&report["problems"])[0].contains("the settings cannot be read"), "{report}");
    let folder = PathBuf::from(report["backup"].as_str().expect("a folder"));
    assert!(names(&folder).contains(&"hitrate.toml".to_owned()), "they are included as they are");
    assert_eq!(verify(data.path(), &to).code, 0);
    for place in [to.join("new"), folder.join("new"), data.path().join("archive/restored")] {
        let refused = restore(data.path(), &to, &place, &[]);
        assert!(refused.code == 1 && refused.err.contains("is inside"), "{refused:?}");
        assert!(!place.exists());
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_to_folders_and_devices_are_left_out_and_named() {
    use std::os::unix::fs::symlink;
    let (data, away) = (folder(), folder());
    collected(data.path(), &[9]).await;
    symlink(".", data.path().join("archive/circle")).expect("linked");
    symlink("/dev/zero", data.path().join("archive/zero.pack")).expect("linked");
    let made = backup(data.path(), &away.path().join("backups"), &[]);
    assert_eq!(made.code, 5, "{made:?}");
    let problems = made.json()["problems"].clone();
    let problems = texts(&problems);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("archive/circle is left out"), "{problems:?}");
}
