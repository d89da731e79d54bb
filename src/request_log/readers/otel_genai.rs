//! Traces and logs of OpenTelemetry: the semantic conventions for generative AI and their variants, the telemetry of
//! coding agents, and OpenRouter's broadcast, in one file or stream.
//!
//! A span that wraps others (an agent, a chain, a client library around another) repeats their usage: the innermost
//! span with usage is the call.

use super::super::call::{Call, IdKind, Name};
use super::super::entry::{BadCount, Entry, FileContext, given};
use super::super::format::{Format, Reader, Sure, Total};
use super::super::sink::{Keep, Sink};
use super::openrouter;
use super::openrouter_span::{self, Part, is_openrouter};
use super::otel_events::{self, Event, Program};
use super::otel_names::{self, has_usage};
use super::otel_span::{OF_MODELS, call, reason_against};
use super::otlp::{self, Kind, Record};
use std::collections::{HashMap, HashSet};

/// The format.
pub(super) const FORMAT: Format = Format {
    id: "otel-genai",
    title: "OpenTelemetry traces and logs (GenAI conventions, OpenInference, agents)",
    rule: openrouter::RULE,
    total: Total::OfFields,
    states_failures: true,
    recognises,
    reader: |_| Box::new(Telemetry::default()),
};

/// How many ancestors of a span are followed.
const MOST_ANCESTORS: usize = 64;

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    let records = otlp::records(entry.value);
    let is_of_models = |record: &Record<'_>| {
        !is_openrouter(record) && (record.attributes.any(OF_MODELS) || otel_events::program(record).is_some())
    };
    if records.iter().any(is_of_models) {
        Sure::Certain
    } else if otlp::is_container(object) || !records.is_empty() {
        Sure::Likely
    } else {
        Sure::No
    }
}

/// A span of a trace, whether it is a call or not.
struct Node {
    parent: Option<String>,
    session: Option<Name>,
    agent: Option<Name>,
}

/// A call that may repeat another one of the file.
struct Held {
    program: Option<Program>,
    kind: Kind,
    response: Option<Box<str>>,
    call: Call,
}

/// Reads spans and log records of any emitter.
#[derive(Default)]
pub(super) struct Telemetry {
    nodes: HashMap<String, Node>,
    /// Attempts by the root span of their request, and the calls of the root spans.
    attempts: HashMap<String, u32>,
    requests: HashMap<String, (IdKind, Box<str>)>,
    held: Vec<Held>,
    programs: HashSet<Program>,
    responses: HashSet<Box<str>>,
    /// The responses of the spans that are calls; an empty one for a sum.
    taken: HashMap<Box<str>, Option<Box<str>>>,
}

impl Reader for Telemetry {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let records = otlp::records(entry.value);
        if records.is_empty() {
            return sink.unread("no span and no log record", entry.line);
        }
        for record in &records {
            if record.kind == Kind::Metrics {
                sink.unread("metrics hold no calls", entry.line);
            } else if self.record(record, entry.line, sink).is_err() {
                sink.unread(openrouter::BAD_COUNT, entry.line);
            }
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        for (root, count) in self.attempts.drain() {
            let call = self.requests.get(&root).and_then(|(kind, id)| sink.call_mut(*kind, id));
            if let Some(call) = call {
                call.attempts = call.attempts.or(Some(count));
            } else {
                sink.note("attempt at a provider without its request");
            }
        }
        self.add_held(sink);
        self.drop_sums(sink);
    }
}

impl Telemetry {
    fn record(&mut self, record: &Record<'_>, line: u64, sink: &mut Sink) -> Result<(), BadCount> {
        if is_openrouter(record) {
            return self.broadcast(record, line, sink);
        }
        self.remember(record);
        let program = otel_events::program(record);
        if let Some(program) = program {
            match otel_events::event(record, program, line)? {
                Event::Call(call) if record.kind == Kind::Log => {
                    self.programs.insert(program);
                    sink.push(*call, Keep::First);
                    return Ok(());
                }
                Event::Call(call) => {
                    self.hold(Some(program), Kind::Span, call.id.clone(), *call);
                    return Ok(());
                }
                Event::NoCall(reason) => {
                    sink.unread(reason, line);
                    return Ok(());
                }
                Event::Other => {}
            }
        }
        let operation = otel_names::operation(record.name, &record.attributes);
        let call = call(record, operation, line)?;
        if let Some(reason) = reason_against(&call, record, operation) {
            sink.unread(reason, line);
            return Ok(());
        }
        if !has_usage(&call) && !call.status.is_failure() {
            sink.note("call without token counts");
        }
        let response = record.attributes.text(otel_names::RESPONSE_ID).map(String::into_boxed_str);
        if program.is_some() || record.kind == Kind::Log {
            self.hold(program, record.kind, response, call);
        } else {
            if let Some(id) = call.id.clone() {
                let response = if call.aggregated.is_some() { Some("".into()) } else { response.clone() };
                self.taken.insert(id, response);
            }
            self.responses.extend(response);
            sink.push(call, Keep::Last);
        }
        Ok(())
    }

    fn broadcast(&mut self, record: &Record<'_>, line: u64, sink: &mut Sink) -> Result<(), BadCount> {
        match openrouter_span::part(record, line)? {
            Part::Request(call) => {
                if let (Some(key), Some(id)) = (&record.key, &call.id) {
                    self.requests.insert(key.clone(), (call.id_kind, id.clone()));
                }
                sink.push(*call, Keep::Last);
            }
            Part::Attempt => {
                if let Some(parent) = &record.parent {
                    *self.attempts.entry(parent.clone()).or_default() += 1;
                }
                sink.note("span of OpenRouter that repeats its request");
            }
            Part::Generation => sink.note("span of OpenRouter that repeats its request"),
            Part::Test => sink.unread("connection test of OpenRouter", line),
            Part::Other => sink.unread("span of OpenRouter that is not a request", line),
        }
        Ok(())
    }

    fn remember(&mut self, record: &Record<'_>) {
        let Some(key) = record.key.clone().filter(|_| record.kind == Kind::Span) else { return };
        let name = |names| record.attributes.text(names).map(Name::from);
        let node = Node {
            parent: record.parent.clone(),
            session: otel_names::session(&record.attributes),
            agent: name(otel_names::AGENT),
        };
        self.nodes.insert(key, node);
    }

    fn hold(&mut self, program: Option<Program>, kind: Kind, response: Option<Box<str>>, call: Call) {
        self.held.push(Held { program, kind, response, call });
    }

    /// Adds the calls that no other record of the file states: a program's own events are preferred to what it reports
    /// by the conventions, its events to its spans, and spans to the events of other emitters.
    fn add_held(&mut self, sink: &mut Sink) {
        let held = std::mem::take(&mut self.held);
        let by_event: HashSet<Program> =
            held.iter().filter(|held| held.kind == Kind::Log).filter_map(|held| held.program).collect();
        for Held { program, kind, response, mut call } in held {
            if let Some(same) = response.as_ref().and_then(|id| sink.call_mut(IdKind::Response, id)) {
                same.ttft_ms = same.ttft_ms.or(call.ttft_ms);
                same.finish = same.finish.take().or(call.finish);
                same.attempts = same.attempts.or(call.attempts);
                sink.duplicate();
                continue;
            }
            let is_repeat = match program {
                Some(program) => {
                    self.programs.contains(&program) || (kind == Kind::Span && by_event.contains(&program))
                }
                None => response.as_ref().is_some_and(|id| self.responses.contains(id)),
            };
            if is_repeat {
                sink.duplicate();
                continue;
            }
            // Several log records may share the span in which they were emitted: only the first has its id.
            if let (IdKind::Span, Some(id), Some(response)) = (call.id_kind, call.id.clone(), response) {
                let other = self.taken.entry(id).or_insert_with(|| Some(response.clone()));
                if other.as_ref().is_some_and(|other| *other != response) {
                    (call.id_kind, call.id) = (IdKind::Response, Some(response));
                }
            }
            sink.push(call, Keep::First);
        }
    }

    /// The ancestors of a span that are in the file, nearest first.
    fn ancestors<'a>(&'a self, key: &str) -> impl Iterator<Item = (&'a str, Option<&'a Node>)> + use<'a> {
        let parent = |key: &str| -> Option<&'a str> { self.nodes.get(key)?.parent.as_deref() };
        std::iter::successors(parent(key), move |key| parent(key))
            .take(MOST_ANCESTORS)
            .map(|key| (key, self.nodes.get(key)))
    }

    /// Removes the spans that repeat the usage of the spans inside them, and gives those the session and the agent that
    /// only the outer span names.
    fn drop_sums(&self, sink: &mut Sink) {
        let calls = sink.calls_mut();
        let key = |call: &Call| call.id.clone().filter(|_| call.id_kind == IdKind::Span);
        let spans: HashMap<Box<str>, bool> =
            calls.iter().filter_map(|call| Some((key(call)?, has_usage(call)))).collect();
        let mut repeated: HashSet<Box<str>> = HashSet::new();
        for call in calls.iter_mut() {
            let Some(key) = key(call) else { continue };
            for (ancestor, node) in self.ancestors(&key) {
                let is_repeated =
                    spans.get(ancestor).is_some_and(|has_usage_too| spans[&key] || !has_usage_too);
                if is_repeated && *ancestor != *key {
                    repeated.insert(ancestor.into());
                }
                let Some(node) = node else { continue };
                call.session = call.session.take().or_else(|| node.session.clone());
                call.agent = call.agent.take().or_else(|| node.agent.clone());
            }
            call.session_kind = given(call.session.as_ref());
        }
        calls.retain(|call| key(call).is_none_or(|key| !repeated.contains(&key)));
        for _ in &repeated {
            sink.duplicate();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::Status;
    use serde_json::{Value, json};

    fn read(values: &[Value]) -> crate::request_log::Found {
        let (mut sink, mut reader) = (Sink::default(), Telemetry::default());
        for (place, value) in values.iter().enumerate() {
            reader.read(&Entry { value, line: place as u64 + 1, table: None }, &mut sink);
        }
        reader.finish(&mut sink);
        sink.done()
    }

    fn span(id: &str, parent: Option<&str>, attributes: Value) -> Value {
        json!({"traceId": "a1", "spanId": id, "parentSpanId": parent, "name": "x", "attributes": attributes,
            "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000001000000000"})
    }

    fn chat(input: u64) -> Value {
        json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": input,
            "gen_ai.usage.cache_read.input_tokens": 10, "gen_ai.usage.output_tokens": 5})
    }

    #[test]
    fn the_usage_of_outer_spans_is_not_counted_twice() {
        let agent = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 200,
            "gen_ai.agent.name": "planner", "gen_ai.conversation.id": "c-1"});
        // Children end first; an HTTP span is between the client libraries.
        let found = read(&[
            span("e4", Some("d3"), chat(100)),
            span("d3", Some("c2"), json!({"http.method": "POST"})),
            span("c2", Some("b1"), chat(100)),
            span("f5", Some("b1"), chat(100)),
            span("b1", None, agent),
        ]);
        let ids: Vec<_> = found.calls.iter().map(|call| call.id.as_deref().expect("an id")).collect();
        assert_eq!(ids, ["a1:e4", "a1:f5"]);
        assert!(found.calls.iter().all(|call| call.session.as_deref() == Some("c-1")));
        assert!(found.calls.iter().all(|call| call.agent.as_deref() == Some("planner")));
        assert_eq!(found.duplicates, 2);
        assert_eq!(found.unread["span without token counts"].entries, 1);
    }

    #[test]
    fn a_sum_without_its_calls_stays_a_sum_and_other_work_is_no_call() {
        let generation = json!({"ai.operationId": "ai.generateText", "ai.usage.inputTokens": 9});
        let found = read(&[
            span("b1", None, generation),
            span("c2", None, json!({"gen_ai.operation.name": "embeddings", "gen_ai.usage.input_tokens": 9})),
            json!({"resourceMetrics": [{}]}),
            json!({"a": 1}),
        ]);
        assert_eq!((found.calls.len(), found.calls[0].aggregated), (1, Some(0)));
        assert_eq!(found.unread.len(), 3);
    }

    #[test]
    fn a_failed_call_inside_a_failed_one_is_one_failure() {
        let failed =
            json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "error.type": "429"});
        let found = read(&[span("c2", Some("b1"), failed.clone()), span("b1", None, failed)]);
        assert_eq!(found.calls.len(), 1);
        assert_eq!((found.calls[0].status, found.calls[0].http), (Status::RateLimited, Some(429)));
    }

    #[test]
    fn the_class_of_an_exception_decides_how_a_call_ended() {
        let mut failed = span(
            "b1",
            None,
            json!({"gen_ai.operation.name": "chat", "hidden_params":
            "{\"litellm_overhead_time_ms\": 1.5}"}),
        );
        failed["status"] = json!({"code": 2, "message": "secret"});
        failed["events"] =
            json!([{"name": "exception", "attributes": {"exception.type": "openai.APITimeoutError"}}]);
        let call = &read(&[failed]).calls[0];
        assert_eq!((call.status, call.overhead_ms), (Status::Timeout, Some(1.5)));
        assert_eq!(call.error_class.as_deref(), Some("openai.APITimeoutError"));
    }

    #[test]
    fn names_of_several_conventions_are_read() {
        let vendor = json!({"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": "90",
            "llm.token_count.prompt_details.cache_read": 60, "llm.token_count.completion": 4, "session.id": "s"});
        let vercel = json!({"ai.operationId": "ai.streamText.doStream", "ai.model.provider": "anthropic.messages",
            "ai.model.id": "m", "ai.usage.inputTokens": 3, "ai.usage.cachedInputTokens": 50,
            "ai.response.providerMetadata": "{\"anthropic\":{\"cacheCreationInputTokens\":7}}",
            "ai.response.msToFirstChunk": 250.5, "ai.response.finishReason": "tool-calls"});
        let old = json!({"llm.request.type": "chat", "gen_ai.usage.prompt_tokens": 8, "gen_ai.usage.completion_tokens": 2});
        let found = read(&[span("b1", None, vendor), span("c2", None, vercel), span("d3", None, old)]);
        assert_eq!((found.calls[0].raw.read, found.calls[0].session.as_deref()), (Some(60), Some("s")));
        assert_eq!(
            (found.calls[1].raw.write, found.calls[1].usual_rule),
            (Some(7), Some(otel_names::EXCLUSIVE))
        );
        assert_eq!(
            (found.calls[1].ttft_ms, found.calls[1].finish.as_deref()),
            (Some(250.5), Some("tool_calls"))
        );
        assert_eq!((found.calls[2].raw.input, found.calls[2].raw.read), (Some(8), None));
    }

    #[test]
    fn an_event_and_a_span_of_one_call_are_one_call() {
        let log = |response: &str| {
            let mut attributes = chat(100);
            attributes["gen_ai.response.id"] = json!(response);
            json!({"eventName": "gen_ai.client.inference.operation.details", "attributes": attributes, "spanId": "b1",
                "traceId": "a1"})
        };
        let mut traced = chat(100);
        traced["gen_ai.response.id"] = json!("r-1");
        let found = read(&[log("r-1"), log("r-2"), log("r-3"), span("b1", None, traced)]);
        assert_eq!((found.calls.len(), found.duplicates), (3, 1));
        let request = |extra: Value| {
            let mut attributes =
                json!({"model": "m", "input_tokens": 2, "cache_read_tokens": 90, "request_id": "req_1"});
            attributes
                .as_object_mut()
                .expect("an object")
                .extend(extra.as_object().expect("an object").clone());
            attributes
        };
        let event =
            json!({"body": "claude_code.api_request", "attributes": request(json!({"cost_usd": 0.1}))});
        let mut own = span("c2", None, request(json!({"ttft_ms": 40})));
        own["name"] = json!("claude_code.llm_request");
        let found = read(&[own.clone(), event]);
        assert_eq!((found.calls.len(), found.duplicates), (1, 1));
        assert_eq!((found.calls[0].paid, found.calls[0].ttft_ms), (Some(0.1), Some(40.0)));
        assert_eq!(read(&[own]).calls.len(), 1);
    }

    #[test]
    fn damage_is_counted_and_hostile_names_are_kept_harmless() {
        let long = "x".repeat(10_000);
        let hostile =
            json!({"gen_ai.request.model": format!("<b>\u{7}{long}"), "gen_ai.usage.input_tokens": "12"});
        let found = read(&[
            span("b1", None, json!({"gen_ai.usage.input_tokens": -1})),
            span("c2", Some("c2"), hostile),
            span("d3", None, json!({"gen_ai.usage.output_tokens": [1]})),
        ]);
        assert_eq!(found.unread[openrouter::BAD_COUNT].first, [1, 3]);
        let model = found.calls[0].model_sent.as_deref().expect("a model");
        assert!(model.chars().count() <= 256 && !model.contains('\u{7}'));
    }

    #[test]
    fn both_versions_of_litellm_state_each_call_once() {
        let printed = "{'prompt_tokens': 90, 'completion_tokens': 7, 'prompt_tokens_details': {'cached_tokens': 50, \
            'cache_creation_tokens': 20}}";
        let first = json!({"gen_ai.operation.name": "acompletion", "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 90, "gen_ai.usage.output_tokens": 7, "metadata.usage_object": printed,
            "metadata.requester_metadata": "{'session_id': 's-1', 'headers': {'x': None}}"});
        let mut raw =
            span("e4", Some("d3"), json!({"gen_ai.usage.input_tokens": 90, "llm.openai.usage": printed}));
        raw["name"] = json!("raw_gen_ai_request");
        let mut failed =
            span("f5", None, json!({"gen_ai.operation.name": "acompletion", "gen_ai.request.model": "m"}));
        failed["status"] = json!({"code": 2});
        let mut route = span("a9", None, json!({"gen_ai.request.model": "m"}));
        route["name"] = json!("route m");
        let mut dependencies = span("a8", None, json!({"gen_ai.request.model": "m"}));
        dependencies["name"] = json!("fastapi.dependencies");
        let second = span("b9", Some("a9"), chat(90));
        let found = read(&[raw, span("d3", None, first), failed, second, route, dependencies]);
        let ids: Vec<_> = found.calls.iter().map(|call| call.id.as_deref().expect("an id")).collect();
        assert_eq!(ids, ["a1:d3", "a1:f5", "a1:b9"]);
        let call = &found.calls[0];
        assert_eq!(
            (call.raw.read, call.raw.write, call.session.as_deref()),
            (Some(50), Some(20), Some("s-1"))
        );
        assert_eq!(found.calls[1].status, Status::Error);
        assert_eq!(found.unread.values().map(|unread| unread.entries).sum::<u64>(), 3);
    }

    #[test]
    fn a_mixed_stream_holds_broadcast_and_others() {
        let root = json!({"resourceSpans": [{"resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "openrouter"}}]}, "scopeSpans": [{"spans": [
            {"traceId": "f1", "spanId": "f2", "name": "LLM Generation", "attributes": [
                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 7}}]},
            {"traceId": "f1", "spanId": "f3", "parentSpanId": "f2", "name": "provider attempt 1: Host", "attributes": []},
            {"traceId": "f1", "spanId": "f4", "parentSpanId": "f2", "name": "provider attempt 2: Host", "attributes": []},
            {"traceId": "f9", "spanId": "f9", "name": "openrouter-connection-test", "attributes": []}]}]}]});
        let found = read(&[root, span("b1", None, chat(100))]);
        assert_eq!(found.calls.len(), 2);
        assert_eq!((found.calls[0].attempts, found.calls[0].id_kind), (Some(2), IdKind::Span));
        assert_eq!(found.unread["connection test of OpenRouter"].entries, 1);
    }
}
