//! Deleting own traffic.

use hitrate::pipeline::DataDir;
use hitrate::request_log::Call;
use hitrate::store::{Forget, Forgotten};

use super::{CSV, call, count, import, log, now, store, unknown};
use crate::rig::{at, folder};

#[test]
fn calls_are_deleted_by_source_and_time_and_files_without_calls_go_too() {
    let data = folder();
    let store = store(data.path());
    let own = |id: &str, second| Call { platform: None, ..call(Some(id), second) };
    let first = log("a.csv", "1", CSV, vec![own("a-1", 0), own("a-2", 3_600)]);
    import(&store, &first);
    let second = log("b.csv", "1", CSV, vec![own("b-1", 0)]);
    store.import(&second, Some("laptop"), now(), &unknown).expect("imported");

    let before = at("2026-08-10T10:30:00Z");
    let some = store.forget(&Forget { to: Some(before), source: Some(CSV.into()), ..Forget::default() });
    let expected = Forgotten { calls: 1, files: 0, remaining_calls: 2, remaining_files: 2 };
    assert_eq!(some.expect("deleted"), expected);
    assert!(import(&store, &first).already_imported, "deleted calls do not come back by accident");

    let more = vec![own("a-1", 0), own("a-2", 3_600), own("a-3", 7_200)];
    let grown = import(&store, &log("a.csv", "2", CSV, more));
    assert_eq!((grown.calls, grown.deleted, grown.duplicates), (1, 1, 0), "nor when the file has grown");
    assert_eq!(count(&store), 3);
    let last =
        Forget { from: Some(at("2026-08-10T11:30:00Z")), source: Some(CSV.into()), ..Forget::default() };
    assert_eq!(store.forget(&last).expect("deleted").calls, 1);
    let more = vec![own("a-1", 0), own("a-2", 3_600), own("a-3", 7_200), own("a-4", 9_000)];
    let grown = import(&store, &log("a.csv", "3", CSV, more));
    assert_eq!((grown.calls, grown.deleted), (1, 2), "later calls are new ones");
    let back =
        Forget { from: Some(at("2026-08-10T12:15:00Z")), source: Some(CSV.into()), ..Forget::default() };
    assert_eq!(store.forget(&back).expect("deleted").calls, 1);

    let source = store.forget(&Forget { source: Some("laptop".into()), ..Forget::default() });
    let expected = Forgotten { calls: 1, files: 1, remaining_calls: 1, remaining_files: 1 };
    assert_eq!(source.expect("deleted"), expected);
    let again = store.import(&second, Some("laptop"), now(), &unknown).expect("imported");
    assert_eq!(again.calls, 1, "a file of which nothing is left can be imported again");

    let nothing = store.forget(&Forget { from: Some(at("2030-01-01T00:00:00Z")), ..Forget::default() });
    assert_eq!((nothing.expect("no error").calls, count(&store)), (0, 2));
    let all = store.forget(&Forget::default()).expect("deleted");
    assert_eq!(all, Forgotten { calls: 2, files: 2, remaining_calls: 0, remaining_files: 0 });
    assert!(store.files().expect("readable").is_empty());
    assert_eq!(import(&store, &first).calls, 2, "the database is usable after it was written anew");
}

#[test]
fn what_is_deleted_is_no_longer_in_the_file() {
    let data = folder();
    let size = || std::fs::metadata(DataDir::new(data.path()).traffic()).expect("there").len();
    let opened = store(data.path());
    // Names that do not compress, so that their bytes can be found.
    let name = |number: i64| format!("forget-{:016x}", (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let calls = |source: &str| -> Vec<Call> {
        (0..30_000).map(|n| call(Some(&format!("{source}-{}", name(n))), n)).collect()
    };
    import(&opened, &log("keep.csv", "1", CSV, calls("keep").split_off(29_000)));
    drop(opened);
    let small = size();
    let opened = store(data.path());
    let gone = log("gone.csv", "1", CSV, calls("gone"));
    opened.import(&gone, Some("gone"), now(), &unknown).expect("imported");
    drop(opened);
    let full = size();
    assert!(full > small, "{full} {small}");
    let opened = store(data.path());
    let forgotten = opened.forget(&Forget { source: Some("gone".into()), ..Forget::default() });
    assert_eq!(forgotten.expect("deleted").remaining_calls, 1_000);
    drop(opened);
    assert!(size() < full, "the space is free: {} {full}", size());
    let bytes = std::fs::read(DataDir::new(data.path()).traffic()).expect("there");
    for name in ["gone.csv", "gone-forget-"] {
        let is_there = bytes.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(!is_there, "the bytes of `{name}` are still in the file");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            std::fs::metadata(DataDir::new(data.path()).traffic()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!super::all_text(data.path()).contains("gone"));
    assert_eq!(count(&store(data.path())), 1_000);
    let left = std::fs::read_dir(DataDir::new(data.path()).traffic_work()).expect("a folder").count();
    assert_eq!(left, 0, "no temporary files are left");
}
