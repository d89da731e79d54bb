use super::super::agents::testing::{file, read, recognised, total};
use super::*;
use crate::request_log::call::{SessionKind, Status, Tokens};
use crate::request_log::sink::Found;
use serde_json::json;

fn usage(input: u64, cached: u64, output: u64) -> Value {
    json!({"input_tokens": input, "cached_input_tokens": cached, "output_tokens": output,
        "reasoning_output_tokens": output / 2, "total_tokens": input + output})
}

fn tokens(second: u32, all: Value, last: Value) -> Value {
    json!({"timestamp": format!("2026-03-01T09:00:{second:02}.000Z"), "type": "event_msg",
        "payload": {"type": "token_count", "info": {"total_token_usage": all, "last_token_usage": last}}})
}

fn meta(id: &str, second: u32) -> Value {
    json!({"timestamp": format!("2026-03-01T09:00:{second:02}.000Z"), "type": "session_meta",
        "payload": {"id": id, "timestamp": format!("2026-03-01T09:00:{second:02}.000Z"),
            "originator": "codex_cli_rs", "model_provider": "openai"}})
}

fn turn(model: &str) -> Value {
    json!({"timestamp": "2026-03-01T09:00:01.000Z", "type": "turn_context", "payload": {"model": model}})
}

#[test]
fn increases_of_the_total_count_and_repeats_do_not() {
    let lines = [
        meta("t-1", 0),
        turn("gpt-test"),
        json!({"timestamp": "2026-03-01T09:00:01.000Z", "type": "event_msg",
            "payload": {"type": "token_count", "info": null, "rate_limits": {}}}),
        tokens(5, usage(1000, 0, 40), usage(1000, 0, 40)),
        tokens(6, usage(1000, 0, 40), usage(1000, 0, 40)),
        tokens(9, usage(2500, 900, 100), usage(1500, 900, 60)),
        tokens(9, usage(2500, 900, 100), usage(1500, 900, 60)),
    ];
    assert_eq!(recognised(&file("rollout-1.jsonl"), &lines), Some("codex"));
    let found = read(&CODEX, &file("rollout-1.jsonl"), &lines);
    assert_eq!((found.calls.len(), found.duplicates), (2, 2));
    assert_eq!(total(&found, Tokens::prompt), Some(2500));
    assert_eq!(total(&found, |tokens| tokens.read), Some(900));
    assert_eq!(total(&found, Tokens::output), Some(100));
    let second = &found.calls[1];
    assert_eq!((second.raw.input, second.raw.total), (Some(1500), Some(1560)));
    assert_eq!((second.session.as_deref(), second.session_kind), (Some("t-1"), SessionKind::Given));
    assert_eq!(second.model().map(|model| &**model), Some("gpt-test"));
}

#[test]
fn the_end_of_a_turn_states_the_time_to_the_first_token() {
    let event = |kind: &str| {
        json!({"timestamp": "2026-03-01T09:00:09.000Z", "type": "event_msg",
            "payload": {"type": kind, "time_to_first_token_ms": 1250}})
    };
    let found = read(
        &CODEX,
        &file("r.jsonl"),
        &[
            event("task_started"),
            tokens(5, usage(1000, 0, 40), usage(1000, 0, 40)),
            tokens(9, usage(2500, 900, 100), usage(1500, 900, 60)),
            event("task_complete"),
        ],
    );
    let first: Vec<_> = found.calls.iter().map(|call| call.ttft_ms).collect();
    assert_eq!(first, [Some(1250.0), None]);
}

#[test]
fn the_last_answer_counts_if_totals_fall_or_are_missing() {
    let mut without = tokens(7, json!(null), usage(300, 100, 10));
    without["payload"]["info"]["total_token_usage"] = json!(null);
    let found = read(
        &CODEX,
        &file("r.jsonl"),
        &[
            meta("t-1", 0),
            tokens(5, usage(5000, 0, 50), usage(5000, 0, 50)),
            tokens(6, usage(800, 200, 20), usage(800, 200, 20)),
            without,
            tokens(8, usage(2000, 300, 40), usage(900, 0, 10)),
        ],
    );
    let inputs: Vec<_> = found.calls.iter().map(|call| call.raw.input).collect();
    assert_eq!(inputs, [Some(5000), Some(800), Some(300), Some(900)]);
}

#[test]
fn a_marker_of_a_full_context_is_not_a_call() {
    let full = json!({"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "total_tokens": 9000});
    let found = read(
        &CODEX,
        &file("r.jsonl"),
        &[tokens(5, usage(5000, 0, 50), usage(5000, 0, 50)), tokens(6, full, json!({"total_tokens": 3950}))],
    );
    assert_eq!(found.calls.len(), 1);
}

#[test]
fn the_copied_start_of_a_fork_is_skipped() {
    let mut fork = meta("t-2", 20);
    fork["payload"]["forked_from_id"] = json!("t-1");
    let found = read(
        &CODEX,
        &file("r.jsonl"),
        &[
            fork,
            meta("t-1", 20),
            turn("gpt-test"),
            tokens(20, usage(1000, 0, 40), usage(1000, 0, 40)),
            tokens(20, usage(2500, 900, 100), usage(1500, 900, 60)),
            json!({"timestamp": "2026-03-01T09:00:40.000Z", "type": "event_msg", "payload": {"type": "user_message"}}),
            tokens(50, usage(4200, 2400, 150), usage(1700, 1500, 50)),
        ],
    );
    assert_eq!(found.calls.len(), 1);
    assert_eq!((found.calls[0].raw.input, found.calls[0].raw.read), (Some(1700), Some(1500)));
    assert_eq!(found.calls[0].session.as_deref(), Some("t-2"));
    assert_eq!(found.calls[0].parent_session.as_deref(), Some("t-1"));
    assert_eq!(found.notes["copied from the parent session: counted there"], 2);
}

/// Lines of a fork that begins in second 20, each at its milliseconds after it.
fn fork(lines: &[(u32, Value)]) -> Found {
    let mut own = meta("t-2", 20);
    own["payload"]["forked_from_id"] = json!("t-1");
    let mut all = vec![own];
    for (ms, line) in lines {
        let mut line = line.clone();
        line["timestamp"] = json!(format!("2026-03-01T09:00:{:02}.{:03}Z", 20 + ms / 1000, ms % 1000));
        all.push(line);
    }
    read(&CODEX, &file("r.jsonl"), &all)
}

fn inputs(found: &Found) -> Vec<Option<u64>> {
    found.calls.iter().map(|call| call.raw.input).collect()
}

#[test]
fn a_fork_that_goes_on_quickly_counts_from_its_own_turn() {
    let copied = [
        (0, meta("t-1", 20)),
        (1, turn("gpt-test")),
        (2, tokens(0, usage(1000, 0, 40), usage(1000, 0, 40))),
        (3, turn("gpt-test")),
        (4, tokens(0, usage(2500, 900, 100), usage(1500, 900, 60))),
    ];
    let own = |ms| (ms, tokens(0, usage(4200, 2400, 150), usage(1700, 1500, 50)));
    let with = |more: &[(u32, Value)]| inputs(&fork(&[&copied[..], more].concat()));
    assert_eq!(with(&[(804, turn("gpt-test")), own(1500)]), [Some(1700)], "a turn of its own");
    let message = json!({"type": "event_msg", "payload": {"type": "user_message"}});
    assert_eq!(with(&[(300, message), own(700)]), [Some(1700)], "a message of the user");
    assert_eq!(
        with(&[(20, meta("t-2", 20)), (21, turn("gpt-test")), own(700)]),
        [Some(1700)],
        "its description"
    );
    let item = json!({"type": "response_item", "payload": {"type": "reasoning"}});
    assert_eq!(with(&[(20, turn("gpt-test")), (600, item), own(1100)]), [Some(1700)], "another second");
    assert!(with(&[(20, turn("gpt-test")), own(40)]).is_empty(), "the copy goes on");
    // A long copy crosses a second without a pause.
    let long: Vec<_> = (0..12).map(|n| (n * 100, turn("gpt-test"))).chain([own(1150)]).collect();
    assert!(with(&long).is_empty());
}

#[test]
fn copies_that_keep_their_times_end_with_the_first_turn_of_the_fork() {
    let mut own = meta("t-2", 20);
    own["payload"]["forked_from_id"] = json!("t-1");
    let mut first = turn("gpt-test");
    first["timestamp"] = json!("2026-03-01T09:00:20.050Z");
    let found = read(
        &CODEX,
        &file("r.jsonl"),
        &[
            own,
            meta("t-1", 0),
            turn("gpt-test"),
            tokens(5, usage(1000, 0, 40), usage(1000, 0, 40)),
            tokens(9, usage(2500, 900, 100), usage(1500, 900, 60)),
            first,
            tokens(20, usage(4200, 2400, 150), usage(1700, 1500, 50)),
        ],
    );
    assert_eq!(inputs(&found), [Some(1700)]);
}

#[test]
fn flat_counts_of_older_versions_are_those_of_each_answer() {
    let flat = |input: u64, cached: u64| {
        let mut event = usage(input, cached, 40);
        event["type"] = json!("token_count");
        json!({"id": "0", "msg": event})
    };
    let lines = [json!({"id": "0", "msg": {"type": "task_started"}}), flat(1000, 0), flat(1500, 900)];
    assert_eq!(recognised(&file("run.jsonl"), &lines), Some("codex"));
    let found = read(&CODEX, &file("run.jsonl"), &lines);
    assert_eq!(inputs(&found), [Some(1000), Some(1500)]);
    assert_eq!((total(&found, |tokens| tokens.read), found.notes.len()), (Some(900), 0));
    let mut bad = flat(1, 0);
    bad["msg"]["input_tokens"] = json!(-1);
    assert_eq!(read(&CODEX, &file("run.jsonl"), &[bad]).unread.len(), 1);
}

#[test]
fn counts_of_responses_replace_the_running_total_from_where_they_start() {
    let record = |second: u32, id: &str, usage: Value| {
        json!({"timestamp": format!("2026-03-01T09:00:{second:02}.000Z"), "type": "token_usage_record",
            "payload": {"response_id": id, "usage": usage}})
    };
    let found = read(
        &CODEX,
        &file("r.jsonl"),
        &[
            meta("t-1", 0),
            turn("gpt-test"),
            tokens(5, usage(1000, 0, 40), usage(1000, 0, 40)),
            record(9, "resp-1", usage(1500, 900, 60)),
            tokens(9, usage(2500, 900, 100), usage(1500, 900, 60)),
            record(12, "resp-2", usage(700, 0, 10)),
            record(12, "resp-2", usage(700, 0, 10)),
        ],
    );
    let inputs: Vec<_> = found.calls.iter().map(|call| call.raw.input).collect();
    assert_eq!(inputs, [Some(1000), Some(1500), Some(700)]);
    assert_eq!(found.duplicates, 2);
}

#[test]
fn older_events_of_scripts_are_read() {
    let event = |event: Value| json!({"id": "0", "msg": event});
    let count = |all: Value, last: Value| {
        event(json!({"type": "token_count", "info": {"total_token_usage": all, "last_token_usage": last}}))
    };
    let lines = [
        event(json!({"type": "session_configured", "session_id": "t-9", "model": "gpt-test"})),
        count(usage(1000, 0, 40), usage(1000, 0, 40)),
        count(usage(2500, 900, 100), usage(1500, 900, 60)),
    ];
    assert_eq!(recognised(&file("run.jsonl"), &lines), Some("codex"));
    let found = read(&CODEX, &file("run.jsonl"), &lines);
    assert_eq!(found.calls.len(), 2);
    assert_eq!(total(&found, Tokens::prompt), Some(2500));
    assert_eq!(found.calls[0].model().map(|model| &**model), Some("gpt-test"));
}

#[test]
fn errors_are_failures() {
    let found = read(
        &CODEX,
        &file("r.jsonl"),
        &[
            meta("t-1", 0),
            json!({"timestamp": "2026-03-01T09:00:02Z", "type": "event_msg", "payload": {"type": "stream_error",
            "message": "Reconnecting... 1/5", "codex_error_info": {"response_stream_disconnected": {"http_status_code": 504}}}}),
            json!({"timestamp": "2026-03-01T09:00:03Z", "type": "event_msg", "payload": {"type": "error",
            "message": "You've hit your rate limit"}}),
        ],
    );
    let statuses: Vec<_> = found.calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Status::Timeout, Status::RateLimited]);
    assert_eq!(found.calls[0].error_class.as_deref(), Some("response_stream_disconnected"));
}

#[test]
fn damaged_lines_are_counted() {
    let found = read(
        &CODEX,
        &file("r.jsonl"),
        &[
            tokens(5, json!({"input_tokens": "x"}), usage(1, 0, 1)),
            json!([1]),
            json!({"timestamp": "2026-03-01T09:00:02Z", "type": "new_kind", "payload": {}}),
        ],
    );
    assert!(found.calls.is_empty());
    assert_eq!(found.unread.len(), 2);
    assert_eq!(found.notes[UNKNOWN_TYPE], 1);
}
