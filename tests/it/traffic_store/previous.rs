//! The previous call of each call's session, which is found when calls are added or deleted.

use hitrate::request_log::{Call, RawCounts, SessionKind, Status};
use hitrate::store::answers::{RateRow, Scope};
use hitrate::store::{Forget, TrafficStore};

use super::{CSV, call, import, log, store};
use crate::rig::{at, folder};

/// A call of a prompt of `input` tokens, `read` of them cached.
fn sized(id: &str, second: i64, input: u64, read: u64) -> Call {
    let raw = RawCounts { input: Some(input), read: Some(read), output: Some(50), ..RawCounts::default() };
    Call { raw, ..call(Some(id), second) }
}

/// The sums over all groups.
fn total(store: &TrafficStore, from: Option<&str>) -> RateRow {
    let scope = Scope { from: from.map(at), by: "endpoint", ..Scope::default() };
    let rows = store.answers(scope).rates().expect("readable");
    rows.into_iter().find(|row| row.g.is_none()).unwrap_or_default()
}

fn reuse(store: &TrafficStore) -> (i64, i64, i64) {
    let row = total(store, None);
    (row.reusable, row.reused, row.later_prompt)
}

#[test]
fn previous_calls_follow_from_all_files_of_a_session_in_any_order_of_import() {
    let data = folder();
    let store = store(data.path());
    import(&store, &log("b.csv", "1", CSV, vec![sized("b-1", 0, 100, 0), sized("b-2", 20, 300, 250)]));
    assert_eq!(reuse(&store), (100, 100, 300));
    // A call between the two, imported later.
    import(&store, &log("a.csv", "1", CSV, vec![sized("a-1", 10, 200, 60)]));
    assert_eq!(reuse(&store), (100 + 200, 60 + 200, 200 + 300));
    // A file that has grown.
    let grown = vec![sized("a-1", 10, 200, 60), sized("a-2", 30, 400, 280)];
    import(&store, &log("a.csv", "2", CSV, grown));
    assert_eq!(reuse(&store), (100 + 200 + 300, 60 + 200 + 280, 200 + 300 + 400));
}

#[test]
fn a_deleted_call_is_no_longer_the_previous_one() {
    let data = folder();
    let store = store(data.path());
    let calls = vec![sized("1", 0, 100, 0), sized("2", 10, 200, 60), sized("3", 20, 300, 250)];
    import(&store, &log("a.csv", "1", CSV, calls));
    assert_eq!(reuse(&store), (300, 260, 500));
    let middle = Forget {
        from: Some(at("2026-08-10T10:00:05Z")),
        to: Some(at("2026-08-10T10:00:15Z")),
        ..Forget::default()
    };
    store.forget(&middle).expect("deleted");
    assert_eq!(reuse(&store), (100, 100, 300));
}

#[test]
fn the_fourth_equal_answer_is_frozen_and_previous_calls_before_the_period_count_for_a_week() {
    let data = folder();
    let store = store(data.path());
    let week = 7 * 86_400;
    let calls = (0..5).map(|n| sized(&n.to_string(), n * 10, 1_000, 900)).collect();
    import(&store, &log("a.csv", "1", CSV, calls));
    let all = total(&store, None);
    assert_eq!((all.frozen, all.later_read, all.sessions, all.clusters), (2, 3_600, 1, 1));
    import(&store, &log("b.csv", "1", CSV, vec![sized("late", week + 100, 1_000, 900)]));
    assert_eq!(total(&store, Some("2026-08-17T10:00:30Z")).later_read, 900, "less than a week before");
    assert_eq!(total(&store, Some("2026-08-17T10:01:00Z")).later_read, 0, "more than a week before");
}

#[test]
fn a_call_without_a_session_is_a_cluster_of_its_own() {
    let data = folder();
    let store = store(data.path());
    let own = |id: &str, second, read| Call {
        session: None,
        session_kind: SessionKind::GivenPerRequest,
        // Not an answer, so that no session is guessed.
        status: Status::Timeout,
        ..sized(id, second, 100, read)
    };
    let calls = vec![own("1", 0, 0), own("2", 10, 60), sized("3", 20, 300, 250)];
    import(&store, &log("a.csv", "1", CSV, calls));
    let all = total(&store, None);
    assert_eq!((all.calls, all.without_session, all.sessions, all.clusters), (3, 2, 1, 3));
    assert_eq!((all.read_read, all.read_prompt), (66_100.0, 81_000.0));
    assert_eq!(all.prompt_prompt, 110_000.0);
}
