//! A manifest that is replaced, and one that changed by itself.

use super::*;
use crate::archive::{Fetched, RunHeader};
use crate::domain::document::Request;
use crate::domain::ids::DocumentName;

/// Archives an attempt at the same run with a response at a time.
fn attempt(archive: &Archive, fetched_at: &str, body: &str) -> PathBuf {
    let header = RunHeader {
        run_id: "20260801T000000Z".to_owned(),
        observed_at: "2026-08-01T00:00:00Z".parse().expect("a time"),
        upstream: "http://127.0.0.1:1".to_owned(),
        simulated: true,
        version: "test".to_owned(),
        requests: 1,
        duration_ms: 1,
        stopped: None,
        cut_short: None,
        upstream_name: None,
    };
    let fetched = Fetched {
        request: Request { kind: DocumentName::new("providers"), pair: None, path: "/a".to_owned() },
        status: Some(200),
        fetched_at: fetched_at.parse().expect("a time"),
        error: None,
        body: Some(body.into()),
    };
    let path = archive.manifest_file(&header.run_id, header.observed_at);
    archive.write(header, &[fetched], |_| 0).expect("written");
    path
}

#[test]
fn the_manifest_of_a_failed_run_that_is_collected_again_did_not_change_by_itself() {
    let folders = tempfile::tempdir().expect("a folder");
    let (data, to) = (DataDir::new(folders.path().join("data")), folders.path().join("backups"));
    let archive = Archive::open(data.archive());
    let options = StoreOptions {
        path: data.store(),
        work_dir: data.work(),
        memory: "256MB".to_owned(),
        threads: 1,
        query_timeout: std::time::Duration::from_secs(60),
    };
    let changed = |hour: u32| {
        let target = Target::open(&data, &to).expect("a folder of backups");
        let now = format!("2026-08-02T{hour:02}:00:00Z").parse().expect("a time");
        let (settings, options) = (Vec::new(), options.clone());
        let source = Source { data: &data, settings, store: None, traffic: None, options };
        write(&source, &target, None, now, |_, _| {}).expect("written").changed
    };
    let path = attempt(&archive, "2026-08-01T00:01:00Z", "one");
    assert_eq!(changed(0), Vec::<String>::new());
    attempt(&archive, "2026-08-01T00:09:00Z", "one and more");
    assert_eq!(changed(1), Vec::<String>::new(), "a second attempt");
    attempt(&archive, "2026-08-01T00:01:00Z", "the first attempt once more");
    assert_eq!(changed(2).len(), 1, "an older one");
    fs::write(&path, "damaged").expect("written");
    assert_eq!(changed(3).len(), 1, "damage");
}
