//! A damaged, lost or half archive beside a record: it costs only its own runs, and is reported.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Duration;
use hitrate::archive::{Archive, Scope};
use hitrate::clock::SystemClock;
use hitrate::pipeline::{DataDir, Pipeline, PipelineError};
use hitrate::snapshot::Snapshot;
use hitrate::snapshot::store::{current_id, load, load_and_repair};

use super::recovery::{manifests, stored};
use crate::binary::{command, finish, hitrate};
use crate::rig::{config, copy, dump, folder};
use crate::upstream::{Upstream, collect, collect_from, day, nobody, pipeline};

/// Bits of a snapshot that are flipped, spread over the file.
const FLIPS: usize = 48;

/// The lines of the status page about the archive.
fn notes(snapshot: &Snapshot) -> Vec<String> {
    snapshot.status.missing.iter().filter(|line| line.starts_with("archive: ")).cloned().collect()
}

/// The archive of a data folder.
fn archive(data: &Path) -> Archive {
    Archive::open(data.join("archive"))
}

fn cut(path: &Path) {
    let content = fs::read(path).expect("readable");
    fs::write(path, &content[..content.len() / 2]).expect("written");
}

/// The pack that the run of a manifest wrote.
fn pack(manifest: &Path) -> PathBuf {
    PathBuf::from(manifest.to_string_lossy().replace(".manifest.zst", ".pack"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_newest_manifest_costs_no_sweep() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let started = pipeline(data.path());
    for hours in [0, 1] {
        collect(&started, &upstream, day(11) + Duration::hours(hours)).await;
    }
    let damaged = manifests(data.path())[1].clone();
    cut(&damaged);
    let report = collect(&started, &upstream, day(11) + Duration::hours(2)).await;
    assert_eq!(report.status.as_str(), "ok");
    assert!(!damaged.exists(), "it is set aside");
    let published = started.publish().expect("published");
    let lines = notes(&published);
    let [note] = lines.as_slice() else { panic!("one line, not {lines:?}") };
    assert!(note.starts_with("archive: 1 of the 3 runs of the record are missing (2026"), "{note}");
    assert!(!note.contains('/'), "no path is published: {note}");
    let problems = started.archive_problems().expect("readable");
    assert!(problems.iter().any(|line| line.contains(&*damaged.to_string_lossy())), "{problems:?}");
    let other = folder();
    let replayed = pipeline(other.path());
    let report = replayed.replay(&archive(data.path()), |_, _| {}).expect("replayed");
    assert_eq!((report.runs, report.stored), (3, 2));
    let [aside] = report.set_aside.as_slice() else { panic!("one run, not {:?}", report.set_aside) };
    assert_eq!(aside.file, damaged.to_string_lossy());
    assert!(aside.reason.contains(".damaged-"), "{aside:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_pack_does_not_make_later_runs_unreplayable() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let started = pipeline(data.path());
    for hours in [0, 1] {
        collect(&started, &upstream, day(11) + Duration::hours(hours)).await;
    }
    let lost = pack(&manifests(data.path())[0]);
    fs::remove_file(&lost).expect("deleted");
    for hours in [2, 3] {
        collect(&started, &upstream, day(11) + Duration::hours(hours)).await;
    }
    let found = archive(data.path());
    let unreadable: Vec<PathBuf> =
        found.unreadable().expect("listed").into_iter().map(|(path, _)| path).collect();
    let all = manifests(data.path());
    assert!(unreadable.iter().all(|path| all[..2].contains(path)), "{unreadable:?}");
    let verified = found.verify(Scope::All, |_, _| {}).expect("listed");
    assert_eq!(verified.manifests, 4);
    let [problem] = verified.problems.as_slice() else { panic!("one pack, not {:?}", verified.problems) };
    assert_eq!(problem.path, lost);
    drop(started);
    let later: Vec<String> = stored(data.path()).split_off(2);
    assert!(problem.run_ids.iter().all(|run_id| !later.contains(run_id)), "{problem:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_attempt_of_a_failed_run_is_stored_if_the_process_ended_before() {
    let upstream = Upstream::serve().await;
    let (data, killed) = (folder(), folder());
    let time = day(11) + Duration::hours(1);
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        let failed = collect_from(&pipeline, &nobody(), time).await;
        assert_eq!(failed.status.as_str(), "failed");
    }
    copy(data.path(), killed.path());
    {
        let pipeline = pipeline(data.path());
        assert_eq!(collect(&pipeline, &upstream, time).await.status.as_str(), "ok");
    }
    // As if the process had ended right after the manifest of the second attempt.
    copy(&data.path().join("archive"), &killed.path().join("archive"));
    let recovered = pipeline(killed.path());
    assert_eq!(recovered.current.get().expect("published").as_of, time);
    drop(recovered);
    assert_eq!(dump(killed.path()), dump(data.path()));
    assert_eq!(archive(killed.path()).verify(Scope::All, |_, _| {}).expect("listed").problems.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_is_noticed_set_aside_and_replaced() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let (first, second) = {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        let first = pipeline.publish().expect("published");
        collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
        (first, pipeline.publish().expect("published"))
    };
    let folder = data.path().join("snapshots");
    let path = folder.join(format!("{}.json.zst", second.id));
    let good = fs::read(&path).expect("saved");
    let text = |snapshot: &Snapshot| serde_json::to_string(snapshot).expect("JSON");
    let mut noticed = 0;
    for flip in 0..FLIPS {
        let mut damaged = good.clone();
        let bit = flip * (good.len() * 8 - 1) / (FLIPS - 1);
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, damaged).expect("written");
        let loaded = load(&folder).expect("an earlier one is there").expect("there");
        noticed += usize::from(loaded.id == first.id);
        assert!(loaded.id == first.id || text(&loaded) == text(&second), "bit {bit}");
    }
    // Only the low bits of the magic number before the digest do no harm.
    assert!(noticed >= FLIPS - 1, "{noticed} of {FLIPS}");
    let torn = || fs::write(&path, &good[..good.len() / 2]).expect("written");
    torn();
    let repaired = load_and_repair(&folder, day(12)).expect("an earlier one is there").expect("there");
    assert_eq!((&repaired.id, current_id(&folder)), (&first.id, Some(first.id.clone())));
    let aside = path.with_file_name(format!("{}.json.zst.damaged-20260722T125700Z", second.id));
    assert_eq!(fs::read(&aside).expect("kept"), &good[..good.len() / 2]);
    // At a start, the record replaces it.
    fs::write(folder.join("current"), &second.id).expect("written");
    torn();
    assert_eq!(pipeline(data.path()).current.get().expect("served").as_of, second.as_of);
    assert_eq!(load(&folder).expect("reads").expect("there").as_of, second.as_of);
    // Without another snapshot, the error is reported, and a start makes a new one.
    for entry in fs::read_dir(&folder).expect("readable").map(|entry| entry.expect("an entry").path()) {
        if entry.to_string_lossy().ends_with(".json.zst") {
            fs::write(&entry, "").expect("written");
        }
    }
    load(&folder).expect_err("nothing can be read");
    assert_eq!(pipeline(data.path()).current.get().expect("served").as_of, second.as_of);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_archive_is_reported_and_collecting_continues() {
    let upstream = Upstream::serve().await;
    let data = folder();
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
        let published = pipeline.publish().expect("published");
        assert_eq!(notes(&published), Vec::<String>::new());
    }
    fs::rename(data.path().join("archive"), data.path().join("elsewhere")).expect("moved");
    let started = pipeline(data.path());
    let problems = started.archive_problems().expect("readable");
    assert!(problems[0].starts_with("archive: 2 of the 2 runs of the record are missing"), "{problems:?}");
    assert!(problems[0].contains("restore the archive from a backup"), "{problems:?}");
    assert_eq!(notes(&started.current.get().expect("served")), problems, "on the status page at once");
    assert_eq!(started.health().archive_problems, problems);
    let report = collect(&started, &upstream, day(11) + Duration::hours(2)).await;
    assert_eq!(report.status.as_str(), "ok");
    assert!(notes(&started.publish().expect("published"))[0].starts_with("archive: 2 of the 3 runs"));
    drop(started);
    copy(&data.path().join("elsewhere"), &data.path().join("archive"));
    let restored = pipeline(data.path());
    assert_eq!(restored.archive_problems().expect("readable"), Vec::<String>::new());
    assert_eq!(restored.health().archive_problems, Vec::<String>::new());
    assert_eq!(notes(&restored.publish().expect("published")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_replay_is_refused_and_a_second_replay_starts_from_scratch() {
    let upstream = Upstream::serve().await;
    let (data, other) = (folder(), folder());
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
        pipeline.publish().expect("published");
    }
    let target = other.path().join("target");
    let into = ["replay", "--into", target.to_str().expect("UTF-8")];
    assert_eq!(hitrate(data.path(), &into).code, 0);
    let whole = stored(&target);
    assert_eq!(whole.len(), 2);
    // A folder without an archive of its own is in order after a complete replay.
    let opened = pipeline(&target);
    assert_eq!(opened.archive_problems().expect("readable"), Vec::<String>::new());
    assert_eq!(notes(&opened.current.get().expect("published")), Vec::<String>::new());
    drop(opened);
    assert!(hitrate(data.path(), &into).err.contains("already contains a store"));

    // Killed before the store is complete, it can be repeated too.
    let early = other.path().join("early");
    let into_early = ["replay", "--into", early.to_str().expect("UTF-8")];
    let mut killed = command();
    killed.env("HITRATE_FAILPOINT", "migrate.applied").arg("--data-dir").arg(data.path()).args(into_early);
    killed.stderr(std::process::Stdio::null());
    assert_eq!(killed.status().expect("it starts").code(), None, "it was killed");
    assert!(early.join("hitrate.duckdb").exists() && early.join("replay.json").exists());
    assert_eq!(hitrate(data.path(), &into_early).code, 0);
    assert_eq!(stored(&early), whole);

    // As if the replay had been killed.
    let marker = target.join("replay.json");
    let mut unfinished: serde_json::Value =
        serde_json::from_slice(&fs::read(&marker).expect("a marker")).expect("JSON");
    assert!(unfinished["finished_at"].is_string(), "{unfinished}");
    unfinished["finished_at"] = serde_json::Value::Null;
    fs::write(&marker, unfinished.to_string()).expect("written");
    let opened = Pipeline::open(config(""), DataDir::new(&target), Arc::new(SystemClock));
    assert!(matches!(opened.err(), Some(PipelineError::HalfReplay { .. })));
    for verb in [
        &["collect", "--upstream", "http://127.0.0.1:1"][..],
        &["serve", "--listen", "127.0.0.1:0"],
        &["query", "SELECT 1"],
    ] {
        let ran = finish(command().arg("--data-dir").arg(&target).args(verb));
        assert_eq!(ran.code, 1, "{verb:?}: {ran:?}");
        assert!(ran.err.contains("holds a part of a record"), "{verb:?}: {}", ran.err);
        assert!(ran.err.contains("hitrate replay --into"), "{verb:?}: {}", ran.err);
    }
    let again = hitrate(data.path(), &into);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.err.contains("starting from scratch"), "{}", again.err);
    assert_eq!(stored(&target), whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_replay_of_the_folder_itself_is_reported_and_serves_on() {
    let upstream = Upstream::serve().await;
    let data = folder();
    collect(&pipeline(data.path()), &upstream, day(11)).await;
    let marker = data.path().join("replay.json");
    let text = "{\"from\": \"archive\", \"into_itself\": true, \"started_at\": \"2026-07-21T00:00:00Z\", \"finished_at\": null}";
    fs::write(&marker, text).expect("written");
    let started = pipeline(data.path());
    let problems = started.archive_problems().expect("readable");
    assert!(problems[0].contains("a replay did not finish"), "{problems:?}");
    assert_eq!(collect(&started, &upstream, day(11) + Duration::hours(1)).await.status.as_str(), "ok");
    drop(started);
    let ran = hitrate(data.path(), &["replay", "--into", data.path().to_str().expect("UTF-8")]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!marker.exists(), "the replay is complete");
    assert_eq!(stored(data.path()).len(), 2);
    let kept = fs::read_dir(data.path()).expect("readable").map(|entry| entry.expect("an entry").file_name());
    let kept = kept.filter(|name| name.to_string_lossy().starts_with("hitrate.duckdb.damaged-"));
    assert_eq!(kept.count(), 1, "the store that served until now is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn temporary_files_of_a_killed_process_are_deleted_at_start() {
    let upstream = Upstream::serve().await;
    let data = folder();
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        pipeline.publish().expect("published");
    }
    let left =
        [pack(&manifests(data.path())[0]).with_extension("tmp"), data.path().join("snapshots/current.tmp")];
    for path in &left {
        fs::write(path, "half").expect("written");
    }
    drop(pipeline(data.path()));
    assert!(left.iter().all(|path| !path.exists()));
}
