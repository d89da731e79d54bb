//! Tests of the archive on small runs in a temporary folder.

mod damage;
mod healing;
mod retries;

use super::{Archive, Fetched, Manifest, RunHeader, Scope};
use crate::domain::document::Request;
use crate::domain::ids::DocumentName;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn header(at: &str) -> RunHeader {
    RunHeader {
        run_id: at.replace([':', '-'], ""),
        observed_at: at.parse().expect("a time"),
        upstream: "http://127.0.0.1:1".into(),
        simulated: true,
        version: "test".into(),
        requests: 3,
        duration_ms: 1,
        stopped: None,
        cut_short: None,
        upstream_name: None,
    }
}

/// The header of the run of an hour.
fn hour(hour: u32) -> RunHeader {
    header(&format!("2026-08-01T{hour:02}:00:00Z"))
}

fn fetched(path: &str, body: &str) -> Fetched {
    Fetched {
        request: Request { kind: DocumentName::new("providers"), pair: None, path: path.into() },
        status: Some(200),
        fetched_at: "2026-08-01T00:00:00Z".parse().expect("a time"),
        error: None,
        body: Some(body.into()),
    }
}

/// An archive in a folder that is deleted with its guard.
fn archive() -> (TempDir, Archive) {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = Archive::open(folder.path());
    (folder, archive)
}

/// Writes the run of an hour with these bodies.
fn write(archive: &Archive, at: u32, bodies: &[&str]) -> Manifest {
    let names = ["/a", "/b", "/c", "/d"];
    let fetched: Vec<Fetched> = names.iter().zip(bodies).map(|(path, body)| fetched(path, body)).collect();
    archive.write(hour(at), &fetched, |_| 0).expect("written").0
}

/// The bodies of a run as texts.
fn bodies(archive: &Archive, manifest: &Manifest) -> Vec<String> {
    let bodies = archive.bodies(manifest).expect("readable");
    bodies.into_iter().map(|body| String::from_utf8(body.expect("a body")).expect("text")).collect()
}

/// The name of the pack of an entry.
fn pack(manifest: &Manifest, entry: usize) -> String {
    manifest.entries[entry].body.as_ref().expect("a body").pack.clone()
}

fn manifest_path(archive: &Archive, at: u32) -> PathBuf {
    let header = hour(at);
    archive.manifest_file(&header.run_id, header.observed_at)
}

fn cut(path: &Path, keep: usize) {
    let content = std::fs::read(path).expect("readable");
    std::fs::write(path, &content[..keep]).expect("written");
}

#[test]
fn bodies_come_back_and_the_same_body_is_stored_once() {
    let (_folder, archive) = archive();
    let first = write(&archive, 0, &["one", "two"]);
    let later = write(&archive, 1, &["one", "three"]);
    assert_eq!(pack(&later, 0), pack(&first, 0));
    assert_ne!(pack(&later, 1), pack(&first, 1));
    let read = Archive::read_manifest(&archive.manifests().expect("listed")[1]).expect("read");
    assert_eq!(read, later);
    assert_eq!(bodies(&archive, &read), ["one", "three"]);
    let verified = archive.verify(Scope::All, |_, _| {}).expect("listed");
    assert_eq!(verified.problems, []);
    let counts = (verified.manifests, verified.packs, verified.bodies, verified.unreferenced);
    assert_eq!((counts, verified.without_digest), ((2, 2, 3, Some(0)), 0));
    assert_eq!(verified.bytes, archive.bytes().expect("listed"));
    assert!(archive.problems().is_empty());
}

#[test]
fn a_sample_has_the_newest_runs_and_some_of_the_older_ones() {
    let (folder, archive) = archive();
    let runs: Vec<Manifest> = (0..96_u32)
        .map(|number| {
            let time = format!("2026-08-{:02}T{:02}:00:00Z", 1 + number / 24, number % 24);
            let body = format!("the only body of {time}");
            archive.write(header(&time), &[fetched("/a", &body)], |_| 0).expect("written").0
        })
        .collect();
    let verify = |scope| archive.verify(scope, |_, total| assert!(total <= 96)).expect("listed");
    let (all, sample) = (verify(Scope::All), verify(Scope::Sample));
    assert_eq!((all.manifests, all.read, all.bodies, all.unreferenced), (96, 96, 96, Some(0)));
    assert_eq!((sample.manifests, sample.read, sample.bodies), (96, 48, 48));
    assert_eq!((sample.unreferenced, sample.problems), (None, Vec::new()), "a part does not know it");
    // The second run is between two runs of the sample; the fourth and the last one are in it.
    for (run, in_sample) in [(1, 0), (3, 1), (95, 2)] {
        cut(&folder.path().join(pack(&runs[run], 0)), 10);
        assert_eq!(verify(Scope::Sample).problems.len(), in_sample, "run {run}");
    }
    assert_eq!(verify(Scope::All).problems.len(), 3);
}

#[test]
fn an_empty_body_and_a_run_without_bodies_come_back() {
    let (_folder, archive) = archive();
    let first = write(&archive, 0, &["", "two"]);
    assert_eq!(bodies(&archive, &first), ["", "two"]);
    let alone = write(&archive, 1, &["", ""]);
    assert_eq!(bodies(&archive, &alone), ["", ""]);
    let mut nothing = fetched("/a", "");
    nothing.body = None;
    let (manifest, _) = archive.write(hour(2), &[nothing], |_| 0).expect("written");
    assert_eq!(archive.bodies(&manifest).expect("readable"), [None]);
    assert_eq!(archive.verify(Scope::All, |_, _| {}).expect("listed").problems, []);
}

#[test]
fn a_changed_pack_is_noticed() {
    let (_folder, archive) = archive();
    let mut manifest = write(&archive, 0, &["one"]);
    manifest.entries[0].body.as_mut().expect("a body").sha256 = "0".repeat(64);
    let error = archive.bodies(&manifest).expect_err("another sha256");
    assert!(matches!(error, super::ArchiveError::Corrupt { .. }), "{error:?}");
}
