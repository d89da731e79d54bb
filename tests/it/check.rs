//! `hitrate check`: one finding for each part of the installation, also beside a running server.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use hitrate::archive::{Archive, Problem, Verified};
use hitrate::check::{self, CheckState, StoreFacts, StoredRun};
use hitrate::domain::format;
use hitrate::domain::reading::RunStatus;
use hitrate::pipeline::DataDir;
use serde_json::Value;

use crate::binary::{Server, hitrate};
use crate::rig::{at, folder};
use crate::upstream::{Upstream, collect, day, nobody, pipeline};

async fn recorded(folder: &Path) {
    let upstream = Upstream::serve().await;
    let pipeline = pipeline(folder);
    for number in [9, 10] {
        collect(&pipeline, &upstream, day(number)).await;
    }
    pipeline.publish().expect("published");
}

/// Exit code and findings.
fn checked(data: &Path, more: &[&str]) -> (i32, Vec<Value>) {
    let ran = hitrate(data, &[&["check", "--json"][..], more].concat());
    let findings = ran.json()["findings"].as_array().expect("findings").clone();
    (ran.code, findings)
}

fn state<'a>(findings: &'a [Value], check: &str) -> &'a str {
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("no finding of `{check}` in {findings:?}"))["state"]
        .as_str()
        .expect("a state")
}

fn detail(findings: &[Value], check: &str) -> String {
    let found = findings.iter().find(|finding| finding["check"] == check).expect("a finding");
    found["detail"].as_str().expect("a detail").to_owned()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let (mut waiting, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What is in order in a data folder whose runs are of the past.
const IN_ORDER: [&str; 10] = [
    "store",
    "archive",
    "agreement",
    "snapshot",
    "numbers",
    "settings",
    "schedule",
    "clock",
    "disk",
    "folder",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_is_checked_with_and_without_a_server() {
    let data = folder();
    recorded(data.path()).await;
    let alone = checked(data.path(), &["--offline"]);
    let server = Server::of(data.path());
    let beside = checked(data.path(), &["--offline", "--all"]);
    for (code, findings) in [&alone, &beside] {
        assert_eq!(*code, 1, "the runs are old: {findings:?}");
        for check in IN_ORDER {
            assert_eq!(state(findings, check), "ok", "{check}: {findings:?}");
        }
        assert_eq!(state(findings, "runs"), "failed", "{findings:?}");
        assert_eq!(state(findings, "upstream"), "skipped");
        assert_eq!(state(findings, "contact"), "warning");
        assert_eq!(state(findings, "private listener"), "ok");
        assert_eq!(state(findings, "alerts"), "ok");
        for finding in findings {
            let needs_action = ["warning", "failed"].contains(&finding["state"].as_str().expect("a state"));
            assert_eq!(finding["action"] != "", needs_action, "{finding}");
        }
    }
    let numbers = hitrate(data.path(), &["check", "numbers", "--json"]);
    assert_eq!(numbers.code, 0, "through the server: {numbers:?}");
    assert_eq!(server.terminate(), Some(0));
    let without = hitrate(data.path(), &["check", "numbers", "--json"]);
    assert_eq!(without.json(), numbers.json(), "the answer is the same without it");
    let text = hitrate(data.path(), &["check", "--offline"]);
    assert!(text.out.contains("ok       archive") && text.out.contains("1 failed"), "{}", text.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_to_archive_snapshot_and_settings_is_found_and_named() {
    let data = folder();
    recorded(data.path()).await;
    let pack = files(&data.path().join("archive"), ".pack").remove(0);
    let mut bytes = std::fs::read(&pack).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x20;
    std::fs::write(&pack, bytes).expect("written");
    let (code, findings) = checked(data.path(), &["--offline"]);
    assert_eq!((code, state(&findings, "archive")), (1, "failed"), "{findings:?}");
    let name = pack.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(detail(&findings, "archive").contains(&name), "{findings:?}");

    let manifest = files(&data.path().join("archive"), ".manifest.zst").remove(0);
    std::fs::remove_file(&manifest).expect("removed");
    let (_, findings) = checked(data.path(), &["--offline"]);
    assert_eq!(state(&findings, "agreement"), "failed", "{findings:?}");
    let run =
        manifest.file_name().expect("a name").to_string_lossy().split('.').next().expect("an id").to_owned();
    assert!(detail(&findings, "agreement").contains(&run), "{findings:?}");

    for snapshot in files(&data.path().join("snapshots"), ".json.zst") {
        std::fs::write(snapshot, "no snapshot").expect("written");
    }
    std::fs::write(data.path().join("hitrate.toml"), "[fetch]\nrate = 1\n").expect("written");
    let ran = hitrate(data.path(), &["check", "--offline", "--json"]);
    let findings = ran.json()["findings"].as_array().expect("findings").clone();
    assert_eq!(ran.code, 1);
    assert!(detail(&findings, "settings").contains("rate"), "{findings:?}");
    assert_eq!(state(&findings, "snapshot"), "failed", "{findings:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_sees_everything_that_the_verification_of_the_archive_sees() {
    let data = folder();
    recorded(data.path()).await;
    let archive = Archive::open(data.path().join("archive"));
    let newest = archive.run_ids().expect("listed").pop_last().expect("a run");
    archive.accept(&newest, &["price".to_owned()], day(11)).expect("written");
    let (_, findings) = checked(data.path(), &["--offline"]);
    assert_eq!(state(&findings, "archive"), "ok", "{findings:?}");
    // The decision of an operator, which belongs to no manifest.
    let decision = files(&data.path().join("archive"), &format!("{newest}.json")).remove(0);
    std::fs::write(&decision, "{").expect("written");
    let (code, findings) = checked(data.path(), &["--offline"]);
    assert_eq!((code, state(&findings, "archive")), (1, "failed"), "{findings:?}");
    assert!(detail(&findings, "archive").contains(&format!("{newest}.json")), "{findings:?}");
    std::fs::remove_file(&decision).expect("removed");
    // A manifest that was set aside and not restored.
    let manifest = files(&data.path().join("archive"), ".manifest.zst").remove(0);
    std::fs::write(&manifest, "no manifest").expect("written");
    assert!(archive.set_aside_if_damaged(&manifest, day(11)));
    let (_, findings) = checked(data.path(), &["--offline"]);
    assert_eq!(state(&findings, "archive"), "failed", "{findings:?}");
    assert!(detail(&findings, "archive").contains(".damaged-"), "{findings:?}");
}

#[test]
fn a_damaged_file_without_a_loss_is_a_warning() {
    let problem = |is_loss| Problem {
        path: format!("{is_loss}.pack").into(),
        run_ids: Vec::new(),
        what: "1 of its bodies cannot be read".to_owned(),
        is_loss,
    };
    let of = |problems| check::archive("archive", &Verified { problems, ..Verified::default() });
    assert_eq!(of(Vec::new()).state, CheckState::Ok);
    let harmless = of(vec![problem(false)]);
    assert_eq!(harmless.state, CheckState::Warning, "{harmless:?}");
    assert!(harmless.detail.contains("false.pack"), "{harmless:?}");
    let lost = of([vec![problem(false); 5], vec![problem(true)]].concat());
    assert_eq!(lost.state, CheckState::Failed, "{lost:?}");
    assert!(lost.detail.contains("6 damaged files"), "{lost:?}");
    assert!(
        lost.detail.contains("true.pack") && lost.detail.contains("; and 3 more: false.pack"),
        "{lost:?}"
    );
    let many = of(vec![problem(true); 200]);
    let one = check::archive("archive", &Verified { manifests: 1, read: 1, ..Verified::default() });
    assert!(one.detail.starts_with("the only archived run is whole"), "{one:?}");
    assert!(many.detail.contains("; and 197 more, among them true.pack"), "{many:?}");
    assert_eq!(many.detail.matches("true.pack").count(), 103, "{many:?}");
}

/// A data folder with archived runs of these hours, and a store. The first pack has 50 MB, later ones have 9 kB.
fn sized(runs: impl Iterator<Item = i64>, store: u64) -> tempfile::TempDir {
    let data = folder();
    let archive = data.path().join("archive/2026/08/01");
    std::fs::create_dir_all(&archive).expect("created");
    let sized = |path: PathBuf, bytes: u64| {
        let file = std::fs::File::create(path).expect("created");
        file.set_len(bytes).expect("a size");
    };
    for (number, hours) in runs.enumerate() {
        let id = (at("2026-08-01T00:57:00Z") + TimeDelta::hours(hours)).format("%Y%m%dT%H%M%SZ").to_string();
        sized(archive.join(format!("{id}.manifest.zst")), 1_000);
        // A run that was collected again has the second form.
        let name = if number == 40 { format!("{id}.1f2e3d4c.pack") } else { format!("{id}.pack") };
        sized(archive.join(name), if number == 0 { 50_000_000 } else { 9_000 });
    }
    sized(data.path().join("hitrate.duckdb"), store);
    data
}

#[test]
fn the_growth_is_that_of_later_runs_and_is_not_guessed_from_a_young_record() {
    let disk = |data: &tempfile::TempDir| check::disk(&DataDir::new(data.path()), 24);
    let young = [
        sized([0, 1].into_iter(), 12_000_000),
        // Many runs of one day, and few runs of many days.
        sized(0..70, 12_000_000),
        sized([0, 200, 400].into_iter(), 12_000_000),
        sized(std::iter::empty(), 0),
    ];
    for data in &young {
        let found = disk(data);
        assert!(found.detail.contains("too early"), "{found:?}");
        assert!(!found.detail.contains("a day"), "{found:?}");
    }
    // 10 kB of the archive and 120 kB of the store for each run.
    let data = sized(0..100, 12_000_000);
    let found = disk(&data);
    let growth = format::bytes(24 * 130_000);
    assert!(found.detail.ends_with(&format!(" days at {growth} a day")), "{found:?}");
    std::fs::create_dir(data.path().join("imports")).expect("created");
    let found = disk(&data);
    assert!(found.detail.contains("at least"), "imported data do not grow: {found:?}");
    assert!(found.detail.ends_with(&format!("{growth} a day or less")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_store_is_a_failure_and_what_needs_it_is_listed_as_skipped() {
    let data = folder();
    recorded(data.path()).await;
    let store = data.path().join("hitrate.duckdb");
    let server = Server::of(data.path());
    std::fs::remove_file(&store).expect("removed");
    let (code, findings) = checked(data.path(), &["--offline"]);
    assert_eq!((code, state(&findings, "store")), (1, "failed"), "{findings:?}");
    assert!(detail(&findings, "store").contains("while the server runs"), "{findings:?}");
    assert_eq!(state(&findings, "agreement"), "ok", "the server still has it: {findings:?}");
    assert!(!store.exists(), "no other one is made");
    assert_eq!(server.terminate(), Some(0));
    for ending in ["", ".wal"] {
        // The server may have written its log.
        _ = std::fs::remove_file(data.path().join(format!("hitrate.duckdb{ending}")));
    }
    let (code, findings) = checked(data.path(), &["--offline"]);
    assert_eq!((code, state(&findings, "store")), (1, "failed"), "{findings:?}");
    assert!(detail(&findings, "store").contains("the archive has 2 runs"), "{findings:?}");
    for check in ["runs", "agreement", "numbers"] {
        assert_eq!(state(&findings, check), "skipped", "{findings:?}");
    }
    std::fs::remove_dir_all(data.path().join("archive")).expect("removed");
    let (code, findings) = checked(data.path(), &["--offline"]);
    assert_eq!((code, state(&findings, "store")), (1, "failed"), "{findings:?}");
    let empty = folder();
    std::fs::create_dir_all(empty.path()).expect("there");
    let nothing = hitrate(empty.path(), &["check", "--offline"]);
    assert!(nothing.code == 1 && nothing.err.contains("there is no hitrate data in"), "{nothing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_name_of_the_current_snapshot_and_invalid_settings_are_named_as_such() {
    let data = folder();
    recorded(data.path()).await;
    let current = data.path().join("snapshots/current");
    let id = std::fs::read_to_string(&current).expect("read");
    std::fs::remove_file(&current).expect("removed");
    std::fs::write(data.path().join("hitrate.toml"), "[fetch]\nrate = 1\n").expect("written");
    let (_, findings) = checked(data.path(), &["--offline"]);
    assert_eq!(state(&findings, "snapshot"), "warning", "{findings:?}");
    let said = detail(&findings, "snapshot");
    assert!(said.contains("snapshots/current") && said.contains(id.trim()), "{said}");
    assert_eq!((state(&findings, "settings"), state(&findings, "store")), ("failed", "ok"), "{findings:?}");
    std::fs::remove_file(data.path().join("hitrate.toml")).expect("removed");
    let tiers = hitrate(data.path(), &["tiers", "--json"]);
    assert!(tiers.out.starts_with(['{', '[']), "the newest snapshot is used: {tiers:?}");
    drop(pipeline(data.path()));
    assert_eq!(std::fs::read_to_string(&current).expect("put right").trim(), id.trim());
    assert_eq!(state(&checked(data.path(), &["--offline"]).1, "snapshot"), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_upstream_is_asked_once_and_its_absence_is_a_failure() {
    let data = folder();
    std::fs::create_dir_all(data.path()).expect("there");
    let upstream = Upstream::serve().await;
    let settings = |url: &str| {
        let text = format!("[upstream]\nbase_url = \"{url}\"\ncontact_url = \"https://example.org/bot\"\n");
        std::fs::write(data.path().join("hitrate.toml"), text).expect("written");
    };
    settings(&upstream.url());
    let (code, findings) = checked(data.path(), &[]);
    assert_eq!(state(&findings, "upstream"), "ok", "{findings:?}");
    assert_eq!(
        (code, state(&findings, "clock")),
        (1, "failed"),
        "the upstream is months behind: {findings:?}"
    );
    assert_eq!(state(&findings, "contact"), "ok");
    assert_eq!(state(&findings, "store"), "warning", "there is none yet");
    settings(&nobody());
    let (code, findings) = checked(data.path(), &[]);
    assert_eq!((code, state(&findings, "upstream")), (1, "failed"), "{findings:?}");
    let missing = hitrate(&data.path().join("nowhere"), &["check"]);
    assert!(missing.code == 1 && missing.err.contains("there is no data folder"), "{missing:?}");
}

#[test]
fn a_clock_before_the_newest_run_or_far_from_the_upstream_is_found() {
    let now = at("2026-08-01T12:00:00Z");
    let facts = |observed_at| StoreFacts {
        schema: 15,
        runs: vec![StoredRun { run_id: "a".into(), observed_at, status: RunStatus::Ok }],
        numbers: Ok(Vec::new()),
        health: None,
    };
    let of = |newest, upstream| check::clock(Some(&facts(newest)), upstream, now).state;
    let before = now - TimeDelta::hours(1);
    assert_eq!(of(before, None), CheckState::Ok);
    assert_eq!(of(before, Some(now - TimeDelta::seconds(3))), CheckState::Ok);
    assert_eq!(of(before, Some(now + TimeDelta::seconds(60))), CheckState::Warning);
    assert_eq!(of(before, Some(now + TimeDelta::hours(2))), CheckState::Failed);
    assert_eq!(of(now + TimeDelta::days(3), Some(now)), CheckState::Failed);
    // As a sweep judges it: a small correction of the clock is no contradiction.
    assert_eq!(of(now + TimeDelta::minutes(1), Some(now)), CheckState::Ok);
    assert_eq!(of(now + TimeDelta::minutes(16), Some(now)), CheckState::Failed);
}

#[test]
fn runs_that_only_one_side_has_are_found() {
    let now = at("2026-08-01T12:00:00Z");
    let run = |id: &str| StoredRun { run_id: id.into(), observed_at: now, status: RunStatus::Ok };
    let facts =
        StoreFacts { schema: 15, runs: vec![run("c"), run("b")], numbers: Ok(Vec::new()), health: None };
    let of = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let found = |before: &[&str], after: &[&str]| check::agreement(&facts, &of(before), &of(after));
    assert_eq!(found(&["b", "c"], &["b", "c"]).state, CheckState::Ok);
    assert_eq!(found(&["b"], &["b", "c"]).state, CheckState::Ok, "archived while the check ran");
    let pending = found(&["b", "c", "d"], &["b", "c", "d"]);
    assert!(
        pending.state == CheckState::Warning && pending.detail.contains("wait to be stored"),
        "{pending:?}"
    );
    let late = found(&["a", "b", "c"], &["a", "b", "c"]);
    assert!(late.state == CheckState::Warning && late.detail.contains("older"), "{late:?}");
    assert!(late.action.contains("restart the service"), "no replay is needed: {late:?}");
    let lost = found(&["c"], &["c"]);
    assert!(lost.state == CheckState::Failed && lost.detail.contains(": b"), "{lost:?}");
}
