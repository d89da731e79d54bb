//! opencode: the messages of its database, its message files, its exports, and lines of messages.

use super::agents::{self, BAD_COUNT, NO_OBJECT, NO_PRICE, NO_USAGE};
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, Status,
};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count, count_of, money, name, name_of, object_at,
    object_or_json, text, text_of, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::{Value, json};
use std::collections::HashMap;

/// opencode messages.
pub(super) const OPENCODE: Format = Format {
    id: "opencode",
    title: "opencode",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::ExcludesReasoning },
    total: Total::OfDisjoint,
    states_failures: true,
    recognises,
    reader: |context| Box::new(Messages::new(context)),
};

/// Providers that are subscriptions: a cost of zero is what the subscription pays.
const PLANS: &[&str] = &["github-copilot", "github-copilot-enterprise", "opencode-go", "kimi-for-coding"];
/// First day on which all providers' inputs exclude cached tokens, seconds since 1970 (1 December 2025).
const EXCLUSIVE_SINCE: i64 = 1_764_547_200;

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(row) = entry.object() else { return Sure::No };
    match entry.table {
        Some("message") if row.contains_key("session_id") && row.contains_key("data") => {
            return Sure::Certain;
        }
        Some("session") if row.contains_key("project_id") || row.contains_key("parent_id") => {
            return Sure::Likely;
        }
        Some(_) => return Sure::No,
        None => {}
    }
    let info = row.get("info").and_then(Value::as_object);
    if info.is_some() && (row.contains_key("messages") || row.contains_key("parts")) {
        return Sure::Certain;
    }
    if is_message(row) {
        return Sure::Certain;
    }
    let starts = |key: &str, prefix: &str| {
        row.get(key).and_then(Value::as_str).is_some_and(|id| id.starts_with(prefix))
    };
    if starts("id", "ses_") || starts("messageID", "msg_") || starts("sessionID", "ses_") {
        return Sure::Likely;
    }
    Sure::No
}

/// Whether an object describes a message.
fn is_message(object: &Object) -> bool {
    let is_ours = object.contains_key("sessionID")
        || object.contains_key("modelID")
        || object.contains_key("providerID");
    object.get("role").is_some_and(Value::is_string) && is_ours && object.contains_key("time")
}

/// Reads messages.
struct Messages {
    file: Option<Name>,
    is_kilo: bool,
    /// Parents of sessions, which the database and the exports state apart from the messages.
    parents: HashMap<Name, Name>,
}

impl Messages {
    fn new(context: &FileContext) -> Self {
        let is_kilo = context
            .path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("kilo"));
        Self { file: None, is_kilo, parents: HashMap::new() }
    }

    fn session(&mut self, session: &Object) {
        let parent = name_of(session, &["parentID", "parent_id"]);
        if let (Some(session), Some(parent)) = (name_of(session, &["id"]), parent) {
            self.parents.insert(session, parent);
        }
    }

    /// A message and its parts. In old versions one message had several steps, each a call.
    fn message(&mut self, info: &Object, parts: Option<&Vec<Value>>, entry: &Entry<'_>, sink: &mut Sink) {
        match info.get("role").and_then(Value::as_str) {
            Some("assistant") => {}
            Some(_) => return,
            None => return sink.unread("a message without a role", entry.line),
        }
        let parts = parts.map_or(&[][..], Vec::as_slice);
        let of_type = |kind: &'static str| {
            parts
                .iter()
                .filter_map(Value::as_object)
                .filter(move |part| part.get("type").and_then(Value::as_str) == Some(kind))
        };
        let steps: Vec<&Object> = of_type("step-finish").filter(|step| step.contains_key("tokens")).collect();
        let tools = (!parts.is_empty()).then(|| u32::try_from(of_type("tool").count()).ok()).flatten();
        if steps.len() < 2 {
            return self.call(info, info, tools, None, entry, sink);
        }
        sink.note("a message of several steps: each step is a call");
        for (number, step) in steps.into_iter().enumerate() {
            self.call(info, step, None, Some(number + 1), entry, sink);
        }
    }

    fn call(
        &mut self,
        info: &Object,
        counted: &Object,
        tools: Option<u32>,
        step: Option<usize>,
        entry: &Entry<'_>,
        sink: &mut Sink,
    ) {
        let Ok(raw) = counts(counted) else { return sink.unread(BAD_COUNT, entry.line) };
        let id =
            text_of(info, &["id"]).map(|id| step.map_or_else(|| id.clone(), |step| format!("{id}:{step}")));
        let provider = name_of(info, &["providerID"]).or_else(|| name(at(info, &["model", "providerID"])));
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Message } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            model_sent: name_of(info, &["modelID"]).or_else(|| name(at(info, &["model", "modelID"]))),
            platform: provider,
            agent: name_of(info, &["agent", "mode"]),
            app: Some(Name::from(if self.is_kilo { "Kilo" } else { "opencode" })),
            raw,
            tool_calls: tools,
            finish: agents::finish(counted.get("reason").or_else(|| info.get("finish"))),
            ..Call::default()
        };
        times(&mut call, info);
        agents::set_session(
            &mut call,
            name_of(info, &["sessionID", "session_id"]).as_ref(),
            self.file.as_ref(),
        );
        if let Some(error) = info.get("error").and_then(Value::as_object) {
            fail(&mut call, error);
        }
        let is_complete = call.ended_at.is_some() || call.finish.is_some();
        if agents::is_empty(&call.raw) && !call.status.is_failure() {
            if !is_complete {
                return sink.unread(NO_USAGE, entry.line);
            }
            sink.note("the provider stated no token counts");
            call.raw = RawCounts::default();
        } else if agents::is_empty(&call.raw) {
            call.raw = RawCounts::default();
        }
        pay(&mut call, money(counted.get("cost")), sink);
        let is_old = call.at().is_some_and(|at| at.timestamp() < EXCLUSIVE_SINCE);
        if is_old && call.raw.total.is_none() && call.raw.read.unwrap_or(0) > 0 {
            sink.note("written before December 2025 without a total: the input may include cached tokens");
        }
        sink.push(call, Keep::LargestOutput);
    }
}

impl Reader for Messages {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(row) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        match entry.table {
            Some("session") => return self.session(row),
            Some("message") => {
                let Some(mut info) = object_or_json(row.get("data")) else {
                    return sink.unread("a message whose data is not a JSON object", entry.line);
                };
                for (key, column) in [("id", "id"), ("sessionID", "session_id")] {
                    if let Some(id) = text(row.get(column)) {
                        info.entry(key).or_insert_with(|| json!(id));
                    }
                }
                return self.message(&info, None, entry, sink);
            }
            Some(_) => return,
            None => {}
        }
        if let Some(info) = row.get("info").and_then(Value::as_object) {
            let Some(messages) = row.get("messages").and_then(Value::as_array) else {
                return self.message(info, row.get("parts").and_then(Value::as_array), entry, sink);
            };
            self.session(info);
            for message in messages.iter().filter_map(Value::as_object) {
                let info = message.get("info").and_then(Value::as_object).unwrap_or(message);
                self.message(info, message.get("parts").and_then(Value::as_array), entry, sink);
            }
            return;
        }
        if is_message(row) {
            return self.message(row, row.get("parts").and_then(Value::as_array), entry, sink);
        }
        if row.contains_key("messageID") {
            return sink.note("a part of a message: its counts repeat those of the message");
        }
        if row.get("id").and_then(Value::as_str).is_some_and(|id| id.starts_with("ses_")) {
            self.session(row);
            return sink.note("description of a session: it has no calls");
        }
        sink.unread("not a message", entry.line);
    }

    fn finish(&mut self, sink: &mut Sink) {
        for call in sink.calls_mut() {
            let parent = call.session.as_ref().and_then(|session| self.parents.get(session));
            call.parent_session = parent.cloned();
        }
    }
}

fn counts(counted: &Object) -> Result<RawCounts, BadCount> {
    if let Some(tokens) = counted.get("tokens").and_then(Value::as_object) {
        return Ok(RawCounts {
            input: count(tokens.get("input"))?,
            read: count(at(tokens, &["cache", "read"]))?,
            write: count(at(tokens, &["cache", "write"]))?,
            output: count(tokens.get("output"))?,
            reasoning: count(tokens.get("reasoning"))?,
            total: count(tokens.get("total"))?,
            ..RawCounts::default()
        });
    }
    let Some(usage) = counted.get("usage").and_then(Value::as_object) else {
        return Ok(RawCounts::default());
    };
    Ok(RawCounts {
        input: count_of(usage, &["input_tokens"])?,
        read: count_of(usage, &["cache_read_input_tokens"])?,
        write: count_of(usage, &["cache_creation_input_tokens"])?,
        output: count_of(usage, &["output_tokens"])?,
        ..RawCounts::default()
    })
}

/// Start, end and latency. A step that calls tools ends after them, so its duration is not that of the model.
fn times(call: &mut Call, info: &Object) {
    let Some(time) = object_at(info, &["time"]) else { return };
    agents::set_end(call, time_of(time, &["completed"]));
    agents::set_start(call, time_of(time, &["created"]));
    let is_final = call.finish.as_deref() == Some("stop") && call.tool_calls.unwrap_or(0) == 0;
    if let (true, Some(start), Some(end)) = (is_final, call.started_at, call.ended_at) {
        call.latency_ms = Some((end - start).num_milliseconds() as f64).filter(|ms| *ms >= 0.0);
    }
}

fn fail(call: &mut Call, error: &Object) {
    let data = object_at(error, &["data"]);
    call.error_class = name_of(error, &["name"]);
    call.http = data.and_then(|data| agents::http(data.get("statusCode")));
    let class = call.error_class.as_deref().unwrap_or_default();
    let message = data.and_then(|data| text_of(data, &["message"])).unwrap_or_default();
    call.status = match class {
        "MessageAbortedError" | "AbortedError" => Status::Cancelled,
        // The answer is complete but cut; its finish reason states that.
        "MessageOutputLengthError" => Status::Ok,
        _ => agents::failure(call.http, &message),
    };
}

fn pay(call: &mut Call, cost: Option<f64>, sink: &mut Sink) {
    if !agents::set_computed(call, cost) || agents::is_empty(&call.raw) {
        return;
    }
    let provider = call.platform.as_deref().unwrap_or_default();
    if PLANS.contains(&provider) || provider.ends_with("-coding-plan") {
        call.paid = Some(0.0);
        call.paid_kind = PaidKind::SubscriptionZero;
    } else {
        sink.note(NO_PRICE);
    }
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, read_rows, recognised, total};
    use super::*;
    use crate::request_log::call::{SessionKind, Tokens};

    fn message(id: &str, cost: f64) -> Value {
        json!({"id": id, "sessionID": "ses_9", "role": "assistant", "providerID": "openrouter", "modelID": "acme/m-1",
            "agent": "build", "cost": cost, "finish": "stop", "time": {"created": 1_780_000_000_000_u64, "completed": 1_780_000_004_000_u64},
            "tokens": {"total": 3180, "input": 100, "output": 50, "reasoning": 30, "cache": {"read": 2900, "write": 100}}})
    }

    fn export() -> Value {
        let user = json!({"info": {"id": "msg_0", "sessionID": "ses_9", "role": "user", "time": {"created": 1}}, "parts": []});
        let step = json!({"type": "step-finish", "cost": 0.5, "tokens": {"input": 100, "output": 50}});
        json!({"info": {"id": "ses_9", "parentID": "ses_1"}, "messages": [
            user, {"info": message("msg_1", 0.5), "parts": [step, {"type": "tool"}]}]})
    }

    #[test]
    fn an_export_counts_each_message_once() {
        assert_eq!(recognised(&file("e.json"), &[export()]), Some("opencode"));
        let found = read(&OPENCODE, &file("e.json"), &[export()]);
        assert_eq!(found.calls.len(), 1);
        let call = &found.calls[0];
        assert_eq!((call.tokens().prompt(), call.tokens().output()), (Some(3100), Some(80)));
        assert_eq!((call.paid, call.paid_kind), (Some(0.5), PaidKind::ComputedByTool));
        assert_eq!((call.session.as_deref(), call.parent_session.as_deref()), (Some("ses_9"), Some("ses_1")));
        assert_eq!((call.session_kind, call.tool_calls), (SessionKind::Given, Some(1)));
    }

    #[test]
    fn rows_of_the_database_are_messages() {
        let row = |id: &str, data: Value| {
            (
                Some("message"),
                json!({"id": id, "session_id": "ses_9", "time_created": 1, "data": data.to_string()}),
            )
        };
        let mut data = message("x", 0.25);
        let object = data.as_object_mut().expect("there");
        object.remove("id");
        object.remove("sessionID");
        let found = read_rows(
            &OPENCODE,
            &file("opencode.db"),
            &[
                row("msg_1", data.clone()),
                row("msg_2", data),
                row("msg_3", json!({"role": "user"})),
                (Some("message"), json!({"id": "msg_4", "session_id": "ses_9", "data": "{"})),
                (Some("session"), json!({"id": "ses_9", "parent_id": "ses_1"})),
            ],
        );
        assert_eq!(found.calls.len(), 2);
        assert_eq!(found.calls[1].id.as_deref(), Some("msg_2"));
        assert_eq!(found.calls[1].parent_session.as_deref(), Some("ses_1"));
        assert_eq!(found.unread.len(), 1);
    }

    #[test]
    fn a_message_of_several_steps_is_several_calls() {
        let step = |input: u64| {
            json!({"type": "step-finish", "cost": 0.1, "tokens": {"input": input, "output": 5,
            "reasoning": 0, "cache": {"read": 0, "write": 0}}})
        };
        let value = json!({"info": message("msg_1", 0.2), "parts": [step(10), step(20)]});
        let found = read(&OPENCODE, &file("m.json"), &[value]);
        assert_eq!(found.calls.len(), 2);
        assert_eq!(total(&found, Tokens::prompt), Some(30));
    }

    #[test]
    fn the_total_decides_what_the_input_includes() {
        let mut inclusive = message("msg_1", 0.0);
        inclusive["tokens"] = json!({"total": 3080, "input": 3000, "output": 80, "reasoning": 30, "cache": {"read": 2900, "write": 0}});
        let found = read(&OPENCODE, &file("m.jsonl"), &[inclusive]);
        assert_eq!(total(&found, Tokens::prompt), Some(3000));
        assert_eq!(total(&found, Tokens::output), Some(80));
    }

    #[test]
    fn zero_cost_is_a_subscription_only_for_a_plan() {
        let mut plan = message("msg_2", 0.0);
        plan["providerID"] = json!("opencode-go");
        let found = read(&OPENCODE, &file("m.jsonl"), &[message("msg_1", 0.0), plan]);
        assert_eq!((found.calls[0].paid, found.calls[0].paid_kind), (None, PaidKind::Unknown));
        assert_eq!((found.calls[1].paid, found.calls[1].paid_kind), (Some(0.0), PaidKind::SubscriptionZero));
    }

    #[test]
    fn errors_are_failures_and_unfinished_answers_are_reported() {
        let mut limited = message("msg_1", 0.0);
        limited["error"] = json!({"name": "APIError", "data": {"message": "slow down", "statusCode": 429}});
        limited["tokens"] =
            json!({"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}});
        let mut stopped = message("msg_2", 0.1);
        stopped["error"] = json!({"name": "MessageAbortedError", "data": {}});
        let mut open = limited.clone();
        open["id"] = json!("msg_3");
        open.as_object_mut().expect("there").remove("error");
        open.as_object_mut().expect("there").remove("finish");
        open["time"] = json!({"created": 1_780_000_000_000_u64});
        let mut bad = message("msg_4", 0.1);
        bad["tokens"]["input"] = json!("many");
        let found = read(&OPENCODE, &file("m.jsonl"), &[limited, stopped, open, bad]);
        let statuses: Vec<_> = found.calls.iter().map(|call| call.status).collect();
        assert_eq!(statuses, [Status::RateLimited, Status::Cancelled]);
        assert_eq!(found.calls[0].raw, RawCounts::default());
        assert_eq!(found.unread.len(), 2);
    }
}
