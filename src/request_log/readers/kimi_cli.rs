//! Moonshot Kimi CLI and Kimi Code: the wire log of a session, `wire.jsonl`.

use super::agents::{self, BAD_COUNT, NO_OBJECT};
use crate::request_log::call::{Call, IdKind, InputRule, Name, OutputRule, RawCounts, Rule, SessionKind};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count_of, name_of, object_at, text, text_of, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::HashMap;

/// Kimi CLI and Kimi Code.
pub(super) const KIMI_CLI: Format = Format {
    id: "kimi-cli",
    title: "Kimi CLI and Kimi Code (Moonshot)",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::IncludesReasoning },
    total: Total::OfDisjoint,
    states_failures: false,
    recognises,
    reader: |context| Box::new(Wire::new(context)),
};

/// Types of events of Kimi CLI.
const EVENTS: &[&str] = &[
    "TurnBegin",
    "TurnEnd",
    "SteerInput",
    "StepBegin",
    "StepInterrupted",
    "StatusUpdate",
    "SubagentEvent",
    "CompactionBegin",
    "CompactionEnd",
];

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(line) = entry.object() else { return Sure::No };
    let event = line.get("message").and_then(Value::as_object).unwrap_or(line);
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    let has_payload = event.get("payload").is_some_and(Value::is_object);
    match kind {
        "StatusUpdate" | "SubagentEvent" | "TurnBegin" | "StepBegin" if has_payload => Sure::Certain,
        "usage.record" if at(line, &["usage", "inputOther"]).is_some() => Sure::Certain,
        "metadata" if line.contains_key("protocol_version") => Sure::Likely,
        "llm.request" | "turn.prompt" => Sure::Likely,
        _ => Sure::No,
    }
}

/// Reads one wire log.
struct Wire {
    session: Option<Name>,
    parent: Option<Name>,
    agent: Option<Name>,
    models: HashMap<Name, Name>,
    step_began: Option<DateTime<Utc>>,
}

impl Wire {
    /// The folders name the session: `SESSION/wire.jsonl`, `SESSION/subagents/AGENT/wire.jsonl`,
    /// `session_SESSION/agents/AGENT/wire.jsonl`.
    fn new(context: &FileContext) -> Self {
        let own = agents::folder(context, 1);
        let (mut session, mut parent, mut agent) = (own.clone(), None, None);
        if matches!(agents::folder(context, 2).as_deref(), Some("subagents" | "agents"))
            && let (Some(own), Some(main)) = (own, agents::folder(context, 3))
        {
            let is_main = &*own == "main";
            session = Some(if is_main { main.clone() } else { Name::from(format!("{main}/{own}")) });
            parent = (!is_main).then_some(main);
            agent = Some(own);
        }
        let session = session.or_else(|| agents::file_session(context));
        Self { session, parent, agent, models: HashMap::new(), step_began: None }
    }

    fn call(&self, line: &Object, raw: RawCounts, entry: &Entry<'_>) -> Call {
        let mut call = Call {
            line: entry.line,
            raw,
            app: Some(Name::from("Kimi CLI")),
            session: self.session.clone(),
            session_kind: if self.session.is_some() { SessionKind::File } else { SessionKind::None },
            parent_session: self.parent.clone(),
            agent: self.agent.clone(),
            ..Call::default()
        };
        agents::set_end(&mut call, time_of(line, &["timestamp", "time"]));
        call
    }

    fn status(
        &mut self,
        line: &Object,
        payload: &Object,
        agent: Option<Name>,
        entry: &Entry<'_>,
        sink: &mut Sink,
    ) {
        let usage = ["token_usage", "usage"].iter().find_map(|key| payload.get(*key)?.as_object());
        let Some(usage) = usage else { return };
        let Ok(raw) = counts(usage) else { return sink.unread(BAD_COUNT, entry.line) };
        if agents::is_empty(&raw) {
            return sink.note("a status without new tokens");
        }
        let id = text_of(payload, &["message_id"]);
        let mut call = self.call(line, raw, entry);
        call.id_kind = if id.is_some() { IdKind::Message } else { IdKind::Position };
        call.id = id.map(String::into_boxed_str);
        call.model_served = name_of(payload, &["model", "model_name"]);
        match agent {
            None => call.started_at = self.step_began.take(),
            Some(agent) => {
                call.parent_session = self.session.clone();
                call.session = self.session.as_ref().map(|session| Name::from(format!("{session}/{agent}")));
                call.agent = Some(agent);
            }
        }
        sink.push(call, Keep::LargestOutput);
    }

    /// A record of Kimi Code. Those of a whole session repeat the records of its turns and operations.
    fn record(&mut self, line: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        if text(line.get("usageScope")).as_deref() == Some("session") {
            return sink.note("sum over the session: not counted beside its calls");
        }
        let Some(usage) = line.get("usage").and_then(Value::as_object) else {
            return sink.unread("a usage record without token counts", entry.line);
        };
        let Ok(raw) = counts(usage) else { return sink.unread(BAD_COUNT, entry.line) };
        if agents::is_empty(&raw) {
            return sink.note("a status without new tokens");
        }
        let mut call = self.call(line, raw, entry);
        call.app = Some(Name::from("Kimi Code"));
        call.model_sent = name_of(line, &["model"]);
        call.model_served = call.model_sent.as_ref().and_then(|alias| self.models.get(alias).cloned());
        call.started_at = self.step_began.take();
        sink.push(call, Keep::First);
    }
}

impl Reader for Wire {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(line) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        let event = line.get("message").and_then(Value::as_object).unwrap_or(line);
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let payload = event.get("payload").and_then(Value::as_object);
        match (kind, payload) {
            ("StatusUpdate", Some(payload)) => self.status(line, payload, None, entry, sink),
            ("SubagentEvent", Some(payload)) => {
                let agent = name_of(payload, &["agent_id", "parent_tool_call_id", "task_tool_call_id"]);
                let inner = object_at(payload, &["event"]);
                let is_status =
                    inner.is_some_and(|inner| text(inner.get("type")).as_deref() == Some("StatusUpdate"));
                if let (true, Some(status)) =
                    (is_status, inner.and_then(|inner| object_at(inner, &["payload"])))
                {
                    let agent = agent.unwrap_or_else(|| Name::from("subagent"));
                    self.status(line, status, Some(agent), entry, sink);
                }
            }
            ("StepBegin", _) => self.step_began = time_of(line, &["timestamp"]).map(|(at, _)| at),
            ("StepInterrupted", _) => sink.note("a step was interrupted by the user or an error"),
            ("CompactionBegin", _) => sink.note("the context was compacted: a new prefix starts"),
            ("llm.request", _) => {
                self.step_began = time_of(line, &["time"]).map(|(at, _)| at);
                if let (Some(alias), Some(model)) =
                    (name_of(line, &["modelAlias"]), name_of(line, &["model"]))
                {
                    self.models.insert(alias, model);
                }
            }
            ("usage.record", _) => self.record(line, entry, sink),
            (kind, None) if EVENTS.contains(&kind) => sink.unread("an event without a payload", entry.line),
            _ => {}
        }
    }
}

fn counts(usage: &Object) -> Result<RawCounts, BadCount> {
    Ok(RawCounts {
        input: count_of(usage, &["input_other", "inputOther"])?,
        read: count_of(usage, &["input_cache_read", "inputCacheRead"])?,
        write: count_of(usage, &["input_cache_creation", "inputCacheCreation"])?,
        output: count_of(usage, &["output"])?,
        total: count_of(usage, &["total"])?,
        ..RawCounts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, recognised, total};
    use super::*;
    use crate::request_log::call::Tokens;
    use serde_json::json;

    fn status(id: &str, output: u64) -> Value {
        json!({"timestamp": 1_780_000_000.5, "message": {"type": "StatusUpdate", "payload": {"context_usage": 0.1,
            "message_id": id, "token_usage": {"input_other": 70, "input_cache_read": 900, "input_cache_creation": 30, "output": output}}}})
    }

    #[test]
    fn each_message_counts_once() {
        let lines = [
            json!({"type": "metadata", "protocol_version": "1.3"}),
            json!({"timestamp": 1.0, "message": {"type": "TurnBegin", "payload": {"user_input": "x"}}}),
            status("m-1", 5),
            status("m-1", 25),
            status("m-2", 10),
            json!({"timestamp": 1.0, "message": {"type": "StatusUpdate", "payload": {"token_usage": null}}}),
        ];
        let context = file("sessions/hash/s-7/wire.jsonl");
        assert_eq!(recognised(&context, &lines), Some("kimi-cli"));
        let found = read(&KIMI_CLI, &context, &lines);
        assert_eq!((found.calls.len(), found.duplicates), (2, 1));
        assert_eq!(total(&found, Tokens::prompt), Some(2000));
        assert_eq!(total(&found, Tokens::output), Some(35));
        assert_eq!(
            (found.calls[0].session.as_deref(), found.calls[0].session_kind),
            (Some("s-7"), SessionKind::File)
        );
        assert_eq!(found.calls[0].model(), None);
    }

    #[test]
    fn subagents_are_sessions_with_a_parent() {
        let inner = status("m-3", 9)["message"].clone();
        let nested = json!({"timestamp": 1.0, "message": {"type": "SubagentEvent",
            "payload": {"task_tool_call_id": "call-1", "event": inner}}});
        let found = read(&KIMI_CLI, &file("sessions/h/s-7/wire.jsonl"), &[nested]);
        assert_eq!(found.calls[0].session.as_deref(), Some("s-7/call-1"));
        assert_eq!(found.calls[0].parent_session.as_deref(), Some("s-7"));
        let own = read(&KIMI_CLI, &file("sessions/h/s-7/subagents/a-2/wire.jsonl"), &[status("m-4", 9)]);
        assert_eq!(own.calls[0].session.as_deref(), Some("s-7/a-2"));
        assert_eq!(own.calls[0].parent_session.as_deref(), Some("s-7"));
    }

    #[test]
    fn records_of_kimi_code_count_for_turns_only() {
        let record = |scope: &str| {
            json!({"type": "usage.record", "model": "k", "usageScope": scope, "time": 1_780_000_009_000_u64,
            "usage": {"inputOther": 60, "output": 4, "inputCacheRead": 40, "inputCacheCreation": 0}})
        };
        let lines = [
            json!({"type": "llm.request", "model": "kimi-test", "modelAlias": "k", "time": 1_780_000_001_000_u64}),
            record("turn"),
            record("session"),
        ];
        assert_eq!(recognised(&file("agents/main/wire.jsonl"), &lines), Some("kimi-cli"));
        let found = read(&KIMI_CLI, &file("session_5/agents/main/wire.jsonl"), &lines);
        assert_eq!(found.calls.len(), 1);
        assert_eq!(found.calls[0].model().map(|model| &**model), Some("kimi-test"));
        assert_eq!(found.calls[0].session.as_deref(), Some("session_5"));
        assert_eq!(total(&found, Tokens::prompt), Some(100));
    }

    #[test]
    fn damaged_events_are_counted() {
        let mut bad = status("m-1", 1);
        bad["message"]["payload"]["token_usage"]["input_other"] = json!(0.5);
        let found = read(
            &KIMI_CLI,
            &file("wire.jsonl"),
            &[bad, json!({"message": {"type": "StatusUpdate"}}), json!("x")],
        );
        assert!(found.calls.is_empty());
        assert_eq!(found.unread.len(), 3);
    }
}
