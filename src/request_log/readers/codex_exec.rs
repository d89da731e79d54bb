//! OpenAI Codex CLI without a terminal: the events of `codex exec --json`. Its counts are sums over the calls of a turn.

use super::agents::{self, BAD_COUNT, NO_OBJECT, UNKNOWN_TYPE};
use crate::request_log::call::{Call, InputRule, Name, OutputRule, RawCounts, Rule};
use crate::request_log::entry::{BadCount, Entry, FileContext, Object, at, count_of, name_of, text, text_of};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// `codex exec --json`.
pub(super) const CODEX_EXEC: Format = Format {
    id: "codex-exec",
    title: "Codex (OpenAI), codex exec --json",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: true,
    recognises,
    reader: |context| Box::new(Events { file: agents::file_session(context), thread: None, error: None }),
};

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(event) = entry.object() else { return Sure::No };
    match event.get("type").and_then(Value::as_str) {
        Some("thread.started") if event.contains_key("thread_id") => Sure::Certain,
        Some("turn.completed") if event.get("usage").is_some_and(Value::is_object) => Sure::Certain,
        Some("turn.failed") if event.contains_key("error") => Sure::Certain,
        Some("turn.started" | "item.started" | "item.updated" | "item.completed") => Sure::Likely,
        _ => Sure::No,
    }
}

/// Reads one event stream.
struct Events {
    file: Option<Name>,
    thread: Option<Name>,
    /// Message of the error before, which a failed turn repeats.
    error: Option<String>,
}

impl Events {
    fn sum(&self, event: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(usage) = event.get("usage").and_then(Value::as_object) else {
            return sink.unread("a completed turn without token counts", entry.line);
        };
        let Ok(raw) = counts(usage) else { return sink.unread(BAD_COUNT, entry.line) };
        let mut call = Call { line: entry.line, raw, aggregated: Some(0), ..Call::default() };
        self.describe(&mut call);
        sink.push(call, Keep::First);
    }

    fn failure(&self, message: &str, entry: &Entry<'_>, sink: &mut Sink) {
        let mut call = Call { line: entry.line, status: agents::failure(None, message), ..Call::default() };
        self.describe(&mut call);
        sink.push(call, Keep::First);
    }

    fn describe(&self, call: &mut Call) {
        call.app = Some(Name::from("Codex"));
        agents::set_session(call, self.thread.as_ref(), self.file.as_ref());
    }
}

impl Reader for Events {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(event) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let before = self.error.take();
        match kind {
            "thread.started" => self.thread = name_of(event, &["thread_id"]),
            "turn.completed" => self.sum(event, entry, sink),
            "error" => {
                let message = text_of(event, &["message"]).unwrap_or_default();
                self.failure(&message, entry, sink);
                self.error = Some(message);
            }
            "turn.failed" => {
                let message = text(at(event, &["error", "message"])).unwrap_or_default();
                if before.as_deref() != Some(&message) {
                    self.failure(&message, entry, sink);
                }
            }
            "turn.started" | "item.started" | "item.updated" | "item.completed" => {}
            _ => sink.note(UNKNOWN_TYPE),
        }
    }
}

fn counts(usage: &Object) -> Result<RawCounts, BadCount> {
    Ok(RawCounts {
        input: count_of(usage, &["input_tokens"])?,
        read: count_of(usage, &["cached_input_tokens"])?,
        write: count_of(usage, &["cache_write_input_tokens"])?,
        output: count_of(usage, &["output_tokens"])?,
        reasoning: count_of(usage, &["reasoning_output_tokens"])?,
        ..RawCounts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, recognised, total};
    use super::*;
    use crate::request_log::call::{Status, Tokens};
    use serde_json::json;

    #[test]
    fn turns_are_sums_of_an_unknown_number_of_calls() {
        let turn = |input: u64, cached: u64| {
            json!({"type": "turn.completed", "usage": {"input_tokens": input, "cached_input_tokens": cached,
                "cache_write_input_tokens": 50, "output_tokens": 30, "reasoning_output_tokens": 10}})
        };
        let lines = [
            json!({"type": "thread.started", "thread_id": "th-1"}),
            json!({"type": "turn.started"}),
            turn(4000, 0),
            json!({"type": "turn.started"}),
            turn(6000, 4500),
        ];
        assert_eq!(recognised(&file("run.jsonl"), &lines), Some("codex-exec"));
        let found = read(&CODEX_EXEC, &file("run.jsonl"), &lines);
        assert!(found.calls.iter().all(|call| call.aggregated == Some(0)));
        assert_eq!(total(&found, Tokens::prompt), Some(10_000));
        assert_eq!(total(&found, |tokens| tokens.read), Some(4500));
        assert_eq!(total(&found, Tokens::output), Some(60));
        assert_eq!(found.calls[0].session.as_deref(), Some("th-1"));
    }

    #[test]
    fn a_failed_turn_and_the_error_before_it_are_one_failure() {
        let found = read(
            &CODEX_EXEC,
            &file("run.jsonl"),
            &[
                json!({"type": "error", "message": "stream timed out"}),
                json!({"type": "turn.failed", "error": {"message": "stream timed out"}}),
                json!({"type": "turn.failed", "error": {"message": "something else"}}),
            ],
        );
        let statuses: Vec<_> = found.calls.iter().map(|call| call.status).collect();
        assert_eq!(statuses, [Status::Timeout, Status::Error]);
    }

    #[test]
    fn damaged_lines_are_counted() {
        let found = read(
            &CODEX_EXEC,
            &file("run.jsonl"),
            &[
                json!({"type": "turn.completed"}),
                json!({"type": "turn.completed", "usage": {"input_tokens": 1.5}}),
                json!({"type": "weather"}),
            ],
        );
        assert!(found.calls.is_empty());
        assert_eq!(found.unread.len(), 2);
        assert_eq!(found.notes.len(), 1);
    }
}
