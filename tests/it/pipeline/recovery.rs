//! Recovery from the archive: runs that were archived but never stored, a lost database, an outdated snapshot.

use std::path::Path;

use chrono::Duration;
use hitrate::snapshot::store::{SnapshotError, load};

use crate::rig::{copy, dump, folder};
use crate::upstream::{Upstream, collect, collected, day, pipeline};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_archived_and_not_stored_is_stored_at_the_next_start() {
    let upstream = Upstream::serve().await;
    let (data, crashed) = (folder(), folder());
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        pipeline.publish().expect("published");
    }
    copy(data.path(), crashed.path());
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
        collect(&pipeline, &upstream, day(11) + Duration::hours(2)).await;
    }
    // As if the process had ended right after archiving.
    copy(&data.path().join("archive"), &crashed.path().join("archive"));
    let recovered = pipeline(crashed.path());
    let served = recovered.current.get().expect("served");
    assert_eq!(served.as_of, day(11) + Duration::hours(2), "the snapshot follows the record");
    drop(recovered);
    assert_eq!(dump(crashed.path()), dump(data.path()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_database_is_rebuilt_and_an_unreadable_snapshot_replaced_at_start() {
    let upstream = Upstream::serve().await;
    let data = folder();
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        collect(&pipeline, &upstream, day(12)).await;
        pipeline.publish().expect("published");
    }
    let before = dump(data.path());
    std::fs::remove_file(data.path().join("hitrate.duckdb")).expect("removed");
    std::fs::write(data.path().join("snapshots/current"), "of-another-version").expect("written");
    let rebuilt = pipeline(data.path());
    assert_eq!(rebuilt.current.get().expect("served").as_of, day(12));
    drop(rebuilt);
    assert_eq!(dump(data.path()), before);
}

/// The saved snapshot as another version wrote it.
fn rewrite(folder: &Path, change: impl Fn(&mut serde_json::Value)) {
    let current = std::fs::read_to_string(folder.join("current")).expect("saved");
    let path = folder.join(format!("{current}.json.zst"));
    let body = zstd::decode_all(std::fs::File::open(&path).expect("there")).expect("unpacked");
    let mut saved: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    change(&mut saved);
    let body = serde_json::to_vec(&saved).expect("JSON");
    std::fs::write(&path, zstd::encode_all(body.as_slice(), 3).expect("packed")).expect("written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_an_older_form_is_named_and_built_anew_at_start() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let made = {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        pipeline.publish().expect("published")
    };
    let folder = data.path().join("snapshots");
    // The first format had no number, and flags were strings.
    rewrite(&folder, |saved| {
        saved.as_object_mut().expect("an object").remove("format");
        saved["models"][0]["endpoints"][0]["flags"] = serde_json::json!(["phantom"]);
    });
    let error = load(&folder).expect_err("not loaded");
    assert!(matches!(error, SnapshotError::OtherFormat { found: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("format 1, but this version reads 3"), "{error}");
    let rebuilt = pipeline(data.path());
    assert_eq!(rebuilt.current.get().expect("served").id, made.id);
    assert_eq!(load(&folder).expect("reads").expect("there").id, made.id);
    drop(rebuilt);
    rewrite(&folder, |saved| saved["format"] = 7.into());
    let error = load(&folder).expect_err("a later format that happens to parse");
    assert!(matches!(error, SnapshotError::OtherFormat { found: 7, .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_pack_is_named_by_a_replay_and_keeps_nothing_from_starting() {
    let upstream = Upstream::serve().await;
    let (data, other) = (folder(), folder());
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
    }
    copy(&data.path().join("archive"), &other.path().join("archive"));
    let manifests =
        hitrate::archive::Archive::open(other.path().join("archive")).manifests().expect("readable");
    let pack = manifests[0].to_string_lossy().replace(".manifest.zst", ".pack");
    let mut bytes = std::fs::read(&pack).expect("a pack");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    std::fs::write(&pack, bytes).expect("written");
    let started = pipeline(other.path());
    assert!(started.current.get().is_none());
    assert!(started.store.newest_time().expect("readable").is_none());
    let report = started.replay(&started.archive, |_, _| {}).expect("nothing else is wrong");
    let file = Path::new(&pack).file_name().expect("a name").to_string_lossy().into_owned();
    let [aside] = report.set_aside.as_slice() else { panic!("one run, not {:?}", report.set_aside) };
    assert!(aside.reason.contains(&file), "{aside:?}");
    assert_eq!((report.runs, report.stored, report.snapshot), (1, 0, None));
}

/// The manifests of an archive, oldest first.
pub fn manifests(data: &Path) -> Vec<std::path::PathBuf> {
    hitrate::archive::Archive::open(data.join("archive")).manifests().expect("readable")
}

/// The ids of the stored runs, oldest first.
pub fn stored(data: &Path) -> Vec<String> {
    crate::rig::rows(data, "SELECT run_id FROM run ORDER BY run_no")
        .iter()
        .map(|row| row.trim_start_matches("{'run_id': ").trim_end_matches('}').trim_matches('\'').to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_record_that_cannot_be_rebuilt_is_not_stored_in_part() {
    let data = folder();
    collected(data.path(), &[11, 12]).await;
    let before = dump(data.path());
    std::fs::remove_file(data.path().join("hitrate.duckdb")).expect("removed");
    let in_the_way = no_rebuild(data.path());
    let opened = pipeline(data.path());
    assert_eq!((opened.health().pending.len(), opened.needs_healing()), (2, true));
    let error = opened.heal().expect_err("it cannot be rebuilt").to_string();
    assert!(error.contains("rebuild"), "the file is named: {error}");
    drop(opened);
    assert_eq!(stored(data.path()), Vec::<String>::new(), "run by run, imports would be missing");
    std::fs::remove_file(in_the_way).expect("removed");
    let opened = pipeline(data.path());
    assert_eq!((opened.health().pending.len(), opened.needs_healing()), (0, false));
    drop(opened);
    assert_eq!(dump(data.path()), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_run_that_cannot_be_read_does_not_keep_a_later_one_from_being_stored() {
    let upstream = Upstream::serve().await;
    let (data, crashed) = (folder(), folder());
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
    }
    copy(data.path(), crashed.path());
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
        collect(&pipeline, &upstream, day(11) + Duration::hours(2)).await;
    }
    copy(&data.path().join("archive"), &crashed.path().join("archive"));
    let broken = &manifests(crashed.path())[1];
    let whole = std::fs::read(broken).expect("readable");
    std::fs::write(broken, &whole[..whole.len() / 2]).expect("written");
    let started = pipeline(crashed.path());
    assert_eq!(started.current.get().expect("served").as_of, day(11) + Duration::hours(2));
    let report = collect(&started, &upstream, day(11) + Duration::hours(3)).await;
    assert_eq!(report.status.as_str(), "ok", "collection continues");
    drop(started);
    let ids = stored(crashed.path());
    assert_eq!(ids.len(), 3, "{ids:?}");
    // It is readable again, but the record cannot be rebuilt now: the run waits, and later ones are stored.
    std::fs::write(broken, &whole).expect("written");
    let in_the_way = no_rebuild(crashed.path());
    let started = pipeline(crashed.path());
    let waiting = vec![hitrate::archive::run_id_of(broken)];
    assert_eq!((started.health().pending, started.needs_healing()), (waiting.clone(), false), "not at once");
    collect(&started, &upstream, day(11) + Duration::hours(4)).await;
    assert_eq!(started.health().pending, waiting);
    drop(started);
    assert_eq!(stored(crashed.path()).len(), 4);
    // As soon as it can be rebuilt, the record is as if the run had never been missing.
    std::fs::remove_file(in_the_way).expect("removed");
    drop(pipeline(crashed.path()));
    assert_eq!(stored(crashed.path()).len(), 5);
    let other = folder();
    let rebuilt = pipeline(other.path());
    let archive = hitrate::archive::Archive::open(crashed.path().join("archive"));
    let report = rebuilt.replay(&archive, |_, _| {}).expect("replayed");
    assert_eq!((report.stored, report.set_aside.len()), (5, 0));
    drop(rebuilt);
    assert_eq!(dump(crashed.path()), dump(other.path()));
}

/// Puts a file where a record is rebuilt, so that it fails.
fn no_rebuild(data: &Path) -> std::path::PathBuf {
    let file = data.join("work").join("rebuild");
    drop(std::fs::remove_dir_all(&file));
    std::fs::create_dir_all(data.join("work")).expect("a folder");
    std::fs::write(&file, "in the way").expect("written");
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_the_store_refuses_is_set_aside_by_name_and_the_rest_is_stored() {
    let upstream = Upstream::serve().await;
    let (early, data) = (folder(), folder());
    collect(&pipeline(early.path()), &upstream, day(10)).await;
    collect(&pipeline(data.path()), &upstream, day(11)).await;
    // The file of a later run claims an earlier time: the store rejects runs that are out of order.
    copy(&early.path().join("archive"), &data.path().join("archive"));
    let later = (day(11) + Duration::hours(1)).format("%Y%m%dT%H%M%SZ").to_string();
    let strange = manifests(data.path())[1].with_file_name(format!("{later}.manifest.zst"));
    std::fs::rename(&manifests(data.path())[0], &strange).expect("renamed");
    let started = pipeline(data.path());
    assert!(started.current.get().is_some(), "it starts and publishes what is stored");
    let report = collect(&started, &upstream, day(11) + Duration::hours(2)).await;
    assert_eq!(report.status.as_str(), "ok");
    let other = folder();
    let mut seen = Vec::new();
    let report = pipeline(other.path())
        .replay(&started.archive, |done, total| seen.push((done, total)))
        .expect("the rest is replayed");
    assert_eq!((report.runs, report.stored), (3, 2));
    assert_eq!(seen.last(), Some(&(3, 3)));
    let [aside] = report.set_aside.as_slice() else { panic!("one run, not {:?}", report.set_aside) };
    assert_eq!(
        (aside.run_id.as_str(), aside.file.as_str()),
        (later.as_str(), strange.to_string_lossy().as_ref())
    );
    assert!(aside.reason.contains("older than the newest one"), "{aside:?}");
    assert!(report.snapshot.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_with_a_number_that_json_cannot_express_is_not_saved() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    let good = pipeline.publish().expect("published");
    let folder = data.path().join("snapshots");
    for value in [f64::INFINITY, f64::NAN] {
        let mut bad = (*good).clone();
        bad.id = "bad".into();
        bad.models[1].endpoints[0].throughput = Some(value);
        let error = hitrate::snapshot::store::save(&folder, &bad).expect_err("refused");
        assert!(matches!(error, SnapshotError::NotFinite { .. }), "{error:?}");
        assert!(error.to_string().contains("`models[1].endpoints[0].throughput`"), "{error}");
    }
    assert_eq!(load(&folder).expect("reads").expect("there").id, good.id, "the last good one is kept");
}
