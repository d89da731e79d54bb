//! Sessions of a log that arrives in parts: what an id names is decided over the calls of the source.

use std::collections::BTreeSet;

use hitrate::request_log::{Call, SessionKind};
use hitrate::store::{CallFilter, OwnCall, TrafficStore};

use super::{USAGE, call, log, now, store, unknown};
use crate::rig::folder;

/// A call that arrives in a segment of its own, `minute` minutes after a fixed time.
fn sent(minute: i64, session: Option<&str>, prompt: u64) -> Call {
    let mut call = call(Some(&format!("g-{minute}")), 60 * minute);
    call.session = session.map(Into::into);
    call.session_kind = if session.is_some() { SessionKind::Given } else { SessionKind::None };
    call.raw.input = Some(prompt);
    call
}

/// Imports calls as the receiver does: each file has a part of the log and the same path.
fn receive(store: &TrafficStore, version: &str, calls: Vec<Call>) {
    let file = log("receiver", version, USAGE, calls);
    store.import(&file, Some("receiver"), now(), &unknown).expect("imported");
}

fn all(store: &TrafficStore) -> Vec<OwnCall> {
    store.calls(&CallFilter::default()).expect("readable")
}

fn names(calls: &[OwnCall]) -> BTreeSet<&str> {
    calls.iter().filter_map(|call| call.session.as_deref()).collect()
}

#[test]
fn two_live_sessions_stay_two_sessions_over_many_segments() {
    let data = folder();
    let store = store(data.path());
    for turn in 0..8_i64 {
        let prompt = 1_000 + 100 * turn.unsigned_abs();
        let calls = vec![sent(2 * turn, Some("one"), prompt), sent(2 * turn + 1, Some("two"), 9 * prompt)];
        receive(&store, &turn.to_string(), calls);
        let stored = all(&store);
        assert!(stored.iter().all(|call| call.session_kind == SessionKind::Given), "turn {turn}");
        assert_eq!(names(&stored), BTreeSet::from(["one", "two"]), "turn {turn}");
    }
}

#[test]
fn ids_of_requests_are_recognised_over_segments_and_earlier_calls_change_with_them() {
    let data = folder();
    let store = store(data.path());
    for minute in 0..9 {
        let id = format!("request-{minute}");
        receive(&store, &id, vec![sent(minute, Some(&id), 1_000 + 10 * minute.unsigned_abs())]);
    }
    assert!(all(&store).iter().all(|call| call.session_kind == SessionKind::Given), "9 calls decide nothing");
    for minute in 9..14 {
        let id = format!("request-{minute}");
        receive(&store, &id, vec![sent(minute, Some(&id), 1_000 + 10 * minute.unsigned_abs())]);
        let stored = all(&store);
        assert!(stored.iter().all(|call| call.session_kind == SessionKind::Guessed), "minute {minute}");
        assert_eq!(names(&stored).len(), 1, "the prompts grow: one session, minute {minute}: {stored:?}");
    }
    // After a week with few calls the earlier decision holds.
    receive(&store, "late", vec![sent(60 * 24 * 20, Some("request-late"), 5_000)]);
    assert_eq!(all(&store).last().expect("a call").session_kind, SessionKind::Guessed);
    // Calls that do name sessions turn the decision for their time, and the ids are still there.
    let calls = (0..40).map(|n| sent(60 * 24 * 20 + 1 + n, Some("real"), 5_000)).collect();
    receive(&store, "real", calls);
    let stored = all(&store);
    let late = stored.iter().find(|call| call.session.as_deref() == Some("request-late"));
    assert_eq!(late.expect("its id is back").session_kind, SessionKind::Given);
    assert_eq!(stored[0].session_kind, SessionKind::Guessed, "other times keep theirs");
}

#[test]
fn calls_without_a_session_are_linked_over_segments() {
    let data = folder();
    let store = store(data.path());
    for minute in 0..4_i64 {
        let prompt = 1_000 + 10 * minute.unsigned_abs();
        receive(&store, &minute.to_string(), vec![sent(minute, None, prompt)]);
    }
    // Another platform and a pause are other sessions.
    let other = Call { platform: Some("openai".into()), ..sent(5, None, 1_050) };
    receive(&store, "other", vec![other]);
    receive(&store, "later", vec![sent(90, None, 1_100)]);
    let stored = all(&store);
    assert!(stored.iter().all(|call| call.session_kind == SessionKind::Guessed), "{stored:?}");
    assert_eq!(names(&stored).len(), 3, "{stored:?}");
    assert_eq!(names(&stored[..4]).len(), 1, "{stored:?}");
}
