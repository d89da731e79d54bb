//! `hitrate prefs --out FILE`, with and without `--check`.

use crate::binary::{Ran, hitrate};
use crate::rig::folder;
use crate::sample;
use chrono::Duration;
use hitrate::clock::{Clock, SystemClock};
use hitrate::pipeline::DataDir;
use hitrate::snapshot::store;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A model of the sample with a shortlist.
const MODEL: &str = "zephyr/quill-large";

/// Saves the sample in a data folder as if its newest run were this old.
fn save(data: &Path, age: Duration) {
    let snapshots = DataDir::new(data.to_owned()).snapshots();
    fs::create_dir_all(&snapshots).expect("created");
    let mut snapshot = sample::snapshot();
    // The times that preferences are judged by move with it.
    let shift = SystemClock.now() - age - snapshot.as_of;
    snapshot.as_of += shift;
    snapshot.summary.first_run += shift;
    for endpoint in snapshot.models.iter_mut().flat_map(|model| &mut model.endpoints) {
        endpoint.first_seen += shift;
        let facts = &mut endpoint.facts;
        for at in [&mut facts.created_at, &mut facts.deprecation_date].into_iter().flatten() {
            *at += shift;
        }
        endpoint.days.iter_mut().for_each(|day| day.day += Duration::days(shift.num_days()));
    }
    store::save(&snapshots, &snapshot).expect("saved");
}

/// A data folder with the sample as a new snapshot, and the text for opencode on standard output.
fn filled() -> (TempDir, String) {
    let data = folder();
    save(data.path(), Duration::zero());
    let ran = hitrate(data.path(), &["prefs", MODEL, "--for", "opencode"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    (data, ran.out)
}

#[test]
fn a_file_is_written_as_a_whole_and_checked_for_cron() {
    let (data, text) = filled();
    let files = folder();
    let file = files.path().join("opencode.json");
    let neighbour = files.path().join("opencode.tmp");
    fs::write(&neighbour, "of someone else").expect("written");
    let out = file.display().to_string();
    let prefs = |more: &[&str]| -> Ran {
        hitrate(data.path(), &[&["prefs", MODEL, "--for", "opencode", "--out", &out], more].concat())
    };
    let missing = prefs(&["--check"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""), "{missing:?}");
    assert!(missing.err.contains("would change") && !file.exists(), "{missing:?}");

    let written = prefs(&[]);
    assert_eq!((written.code, written.out.as_str()), (0, ""), "{written:?}");
    assert_eq!(fs::read_to_string(&file).expect("written"), text, "what standard output would receive");
    assert!(written.err.contains("is written") && written.err.contains("# valid until"), "{}", written.err);
    assert_eq!(prefs(&["--check"]).code, 0);
    let modified = |file: &std::path::Path| fs::metadata(file).expect("there").modified().expect("a time");
    let before = modified(&file);
    let again = prefs(&[]);
    assert!(again.code == 0 && again.err.contains("is unchanged"), "{again:?}");
    assert_eq!(modified(&file), before, "an equal file is not written again");

    fs::write(&file, "{}\n").expect("written");
    let changed = prefs(&["--check", "--json"]);
    assert_eq!((changed.code, &changed.json()["model"]), (1, &MODEL.into()), "{changed:?}");
    assert_eq!(fs::read_to_string(&file).expect("there"), "{}\n", "--check writes nothing");
    assert_eq!((prefs(&[]).code, prefs(&["--check"]).code), (0, 0));
    assert_eq!(fs::read_to_string(&neighbour).expect("there"), "of someone else");
    assert_eq!(fs::read_dir(files.path()).expect("there").count(), 2, "no temporary file is left");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let (data, text) = filled();
    let files = folder();
    let (file, link) = (files.path().join("dotfiles.json"), files.path().join("opencode.json"));
    fs::write(&file, "old").expect("written");
    std::os::unix::fs::symlink("dotfiles.json", &link).expect("linked");
    let out = link.display().to_string();
    let arguments = ["prefs", MODEL, "--for", "opencode", "--out", &out];
    assert_eq!(hitrate(data.path(), &arguments).code, 0);
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    assert_eq!(fs::read_to_string(&file).expect("written"), text);
}

#[test]
fn stale_data_change_no_file() {
    let (data, text) = filled();
    let files = folder();
    let file = files.path().join("opencode.json");
    fs::write(&file, "mine").expect("written");
    let out = file.display().to_string();
    let arguments = ["prefs", MODEL, "--for", "opencode", "--out", &out];

    save(data.path(), Duration::hours(28));
    let refused = hitrate(data.path(), &arguments);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{refused:?}");
    for part in ["no preference for", "is not changed", "the data are stale"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    let checked = hitrate(data.path(), &[&arguments[..], &["--check"]].concat());
    assert!(checked.code == 3 && checked.err.contains("the data are stale"), "{checked:?}");
    assert_eq!(fs::read_to_string(&file).expect("there"), "mine");
    let shown = hitrate(data.path(), &arguments[..4]);
    assert_eq!((shown.code, &shown.out), (0, &text), "a person sees what the data said: {shown:?}");
    assert!(shown.err.contains("expired"), "{}", shown.err);

    save(data.path(), Duration::hours(26));
    let late = hitrate(data.path(), &arguments);
    assert!(late.code == 0 && late.err.contains("expired"), "{late:?}");
    assert_eq!(fs::read_to_string(&file).expect("there"), text);
}

#[test]
fn a_preference_that_is_withheld_is_never_written() {
    let (data, _) = filled();
    let files = folder();
    let file = files.path().join("opencode.json");
    fs::write(&file, "mine").expect("written");
    let out = file.display().to_string();
    // No endpoint is that cheap, with and without a text of the limits alone.
    for target in ["opencode", "openrouter"] {
        let impossible = ["prefs", MODEL, "--for", target, "--max-input", "0.0000001", "--out", &out];
        let refused = hitrate(data.path(), &impossible);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{refused:?}");
        assert!(
            refused.err.contains("no preference for") && refused.err.contains("is not changed"),
            "{}",
            refused.err
        );
        let checked = hitrate(data.path(), &[&impossible[..], &["--check"]].concat());
        assert_eq!((checked.code, checked.out.as_str()), (3, ""), "{checked:?}");
    }
    assert_eq!(fs::read_to_string(&file).expect("there"), "mine");
    let unknown = hitrate(data.path(), &["prefs", "no/model", "--out", &out, "--check"]);
    assert!(unknown.code == 3 && unknown.err.contains("there is no model"), "{unknown:?}");
    let folder_as_file = files.path().display().to_string();
    let refused = hitrate(data.path(), &["prefs", MODEL, "--out", &folder_as_file]);
    assert!(refused.code == 1 && refused.err.contains(&folder_as_file), "{refused:?}");
    let checked = hitrate(data.path(), &["prefs", MODEL, "--out", &folder_as_file, "--check"]);
    assert_eq!(checked.code, 3, "{checked:?}");
    // A device without an end is written to, and never read.
    let device = hitrate(data.path(), &["prefs", MODEL, "--for", "openrouter", "--out", "/dev/full"]);
    assert!(device.code == 1 && device.err.contains("/dev/full"), "{device:?}");
    assert_eq!(hitrate(data.path(), &["prefs", MODEL, "--check"]).code, 2, "--check needs --out");
}
