//! Google Gemini CLI: the chats of its sessions, as lines or, in older versions, as one document. Each answer is written
//! twice under one id.

use super::agents::{self, BAD_COUNT, NO_OBJECT, NO_USAGE, UNKNOWN_TYPE};
use crate::request_log::call::{Call, IdKind, InputRule, Name, OutputRule, RawCounts, Rule, Status};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, count, name_of, text, text_of, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// Gemini CLI chats.
pub(super) const GEMINI_CLI: Format = Format {
    id: "gemini-cli",
    title: "Gemini CLI (Google)",
    rule: Rule { input: InputRule::IncludesRead, output: OutputRule::ExcludesReasoning },
    total: Total::OfDisjoint,
    states_failures: false,
    recognises,
    reader: |context| Box::new(Chat::new(context)),
};

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(line) = entry.object() else { return Sure::No };
    let is_answer = line.get("type").and_then(Value::as_str) == Some("gemini");
    if line.contains_key("sessionId") && line.contains_key("projectHash") {
        return Sure::Certain;
    }
    match line.get("tokens") {
        Some(Value::Object(tokens)) if is_answer && tokens.contains_key("cached") => Sure::Certain,
        _ if is_answer && line.contains_key("id") => Sure::Likely,
        _ if line.contains_key("$rewindTo") => Sure::Likely,
        _ => Sure::No,
    }
}

/// Reads one chat.
struct Chat {
    file: Option<Name>,
    session: Option<Name>,
    parent: Option<Name>,
    folder: Option<Name>,
}

impl Chat {
    fn new(context: &FileContext) -> Self {
        let folder =
            agents::folder(context, 1).filter(|_| agents::folder(context, 2).as_deref() == Some("chats"));
        Self { file: agents::file_session(context), session: None, parent: None, folder }
    }

    fn header(&mut self, header: &Object) {
        self.session = name_of(header, &["sessionId"]).or_else(|| self.session.take());
        if header.get("kind").and_then(Value::as_str) == Some("subagent") {
            self.parent = name_of(header, &["parentSessionId"]).or_else(|| self.folder.clone());
        }
    }

    fn messages(&mut self, messages: &[Value], entry: &Entry<'_>, sink: &mut Sink) {
        for message in messages {
            match message.as_object() {
                Some(message) => self.message(message, entry, sink),
                None => sink.unread(NO_OBJECT, entry.line),
            }
        }
    }

    fn message(&mut self, message: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        match message.get("type").and_then(Value::as_str).unwrap_or_default() {
            "gemini" => self.answer(message, entry, sink),
            "error" => self.error(message, entry, sink),
            "user" | "info" | "warning" => {}
            _ => sink.note(UNKNOWN_TYPE),
        }
    }

    fn answer(&mut self, message: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let id = text(message.get("id"));
        let Some(tokens) = message.get("tokens").and_then(Value::as_object) else {
            let is_known = id.as_deref().is_some_and(|id| sink.call_mut(IdKind::Message, id).is_some());
            return if is_known { sink.duplicate() } else { sink.unread(NO_USAGE, entry.line) };
        };
        let Ok(raw) = counts(tokens) else { return sink.unread(BAD_COUNT, entry.line) };
        let tools = message.get("toolCalls").and_then(Value::as_array).map(Vec::len);
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Message } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            model_served: name_of(message, &["model"]),
            raw,
            tool_calls: tools.and_then(|tools| u32::try_from(tools).ok()),
            ..Call::default()
        };
        self.describe(&mut call, message);
        sink.push(call, Keep::Last);
    }

    /// An error that the client showed; only those of the API are failed calls.
    fn error(&mut self, message: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let content = text_of(message, &["content", "message"]).unwrap_or_default();
        if !content.contains("API Error") {
            return sink.note("error shown to the user: not a call");
        }
        let id = text(message.get("id"));
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Row } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            status: agents::failure(None, &content),
            ..Call::default()
        };
        if call.status == Status::Error && content.contains("RESOURCE_EXHAUSTED") {
            call.status = Status::RateLimited;
        }
        self.describe(&mut call, message);
        sink.push(call, Keep::First);
    }

    fn describe(&self, call: &mut Call, message: &Object) {
        call.platform = Some(Name::from("google"));
        call.app = Some(Name::from("Gemini CLI"));
        call.parent_session = self.parent.clone();
        agents::set_end(call, time_of(message, &["timestamp"]));
        agents::set_session(call, self.session.as_ref(), self.file.as_ref());
    }
}

impl Reader for Chat {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(line) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        if line.contains_key("$rewindTo") {
            return sink.note("the user went back: the calls before were made and count");
        }
        if let Some(changed) = line.get("$set").and_then(Value::as_object) {
            let messages = changed.get("messages").and_then(Value::as_array);
            return self.messages(messages.map_or(&[][..], Vec::as_slice), entry, sink);
        }
        if line.contains_key("sessionId") && !line.contains_key("type") {
            self.header(line);
            let messages = line.get("messages").and_then(Value::as_array);
            return self.messages(messages.map_or(&[][..], Vec::as_slice), entry, sink);
        }
        self.message(line, entry, sink);
    }
}

/// The counts of an answer. The prompts of tools are beside the input.
fn counts(tokens: &Object) -> Result<RawCounts, BadCount> {
    let field = |key: &str| count(tokens.get(key));
    let (input, tool) = (field("input")?, field("tool")?);
    Ok(RawCounts {
        input: input.map(|input| input.saturating_add(tool.unwrap_or(0))),
        read: field("cached")?,
        output: field("output")?,
        reasoning: field("thoughts")?,
        total: field("total")?,
        ..RawCounts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, recognised, total};
    use super::*;
    use crate::request_log::call::{SessionKind, Tokens};
    use serde_json::json;

    fn header() -> Value {
        json!({"sessionId": "g-1", "projectHash": "ff", "startTime": "2026-04-01T10:00:00Z", "kind": "main"})
    }

    fn answer(id: &str, tools: usize) -> Value {
        json!({"id": id, "timestamp": "2026-04-01T10:00:05Z", "type": "gemini", "model": "gemini-test",
            "tokens": {"input": 5000, "output": 30, "cached": 4000, "thoughts": 70, "tool": 0, "total": 5100},
            "toolCalls": vec![json!({"name": "read"}); tools]})
    }

    #[test]
    fn an_answer_is_written_twice_and_counts_once() {
        let lines = [
            header(),
            json!({"id": "u", "type": "user", "content": "x"}),
            answer("a-1", 0),
            json!({"$set": {"lastUpdated": "2026-04-01T10:00:05Z"}}),
            answer("a-1", 2),
            json!({"$rewindTo": "u"}),
        ];
        assert_eq!(recognised(&file("session-1.jsonl"), &lines), Some("gemini-cli"));
        let found = read(&GEMINI_CLI, &file("session-1.jsonl"), &lines);
        assert_eq!((found.calls.len(), found.duplicates), (1, 1));
        assert_eq!(total(&found, Tokens::prompt), Some(5000));
        assert_eq!(total(&found, Tokens::output), Some(100));
        assert_eq!(total(&found, |tokens| tokens.reasoning), Some(70));
        assert_eq!(found.calls[0].tool_calls, Some(2));
        assert_eq!(
            (found.calls[0].session.as_deref(), found.calls[0].session_kind),
            (Some("g-1"), SessionKind::Given)
        );
    }

    #[test]
    fn the_older_document_is_read_too() {
        let mut document = header();
        document["messages"] = json!([{"type": "user"}, answer("a-1", 0), answer("a-2", 1)]);
        assert_eq!(recognised(&file("session-1.json"), std::slice::from_ref(&document)), Some("gemini-cli"));
        let found = read(&GEMINI_CLI, &file("session-1.json"), &[document]);
        assert_eq!(found.calls.len(), 2);
        assert_eq!(total(&found, |tokens| tokens.read), Some(8000));
    }

    #[test]
    fn prompts_of_tools_are_part_of_the_prompt() {
        let mut line = answer("a-1", 0);
        line["tokens"]["tool"] = json!(20);
        line["tokens"]["total"] = json!(5120);
        let found = read(&GEMINI_CLI, &file("s.jsonl"), &[line]);
        assert_eq!(total(&found, Tokens::prompt), Some(5020));
        assert_eq!(found.calls[0].rule.output, OutputRule::ExcludesReasoning);
    }

    #[test]
    fn errors_of_the_api_are_failures_and_answers_without_counts_are_reported() {
        let mut without = answer("a-1", 0);
        without["tokens"] = json!(null);
        let mut bad = answer("a-2", 0);
        bad["tokens"]["cached"] = json!(-1);
        let found = read(
            &GEMINI_CLI,
            &file("s.jsonl"),
            &[
                without,
                bad,
                json!({"id": "e", "type": "error", "content": "[API Error: 429 RESOURCE_EXHAUSTED]"}),
                json!({"id": "f", "type": "error", "content": "Unknown command"}),
            ],
        );
        assert_eq!(found.calls.len(), 1);
        assert_eq!(found.calls[0].status, Status::RateLimited);
        assert_eq!(found.unread.len(), 2);
        assert_eq!(found.notes.len(), 1);
    }

    #[test]
    fn tokens_that_change_are_replaced() {
        let mut later = answer("a-1", 1);
        later["tokens"] =
            json!({"input": 5000, "output": 90, "cached": 4000, "thoughts": 70, "tool": 0, "total": 5160});
        let short = json!({"sessionId": "g-2", "startTime": "2026-04-01T10:00:00Z"});
        let found = read(&GEMINI_CLI, &file("s.jsonl"), &[short, answer("a-1", 0), later]);
        assert_eq!(total(&found, Tokens::output), Some(160));
        assert_eq!(found.calls[0].session.as_deref(), Some("g-2"));
    }

    #[test]
    fn a_subagent_has_the_folder_as_its_parent() {
        let mut head = header();
        head["kind"] = json!("subagent");
        let found = read(&GEMINI_CLI, &file("chats/parent-7/sub.jsonl"), &[head, answer("a-1", 0)]);
        assert_eq!(found.calls[0].parent_session.as_deref(), Some("parent-7"));
    }
}
