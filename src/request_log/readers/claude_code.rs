//! Claude Code: the transcripts of its sessions and subagents, one content block per line, and the output of
//! `claude --print --output-format stream-json`.

use super::agents::{self, BAD_COUNT, NO_OBJECT, NO_USAGE, UNKNOWN_TYPE};
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, RawCounts, Rule, SessionKind, Status,
};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count, money, name_of, object_at, text, text_of, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Claude Code.
pub(super) const CLAUDE_CODE: Format = Format {
    id: "claude-code",
    title: "Claude Code (Anthropic)",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: true,
    recognises,
    reader: |context| Box::new(Transcript::new(context)),
};

/// Largest output that is a placeholder: the client writes it before the answer is complete.
const LARGEST_PLACEHOLDER: u64 = 10;

/// Types of lines that hold no call.
const WITHOUT_CALL: &[&str] = &[
    "user",
    "summary",
    "progress",
    "file-history-snapshot",
    "queue-operation",
    "attachment",
    "custom-title",
    "ai-title",
    "agent-name",
    "last-prompt",
    "permission-mode",
    "mode",
    "tag",
    "pr-link",
    "worktree-state",
    "stream_event",
    "rate_limit_event",
    "control_request",
    "control_response",
    "started",
    "result",
];

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(line) = entry.object() else { return Sure::No };
    let kind = line.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_ours = ["sessionId", "session_id", "requestId", "parentUuid", "isSidechain"]
        .iter()
        .any(|key| line.contains_key(*key));
    match kind {
        "assistant" if is_ours && object_at(line, &["message", "usage"]).is_some() => Sure::Certain,
        "result" if line.contains_key("total_cost_usd") && line.contains_key("session_id") => Sure::Certain,
        "user" | "assistant" | "system" | "progress" if line.contains_key("parentUuid") => Sure::Certain,
        "file-history-snapshot" | "queue-operation" => Sure::Likely,
        "summary" if line.contains_key("leafUuid") => Sure::Likely,
        _ => Sure::No,
    }
}

/// Reads one transcript.
struct Transcript {
    file: Option<Name>,
    /// What is known about each message, by the id of its call.
    messages: HashMap<String, Message>,
    /// The request of each message id.
    requests: HashMap<String, String>,
    /// The first line of the sidechain that a line belongs to.
    roots: HashMap<String, String>,
    /// The summary that ends the output of a script.
    result: Option<(u64, Object)>,
}

#[derive(Default)]
struct Message {
    is_of_parent: bool,
    tools: HashSet<String>,
}

impl Transcript {
    fn new(context: &FileContext) -> Self {
        Self {
            file: agents::file_session(context),
            messages: HashMap::new(),
            requests: HashMap::new(),
            roots: HashMap::new(),
            result: None,
        }
    }

    /// The id of the call of a message: its own, with that of the request if two requests share it.
    fn id(&mut self, line: &Object, message: &Object) -> Option<String> {
        let request = text(line.get("requestId"));
        let Some(id) = text(message.get("id")) else { return request.or_else(|| text(line.get("uuid"))) };
        let Some(request) = request else { return Some(id) };
        let first = self.requests.entry(id.clone()).or_insert_with(|| request.clone());
        Some(if *first == request { id } else { format!("{id}:{request}") })
    }

    /// Sets session, parent and agent of a call.
    fn set_session(&mut self, call: &mut Call, line: &Object) {
        let session = name_of(line, &["sessionId", "session_id"]);
        let is_sidechain = line.get("isSidechain").and_then(Value::as_bool) == Some(true)
            || line.get("parent_tool_use_id").is_some_and(Value::is_string);
        if !is_sidechain {
            return agents::set_session(call, session.as_ref(), self.file.as_ref());
        }
        let own = text_of(line, &["agentId", "parent_tool_use_id"]).or_else(|| self.root(line));
        call.agent = name_of(line, &["agentName", "attributionAgent", "agentId"]);
        call.parent_session = session.clone();
        let name = match (&session, own) {
            (Some(session), Some(own)) => Some(Name::from(format!("{session}/{own}"))),
            (session, own) => own.map(Name::from).or_else(|| session.clone()),
        };
        agents::set_session(call, name.as_ref(), self.file.as_ref());
    }

    /// The first line of the sidechain of a line.
    fn root(&self, line: &Object) -> Option<String> {
        let parent = text(line.get("parentUuid")).and_then(|parent| self.roots.get(&parent).cloned());
        parent.or_else(|| text(line.get("uuid")))
    }

    fn keep_root(&mut self, line: &Object) {
        if line.get("isSidechain").and_then(Value::as_bool) == Some(true)
            && let (Some(uuid), Some(root)) = (text(line.get("uuid")), self.root(line))
        {
            self.roots.insert(uuid, root);
        }
    }

    fn answer(&mut self, line: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(message) = line.get("message").and_then(Value::as_object) else {
            return sink.unread("an answer without a message", entry.line);
        };
        if line.get("isApiErrorMessage").and_then(Value::as_bool) == Some(true) {
            return sink.note("error shown to the user: not a call");
        }
        let model = name_of(message, &["model"]);
        if model.as_deref() == Some("<synthetic>") {
            return sink.note("message written by the client: not a call");
        }
        let Some(usage) = message.get("usage").and_then(Value::as_object) else {
            return sink.unread(NO_USAGE, entry.line);
        };
        let Ok(raw) = counts(usage, sink) else { return sink.unread(BAD_COUNT, entry.line) };
        let id = self.id(line, message);
        let mut call = Call {
            line: entry.line,
            id: id.clone().map(String::into_boxed_str),
            id_kind: if id.is_some() { IdKind::Message } else { IdKind::Position },
            platform: platform(message, model.as_deref()).map(Name::from),
            model_served: model,
            raw,
            finish: agents::finish(message.get("stop_reason")),
            service_tier: tier(usage),
            app: Some(Name::from("Claude Code")),
            ..Call::default()
        };
        if call.finish.as_deref() == Some("content_filter") {
            call.status = Status::Refused;
        }
        agents::set_start(&mut call, time_of(line, &["timestamp"]));
        call.ended_at = call.started_at;
        agents::set_computed(&mut call, money(line.get("costUSD")));
        self.set_session(&mut call, line);
        self.push(call, message, sink);
    }

    /// Adds one line of a message to its call.
    fn push(&mut self, call: Call, message: &Object, sink: &mut Sink) {
        let Some(id) = call.id.as_deref().map(str::to_owned) else { return sink.push(call, Keep::First) };
        let known = self.messages.entry(id.clone()).or_default();
        let blocks = message.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let used = blocks.iter().filter_map(Value::as_object).filter(|block| {
            matches!(block.get("type").and_then(Value::as_str), Some("tool_use" | "server_tool_use"))
        });
        known.tools.extend(used.filter_map(|block| text(block.get("id"))));
        let is_of_parent = call.parent_session.is_none();
        if known.is_of_parent && !is_of_parent {
            return sink.duplicate();
        }
        let (finish, end) = (call.finish.clone(), call.ended_at);
        let session =
            (is_of_parent && !known.is_of_parent).then(|| (call.session.clone(), call.session_kind));
        known.is_of_parent |= is_of_parent;
        let tools = u32::try_from(known.tools.len()).ok();
        sink.push(call, Keep::LargestOutput);
        let Some(kept) = sink.call_mut(IdKind::Message, &id) else { return };
        kept.tool_calls = tools;
        kept.finish = finish.or_else(|| kept.finish.take());
        kept.ended_at = kept.ended_at.max(end);
        if let Some((session, kind)) = session {
            (kept.session, kept.session_kind) = (session, kind);
            (kept.parent_session, kept.agent) = (None, None);
        }
    }

    /// A request that failed and was sent again.
    fn failure(&mut self, line: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let http = agents::http(at(line, &["error", "status"]));
        let inner = object_at(line, &["error", "error", "error"])
            .or_else(|| object_at(line, &["error", "error"]))
            .or_else(|| object_at(line, &["error"]));
        let message = inner.and_then(|inner| text_of(inner, &["message"])).unwrap_or_default();
        let class = inner
            .and_then(|inner| name_of(inner, &["type"]))
            .or_else(|| {
                object_at(line, &["error", "cause"]).and_then(|cause| name_of(cause, &["code", "name"]))
            })
            .or_else(|| object_at(line, &["cause"]).and_then(|cause| name_of(cause, &["code", "name"])));
        let id = text(line.get("uuid"));
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Row } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            status: agents::failure(http, &format!("{} {message}", class.as_deref().unwrap_or_default())),
            http,
            error_class: class,
            app: Some(Name::from("Claude Code")),
            ..Call::default()
        };
        agents::set_start(&mut call, time_of(line, &["timestamp"]));
        self.set_session(&mut call, line);
        sink.push(call, Keep::First);
    }
}

impl Reader for Transcript {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(line) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        self.keep_root(line);
        let kind = line.get("type").and_then(Value::as_str).unwrap_or_default();
        let subtype = line.get("subtype").and_then(Value::as_str).unwrap_or_default();
        match (kind, subtype) {
            ("assistant", _) => self.answer(line, entry, sink),
            ("system", "api_error") => self.failure(line, entry, sink),
            ("system", "compact_boundary") => sink.note("the context was compacted: a new prefix starts"),
            ("system", _) => {}
            ("progress", _) if object_at(line, &["data", "message", "message", "usage"]).is_some() => {
                sink.note("progress of a subagent: counted in its own file");
            }
            ("result", _) => self.result = Some((entry.line, line.clone())),
            (kind, _) if WITHOUT_CALL.contains(&kind) => {}
            _ => sink.note(UNKNOWN_TYPE),
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        let mut placeholders = 0;
        for call in sink.calls_mut() {
            let is_small = call.raw.output.is_some_and(|output| output <= LARGEST_PLACEHOLDER);
            if is_small && call.finish.is_none() && !call.status.is_failure() {
                call.output_is_minimum = true;
                placeholders += 1;
            }
        }
        for _ in 0..placeholders {
            sink.note("the log kept only a placeholder of the output: it is a lower bound");
        }
        let Some((line, result)) = self.result.take() else { return };
        if sink.calls_mut().iter().any(|call| call.raw.input.is_some()) {
            return sink.note("sum over the session: not counted beside its calls");
        }
        let Some(usage) = result.get("usage").and_then(Value::as_object) else {
            return sink.unread(NO_USAGE, line);
        };
        let Ok(raw) = counts(usage, sink) else { return sink.unread(BAD_COUNT, line) };
        let session = name_of(&result, &["session_id"]);
        let models = result.get("modelUsage").and_then(Value::as_object);
        let model = models.filter(|models| models.len() == 1).and_then(|models| models.keys().next());
        let mut call = Call {
            line,
            model_served: model.and_then(|model| agents::clean(model)),
            session_kind: if session.is_some() { SessionKind::Given } else { SessionKind::None },
            session,
            raw,
            aggregated: Some(0),
            app: Some(Name::from("Claude Code")),
            ..Call::default()
        };
        agents::set_computed(&mut call, money(result.get("total_cost_usd")));
        sink.push(call, Keep::First);
    }
}

/// The counts of a usage object.
fn counts(usage: &Object, sink: &mut Sink) -> Result<RawCounts, BadCount> {
    let written = count(usage.get("cache_creation_input_tokens"))?;
    let mut raw = RawCounts {
        input: count(usage.get("input_tokens"))?,
        read: count(usage.get("cache_read_input_tokens"))?,
        write: written,
        output: count(usage.get("output_tokens"))?,
        ..RawCounts::default()
    };
    if let Some(split) = usage.get("cache_creation").and_then(Value::as_object) {
        let short = count(split.get("ephemeral_5m_input_tokens"))?;
        let long = count(split.get("ephemeral_1h_input_tokens"))?;
        let sum = short.unwrap_or(0) + long.unwrap_or(0);
        if written.is_none_or(|written| written == sum) && (short.is_some() || long.is_some()) {
            (raw.write, raw.write_5m, raw.write_1h) = (None, short, long);
        } else if sum > 0 {
            sink.note("written tokens for 5 minutes and 1 hour do not add up to all written tokens");
        }
    }
    Ok(raw)
}

/// Who serves the model, from the form of the message's id and the model's name.
fn platform(message: &Object, model: Option<&str>) -> Option<&'static str> {
    let id = message.get("id").and_then(Value::as_str).unwrap_or_default();
    match id {
        id if id.starts_with("msg_bdrk_") => Some("bedrock"),
        id if id.starts_with("msg_vrtx_") => Some("vertex"),
        id if id.starts_with("gen-") => Some("openrouter"),
        id if id.starts_with("msg_") && model.is_some_and(|model| model.starts_with("claude")) => {
            Some("anthropic")
        }
        _ => None,
    }
}

/// The service tier; the fast mode is one.
fn tier(usage: &Object) -> Option<Name> {
    match usage.get("speed").and_then(Value::as_str) {
        Some("fast") => Some(Name::from("fast")),
        _ => name_of(usage, &["service_tier"]),
    }
}

#[cfg(test)]
mod tests {
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
        let beside = read(&CLAUDE_CODE, &file("a.jsonl"), &[line("msg_1", 70, 1), result]);
        assert_eq!((beside.calls.len(), beside.calls[0].aggregated), (1, None));
    }

    #[test]
    fn damaged_lines_are_counted() {
        let mut bad = line("msg_1", 1, 1);
        bad["message"]["usage"]["input_tokens"] = json!(-4);
        let mut bare = line("msg_2", 1, 1);
        bare["message"]["usage"] = json!(null);
        let found =
            read(&CLAUDE_CODE, &file("a.jsonl"), &[bad, bare, json!(7), json!({"type": "brand-new"})]);
        assert!(found.calls.is_empty());
        assert_eq!(found.unread.values().map(|unread| unread.entries).sum::<u64>(), 3);
        assert_eq!(found.notes[UNKNOWN_TYPE], 1);
    }
}
