//! Files that commands write for the user: links, devices, files of others, and the data folder itself.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use crate::binary::{Ran, command, finish, hitrate};
use crate::rig::folder;
use crate::upstream::{Upstream, collect, day, pipeline};

/// A data folder with a short record and its snapshot, and the public name of a model.
async fn filled() -> (TempDir, String) {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    for number in [9, 10] {
        collect(&pipeline, &upstream, day(number)).await;
    }
    let snapshot = pipeline.publish().expect("published");
    let model = snapshot.models.iter().find(|model| model.endpoints.len() > 2).expect("a model");
    (data, model.model_id.clone())
}

/// Runs a command in a folder of its own.
fn run_in(place: &Path, data: &Path, arguments: &[&str]) -> Ran {
    finish(command().current_dir(place).arg("--data-dir").arg(data).args(arguments))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_follows_links_and_leaves_files_of_others() {
    let (data, _) = filled().await;
    let place = folder();
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("real")).expect("made");
    fs::write(at("real/days.csv"), "old").expect("written");
    fs::set_permissions(at("real/days.csv"), PermissionsExt::from_mode(0o640)).expect("set");
    symlink("real/days.csv", at("link.csv")).expect("linked");
    for of_others in ["link.partial", "link.tmp", "link.csv.partial"] {
        fs::write(at(of_others), "of someone else").expect("written");
    }
    let expected = run_in(place.path(), data.path(), &["export", "days"]).out;
    assert!(expected.lines().count() > 10, "{expected}");
    let ran = run_in(place.path(), data.path(), &["export", "days", "--out", "link.csv"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    assert_eq!(fs::read_link(at("link.csv")).expect("still a link"), Path::new("real/days.csv"));
    assert_eq!(fs::read_to_string(at("real/days.csv")).expect("read"), expected);
    assert_eq!(fs::metadata(at("real/days.csv")).expect("there").permissions().mode() & 0o777, 0o640);
    assert_eq!(names(&at("real")), ["days.csv"], "no temporary file is left");
    for of_others in ["link.partial", "link.tmp", "link.csv.partial"] {
        assert_eq!(fs::read_to_string(at(of_others)).expect("read"), "of someone else");
    }
    let missing = run_in(place.path(), data.path(), &["export", "days", "--out", "no/days.csv"]);
    assert!(missing.code == 1 && missing.err.contains("cannot write no/days.csv"), "{missing:?}");
    let taken = run_in(place.path(), data.path(), &["export", "days", "--out", "real"]);
    assert!(taken.code == 1 && taken.err.contains("cannot write real"), "{taken:?}");
    assert_eq!(names(place.path()), ["link.csv", "link.csv.partial", "link.partial", "link.tmp", "real"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_output_has_its_usual_names_and_devices_are_written_to() {
    let (data, model) = filled().await;
    let place = folder();
    let run = |arguments: &[&str]| run_in(place.path(), data.path(), arguments);
    let days = run(&["export", "days"]).out;
    let prefs = run(&["prefs", &model, "--for", "openrouter"]);
    for name in ["-", "/dev/stdout", "/dev/fd/1"] {
        let ran = run(&["export", "days", "--out", name]);
        assert_eq!((ran.code, ran.out == days), (0, true), "{name}: {ran:?}");
        let ran = run(&["prefs", &model, "--for", "openrouter", "--out", name]);
        // The snapshot of a test is old: an unattended file gets no preference from it, and standard output is the same.
        assert_eq!(
            ran.code == 0,
            ran.out.trim_end() == prefs.out.trim_end() && !ran.out.is_empty(),
            "{ran:?}"
        );
    }
    let thrown_away = run(&["export", "days", "--out", "/dev/null"]);
    assert_eq!((thrown_away.code, thrown_away.out.as_str()), (0, ""), "{thrown_away:?}");
    for wrong in ["--check", "--json"] {
        let ran = run(&["prefs", &model, "--out", "-", wrong]);
        assert!(ran.code == 1 && ran.out.is_empty() && ran.err.contains("standard output"), "{ran:?}");
    }
    for arguments in [&["publish", "--out", "-"][..], &["dataset", "-"]] {
        let ran = run(arguments);
        assert!(ran.code == 1 && ran.err.contains("not a folder"), "{ran:?}");
    }
    // A redirected standard output is appended to, not replaced.
    let file = place.path().join("all.csv");
    fs::write(&file, "before\n").expect("written");
    let appended = fs::File::options().append(true).open(&file).expect("opened");
    let mut appending = command();
    appending.arg("--data-dir").arg(data.path()).args(["export", "days", "--out", "/dev/stdout"]);
    assert!(appending.stdout(appended).status().expect("it runs").success());
    assert_eq!(fs::read_to_string(&file).expect("read"), format!("before\n{days}"));
    assert_eq!(names(place.path()), ["all.csv"], "no file is named like standard output");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_writes_over_the_data_folder() {
    let (data, model) = filled().await;
    let place = folder();
    let at = |name: &str| data.path().join(name).display().to_string();
    let linked = place.path().join("link.csv");
    symlink(at("hitrate.duckdb"), &linked).expect("linked");
    let linked = linked.display().to_string();
    let before = hitrate(data.path(), &["export", "days"]).out;
    assert!(before.lines().count() > 10, "{before}");
    let own = at("");
    let (database, archive, server, snapshots, settings) =
        (at("hitrate.duckdb"), at("archive/x.csv"), at("server.json"), at("snapshots"), at("hitrate.toml"));
    let cases: [&[&str]; 8] = [
        &["publish", "--out", &own, "--force"],
        &["publish", "--out", &snapshots, "--force"],
        &["dataset", &own],
        &["export", "days", "--out", &database],
        &["export", "days", "--out", &archive],
        &["export", "days", "--out", &linked],
        &["prefs", &model, "--out", &server],
        &["demo", "--days", "5", "--log", &settings],
    ];
    for arguments in cases {
        let ran = hitrate(data.path(), arguments);
        assert_eq!(ran.code, 1, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains("own data") || ran.err.contains("no preference"), "{arguments:?}: {ran:?}");
    }
    let there = names(data.path());
    for none in ["index.html", "manifest.json", "server.json", "hitrate.toml", ".hitrate-publication"] {
        assert!(!there.iter().any(|name| name == none), "{there:?}");
    }
    assert!(hitrate(data.path(), &["export", "days"]).out == before, "the record is unchanged");
    let inside = at("public");
    let allowed = hitrate(data.path(), &["publish", "--out", &inside]);
    assert_eq!(allowed.code, 0, "a new folder in the data folder is fine: {allowed:?}");
}
