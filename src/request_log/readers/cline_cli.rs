//! Cline CLI and SDK: the messages of a session, `….messages.json`. The description of a session beside it has no usage
//! of its own.

use super::agents::{self, BAD_COUNT, NO_OBJECT, NO_PRICE};
use crate::request_log::call::{Call, IdKind, InputRule, Name, OutputRule, RawCounts, Rule};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count, money, name_of, object_at, text, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// Cline CLI and SDK.
pub(super) const CLINE_CLI: Format = Format {
    id: "cline-cli",
    title: "Cline CLI and SDK",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: false,
    recognises,
    reader: |context| {
        let file = context.stem().and_then(|stem| agents::clean(stem.trim_end_matches(".messages")));
        Box::new(Session { file, session: None, agent: None })
    },
};

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(document) = entry.object() else { return Sure::No };
    let has = |key: &str| document.contains_key(key);
    if is_description(document) {
        return Sure::Certain;
    }
    let is_counted =
        |message: &Value| message.get("metrics").is_some_and(|metrics| metrics.get("inputTokens").is_some());
    if let Some(messages) = document.get("messages").and_then(Value::as_array) {
        return match messages.iter().any(is_counted) {
            true => Sure::Certain,
            false if has("sessionId") && has("agent") && has("version") => Sure::Likely,
            false => Sure::No,
        };
    }
    if has("role") && is_counted(entry.value) { Sure::Certain } else { Sure::No }
}

/// Whether a document describes a session.
fn is_description(document: &Object) -> bool {
    document.contains_key("session_id")
        && document.contains_key("started_at")
        && (document.contains_key("messages_path") || document.contains_key("enable_tools"))
}

/// Reads one session.
struct Session {
    file: Option<Name>,
    session: Option<Name>,
    agent: Option<Name>,
}

impl Session {
    fn message(&self, message: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        if message.get("role").and_then(Value::as_str) != Some("assistant") {
            return;
        }
        let Some(metrics) = message.get("metrics").and_then(Value::as_object) else {
            return sink.unread("an answer without metrics", entry.line);
        };
        let Ok(raw) = counts(metrics) else { return sink.unread(BAD_COUNT, entry.line) };
        if agents::is_empty(&raw) {
            return sink.unread("an answer without token counts", entry.line);
        }
        let session = self.session.as_ref().or(self.file.as_ref());
        // A fork copies the messages of its parent, with their ids and times.
        let id = text(message.get("id")).map(|id| match (text(message.get("ts")), session) {
            (Some(at), _) => format!("{id}:{at}"),
            (None, Some(session)) => format!("{session}:{id}"),
            (None, None) => id,
        });
        let info = object_at(message, &["modelInfo"]);
        let used = message.get("content").and_then(Value::as_array).map(|blocks| {
            blocks
                .iter()
                .filter(|block| block.get("type").and_then(Value::as_str) == Some("tool_use"))
                .count()
        });
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Message } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            model_sent: info.and_then(|info| name_of(info, &["id", "modelId"])),
            platform: info.and_then(|info| name_of(info, &["provider", "providerId"])),
            agent: self.agent.clone(),
            app: Some(Name::from("Cline CLI")),
            raw,
            tool_calls: used.and_then(|used| u32::try_from(used).ok()),
            finish: agents::finish(message.get("finishReason").or_else(|| message.get("stop_reason"))),
            ..Call::default()
        };
        agents::set_end(&mut call, time_of(message, &["ts", "timestamp"]));
        agents::set_session(&mut call, self.session.as_ref(), self.file.as_ref());
        if agents::set_computed(&mut call, money(metrics.get("cost"))) {
            sink.note(NO_PRICE);
        }
        sink.push(call, Keep::LargestOutput);
    }
}

impl Reader for Session {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(document) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        if is_description(document) {
            if at(document, &["metadata", "usage"]).is_some_and(Value::is_object) {
                sink.note("the sums of the session repeat its messages: not counted");
            }
            return sink.unread(
                "description of a session without usage: the usage is in the file that ends in .messages.json",
                entry.line,
            );
        }
        let Some(messages) = document.get("messages").and_then(Value::as_array) else {
            return self.message(document, entry, sink);
        };
        self.session = name_of(document, &["sessionId", "session_id"]);
        self.agent = name_of(document, &["agent"]);
        for message in messages {
            match message.as_object() {
                Some(message) => self.message(message, entry, sink),
                None => sink.unread(NO_OBJECT, entry.line),
            }
        }
    }
}

fn counts(metrics: &Object) -> Result<RawCounts, BadCount> {
    Ok(RawCounts {
        input: count(metrics.get("inputTokens"))?,
        read: count(metrics.get("cacheReadTokens"))?,
        write: count(metrics.get("cacheWriteTokens"))?,
        output: count(metrics.get("outputTokens"))?,
        reasoning: count(metrics.get("reasoningTokens"))?,
        ..RawCounts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, recognised, total};
    use super::*;
    use crate::request_log::call::{SessionKind, Tokens};
    use serde_json::json;

    fn message(id: &str) -> Value {
        json!({"id": id, "role": "assistant", "ts": 1_780_000_000_000_u64, "content": [{"type": "tool_use"}],
            "modelInfo": {"id": "acme/m-1", "provider": "cline"},
            "metrics": {"inputTokens": 900, "outputTokens": 20, "cacheReadTokens": 800, "cacheWriteTokens": 0, "cost": 0.003}})
    }

    #[test]
    fn metrics_include_cached_tokens() {
        let document = json!({"version": 1, "agent": "lead", "sessionId": "s-1",
            "messages": [{"role": "user", "content": []}, message("m-1"), message("m-1"), message("m-2")]});
        assert_eq!(
            recognised(&file("s-1.messages.json"), std::slice::from_ref(&document)),
            Some("cline-cli")
        );
        let found = read(&CLINE_CLI, &file("s-1.messages.json"), &[document]);
        assert_eq!((found.calls.len(), found.duplicates), (2, 1));
        assert_eq!(total(&found, Tokens::prompt), Some(1800));
        assert_eq!(total(&found, |tokens| tokens.uncached), Some(200));
        let call = &found.calls[0];
        assert_eq!((call.session.as_deref(), call.session_kind), (Some("s-1"), SessionKind::Given));
        assert_eq!((call.tool_calls, call.paid), (Some(1), Some(0.003)));
    }

    #[test]
    fn a_copied_message_keeps_its_id() {
        let of = |session: &str| {
            let document =
                json!({"sessionId": session, "agent": "lead", "version": 1, "messages": [message("m-1")]});
            read(&CLINE_CLI, &file("s.messages.json"), &[document]).calls[0].id.clone()
        };
        assert_eq!(of("s-1"), of("s-2"));
        assert!(of("s-1").is_some());
    }

    #[test]
    fn the_description_of_a_session_has_no_usage_and_that_is_reported() {
        let description = json!({"version": 1, "session_id": "s-1", "started_at": "2026-05-01T00:00:00Z",
            "messages_path": "x", "metadata": {"usage": {"inputTokens": 900}}});
        assert_eq!(recognised(&file("s-1.json"), std::slice::from_ref(&description)), Some("cline-cli"));
        let found = read(&CLINE_CLI, &file("s-1.json"), &[description]);
        assert!(found.calls.is_empty());
        assert!(found.unread.keys().any(|reason| reason.contains("without usage")));
        assert_eq!(found.notes.len(), 1);
    }

    #[test]
    fn answers_without_or_with_damaged_metrics_are_counted() {
        let mut bare = message("m-1");
        bare.as_object_mut().expect("there").remove("metrics");
        let mut bad = message("m-2");
        bad["metrics"]["outputTokens"] = json!([]);
        let found = read(
            &CLINE_CLI,
            &file("s.messages.json"),
            &[json!({"sessionId": "s", "messages": [bare, bad, 4]})],
        );
        assert!(found.calls.is_empty());
        assert_eq!(found.unread.len(), 3);
    }
}
