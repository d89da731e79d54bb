//! Damaged files of the store: each is named, set aside and replaced from the archive. A store that DuckDB declares
//! invalid is opened again in the same process.

use std::path::Path;

use chrono::Duration;
use hitrate::pipeline::{PipelineError, StoreHealth};
use hitrate::store::StoreError;

use super::recovery::{manifests, stored};
use crate::binary::{Ran, Server, command, finish, hitrate};
use crate::rig::{config, copy, dump, folder, set_aside, tamper};
use crate::upstream::{Upstream, collect, day, pipeline};
use hitrate::clock::SystemClock;
use hitrate::pipeline::{DataDir, Pipeline};
use std::sync::Arc;

/// A data folder with two runs, published.
async fn recorded() -> tempfile::TempDir {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    for hours in [0, 1] {
        collect(&pipeline, &upstream, day(11) + Duration::hours(hours)).await;
    }
    pipeline.publish().expect("published");
    pipeline.store.checkpoint().expect("written");
    drop(pipeline);
    data
}

/// Changes a file in place.
fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).expect("readable");
    change(&mut bytes);
    std::fs::write(path, bytes).expect("written");
}

type Damage = (&'static str, fn(&Path));

/// Kinds of damage of the database file.
const OF_THE_FILE: [Damage; 6] = [
    ("emptied", |file| std::fs::write(file, b"").expect("written")),
    ("cut", |file| edit(file, |bytes| bytes.truncate(bytes.len() / 2))),
    ("cut within the header", |file| edit(file, |bytes| bytes.truncate(5000))),
    ("another header", |file| edit(file, |bytes| bytes[..4096].fill(0x5A))),
    ("flipped", |file| {
        edit(file, |bytes| bytes.iter_mut().skip(12_500).step_by(4096).for_each(|byte| *byte ^= 0xFF))
    }),
    ("a folder", |file| {
        std::fs::remove_file(file).expect("removed");
        std::fs::create_dir(file).expect("created");
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_file_is_set_aside_and_rebuilt_from_the_archive() {
    let whole = recorded().await;
    let before = dump(whole.path());
    for (what, damage) in OF_THE_FILE {
        let data = folder();
        copy(whole.path(), data.path());
        damage(&DataDir::new(data.path()).store());
        let opened = pipeline(data.path());
        assert_eq!(opened.current.get().expect("served").as_of, day(11) + Duration::hours(1), "{what}");
        assert!(opened.health().is_ok() && opened.health().set_aside == 1, "{what}: {:?}", opened.health());
        drop(opened);
        let aside = set_aside(data.path());
        assert!(aside.len() == 1 && aside[0].starts_with("hitrate.duckdb.damaged-"), "{what}: {aside:?}");
        assert_eq!(dump(data.path()), before, "{what}");
        drop(pipeline(data.path()));
        assert_eq!(set_aside(data.path()), aside, "{what}: once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_commands_name_a_damaged_file_and_change_nothing() {
    let data = recorded().await;
    let file = DataDir::new(data.path()).store();
    edit(&file, |bytes| bytes.truncate(5000));
    let ran = hitrate(data.path(), &["query", "SELECT 1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in ["hitrate.duckdb is damaged", "hitrate collect", "hitrate replay --into DIR"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert_eq!(set_aside(data.path()), Vec::<String>::new());
    assert_eq!(std::fs::metadata(&file).expect("there").len(), 5000);
}

/// Leaves a write-ahead log with a table, as a killed process does.
fn with_log(data: &Path) {
    tamper(
        data,
        "PRAGMA disable_checkpoint_on_shutdown; PRAGMA wal_autocheckpoint = '1GB';
         CREATE TABLE later AS SELECT range AS n FROM range(1000);",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_set_aside_only_if_it_is_at_fault() {
    let whole = recorded().await;
    let before = dump(whole.path());
    let log = |data: &Path| data.join("hitrate.duckdb.wal");
    // Torn and flipped logs, a log of another database, and one whose database is gone.
    let other = folder();
    copy(whole.path(), other.path());
    std::fs::remove_file(DataDir::new(other.path()).store()).expect("removed");
    tamper(
        other.path(),
        "CREATE TABLE other AS SELECT range AS n FROM range(1000); CHECKPOINT;
         PRAGMA disable_checkpoint_on_shutdown; INSERT INTO other VALUES (7);",
    );
    type Harm<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Harm<'_>); 3] = [
        ("flipped", &|data| {
            edit(&log(data), |bytes| {
                let length = bytes.len();
                bytes[length / 4..length / 2].fill(0xA5);
            })
        }),
        ("of another database", &|data| {
            std::fs::copy(log(other.path()), log(data)).expect("copied");
        }),
        ("without its database", &|data| {
            std::fs::remove_file(DataDir::new(data).store()).expect("removed");
        }),
    ];
    for (what, damage) in cases {
        let data = folder();
        copy(whole.path(), data.path());
        with_log(data.path());
        damage(data.path());
        let opened = pipeline(data.path());
        assert_eq!(opened.current.get().expect("served").as_of, day(11) + Duration::hours(1), "{what}");
        drop(opened);
        let aside = set_aside(data.path());
        assert!(aside.len() == 1 && aside[0].starts_with("hitrate.duckdb.wal.damaged-"), "{what}: {aside:?}");
        assert_eq!(dump(data.path()), before, "{what}");
    }
    // The database file is at fault: both belong together and are replaced together.
    let data = folder();
    copy(whole.path(), data.path());
    with_log(data.path());
    edit(&DataDir::new(data.path()).store(), |bytes| bytes[..4096].fill(0x5A));
    drop(pipeline(data.path()));
    let aside = set_aside(data.path());
    assert_eq!(aside.len(), 2, "{aside:?}");
    assert_eq!(dump(data.path()), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_an_earlier_state_is_found_by_the_runs_that_are_there_twice() {
    let data = recorded().await;
    let before = dump(data.path());
    let log = data.path().join("hitrate.duckdb.wal");
    let row = "SELECT * REPLACE (9 AS run_no, '20260722T000000Z' AS run_id) FROM run LIMIT 1";
    tamper(data.path(), &format!("PRAGMA disable_checkpoint_on_shutdown; INSERT INTO run {row}"));
    let earlier = std::fs::read(&log).expect("a log");
    tamper(data.path(), "CHECKPOINT");
    std::fs::write(&log, earlier).expect("copied back");
    drop(pipeline(data.path()));
    assert!(set_aside(data.path()).iter().any(|name| name.starts_with("hitrate.duckdb.damaged-")));
    assert_eq!(dump(data.path()), before);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_is_not_damage() {
    use std::os::unix::fs::PermissionsExt;
    let data = recorded().await;
    let file = DataDir::new(data.path()).store();
    for mode in [0o000, 0o444] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("set");
        if std::fs::OpenOptions::new().write(true).open(&file).is_ok() {
            // The superuser has every right.
            return;
        }
        let refused = Pipeline::open(config(""), DataDir::new(data.path()), Arc::new(SystemClock));
        let Err(PipelineError::Store(StoreError::Denied { path, .. })) = refused else {
            panic!("{mode:o}: {:?}", refused.err())
        };
        assert_eq!(path, file);
        assert_eq!(set_aside(data.path()), Vec::<String>::new());
    }
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).expect("set");
    assert_eq!(stored(data.path()).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_its_archive_is_not_rebuilt() {
    let data = recorded().await;
    let before = stored(data.path());
    // An older run is in the archive, and a run of the record is not: a rebuild would lose it.
    let upstream = Upstream::serve().await;
    let early = folder();
    collect(&pipeline(early.path()), &upstream, day(10)).await;
    std::fs::remove_file(&manifests(data.path())[0]).expect("removed");
    copy(&early.path().join("archive"), &data.path().join("archive"));
    let opened = pipeline(data.path());
    let failure = opened.health().last_error.expect("named");
    assert!(failure.message.contains(&before[0]), "{failure:?}");
    drop(opened);
    assert_eq!(stored(data.path()), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_must_be_rebuilt_is_served_meanwhile_and_then_healed() {
    let data = recorded().await;
    let before = dump(data.path());
    std::fs::remove_file(DataDir::new(data.path()).store()).expect("removed");
    let opened = Pipeline::open_to_serve(config(""), DataDir::new(data.path()), Arc::new(SystemClock))
        .expect("the folder opens");
    assert_eq!(opened.current.get().expect("served").as_of, day(11) + Duration::hours(1));
    assert_eq!((opened.health().pending.len(), opened.health().is_ok()), (2, false));
    assert!(opened.needs_healing());
    opened.heal().expect("healed");
    assert_eq!((opened.health().store, opened.health().pending.len()), (StoreHealth::Ok, 0));
    assert!(!opened.needs_healing());
    drop(opened);
    assert_eq!(dump(data.path()), before);
}

/// `hitrate collect` at an hour after the first run, in a process of its own, with a failpoint.
async fn collected(data: &Path, upstream: &Upstream, hours: i64, failpoint: &str) -> Ran {
    let time = day(11) + Duration::hours(hours);
    upstream.set_now(time);
    let mut collect = command();
    collect.arg("--data-dir").arg(data).args(["collect", "--rate", "0"]);
    collect.args(["--upstream", &upstream.url(), "--at", &time.to_rfc3339()]);
    collect.env(hitrate::failpoint::VARIABLE, failpoint);
    tokio::task::spawn_blocking(move || finish(&mut collect)).await.expect("it ends")
}

/// The record that a replay of the archive of a data folder gives.
fn replayed(data: &Path) -> Vec<(String, Vec<String>)> {
    let other = folder();
    copy(&data.join("archive"), &other.path().join("archive"));
    drop(pipeline(other.path()));
    dump(other.path())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_the_database_declares_invalid_is_opened_again_in_the_same_process() {
    let upstream = Upstream::serve().await;
    let data = folder();
    for (hours, failpoint) in [(0, ""), (1, "store.invalidated=error"), (2, "")] {
        let ran = collected(data.path(), &upstream, hours, failpoint).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let is_reopened = ran.err.contains("the store is open again");
        assert_eq!(is_reopened, !failpoint.is_empty(), "{}", ran.err);
    }
    assert_eq!(stored(data.path()).len(), 3);
    assert_eq!(dump(data.path()), replayed(data.path()), "as if nothing had happened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_met_a_full_disk_are_stored_in_order_once_there_is_room() {
    let upstream = Upstream::serve().await;
    let data = folder();
    for (hours, failpoint, code, archived, in_store) in [
        (0, "", 0, 1, 1),
        (1, "ingest.commit=full", 1, 2, 1),
        // The sweep is archived although the earlier run still cannot be stored, and does not overtake it.
        (2, "ingest.commit=full", 1, 3, 1),
        (3, "", 0, 4, 4),
    ] {
        let ran = collected(data.path(), &upstream, hours, failpoint).await;
        assert_eq!(ran.code, code, "{hours}: {ran:?}");
        assert_eq!(
            (manifests(data.path()).len(), stored(data.path()).len()),
            (archived, in_store),
            "{hours}"
        );
    }
    assert_eq!(dump(data.path()), replayed(data.path()), "as if nothing had happened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_is_refused_with_the_first_one_s_id() {
    let data = recorded().await;
    let other = folder();
    let server = Server::of(data.path());
    let pid = server.pid().to_string();
    let into = data.path().display().to_string();
    // The other commands are in the tests of crashes.
    for arguments in [&["collect", "--rate", "0"][..], &["serve", "--no-collect", "--listen", "127.0.0.1:0"]]
    {
        let ran = hitrate(data.path(), arguments);
        assert_eq!(ran.code, 8, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(&pid), "{arguments:?} does not name {pid}: {}", ran.err);
    }
    let ran = hitrate(other.path(), &["replay", "--into", &into]);
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(ran.err.contains(&pid), "{}", ran.err);
    drop(server);
    let ran = hitrate(other.path(), &["replay", "--into", &into]);
    assert_eq!(ran.code, 1, "it is free, but not empty: {ran:?}");
}
