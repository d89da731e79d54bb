//! Cline, Roo Code and Kilo Code in the editor: the messages of a task, `ui_messages.json`. The three write the same
//! fields, but Cline's input excludes cached tokens and that of the others includes them.

use super::agents::{self, BAD_COUNT, NO_OBJECT, NO_PRICE};
use super::cline_client::{Client, recognises};
use super::cline_history;
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, RawCounts, Rule, SessionKind, Status,
};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, count, money, name_of, number, object_or_json, text, text_of,
    time_of,
};
use crate::request_log::format::{Format, Reader, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// Cline in the editor.
pub(super) const CLINE: Format = Format {
    id: "cline",
    title: "Cline (VS Code and JetBrains)",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: true,
    recognises: |entry, context| recognises(Client::Cline, entry, context),
    reader: |context| Box::new(Task::new(Client::Cline, context)),
};

/// Roo Code.
pub(super) const ROO: Format = Format {
    id: "roo",
    title: "Roo Code",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: true,
    recognises: |entry, context| recognises(Client::Roo, entry, context),
    reader: |context| Box::new(Task::new(Client::Roo, context)),
};

/// Kilo Code.
pub(super) const KILO: Format = Format {
    id: "kilo",
    title: "Kilo Code",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: true,
    recognises: |entry, context| recognises(Client::Kilo, entry, context),
    reader: |context| Box::new(Task::new(Client::Kilo, context)),
};

/// Reads one task.
struct Task {
    client: Client,
    session: Option<Name>,
    /// Models of the task, each with the time of its first use in ms.
    models: Vec<(f64, Name, Option<Name>)>,
    /// A request whose end is not known yet: a failure after it explains it.
    open: Option<Call>,
}

impl Task {
    fn new(client: Client, context: &FileContext) -> Self {
        let names = ["ui_messages", "claude_messages", cline_history::STEM];
        let is_task = context.stem().is_some_and(|stem| names.contains(&stem.as_str()));
        let session = if is_task { agents::folder(context, 1) } else { agents::file_session(context) };
        Self { client, session, models: models(context), open: None }
    }

    /// The model at a time, with its provider.
    fn model(&self, message: &Object) -> (Option<Name>, Option<Name>) {
        if let Some(info) = message.get("modelInfo").and_then(Value::as_object) {
            let model = name_of(info, &["modelId", "model_id", "id"]);
            if model.is_some() {
                return (model, name_of(info, &["providerId", "provider_id", "provider"]));
            }
        }
        let at = number(message.get("ts")).unwrap_or(f64::MAX);
        let used =
            self.models.iter().rev().find(|(since, _, _)| *since <= at).or_else(|| self.models.first());
        used.map_or((None, None), |(_, model, provider)| (Some(model.clone()), provider.clone()))
    }

    fn call(&self, message: &Object, line: u64) -> Call {
        let (model, provider) = self.model(message);
        let mut call = Call {
            line,
            model_sent: model,
            platform: provider,
            session: self.session.clone(),
            session_kind: if self.session.is_some() { SessionKind::File } else { SessionKind::None },
            app: Some(Name::from(self.client.name())),
            ..Call::default()
        };
        agents::set_start(&mut call, time_of(message, &["ts"]));
        // A stream writes a message again each time it changes.
        if let Some(at) = call.started_at {
            let session = self.session.as_deref().unwrap_or_default();
            call.id = Some(format!("{session}:{}", at.timestamp_millis()).into_boxed_str());
            call.id_kind = IdKind::Row;
        }
        call
    }

    fn request(&mut self, message: &Object, usage: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let mut call = self.call(message, entry.line);
        if call.id.is_some() && self.open.as_ref().is_some_and(|open| open.id == call.id) {
            self.open = None;
        }
        self.close(sink);
        let Ok(raw) = counts(usage) else { return sink.unread(BAD_COUNT, entry.line) };
        call.provider_name = name_of(usage, &["inferenceProvider"]);
        let reason = text(usage.get("cancelReason"));
        let error = text_of(usage, &["streamingFailedMessage"]);
        call.status = match (reason.as_deref(), error.as_deref()) {
            (Some("user_cancelled"), _) => Status::Cancelled,
            (None, None) => Status::Ok,
            (_, error) => agents::failure(None, error.unwrap_or_default()),
        };
        call.error_class = reason.map(Name::from);
        if agents::is_empty(&raw) {
            if call.status == Status::Ok {
                self.open = Some(call);
                return;
            }
        } else {
            call.raw = raw;
        }
        if agents::set_computed(&mut call, money(usage.get("cost"))) && !agents::is_empty(&call.raw) {
            sink.note(NO_PRICE);
        }
        sink.push(call, Keep::LargestOutput);
    }

    /// Sums over requests: those that the user deleted, and those of subagents.
    fn sum(
        &mut self,
        message: &Object,
        usage: &Object,
        is_subagent: bool,
        entry: &Entry<'_>,
        sink: &mut Sink,
    ) {
        let Ok(raw) = counts(usage) else { return sink.unread(BAD_COUNT, entry.line) };
        if agents::is_empty(&raw) {
            return sink.note("a sum over no requests");
        }
        let mut call = self.call(message, entry.line);
        call.raw = raw;
        call.aggregated = Some(0);
        call.agent = is_subagent.then(|| Name::from("subagent"));
        if let Some(id) = call.id.take() {
            call.id =
                Some(format!("{id}:{}", if is_subagent { "subagent" } else { "deleted" }).into_boxed_str());
        }
        agents::set_computed(&mut call, money(usage.get("cost")));
        sink.push(call, Keep::LargestOutput);
    }

    fn failed(&mut self, message: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let error = text(message.get("text")).unwrap_or_default();
        let mut call = self.open.take().unwrap_or_else(|| Call {
            id: None,
            id_kind: IdKind::Position,
            ..self.call(message, entry.line)
        });
        call.status = match agents::failure(None, &error) {
            Status::Ok => Status::Error,
            status => status,
        };
        sink.push(call, Keep::First);
    }

    /// In old versions the counts of a request follow in a message of their own.
    fn finished(&mut self, usage: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let Ok(raw) = counts(usage) else { return sink.unread(BAD_COUNT, entry.line) };
        let Some(mut call) = self.open.take() else { return sink.duplicate() };
        if agents::is_empty(&raw) {
            self.open = Some(call);
            return;
        }
        call.raw = raw;
        agents::set_computed(&mut call, money(usage.get("cost")));
        sink.push(call, Keep::LargestOutput);
    }

    fn close(&mut self, sink: &mut Sink) {
        if let Some(open) = self.open.take() {
            sink.unread("a request without token counts and without a reason", open.line);
        }
    }
}

impl Reader for Task {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(message) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        if message.contains_key("role") {
            return cline_history::read(message, self.call(message, entry.line), sink);
        }
        let said =
            message.get("say").or_else(|| message.get("ask")).and_then(Value::as_str).unwrap_or_default();
        match said {
            "api_req_started" | "api_req_finished" | "deleted_api_reqs" | "subagent_usage" => {}
            "api_req_failed" | "error_retry" => return self.failed(message, entry, sink),
            "" => return sink.unread("not a message of a task", entry.line),
            _ => return,
        }
        let Some(usage) = object_or_json(message.get("text")) else {
            return sink.unread("a request whose text is not a JSON object", entry.line);
        };
        match said {
            "api_req_started" => self.request(message, &usage, entry, sink),
            "api_req_finished" => self.finished(&usage, entry, sink),
            said => self.sum(message, &usage, said == "subagent_usage", entry, sink),
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        self.close(sink);
    }
}

fn counts(usage: &Object) -> Result<RawCounts, BadCount> {
    Ok(RawCounts {
        input: count(usage.get("tokensIn"))?,
        read: count(usage.get("cacheReads"))?,
        write: count(usage.get("cacheWrites"))?,
        output: count(usage.get("tokensOut"))?,
        reasoning: count(usage.get("reasoningTokens"))?,
        ..RawCounts::default()
    })
}

/// The models of a task, from the files beside it: its metadata, or the history that was sent to the model.
fn models(context: &FileContext) -> Vec<(f64, Name, Option<Name>)> {
    let beside = |name: &str| context.beside.iter().find(|(file, _)| file == name).map(|(_, value)| value);
    let used = beside("task_metadata.json").and_then(|metadata| metadata.get("model_usage")?.as_array());
    let mut models: Vec<_> = used
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .filter_map(|usage| {
            let usage = usage.as_object()?;
            let model = name_of(usage, &["model_id", "modelId"])?;
            let provider = name_of(usage, &["model_provider_id", "modelProviderId"]);
            Some((number(usage.get("ts")).unwrap_or(0.0), model, provider))
        })
        .collect();
    models.sort_by(|a, b| a.0.total_cmp(&b.0));
    if models.is_empty()
        && let Some(model) = beside("api_conversation_history.json").and_then(tagged_model)
    {
        models.push((0.0, model, None));
    }
    models
}

/// The first model that a history names in a tag.
fn tagged_model(history: &Value) -> Option<Name> {
    let texts = history.as_array()?.iter().filter_map(|message| message.get("content")).flat_map(|content| {
        let blocks = content.as_array().map_or(&[][..], Vec::as_slice);
        content.as_str().into_iter().chain(blocks.iter().filter_map(|block| block.get("text")?.as_str()))
    });
    texts.into_iter().find_map(|text| {
        let (_, rest) = text.split_once("<model>")?;
        agents::clean(rest.split_once("</model>")?.0)
    })
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, recognised, total};
    use super::*;
    use crate::request_log::call::{PaidKind, Tokens};
    use serde_json::json;

    fn request(ts: u64, usage: Value) -> Value {
        json!({"ts": ts, "type": "say", "say": "api_req_started", "text": usage.to_string()})
    }

    fn usage() -> Value {
        json!({"request": "x", "tokensIn": 300, "tokensOut": 40, "cacheWrites": 100, "cacheReads": 2000, "cost": 0.02})
    }

    #[test]
    fn clines_input_excludes_cached_tokens() {
        let lines = [
            json!({"ts": 1_780_000_000_000_u64, "type": "say", "say": "text", "text": "hello"}),
            request(1_780_000_001_000, usage()),
        ];
        assert_eq!(recognised(&file("ui_messages.json"), &lines), Some("cline"));
        let found =
            read(&CLINE, &file("globalStorage/saoudrizwan.claude-dev/tasks/17/ui_messages.json"), &lines);
        assert_eq!(found.calls.len(), 1);
        let call = &found.calls[0];
        assert_eq!((call.tokens().prompt(), call.tokens().read), (Some(2400), Some(2000)));
        assert_eq!((call.paid, call.paid_kind), (Some(0.02), PaidKind::ComputedByTool));
        assert_eq!((call.session.as_deref(), call.session_kind), (Some("17"), SessionKind::File));
    }

    #[test]
    fn roo_and_kilo_are_distinguished_by_their_folders_and_fields() {
        let mut roo = usage();
        roo["apiProtocol"] = json!("openai");
        let mut kilo = roo.clone();
        kilo["inferenceProvider"] = json!("Acme");
        let of = |path: &str, usage: &Value| {
            recognised(&file(path), &[request(1, self::usage()), request(2, usage.clone())])
        };
        assert_eq!(of("ui_messages.json", &roo), Some("roo"));
        assert_eq!(of("ui_messages.json", &kilo), Some("kilo"));
        assert_eq!(of("a/rooveterinaryinc.roo-cline/tasks/1/ui_messages.json", &usage()), Some("roo"));
        assert_eq!(of("a/kilocode.kilo-code/tasks/1/ui_messages.json", &roo), Some("kilo"));
        assert_eq!(of("logs/kilo/ui_messages.json", &roo), Some("kilo"));
        assert_eq!(of("logs/roo/ui_messages.json", &usage()), Some("roo"));
        assert_eq!(of("logs/cline/ui_messages.json", &roo), Some("roo"));
        let mut inclusive = usage();
        inclusive["tokensIn"] = json!(2400);
        for format in [&ROO, &KILO] {
            let found = read(format, &file("ui_messages.json"), &[request(1, inclusive.clone())]);
            assert_eq!(total(&found, Tokens::prompt), Some(2400));
            assert_eq!(total(&found, |tokens| tokens.uncached), Some(300));
        }
    }

    #[test]
    fn an_older_roo_file_contradicts_the_rule() {
        let found = read(&ROO, &file("ui_messages.json"), &[request(1, usage())]);
        assert_ne!(found.calls[0].rule.input, InputRule::IncludesReadAndWritten);
        assert!(total(&found, Tokens::prompt) >= Some(2300));
    }

    #[test]
    fn a_request_with_a_reason_and_no_counts_is_a_failure() {
        let found = read(
            &CLINE,
            &file("ui_messages.json"),
            &[
                request(1_000, json!({"request": "x", "cancelReason": "user_cancelled"})),
                request(
                    2_000,
                    json!({"cancelReason": "streaming_failed", "streamingFailedMessage": "429 Too Many Requests",
                "tokensIn": 0, "tokensOut": 0}),
                ),
                request(3_000, json!({"request": "x"})),
                json!({"ts": 3_500, "type": "ask", "ask": "api_req_failed", "text": "Request timed out"}),
                request(4_000, json!({"request": "never answered"})),
            ],
        );
        let statuses: Vec<_> = found.calls.iter().map(|call| call.status).collect();
        assert_eq!(statuses, [Status::Cancelled, Status::RateLimited, Status::Timeout]);
        assert!(found.calls.iter().all(|call| call.raw == RawCounts::default()));
        assert_eq!(found.unread.len(), 1);
    }

    #[test]
    fn a_request_that_is_written_again_counts_once() {
        let open = request(1_780_000_001_000, json!({"request": "x"}));
        let lines = [open, request(1_780_000_001_000, usage()), request(1_780_000_001_000, usage())];
        let found = read(&CLINE, &file("events.jsonl"), &lines);
        assert_eq!((found.calls.len(), found.duplicates), (1, 1));
        assert!(found.unread.is_empty());
    }

    #[test]
    fn deleted_requests_and_subagents_are_sums() {
        let sum = |said: &str| json!({"ts": 5_000, "type": "say", "say": said, "text": usage().to_string()});
        let found =
            read(&CLINE, &file("ui_messages.json"), &[sum("deleted_api_reqs"), sum("subagent_usage")]);
        assert_eq!(found.calls.len(), 2);
        assert!(found.calls.iter().all(|call| call.aggregated == Some(0)));
        assert_eq!(found.calls[1].agent.as_deref(), Some("subagent"));
    }

    #[test]
    fn the_model_is_beside_the_file_or_in_the_message() {
        let mut context = file("tasks/1/ui_messages.json");
        context.beside.push((
            "task_metadata.json".to_owned(),
            json!({"model_usage": [
            {"ts": 2_000, "model_id": "m-2", "model_provider_id": "openrouter"},
            {"ts": 1_000, "model_id": "m-1", "model_provider_id": "anthropic"}]}),
        ));
        let mut own = request(3_000, usage());
        own["modelInfo"] = json!({"modelId": "m-3", "providerId": "cline", "mode": "act"});
        let found = read(&CLINE, &context, &[request(1_500, usage()), request(2_500, usage()), own]);
        let models: Vec<_> = found.calls.iter().map(|call| call.model_sent.clone().expect("there")).collect();
        assert_eq!(models.iter().map(|model| &**model).collect::<Vec<_>>(), ["m-1", "m-2", "m-3"]);
        assert_eq!(found.calls[1].platform.as_deref(), Some("openrouter"));

        let mut context = file("tasks/1/ui_messages.json");
        context.beside.push((
            "api_conversation_history.json".to_owned(),
            json!([{"role": "user",
            "content": [{"type": "text", "text": "<environment_details><model>acme/m-9</model>"}]}]),
        ));
        let found = read(&ROO, &context, &[request(1_500, usage())]);
        assert_eq!(found.calls[0].model_sent.as_deref(), Some("acme/m-9"));
    }

    #[test]
    fn damaged_messages_are_counted() {
        let found = read(
            &CLINE,
            &file("ui_messages.json"),
            &[
                json!({"ts": 1, "type": "say", "say": "api_req_started", "text": "{not json"}),
                request(2, json!({"tokensIn": -5})),
                json!(3),
                json!({"ts": 1}),
            ],
        );
        assert!(found.calls.is_empty());
        assert_eq!(found.unread.len(), 4);
    }
}
