//! `hitrate traffic import`, `forget` and `files` as programs see them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::all_text;
use crate::binary::{Ran, command, finish, hitrate};
use crate::rig::folder;

/// What nothing may store: it stands where logs keep prompts and answers.
const MARKER: &str = "zanzibar-marker-7781";

/// A row of a gateway's log of spend, with the contents of the request.
fn row(number: u32, session: &str) -> Value {
    let minute = format!("2026-08-10 10:{:02}:{:02}.000000", number / 60, number % 60);
    json!({
        "request_id": format!("chatcmpl-{number}"), "call_type": "acompletion", "api_key": "88dc", "spend": 0.002,
        "total_tokens": 1050, "prompt_tokens": 1000, "completion_tokens": 50,
        "startTime": minute, "endTime": minute, "model": "wren/lark-2", "custom_llm_provider": "openrouter",
        "messages": [{"role": "user", "content": MARKER}], "response": {"choices": [{"text": MARKER}]},
        "proxy_server_request": {"body": {"prompt": MARKER}},
        "metadata": {"usage_object": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
            "prompt_tokens_details": {"cached_tokens": 600}}, "requester_metadata": {"note": MARKER}},
        "cache_hit": "False", "session_id": session, "status": "success"
    })
}

fn lines(numbers: std::ops::Range<u32>) -> String {
    let mut text = String::new();
    for number in numbers {
        writeln!(text, "{}", row(number, "s-1")).expect("a text grows");
    }
    text
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn import(data: &Path, arguments: &[&str]) -> Ran {
    hitrate(data, &[&["traffic", "import", "--json"], arguments].concat())
}

#[test]
fn a_log_is_imported_once_and_contents_are_never_stored() {
    let (data, logs) = (folder(), folder());
    let path = write(logs.path(), "spend.jsonl", &lines(0..20));
    let first = import(data.path(), &[&path]);
    assert_eq!(first.code, 0, "{first:?}");
    let document = first.json();
    assert_eq!((&document["calls"], &document["has_catalogue"]), (&json!(20), &json!(false)));
    assert_eq!(document["files"][0]["format"], "litellm-spend-logs");
    assert_eq!(document["files"][0]["unread"], json!({}));

    let again = import(data.path(), &[&path]).json();
    assert_eq!((&again["calls"], &again["files"][0]["already_imported"]), (&json!(0), &json!(true)));
    fs::write(&path, lines(0..25)).expect("written");
    let grown = import(data.path(), &[&path]).json();
    assert_eq!((&grown["calls"], &grown["files"][0]["grown"]), (&json!(5), &json!(true)), "{grown}");

    let stored = all_text(data.path());
    assert!(stored.contains("chatcmpl-24") && !stored.contains(MARKER));
    let file = fs::read(data.path().join("traffic/traffic.duckdb")).expect("there");
    assert!(!file.windows(MARKER.len()).any(|bytes| bytes == MARKER.as_bytes()));
}

#[test]
fn a_partly_bad_file_is_imported_and_reported_with_exit_code_5() {
    let (data, logs) = (folder(), folder());
    let text = format!("{}not json\n{}{{\"prompt_tokens\": \n", lines(0..3), lines(3..5));
    let path = write(logs.path(), "spend.jsonl", &text);
    let ran = import(data.path(), &[&path]);
    assert_eq!((ran.code, &ran.json()["calls"]), (5, &json!(5)), "{ran:?}");
    let unread = ran.json()["files"][0]["unread"].clone();
    let reasons = unread.as_object().expect("an object");
    let entries: u64 = reasons.values().filter_map(|one| one["entries"].as_u64()).sum();
    assert_eq!(entries, 2, "{unread}");
    let first: Vec<u64> = reasons
        .values()
        .flat_map(|one| one["first"].as_array().into_iter().flatten())
        .filter_map(Value::as_u64)
        .collect();
    assert!(first.contains(&4) && first.contains(&7), "{unread}");
    let text = write(logs.path(), "other.jsonl", &text.replace("chatcmpl-", "other-"));
    let text = finish(command().arg("--data-dir").arg(data.path()).args(["traffic", "import", &text]));
    assert!(text.out.contains("line 4") || text.out.contains("lines 4"), "{text:?}");
    let listed = hitrate(data.path(), &["traffic", "files", "--json"]).json();
    assert_eq!(listed[0]["calls"], 5);
    assert!(listed[0]["unread"].as_object().is_some_and(|reasons| !reasons.is_empty()), "{listed}");
}

#[test]
fn folders_streams_and_several_paths_are_imported_and_what_is_no_log_is_counted() {
    let (data, logs) = (folder(), folder());
    write(logs.path(), "a/one.jsonl", &lines(0..3));
    write(logs.path(), "b/two.jsonl", &lines(2..5));
    write(logs.path(), "b/notes.json", r#"{"hello": "there"}"#);
    let all = logs.path().display().to_string();
    let ran = import(data.path(), &[&all, "--source", "gateway"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json();
    assert_eq!((&document["calls"], &document["skipped"]), (&json!(5), &json!(1)), "{document}");
    assert_eq!(document["files"][1]["duplicates"], 1);
    assert_eq!(document["files"][0]["source"], "gateway");

    let nothing = import(data.path(), &[&format!("{all}/b/notes.json")]);
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(nothing.err.contains("was not imported"), "{}", nothing.err);
    let missing = import(data.path(), &[&format!("{all}/nowhere.jsonl")]);
    assert!(missing.code == 1 && missing.err.contains("nowhere.jsonl"), "{missing:?}");
    let unknown = import(data.path(), &[&all, "--format", "no-such-format"]);
    assert!(unknown.code == 2 && unknown.err.contains("litellm-spend-logs"), "{unknown:?}");
    assert_eq!(import(data.path(), &[]).code, 2, "a path is required");
    let named = import(data.path(), &[&format!("{all}/a/one.jsonl"), &format!("{all}/b/notes.json")]);
    assert_eq!((named.code, named.json()["refused"].as_array().map(Vec::len)), (5, Some(1)), "{named:?}");
}

#[test]
fn names_of_files_and_types_of_a_log_do_not_reach_the_terminal_as_they_are() {
    let (data, logs) = (folder(), folder());
    let odd = "evil\u{1b}[31m\u{202e}.jsonl";
    write(logs.path(), odd, "");
    let mut speech = row(1, "s-1");
    for (key, value) in [("call_type", json!(MARKER)), ("prompt_tokens", json!(0)), ("spend", json!(0))] {
        speech[key] = value;
    }
    for (key, value) in [("completion_tokens", json!(0)), ("total_tokens", json!(0)), ("metadata", json!({}))]
    {
        speech[key] = value;
    }
    let path = write(logs.path(), "spend.jsonl", &format!("{}{speech}\n", lines(2..4)));
    let odd = logs.path().join(odd).display().to_string();
    let ran = hitrate(data.path(), &["traffic", "import", &odd, &path]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.out.contains("is empty") && !ran.out.contains('\u{1b}') && !ran.out.contains('\u{202e}'),
        "{ran:?}"
    );
    assert!(ran.out.contains("a call of another type") && !ran.out.contains(MARKER), "{ran:?}");
    let only = hitrate(data.path(), &["traffic", "import", &odd]);
    assert!(only.code == 1 && !only.err.contains('\u{1b}'), "{only:?}");
}

#[test]
fn forget_says_what_it_deleted_and_needs_to_know_what() {
    let (data, logs) = (folder(), folder());
    let nothing = hitrate(data.path(), &["traffic", "forget", "--all", "--json"]);
    assert_eq!((nothing.code, &nothing.json()["calls"]), (0, &json!(0)), "{nothing:?}");
    assert!(!data.path().join("traffic").exists());
    let path = write(logs.path(), "spend.jsonl", &lines(0..20));
    import(data.path(), &[&path, "--source", "gateway"]);
    for wrong in [
        &["traffic", "forget"][..],
        &["traffic", "forget", "--all", "--source", "gateway"],
        &["traffic", "forget", "--before", "2026-08-01", "--to", "2026-08-02"],
    ] {
        assert_eq!(hitrate(data.path(), wrong).code, 2, "{wrong:?}");
    }
    let unknown = hitrate(data.path(), &["traffic", "forget", "--source", "nobody"]);
    assert!(unknown.code == 1 && unknown.err.contains("gateway"), "{unknown:?}");
    let some =
        hitrate(data.path(), &["traffic", "forget", "--before", "2026-08-10T10:00:05Z", "--json"]).json();
    assert_eq!((&some["calls"], &some["remaining_calls"]), (&json!(5), &json!(15)), "{some}");
    let all = hitrate(data.path(), &["traffic", "forget", "--source", "gateway"]);
    assert_eq!(all.out.trim(), "Deleted 15 calls and 1 imported file. 0 calls of 0 files remain.", "{all:?}");
    assert_eq!(hitrate(data.path(), &["traffic", "files", "--json"]).json(), json!([]));
}

#[test]
fn a_database_in_use_by_another_process_is_exit_code_8_with_its_pid() {
    let (data, logs) = (folder(), folder());
    let path = write(logs.path(), "spend.jsonl", &lines(0..2));
    let held = super::store(data.path());
    let refused = import(data.path(), &[&path]);
    assert_eq!(refused.code, 8, "{refused:?}");
    assert!(refused.err.contains(&format!("PID {}", std::process::id())), "{}", refused.err);
    drop(held);
    assert_eq!(import(data.path(), &[&path]).code, 0, "it opens as soon as it is free");
}
