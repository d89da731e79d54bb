//! Calls that are recorded more than once.

use hitrate::request_log::{Call, IdKind, RawCounts, Status};
use hitrate::store::{CallFilter, StoreError};

use super::{CSV, USAGE, call, count, import, log, merge, now, store, unknown};
use crate::rig::folder;

#[test]
fn the_same_file_is_imported_once() {
    let data = folder();
    let store = store(data.path());
    let file = log("a.csv", "1", CSV, vec![call(Some("g-1"), 0), call(None, 5)]);
    assert_eq!(import(&store, &file).calls, 2);
    let before = store.files().expect("readable");
    let again = import(&store, &file);
    assert!(again.already_imported && again.calls == 0, "{again:?}");
    let elsewhere = log("b.csv", "1", CSV, file.found.calls.clone());
    let elsewhere = hitrate::request_log::LogFile { sha256: file.sha256.clone(), ..elsewhere };
    assert!(import(&store, &elsewhere).already_imported, "the same bytes under another name");
    assert_eq!((store.files().expect("readable"), count(&store)), (before, 2));
}

#[test]
fn overlapping_exports_add_each_call_once() {
    let data = folder();
    let store = store(data.path());
    let id = |number: i64| call(Some(&format!("g-{number}")), number);
    import(&store, &log("week-1.csv", "1", CSV, (0..10).map(id).collect()));
    let second = import(&store, &log("week-2.csv", "1", CSV, (5..15).map(id).collect()));
    assert_eq!((second.calls, second.duplicates, second.grown, count(&store)), (5, 5, false, 15));
    let listed = store.files().expect("readable");
    assert_eq!((listed[0].calls, listed[1].calls, listed[1].duplicates), (10, 5, 5));
}

#[test]
fn ids_of_different_kinds_are_different_and_ids_of_rows_belong_to_their_source() {
    let data = folder();
    let store = store(data.path());
    let kind = |kind, second| Call { id_kind: kind, platform: None, ..call(Some("1"), second) };
    import(&store, &log("a.csv", "1", CSV, vec![kind(IdKind::Generation, 0)]));
    assert_eq!(import(&store, &log("b.csv", "1", CSV, vec![kind(IdKind::Response, 1)])).calls, 1);
    assert_eq!(import(&store, &log("c.csv", "1", CSV, vec![kind(IdKind::Row, 2)])).calls, 1);
    let other = log("d.csv", "1", CSV, vec![kind(IdKind::Row, 2)]);
    assert_eq!(store.import(&other, Some("laptop"), now(), &unknown).expect("imported").calls, 1);
    let same = log("e.csv", "1", CSV, vec![kind(IdKind::Row, 3)]);
    assert_eq!(store.import(&same, Some("laptop"), now(), &unknown).expect("imported").duplicates, 1);
}

#[test]
fn of_two_records_of_a_call_the_one_with_the_larger_output_counts() {
    let data = folder();
    let store = store(data.path());
    let output = |output, second| Call {
        raw: RawCounts { output: Some(output), ..call(None, 0).raw },
        ..call(Some("m-1"), second)
    };
    let placeholder = Call { output_is_minimum: true, ..output(1, 0) };
    import(&store, &log("s.jsonl", "1", USAGE, vec![placeholder.clone()]));
    let full = import(&store, &log("s.jsonl", "2", USAGE, vec![output(800, 4)]));
    assert_eq!((full.calls, full.replaced, full.grown), (0, 1, true));
    let less = import(&store, &log("t.jsonl", "1", USAGE, vec![output(7, 4)]));
    assert_eq!((less.calls, less.replaced, less.duplicates), (0, 0, 1));
    let calls = store.calls(&CallFilter::default()).expect("readable");
    assert_eq!((calls.len(), calls[0].tokens.output_text), (1, Some(800)));
    assert_eq!(calls[0].at, placeholder.started_at, "the call started with its first record");
}

#[test]
fn a_log_that_has_grown_adds_its_new_calls() {
    let data = folder();
    let store = store(data.path());
    let with_id = |number: i64| call(Some(&format!("g-{number}")), number);
    let without = |number: i64| call(None, number);
    for (path, make) in [
        ("with.jsonl", Box::new(with_id) as Box<dyn Fn(i64) -> Call>),
        (
            "without.jsonl",
            Box::new(move |number: i64| Call { platform: None, ..without(number + 1_000_i64) })
                as Box<dyn Fn(i64) -> Call>,
        ),
    ] {
        let first = import(&store, &log(path, "1", USAGE, (0..3).map(&make).collect()));
        assert_eq!((first.calls, first.grown), (3, false));
        let second = import(&store, &log(path, "2", USAGE, (0..5).map(&make).collect()));
        assert_eq!((second.calls, second.duplicates, second.grown), (2, 0, true), "{path}");
    }
    let files = store.files().expect("readable");
    assert_eq!(files.iter().map(|file| file.calls).collect::<Vec<_>>(), [5, 5], "one row for each file");
    assert!(files.iter().all(|file| file.sha256.ends_with('2')));
    let rotated = import(&store, &log("with.jsonl", "3", USAGE, vec![with_id(90)]));
    assert_eq!((rotated.calls, rotated.grown), (1, false), "another log under the same name");
    assert_eq!((store.files().expect("readable").len(), count(&store)), (3, 11));
}

#[test]
fn equal_calls_without_ids_in_one_log_are_all_kept() {
    let data = folder();
    let store = store(data.path());
    let twin = || Call { platform: None, ..call(None, 7) };
    assert_eq!(import(&store, &log("a.jsonl", "1", USAGE, vec![twin(), twin()])).calls, 2);
    let three = import(&store, &log("b.jsonl", "1", USAGE, vec![twin(), twin(), twin()]));
    assert_eq!((three.calls, three.duplicates, count(&store)), (1, 2, 3));
    let timeless = || Call { started_at: None, ended_at: None, ..twin() };
    let untimed = import(&store, &log("c.jsonl", "1", USAGE, vec![timeless()]));
    let other = import(&store, &log("d.jsonl", "1", USAGE, vec![timeless()]));
    assert_eq!((untimed.calls, other.calls), (1, 1), "without times, only versions of one file are compared");
    let grown = import(&store, &log("d.jsonl", "2", USAGE, vec![timeless(), Call { line: 9, ..timeless() }]));
    assert_eq!((grown.calls, grown.grown), (1, true));
}

#[test]
fn the_sum_of_an_unfinished_day_is_replaced() {
    let data = folder();
    let store = store(data.path());
    let sum = |output: u64| Call {
        aggregated: Some(output / 10),
        raw: RawCounts { output: Some(output), ..call(None, 0).raw },
        ..call(None, 0)
    };
    import(&store, &log("usage-1.json", "1", USAGE, vec![sum(500)]));
    let later = import(&store, &log("usage-2.json", "1", USAGE, vec![sum(900)]));
    assert_eq!((later.calls, later.replaced), (0, 1));
    assert_eq!(store.files().expect("readable").iter().map(|file| file.calls).sum::<i64>(), 1);
}

#[test]
fn a_second_source_of_a_platform_is_refused_unless_it_is_merged() {
    let data = folder();
    let store = store(data.path());
    import(
        &store,
        &log("activity.csv", "1", CSV, (0..4).map(|n| call(Some(&format!("g-{n}")), 60 * n)).collect()),
    );
    // The gateway in front knows three of these calls, under ids of its own, and one that went past the router.
    let seen = |n: i64, shift: i64| Call {
        id_kind: IdKind::Response,
        platform: Some("litellm:openrouter".into()),
        model_served: Some("openrouter/wren/lark-2".into()),
        ..call(Some(&format!("r-{n}")), 60 * n + shift)
    };
    let mut other = seen(3, 0);
    other.raw.input = Some(1_001);
    let calls = vec![seen(0, 2), seen(1, -1), seen(2, 0), other, seen(90, 0)];
    let gateway = log("spend.jsonl", "1", USAGE, calls);
    let refused = store.import(&gateway, None, now(), &unknown).expect_err("it overlaps");
    let StoreError::Overlap(overlap) = &refused else { panic!("{refused}") };
    assert_eq!((overlap.calls, overlap.matched, overlap.other.as_str()), (4, 3, CSV));
    assert!(refused.to_string().contains("--merge"), "{refused}");
    assert_eq!((count(&store), store.files().expect("readable").len()), (4, 1), "nothing was imported");

    let merged = merge(&store, &gateway);
    assert_eq!((merged.calls, merged.merged), (2, 3));
    assert_eq!(count(&store), 6);
    let later = log("late.jsonl", "1", USAGE, vec![seen(5_000, 0)]);
    assert_eq!(store.import(&later, Some("late"), now(), &unknown).expect("no overlap in time").calls, 1);
}

#[test]
fn failures_and_other_platforms_do_not_match() {
    let data = folder();
    let store = store(data.path());
    import(&store, &log("activity.csv", "1", CSV, vec![call(Some("g-1"), 0), call(Some("g-2"), 100)]));
    let other = Call { platform: Some("anthropic".into()), id_kind: IdKind::Message, ..call(Some("m-1"), 0) };
    assert_eq!(import(&store, &log("claude.jsonl", "1", USAGE, vec![other])).calls, 1);
    let failed = Call {
        status: Status::Error,
        raw: RawCounts::default(),
        id_kind: IdKind::Response,
        ..call(Some("r-1"), 50)
    };
    let merged = merge(&store, &log("spend.jsonl", "1", USAGE, vec![failed]));
    assert_eq!((merged.calls, merged.merged), (1, 0));
}
