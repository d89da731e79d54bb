//! The conversation of a task of Cline as it was sent, `api_conversation_history.json`. Newer versions keep the counts of
//! each answer in it: `metrics {tokens {prompt, completion, cached}, cost}`.

use super::agents::{self, BAD_COUNT, NO_PRICE};
use crate::request_log::call::{Call, InputRule, OutputRule, RawCounts, Rule};
use crate::request_log::entry::{BadCount, FileContext, Object, count, money, object_at};
use crate::request_log::format::Sure;
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The name of the file without its extension.
pub(super) const STEM: &str = "api_conversation_history";
/// The usual rule: the prompt includes cached tokens. Some versions leave them out, which larger cached counts show.
const RULE: Rule = Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning };

/// How sure it is that a message belongs to such a conversation.
pub(super) fn recognises(message: &Object, context: &FileContext) -> Sure {
    if object_at(message, &["metrics", "tokens"]).is_some_and(|tokens| tokens.contains_key("prompt")) {
        Sure::Certain
    } else if context.stem().is_some_and(|stem| stem == STEM) {
        Sure::Likely
    } else {
        Sure::No
    }
}

/// Reads a message into a call that has its time, model and session.
pub(super) fn read(message: &Object, mut call: Call, sink: &mut Sink) {
    if message.get("role").and_then(Value::as_str) != Some("assistant") {
        return;
    }
    let Some(metrics) = message.get("metrics").and_then(Value::as_object) else {
        let why = "an answer without metrics: the counts of the task are in ui_messages.json beside it";
        return sink.unread(why, call.line);
    };
    let Ok(raw) = counts(metrics) else { return sink.unread(BAD_COUNT, call.line) };
    if agents::is_empty(&raw) {
        return sink.unread("an answer without token counts", call.line);
    }
    if raw.read.is_some_and(|read| read > 0) {
        sink.note("cached tokens are read and written ones together: the hit rate is an upper bound");
    }
    // The time is that of the complete answer.
    (call.ended_at, call.started_at) = (call.started_at, None);
    (call.raw, call.usual_rule) = (raw, Some(RULE));
    let blocks = message.get("content").and_then(Value::as_array);
    let is_tool = |block: &&Value| block.get("type").and_then(Value::as_str) == Some("tool_use");
    let tools = blocks.map(|blocks| blocks.iter().filter(is_tool).count());
    call.tool_calls = tools.and_then(|tools| u32::try_from(tools).ok());
    if agents::set_computed(&mut call, money(metrics.get("cost"))) {
        sink.note(NO_PRICE);
    }
    sink.push(call, Keep::LargestOutput);
}

fn counts(metrics: &Object) -> Result<RawCounts, BadCount> {
    let Some(tokens) = object_at(metrics, &["tokens"]) else { return Ok(RawCounts::default()) };
    Ok(RawCounts {
        input: count(tokens.get("prompt"))?,
        read: count(tokens.get("cached"))?,
        output: count(tokens.get("completion"))?,
        ..RawCounts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, recognised, total};
    use super::super::cline::CLINE;
    use super::*;
    use crate::request_log::call::{SessionKind, Tokens};
    use serde_json::json;

    fn answer(at: u64, prompt: u64, cached: u64) -> Value {
        json!({"role": "assistant", "content": [{"type": "text", "text": "x"}, {"type": "tool_use", "id": "t"}],
            "modelInfo": {"modelId": "acme/m-1", "providerId": "openrouter", "mode": "act"}, "ts": at,
            "metrics": {"tokens": {"prompt": prompt, "completion": 30, "cached": cached}, "cost": 0.25}})
    }

    #[test]
    fn the_metrics_of_answers_are_calls() {
        let context = file("tasks/77/api_conversation_history.json");
        let user = json!({"role": "user", "content": [{"type": "text", "text": "x"}]});
        let lines = [user, answer(1_780_000_000_000, 5000, 4000), answer(1_780_000_060_000, 6000, 5000)];
        assert_eq!(recognised(&context, &lines), Some("cline"));
        let found = read(&CLINE, &context, &lines);
        assert_eq!((found.calls.len(), found.unread.len()), (2, 0));
        assert_eq!((total(&found, Tokens::prompt), total(&found, |t| t.read)), (Some(11_000), Some(9000)));
        let call = &found.calls[0];
        assert_eq!((call.session.as_deref(), call.session_kind), (Some("77"), SessionKind::File));
        assert_eq!(
            (call.model_sent.as_deref(), call.platform.as_deref()),
            (Some("acme/m-1"), Some("openrouter"))
        );
        assert_eq!((call.paid, call.tool_calls, call.started_at), (Some(0.25), Some(1), None));
        assert!(call.ended_at.is_some());
    }

    #[test]
    fn cached_tokens_that_exceed_the_prompt_are_beside_it() {
        let lines = [answer(1_780_000_000_000, 40, 4000), answer(1_780_000_060_000, 50, 5000)];
        let found = read(&CLINE, &file("api_conversation_history.json"), &lines);
        assert_eq!(total(&found, Tokens::prompt), Some(9090));
    }

    #[test]
    fn answers_without_counts_are_unread() {
        let context = file("tasks/77/api_conversation_history.json");
        let bare = json!({"role": "assistant", "content": "x"});
        assert_eq!(recognised(&context, std::slice::from_ref(&bare)), Some("cline"));
        assert_eq!(recognised(&file("other.json"), std::slice::from_ref(&bare)), None);
        let mut bad = answer(1, 1, 1);
        bad["metrics"]["tokens"]["prompt"] = json!(-1);
        let mut empty = answer(2, 0, 0);
        empty["metrics"]["tokens"]["completion"] = json!(0);
        let found = read(&CLINE, &context, &[bare, bad, empty]);
        assert_eq!((found.calls.len(), found.unread.len()), (0, 3));
        assert!(found.unread.keys().any(|why| why.contains("ui_messages.json")));
    }
}
