//! pi and OpenClaw: the sessions of the agents, as lines, as the rows of OpenClaw's database, or as the events of
//! `pi --mode json`.

use super::agents::{self, BAD_COUNT, NO_OBJECT, NO_PRICE, NO_USAGE, UNKNOWN_TYPE};
use crate::request_log::call::{Call, IdKind, InputRule, Name, OutputRule, RawCounts, Rule, Status};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count, money, name, name_of, object_or_json, text, text_of,
    time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// pi and OpenClaw sessions.
pub(super) const PI: Format = Format {
    id: "pi",
    title: "pi and OpenClaw",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::IncludesReasoning },
    total: Total::OfDisjoint,
    states_failures: true,
    recognises,
    reader: |context| {
        Box::new(Session {
            file: agents::file_session(context),
            is_openclaw: [".openclaw", ".clawdbot", ".moltbot", "openclaw"]
                .iter()
                .any(|part| context.path_contains(part)),
            session: None,
            parent: None,
            model: None,
            provider: None,
        })
    },
};

/// Shortest id of a response that is taken as unique, in characters.
const SHORTEST_UNIQUE_ID: usize = 20;

/// Types of lines that hold no call of their own.
const WITHOUT_CALL: &[&str] = &[
    "thinking_level_change",
    "branch_summary",
    "custom",
    "custom_message",
    "label",
    "session_info",
    "agent_start",
    "agent_end",
    "turn_start",
    "turn_end",
    "message_start",
    "message_update",
    "tool_execution_start",
    "tool_execution_update",
    "tool_execution_end",
    "leaf",
    "auto_compaction_start",
    "auto_compaction_end",
    "compaction_start",
    "compaction_end",
];

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(line) = entry.object() else { return Sure::No };
    match entry.table {
        Some("transcript_events") if line.contains_key("event_json") || line.contains_key("event_zstd") => {
            return Sure::Certain;
        }
        Some(_) => return Sure::No,
        None => {}
    }
    match line.get("type").and_then(Value::as_str) {
        Some("message" | "message_end") => match at(line, &["message", "usage"]).and_then(Value::as_object) {
            Some(usage) if usage.contains_key("cacheRead") || usage.contains_key("totalTokens") => {
                Sure::Certain
            }
            _ if at(line, &["message", "role"]).is_some() => Sure::Likely,
            _ => Sure::No,
        },
        Some("session") if line.contains_key("id") && line.contains_key("cwd") => Sure::Likely,
        Some("model_change") if line.contains_key("modelId") => Sure::Likely,
        _ => Sure::No,
    }
}

/// Reads sessions.
struct Session {
    file: Option<Name>,
    is_openclaw: bool,
    session: Option<Name>,
    parent: Option<Name>,
    model: Option<Name>,
    provider: Option<Name>,
}

impl Session {
    fn header(&mut self, header: &Object) {
        self.session = name_of(header, &["id"]).or_else(|| self.session.take());
        // The parent is the path of a file whose name ends in the id of the session.
        let parent = text_of(header, &["parentSession", "branchedFrom"]);
        self.parent = parent.and_then(|path| {
            let name = path.rsplit(['/', '\\']).next().unwrap_or(&path);
            let stem = name.trim_end_matches(".jsonl");
            agents::clean(stem.rsplit('_').next().unwrap_or(stem))
        });
        self.model(header);
    }

    fn model(&mut self, change: &Object) {
        self.model = name_of(change, &["modelId", "model"]).or_else(|| self.model.take());
        self.provider = name_of(change, &["provider"]).or_else(|| self.provider.take());
    }

    fn line(&mut self, line: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        match line.get("type").and_then(Value::as_str).unwrap_or_default() {
            "session" => self.header(line),
            "model_change" => self.model(line),
            "custom" if text(line.get("customType")).as_deref() == Some("model-snapshot") => {
                if let Some(data) = line.get("data").and_then(Value::as_object) {
                    self.model(data);
                }
            }
            "message" | "message_end" => match line.get("message").and_then(Value::as_object) {
                Some(message) => self.message(line, message, entry, sink),
                None => sink.unread("a line without a message", entry.line),
            },
            "compaction" => sink.note("the context was compacted: a new prefix starts"),
            kind if WITHOUT_CALL.contains(&kind) => {}
            _ => sink.note(UNKNOWN_TYPE),
        }
    }

    fn message(&self, line: &Object, message: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        if message.get("role").and_then(Value::as_str) != Some("assistant") {
            return;
        }
        let reason = text(message.get("stopReason"));
        let error = text(message.get("errorMessage"));
        // The message of an error starts with its HTTP status.
        let first = error.as_deref().and_then(|error| error.split_whitespace().next());
        let http = agents::http(first.map(|word| Value::String(word.to_owned())).as_ref());
        let status = match (reason.as_deref(), error.as_deref()) {
            (Some("aborted"), _) => Status::Cancelled,
            (Some("error"), error) => agents::failure(http, error.unwrap_or_default()),
            (None, Some(error)) => agents::failure(http, error),
            _ => Status::Ok,
        };
        let usage = message.get("usage").and_then(Value::as_object);
        let Ok(raw) = usage.map_or(Ok(RawCounts::default()), counts) else {
            return sink.unread(BAD_COUNT, entry.line);
        };
        let is_empty = agents::is_empty(&raw);
        let model = name_of(message, &["model"]).or_else(|| self.model.clone());
        if is_empty && status == Status::Ok {
            return match model.as_deref() {
                Some("delivery-mirror" | "gateway-injected") => {
                    sink.note("message written by the client: not a call")
                }
                _ => sink.unread(NO_USAGE, entry.line),
            };
        }
        let (id_kind, id) = id(line, message, &raw);
        let tools = message.get("content").and_then(Value::as_array).map(|blocks| {
            let is_tool = |block: &&Value| {
                matches!(block.get("type").and_then(Value::as_str), Some("toolCall" | "tool_use"))
            };
            blocks.iter().filter(is_tool).count()
        });
        let mut call = Call {
            line: entry.line,
            id_kind,
            id: id.map(String::into_boxed_str),
            model_sent: model,
            model_served: name_of(message, &["responseModel"]),
            platform: name_of(message, &["provider"]).or_else(|| self.provider.clone()),
            app: Some(Name::from(if self.is_openclaw { "OpenClaw" } else { "pi" })),
            parent_session: self.parent.clone(),
            raw: if is_empty { RawCounts::default() } else { raw },
            status,
            http: http.filter(|_| status.is_failure()),
            error_class: if status.is_failure() { name(message.get("stopReason")) } else { None },
            finish: if status.is_failure() { None } else { agents::finish(message.get("stopReason")) },
            tool_calls: tools.and_then(|tools| u32::try_from(tools).ok()),
            ..Call::default()
        };
        agents::set_end(
            &mut call,
            time_of(line, &["timestamp"]).or_else(|| time_of(message, &["timestamp"])),
        );
        agents::set_start(&mut call, time_of(message, &["timestamp"]));
        if call.started_at > call.ended_at {
            call.started_at = call.ended_at;
        }
        // The message is created before the request, and its line is written after the answer.
        if let (Some(start), Some(end)) = (call.started_at, call.ended_at) {
            call.latency_ms = Some((end - start).num_milliseconds() as f64).filter(|ms| *ms > 0.0);
        }
        agents::set_session(&mut call, self.session.as_ref(), self.file.as_ref());
        let cost = usage
            .and_then(|usage| money(at(usage, &["cost", "total"])).or_else(|| money(usage.get("costUSD"))));
        if agents::set_computed(&mut call, cost) && !is_empty {
            sink.note(NO_PRICE);
        }
        sink.push(call, Keep::First);
    }
}

impl Reader for Session {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(line) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        match entry.table {
            None => return self.line(line, entry, sink),
            Some("transcript_events") => {}
            Some(_) => return,
        }
        let Some(event) = object_or_json(line.get("event_json")) else {
            return sink
                .unread("a row without an event in JSON (compressed events are not read)", entry.line);
        };
        let session = name_of(line, &["session_id"]);
        if session != self.session {
            (self.parent, self.model, self.provider) = (None, None, None);
            self.session = session;
        }
        self.line(&event, entry, sink);
    }
}

/// An id that is the same in the copies that a branched session starts with: the time of the message in ms with the
/// counts, as entry ids are short and exist only in newer versions.
fn id(line: &Object, message: &Object, raw: &RawCounts) -> (IdKind, Option<String>) {
    // Local servers number their responses in a small range, so only long ids are unique.
    if let Some(response) = text(message.get("responseId")).filter(|id| id.len() >= SHORTEST_UNIQUE_ID) {
        return (IdKind::Response, Some(response));
    }
    let time = time_of(message, &["timestamp"]).or_else(|| time_of(line, &["timestamp"]));
    let Some((at, _)) = time else { return (IdKind::Position, None) };
    let count = |count: Option<u64>| count.unwrap_or(0);
    let id =
        format!("{}:{}:{}:{}", at.timestamp_millis(), count(raw.input), count(raw.read), count(raw.output));
    (IdKind::Message, Some(id))
}

fn counts(usage: &Object) -> Result<RawCounts, BadCount> {
    let (write, long) = (count(usage.get("cacheWrite"))?, count(usage.get("cacheWrite1h"))?);
    let split = long.filter(|long| *long > 0 && write.is_some_and(|write| write >= *long));
    Ok(RawCounts {
        input: count(usage.get("input"))?,
        read: count(usage.get("cacheRead"))?,
        write: if split.is_some() { None } else { write },
        write_5m: split.and_then(|long| write?.checked_sub(long)),
        write_1h: split,
        output: count(usage.get("output"))?,
        reasoning: count(usage.get("reasoning"))?,
        total: count(usage.get("totalTokens"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, read_rows, recognised, total};
    use super::*;
    use crate::request_log::call::{PaidKind, SessionKind, Tokens};
    use serde_json::json;

    fn message(ms: u64, reason: &str) -> Value {
        json!({"type": "message", "id": "ab12cd34", "timestamp": "2026-06-01T10:00:09Z", "message": {"role": "assistant",
            "content": [{"type": "toolCall"}], "provider": "anthropic", "model": "claude-test", "stopReason": reason, "timestamp": ms,
            "usage": {"input": 40, "output": 60, "cacheRead": 3000, "cacheWrite": 200, "totalTokens": 3300, "cost": {"total": 0.04}}}})
    }

    fn header() -> Value {
        json!({"type": "session", "id": "p-2", "timestamp": "2026-06-01T10:00:00Z", "cwd": "/x",
            "parentSession": "/home/user/.pi/agent/sessions/--x--/2026-06-01T09-00-00-000Z_p-1.jsonl"})
    }

    #[test]
    fn a_session_is_read_and_its_parent_is_named() {
        let lines = [
            header(),
            json!({"type": "message", "message": {"role": "user"}}),
            message(1_780_000_000_000, "toolUse"),
        ];
        assert_eq!(recognised(&file("a.jsonl"), &lines), Some("pi"));
        let found = read(&PI, &file("a.jsonl"), &lines);
        assert_eq!(found.calls.len(), 1);
        let call = &found.calls[0];
        assert_eq!((call.tokens().prompt(), call.tokens().output()), (Some(3240), Some(60)));
        assert_eq!((call.session.as_deref(), call.parent_session.as_deref()), (Some("p-2"), Some("p-1")));
        assert_eq!((call.session_kind, call.finish.as_deref()), (SessionKind::Given, Some("tool_calls")));
        assert_eq!((call.paid, call.paid_kind), (Some(0.04), PaidKind::ComputedByTool));
    }

    #[test]
    fn the_events_of_a_script_repeat_messages() {
        let mut event = message(1_780_000_000_000, "stop");
        event["type"] = json!("message_end");
        let turn = json!({"type": "turn_end", "message": event["message"]});
        let found = read(&PI, &file("a.jsonl"), &[event.clone(), turn, event]);
        assert_eq!((found.calls.len(), found.duplicates), (1, 1));
    }

    #[test]
    fn stopped_and_failed_answers_are_failures() {
        let mut failed = message(1_780_000_000_001, "error");
        failed["message"]["errorMessage"] = json!("429 rate limit");
        failed["message"]["usage"] =
            json!({"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0});
        let found = read(&PI, &file("a.jsonl"), &[message(1_780_000_000_000, "aborted"), failed]);
        let statuses: Vec<_> = found.calls.iter().map(|call| call.status).collect();
        assert_eq!(statuses, [Status::Cancelled, Status::RateLimited]);
        assert_eq!(found.calls[1].raw, RawCounts::default());
        assert_eq!(found.calls[1].http, Some(429));
    }

    #[test]
    fn short_ids_of_local_servers_do_not_join_calls() {
        let mut first = message(1_780_000_000_000, "stop");
        first["message"]["responseId"] = json!("chatcmpl-645");
        let mut second = message(1_780_000_009_000, "stop");
        second["message"]["responseId"] = json!("chatcmpl-645");
        let found = read(&PI, &file("a.jsonl"), &[first, second]);
        assert_eq!((found.calls.len(), found.duplicates), (2, 0));
    }

    #[test]
    fn the_total_decides_the_rule() {
        let mut inclusive = message(1_780_000_000_000, "stop");
        inclusive["message"]["usage"] =
            json!({"input": 3000, "output": 60, "cacheRead": 2900, "cacheWrite": 0, "totalTokens": 3060});
        let found = read(&PI, &file("a.jsonl"), &[inclusive]);
        assert_eq!(total(&found, Tokens::prompt), Some(3000));
    }

    #[test]
    fn rows_of_openclaw_are_lines_of_many_sessions() {
        let row = |session: &str, event: Value| {
            (
                Some("transcript_events"),
                json!({"session_id": session, "seq": 1, "event_json": event.to_string()}),
            )
        };
        let found = read_rows(
            &PI,
            &file("openclaw-agent.sqlite"),
            &[
                row("o-1", message(1_780_000_000_000, "stop")),
                row("o-2", message(1_780_000_000_001, "stop")),
                (Some("transcript_events"), json!({"session_id": "o-2", "event_json": null})),
            ],
        );
        let sessions: Vec<_> = found.calls.iter().map(|call| call.session.clone().expect("there")).collect();
        assert_eq!(sessions.iter().map(|session| &**session).collect::<Vec<_>>(), ["o-1", "o-2"]);
        assert_eq!(found.calls[0].app.as_deref(), Some("OpenClaw"));
        assert_eq!(found.unread.len(), 1);
    }

    #[test]
    fn written_tokens_for_an_hour_are_a_part() {
        let mut long = message(1_780_000_000_000, "stop");
        long["message"]["usage"]["cacheWrite1h"] = json!(150);
        let found = read(&PI, &file("a.jsonl"), &[long]);
        let raw = found.calls[0].raw;
        assert_eq!((raw.write, raw.write_5m, raw.write_1h), (None, Some(50), Some(150)));
    }

    #[test]
    fn damaged_lines_are_counted() {
        let mut bad = message(1, "stop");
        bad["message"]["usage"]["input"] = json!(-1);
        let mut bare = message(2, "stop");
        bare["message"]["usage"] = json!(null);
        let found = read(
            &PI,
            &file("a.jsonl"),
            &[bad, bare, json!({"type": "message"}), json!({"type": "later"}), json!(null)],
        );
        assert!(found.calls.is_empty());
        assert_eq!(found.unread.len(), 4);
        assert_eq!(found.notes[UNKNOWN_TYPE], 1);
    }
}
