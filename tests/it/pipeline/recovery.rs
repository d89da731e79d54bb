//! What the archive makes good: runs that were archived and never stored, a lost database, a snapshot left behind.

use std::path::Path;

use chrono::Duration;
use hitrate::snapshot::store::{SnapshotError, load};

use crate::rig::{dump, folder};
use crate::upstream::{Upstream, collect, day, pipeline};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable").map(|entry| entry.expect("readable")) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("copied");
        }
    }
}

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
    // The first form had no number, and flags were words.
    rewrite(&folder, |saved| {
        saved.as_object_mut().expect("an object").remove("format");
        saved["models"][0]["endpoints"][0]["flags"] = serde_json::json!(["phantom"]);
    });
    let error = load(&folder).expect_err("not read");
    assert!(matches!(error, SnapshotError::OtherFormat { found: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("format 1 and this version reads 2"), "{error}");
    let rebuilt = pipeline(data.path());
    assert_eq!(rebuilt.current.get().expect("served").id, made.id);
    assert_eq!(load(&folder).expect("reads").expect("there").id, made.id);
    drop(rebuilt);
    rewrite(&folder, |saved| saved["format"] = 7.into());
    let error = load(&folder).expect_err("a later form that happens to read");
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
    let refused = started.replay(&started.archive, |_, _| {}).expect_err("refused");
    let file = Path::new(&pack).file_name().expect("a name").to_string_lossy().into_owned();
    assert!(refused.to_string().contains(&file), "{refused}");
}
