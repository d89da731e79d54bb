use super::super::agents::testing::{file, read, recognised, total};
use super::*;
use crate::request_log::call::Tokens;
use serde_json::json;

fn line(id: &str, output: u64, minute: u32) -> Value {
    json!({"type": "assistant", "uuid": format!("u-{id}-{output}"), "parentUuid": null, "isSidechain": false,
        "sessionId": "s-9", "requestId": format!("req-{id}"),
        "timestamp": format!("2026-05-01T08:{minute:02}:00Z"),
        "message": {"id": id, "model": "claude-test-5", "stop_reason": null,
            "usage": {"input_tokens": 7, "output_tokens": output, "cache_read_input_tokens": 900,
                "cache_creation_input_tokens": 60,
                "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 40}}}})
}

#[test]
fn the_line_with_the_largest_output_wins_and_keeps_the_first_time() {
    let lines = [line("msg_1", 4, 1), line("msg_1", 4, 2), line("msg_1", 320, 3), line("msg_2", 55, 4)];
    assert_eq!(recognised(&file("a.jsonl"), &lines), Some("claude-code"));
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &lines);
    assert_eq!(found.calls.len(), 2);
    assert_eq!(found.duplicates, 2);
    assert_eq!(total(&found, Tokens::output), Some(375));
    assert_eq!(total(&found, Tokens::prompt), Some(2 * 967));
    let first = &found.calls[0];
    assert_eq!(first.started_at.expect("there").to_rfc3339(), "2026-05-01T08:01:00+00:00");
    assert_eq!((first.raw.write, first.raw.write_5m, first.raw.write_1h), (None, Some(20), Some(40)));
    assert!(!first.output_is_minimum);
    assert_eq!((first.session.as_deref(), first.session_kind), (Some("s-9"), SessionKind::Given));
}

#[test]
fn placeholders_are_lower_bounds_unless_the_answer_ended() {
    let mut done = line("msg_2", 3, 2);
    done["message"]["stop_reason"] = json!("end_turn");
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &[line("msg_1", 1, 1), done]);
    assert!(found.calls[0].output_is_minimum);
    assert!(!found.calls[1].output_is_minimum);
    assert_eq!(found.calls[1].finish.as_deref(), Some("stop"));
}

#[test]
fn synthetic_messages_and_shown_errors_are_not_calls_but_retries_are_failures() {
    let mut synthetic = line("msg_1", 0, 1);
    synthetic["message"]["model"] = json!("<synthetic>");
    let mut shown = line("msg_2", 0, 2);
    shown["isApiErrorMessage"] = json!(true);
    let retry = json!({"type": "system", "subtype": "api_error", "uuid": "e-1", "parentUuid": "p",
        "sessionId": "s-9", "timestamp": "2026-05-01T08:00:00Z", "retryAttempt": 1,
        "error": {"status": 429, "error": {"type": "error", "error": {"type": "rate_limit_error"}}}});
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &[synthetic, shown, retry]);
    assert_eq!(found.calls.len(), 1);
    assert_eq!(found.calls[0].status, Status::RateLimited);
    assert_eq!(found.calls[0].error_class.as_deref(), Some("rate_limit_error"));
    assert_eq!(found.calls[0].raw, RawCounts::default());
    assert_eq!(found.notes.len(), 2);
}

#[test]
fn a_sidechain_is_a_session_with_a_parent_and_its_replays_stay_with_the_parent() {
    let mut side = line("msg_side", 90, 3);
    side["isSidechain"] = json!(true);
    side["agentId"] = json!("a7");
    let mut replay = line("msg_1", 400, 4);
    replay["isSidechain"] = json!(true);
    replay["agentId"] = json!("a7");
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &[line("msg_1", 400, 1), side, replay]);
    assert_eq!(found.calls.len(), 2);
    assert_eq!(found.duplicates, 1);
    assert_eq!(found.calls[0].session.as_deref(), Some("s-9"));
    assert_eq!(found.calls[1].session.as_deref(), Some("s-9/a7"));
    assert_eq!(found.calls[1].parent_session.as_deref(), Some("s-9"));
}

#[test]
fn a_replay_that_comes_first_is_given_to_the_parent() {
    let mut replay = line("msg_1", 400, 1);
    replay["isSidechain"] = json!(true);
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &[replay, line("msg_1", 400, 2)]);
    assert_eq!(found.calls.len(), 1);
    assert_eq!(found.calls[0].session.as_deref(), Some("s-9"));
    assert_eq!(found.calls[0].parent_session, None);
}

#[test]
fn one_message_id_of_two_requests_is_two_calls() {
    let mut other = line("msg_1", 50, 2);
    other["requestId"] = json!("req-other");
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &[line("msg_1", 40, 1), other]);
    assert_eq!(found.calls.len(), 2);
    assert_eq!(total(&found, Tokens::output), Some(90));
}

#[test]
fn the_result_of_a_script_is_a_sum_only_if_there_are_no_calls() {
    let result = json!({"type": "result", "session_id": "s-1", "total_cost_usd": 0.25, "num_turns": 3,
        "usage": {"input_tokens": 5, "output_tokens": 70, "cache_read_input_tokens": 20}});
    let alone = read(&CLAUDE_CODE, &file("a.json"), std::slice::from_ref(&result));
    assert_eq!((alone.calls.len(), alone.calls[0].aggregated), (1, Some(0)));
    assert_eq!(alone.calls[0].paid, Some(0.25));
    let mut result = result;
    result["session_id"] = json!("s-9");
    let beside = read(&CLAUDE_CODE, &file("a.jsonl"), &[line("msg_1", 70, 1), result]);
    assert_eq!((beside.calls.len(), beside.calls[0].aggregated), (1, None));
}

#[test]
fn damaged_lines_are_counted() {
    let mut bad = line("msg_1", 1, 1);
    bad["message"]["usage"]["input_tokens"] = json!(-4);
    let mut bare = line("msg_2", 1, 1);
    bare["message"]["usage"] = json!(null);
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &[bad, bare, json!(7), json!({"type": "brand-new"})]);
    assert!(found.calls.is_empty());
    assert_eq!(found.unread.values().map(|unread| unread.entries).sum::<u64>(), 3);
    assert_eq!(found.notes[UNKNOWN_TYPE], 1);
}

#[test]
fn each_session_has_its_own_result_unless_its_calls_are_there() {
    let result = |session: &str, output: u64, cost: f64| {
        json!({"type": "result", "session_id": session, "total_cost_usd": cost,
            "usage": {"input_tokens": 5, "output_tokens": output, "cache_read_input_tokens": 20}})
    };
    let all = [result("s-1", 70, 0.25), result("s-2", 30, 0.5), result("s-2", 40, 0.75)];
    assert_eq!(recognised(&file("a.jsonl"), &all), Some("claude-code"));
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &all);
    let sums: Vec<_> = found.calls.iter().map(|call| (call.session.as_deref(), call.raw.output)).collect();
    assert_eq!(sums, [(Some("s-1"), Some(70)), (Some("s-2"), Some(40))], "the last one of a session");
    assert_eq!(found.duplicates, 1);
    assert!(found.calls.iter().all(|call| call.aggregated == Some(0)));

    let mut with_calls = vec![line("msg_1", 70, 1), result("s-9", 70, 0.25)];
    with_calls.extend(all);
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &with_calls);
    let sums: Vec<_> = found.calls.iter().map(|call| (call.session.as_deref(), call.aggregated)).collect();
    assert_eq!(sums, [(Some("s-9"), None), (Some("s-1"), Some(0)), (Some("s-2"), Some(0))]);
    let nameless =
        json!({"type": "result", "total_cost_usd": 0.1, "usage": {"input_tokens": 5, "output_tokens": 7}});
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &[line("msg_1", 70, 1), nameless]);
    assert_eq!(found.calls.len(), 1, "a result without a session may be that of any call");
}

#[test]
fn lines_without_a_type_are_answers_if_they_name_a_request_or_session() {
    let mut bare = line("msg_1", 40, 1);
    bare.as_object_mut().expect("there").remove("type");
    let mut nameless = bare.clone();
    for key in ["sessionId", "requestId", "parentUuid", "isSidechain"] {
        nameless.as_object_mut().expect("there").remove(key);
    }
    assert_eq!(recognised(&file("a.jsonl"), std::slice::from_ref(&bare)), Some("claude-code"));
    assert_ne!(recognised(&file("a.jsonl"), &[nameless]), Some("claude-code"));
    let found = read(&CLAUDE_CODE, &file("a.jsonl"), &[bare, json!({"sessionId": "s-9"})]);
    assert_eq!((found.calls.len(), total(&found, Tokens::prompt)), (1, Some(967)));
    assert_eq!(found.calls[0].session.as_deref(), Some("s-9"));
    assert_eq!(found.notes[UNKNOWN_TYPE], 1);
}
