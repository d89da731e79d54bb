//! Responses of OpenRouter's API, or their `usage` alone: chat completions, Responses and Messages, streamed or not.
//!
//! A usage without OpenRouter's own fields (`cost`, `is_byok`, `cost_details`) belongs to another reader.

use super::super::call::{Call, IdKind, InputRule, RawCounts, Rule, Status};
use super::super::entry::{self, BadCount, Entry, FileContext, Object, given, object_at};
use super::super::format::{Format, Reader, Sure, Total};
use super::super::sink::{Keep, Sink};
use super::{openrouter, outcome};
use serde_json::Value;

/// The format.
pub(super) const FORMAT: Format = Format {
    id: "openrouter-usage",
    title: "OpenRouter responses (usage with cost)",
    rule: openrouter::RULE,
    total: Total::OfFields,
    states_failures: true,
    recognises,
    reader: |_| Box::new(Responses),
};

/// Where a response is inside an entry.
const PLACES: &[&[&str]] =
    &[&[], &["response"], &["response", "body"], &["body"], &["data"], &["result"], &["output"]];
/// Fields of a record of another gateway that keeps the response.
const FOREIGN: &[&str] = &[
    "call_type",
    "custom_llm_provider",
    "response_cost",
    "spend",
    "litellm_call_id",
    "response_created_at",
    "delay_ms",
    "costUSD",
    "usageDetails",
    "observations",
];

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    if FOREIGN.iter().any(|key| object.contains_key(*key)) {
        return Sure::No;
    }
    let (holder, usage) = response(object);
    let is_own = usage.is_some_and(|usage| {
        usage.contains_key("is_byok")
            || usage.contains_key("cost_details")
            || entry::number(usage.get("cost")).is_some()
    });
    let is_answer = entry::text(holder.get("id")).is_some_and(|id| id.starts_with("gen-"))
        && (usage.is_some() || holder.contains_key("choices"))
        && holder.get("provider").is_some_and(Value::is_string);
    if is_own || is_answer || holder.get("openrouter_metadata").is_some_and(Value::is_object) {
        Sure::Certain
    } else if holder.get("error").is_some_and(is_error_of_router) {
        Sure::Likely
    } else {
        Sure::No
    }
}

/// OpenRouter's errors have a number as their code, and name the provider in their metadata.
fn is_error_of_router(error: &Value) -> bool {
    let at = |path: &[&str]| error.as_object().and_then(|error| entry::at(error, path));
    at(&["code"]).is_some_and(Value::is_number)
        && (at(&["metadata", "provider_name"]).is_some() || at(&["metadata", "raw"]).is_some())
}

/// The response in an entry and its usage. The usage may be the entry itself.
fn response(object: &Object) -> (&Object, Option<&Object>) {
    let counts =
        |usage: &&Object| ["prompt_tokens", "input_tokens"].iter().any(|key| usage.contains_key(*key));
    let places = || {
        PLACES.iter().filter_map(|path| if path.is_empty() { Some(object) } else { object_at(object, path) })
    };
    for place in places() {
        if let Some(usage) = place.get("usage").and_then(Value::as_object).filter(counts) {
            return (place, Some(usage));
        }
    }
    if counts(&object) {
        return (object, Some(object));
    }
    let answer =
        places().find(|place| ["choices", "error", "object"].iter().any(|key| place.contains_key(*key)));
    (answer.unwrap_or(object), None)
}

struct Responses;

impl Reader for Responses {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not an object", entry.line) };
        let (holder, usage) = response(object);
        let error = error(holder);
        let Some(usage) = usage.or(error.map(|_| holder)) else {
            let kind = entry::text_of(holder, &["object", "type"]).unwrap_or_default();
            let is_part = kind.ends_with(".chunk") || kind.contains('.') || holder.contains_key("choices");
            return if is_part {
                sink.note("part of a streamed answer, without usage");
            } else {
                sink.unread("a record without usage", entry.line);
            };
        };
        match call(object, holder, usage, entry.line) {
            Ok(call) => sink.push(call, Keep::LargestOutput),
            Err(BadCount) => sink.unread(openrouter::BAD_COUNT, entry.line),
        }
    }
}

fn error(holder: &Object) -> Option<&Object> {
    let choice = || holder.get("choices")?.get(0)?.get("error")?.as_object();
    holder.get("error").and_then(Value::as_object).or_else(choice)
}

fn counts(usage: &Object) -> Result<RawCounts, BadCount> {
    let inner = |path: &[&str]| entry::count(entry::at(usage, path));
    let first = |paths: [&[&str]; 3]| {
        paths.iter().try_fold(None, |found: Option<u64>, path| Ok(found.or(inner(path)?)))
    };
    let (write_5m, write_1h) = (
        inner(&["cache_creation", "ephemeral_5m_input_tokens"])?,
        inner(&["cache_creation", "ephemeral_1h_input_tokens"])?,
    );
    let written = first([
        &["prompt_tokens_details", "cache_write_tokens"],
        &["input_tokens_details", "cache_write_tokens"],
        &["cache_creation_input_tokens"],
    ])?;
    let by_lifetime = write_5m.unwrap_or(0).saturating_add(write_1h.unwrap_or(0));
    Ok(RawCounts {
        input: entry::count_of(usage, &["prompt_tokens", "input_tokens"])?,
        read: first([
            &["prompt_tokens_details", "cached_tokens"],
            &["input_tokens_details", "cached_tokens"],
            &["cache_read_input_tokens"],
        ])?,
        write: if by_lifetime > 0 { written.map(|all| all.saturating_sub(by_lifetime)) } else { written },
        write_5m: write_5m.filter(|_| by_lifetime > 0),
        write_1h: write_1h.filter(|_| by_lifetime > 0),
        output: entry::count_of(usage, &["completion_tokens", "output_tokens"])?,
        reasoning: first([
            &["completion_tokens_details", "reasoning_tokens"],
            &["output_tokens_details", "reasoning_tokens"],
            &["reasoning_tokens"],
        ])?,
        total: entry::count(usage.get("total_tokens"))?,
    })
}

/// What the provider charged, by its sum or its parts.
fn upstream(usage: &Object) -> Option<f64> {
    let details = usage.get("cost_details")?.as_object()?;
    let part = |key: &str| entry::money(details.get(key));
    let input = part("upstream_inference_prompt_cost").or_else(|| part("upstream_inference_input_cost"));
    let output =
        part("upstream_inference_completions_cost").or_else(|| part("upstream_inference_output_cost"));
    part("upstream_inference_cost").or_else(|| Some(input? + output?))
}

fn call(entry: &Object, holder: &Object, usage: &Object, line: u64) -> Result<Call, BadCount> {
    let raw = counts(usage)?;
    let is_byok = entry::flag(usage.get("is_byok"));
    let (paid, paid_kind) = openrouter::paid(
        entry::money(usage.get("cost")),
        upstream(usage).filter(|_| is_byok == Some(true)),
        is_byok,
    );
    let of_either = |keys: &[&str]| entry::name_of(holder, keys).or_else(|| entry::name_of(entry, keys));
    let time_keys = ["created", "created_at", "started_at", "timestamp", "time"];
    let started = entry::time_of(holder, &time_keys).or_else(|| entry::time_of(entry, &time_keys));
    let request = object_at(entry, &["request", "body"]).or_else(|| object_at(entry, &["request"]));
    let session = of_either(&["session_id", "sessionId", "conversation_id"])
        .or_else(|| entry::name_of(request?, &["session_id"]));
    let metadata = holder.get("openrouter_metadata").and_then(Value::as_object);
    let attempts = metadata.and_then(|m| {
        let listed =
            m.get("attempts").and_then(Value::as_array).map(|list| list.len() as u64).filter(|n| *n > 0);
        let counted = entry::count(m.get("attempt")).ok().flatten().filter(|n| *n > 0);
        listed.or(counted).and_then(|n| u32::try_from(n).ok())
    });
    let choice = holder.get("choices").and_then(|choices| choices.get(0)).and_then(Value::as_object);
    let finish = choice
        .and_then(|choice| entry::text_of(choice, &["finish_reason", "native_finish_reason"]))
        .or_else(|| entry::text_of(holder, &["finish_reason", "stop_reason"]))
        .or_else(|| entry::text(holder.get("status")).filter(|_| holder.contains_key("output")))
        .map(|reason| outcome::finish_name(&reason));
    let (status, http) = status(holder, finish.as_deref());
    let is_messages =
        ["cache_read_input_tokens", "cache_creation_input_tokens"].iter().any(|k| usage.contains_key(*k))
            && usage.contains_key("input_tokens");
    let id = entry::text(holder.get("id"));
    Ok(Call {
        line,
        id_kind: id.as_deref().map_or(IdKind::Position, openrouter::id_kind),
        id: openrouter::id(id),
        started_at: started.map(|(at, _)| at),
        zone_known: started.is_some_and(|(_, known)| known),
        session_kind: given(session.as_ref()),
        session,
        platform: Some(openrouter::PLATFORM.into()),
        model_sent: request
            .and_then(|r| entry::name(r.get("model")))
            .or_else(|| entry::name(metadata?.get("requested"))),
        model_served: of_either(&["model"]),
        provider_name: of_either(&["provider", "provider_name"]),
        raw,
        usual_rule: is_messages.then_some(Rule { input: InputRule::Excludes, ..openrouter::RULE }),
        paid,
        paid_kind,
        latency_ms: entry::duration(entry.get("latency_ms").or_else(|| entry.get("duration_ms"))),
        status,
        http,
        error_class: error(holder).and_then(|error| entry::name_of(error, &["type", "code"])),
        attempts,
        finish: finish.map(Into::into),
        tool_calls: tool_calls(holder, choice),
        streamed: request.and_then(|r| entry::flag(r.get("stream"))),
        service_tier: of_either(&["service_tier"]),
        is_byok,
        gateway_cache_hit: is_replay(entry) || (is_unused(&raw, usage) && !status.is_failure()),
        ..Call::default()
    })
}

fn status(holder: &Object, finish: Option<&str>) -> (Status, Option<u16>) {
    if let Some(error) = error(holder) {
        let http = outcome::http(error.get("code"));
        let by_text =
            || outcome::of_error(&entry::text_of(error, &["message", "code", "type"]).unwrap_or_default());
        return (http.filter(|code| *code >= 400).map_or_else(by_text, outcome::of_http), http);
    }
    match finish {
        Some("error") => (Status::Error, None),
        Some("cancelled") => (Status::Cancelled, None),
        _ => (Status::Ok, None),
    }
}

fn tool_calls(holder: &Object, choice: Option<&Object>) -> Option<u32> {
    let of_chat = || Some(entry::at(choice?, &["message", "tool_calls"])?.as_array()?.len());
    let of_responses = || {
        let output = holder.get("output")?.as_array()?;
        Some(
            output.iter().filter(|item| item.get("type").is_some_and(|kind| kind == "function_call")).count(),
        )
    };
    of_chat().or_else(of_responses).and_then(|calls| u32::try_from(calls).ok())
}

/// Whether OpenRouter's response cache replayed the answer, by the header of the response.
fn is_replay(entry: &Object) -> bool {
    let headers = [&["headers"][..], &["response_headers"], &["response", "headers"]];
    headers.iter().filter_map(|path| object_at(entry, path)).flatten().any(|(key, value)| {
        key.eq_ignore_ascii_case("x-openrouter-cache-status")
            && value.as_str().is_some_and(|value| value.eq_ignore_ascii_case("hit"))
    })
}

/// Whether neither tokens nor money were used: an answer of the response cache, also if the log does not keep the headers.
fn is_unused(raw: &RawCounts, usage: &Object) -> bool {
    (raw.input, raw.output) == (Some(0), Some(0)) && entry::money(usage.get("cost")) == Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::PaidKind;
    use serde_json::json;

    fn read(values: &[Value]) -> crate::request_log::Found {
        let mut sink = Sink::default();
        for (place, value) in values.iter().enumerate() {
            Responses.read(&Entry { value, line: place as u64 + 1, table: None }, &mut sink);
        }
        sink.done()
    }

    fn sure(value: &Value) -> Sure {
        recognises(&Entry { value, line: 1, table: None }, &FileContext::default())
    }

    fn chat(id: &str, output: u64) -> Value {
        json!({"id": id, "object": "chat.completion", "created": 1_790_000_000, "model": "maker/m", "provider": "Host",
            "choices": [{"finish_reason": "tool_calls", "message": {"tool_calls": [{}, {}]}}],
            "usage": {"prompt_tokens": 500, "completion_tokens": output, "total_tokens": 500 + output,
                "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 100},
                "completion_tokens_details": {"reasoning_tokens": 4}, "cost": 0.002, "is_byok": false,
                "cost_details": {"upstream_inference_cost": 0.9}}})
    }

    #[test]
    fn a_chat_completion_is_read_whole() {
        let found = read(&[chat("gen-1", 20)]);
        let call = &found.calls[0];
        assert_eq!(
            (call.raw.read, call.raw.write, call.tokens().uncached),
            (Some(300), Some(100), Some(100))
        );
        assert_eq!((call.paid, call.paid_kind), (Some(0.002), PaidKind::Billed));
        assert_eq!((call.id_kind, call.finish.as_deref()), (IdKind::Generation, Some("tool_calls")));
        assert_eq!((call.provider_name.as_deref(), call.tool_calls), (Some("Host"), Some(2)));
        assert_eq!(sure(&chat("gen-1", 20)), Sure::Certain);
    }

    #[test]
    fn a_key_of_the_client_adds_the_cost_of_the_provider() {
        let mut own = chat("gen-1", 20);
        own["usage"]["is_byok"] = json!(true);
        own["usage"]["cost"] = json!(0);
        let call = &read(&[own]).calls[0];
        assert_eq!((call.paid, call.paid_kind), (Some(0.9), PaidKind::BilledPlusByok));
    }

    #[test]
    fn a_streamed_answer_counts_once_with_its_last_usage() {
        let part = json!({"id": "gen-1", "object": "chat.completion.chunk", "provider": "Host",
            "choices": [{"delta": {}}], "usage": null});
        let found = read(&[part.clone(), part.clone(), chat("gen-1", 3), chat("gen-1", 20)]);
        assert_eq!((found.calls.len(), found.duplicates), (1, 1));
        assert_eq!(found.calls[0].raw.output, Some(20));
        assert_eq!(found.notes["part of a streamed answer, without usage"], 2);
        assert_eq!(sure(&part), Sure::Certain);
    }

    #[test]
    fn responses_and_messages_are_read_by_their_own_names() {
        let responses = json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed",
            "output": [{"type": "function_call"}], "model": "maker/m", "usage": {"input_tokens": 90,
            "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 2}, "cost": 0.1, "is_byok": true,
            "cost_details": {"upstream_inference_input_cost": 0.2, "upstream_inference_output_cost": 0.3}}}});
        let messages = json!({"id": "gen-2", "usage": {"input_tokens": 5, "cache_read_input_tokens": 3,
            "cache_creation_input_tokens": 10, "cache_creation": {"ephemeral_1h_input_tokens": 10},
            "output_tokens": 1, "cost": 0.1}});
        let found = read(&[responses, messages]);
        assert_eq!((found.calls[0].id_kind, found.calls[0].raw.read), (IdKind::Response, Some(60)));
        assert!((found.calls[0].paid.expect("an amount") - 0.6).abs() < 1e-12);
        assert_eq!(found.calls[0].finish.as_deref(), Some("stop"));
        assert_eq!(found.calls[1].usual_rule.expect("a rule").input, InputRule::Excludes);
        assert_eq!((found.calls[1].raw.write, found.calls[1].raw.write_1h), (Some(0), Some(10)));
    }

    #[test]
    fn errors_are_failures_and_replays_are_marked() {
        let limited =
            json!({"error": {"code": 429, "message": "slow down", "metadata": {"provider_name": "Host"}}});
        let broken = json!({"id": "gen-9", "choices": [{"error": {"code": 502, "message": "x"}}],
            "usage": {"prompt_tokens": 4, "completion_tokens": 0, "cost": 0}});
        let stored = json!({"id": "gen-7", "model": "m", "choices": [{"finish_reason": "stop"}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0, "cost_details": {}}});
        assert!(read(&[stored]).calls[0].gateway_cache_hit, "without the headers");
        let mut replay = chat("gen-8", 0);
        replay["headers"] = json!({"X-OpenRouter-Cache-Status": "HIT"});
        let found = read(&[limited.clone(), broken, replay]);
        let ended: Vec<_> = found.calls.iter().map(|call| (call.status, call.http)).collect();
        assert_eq!(ended, [(Status::RateLimited, Some(429)), (Status::Error, Some(502)), (Status::Ok, None)]);
        assert!(found.calls[2].gateway_cache_hit);
        assert_eq!(sure(&limited), Sure::Likely);
    }

    #[test]
    fn other_records_are_left_to_other_readers_and_damage_is_counted() {
        let plain = json!({"id": "chatcmpl-1", "usage": {"prompt_tokens": 5, "completion_tokens": 1}});
        let gateway = json!({"call_type": "acompletion", "response": chat("gen-1", 1)});
        assert_eq!([sure(&plain), sure(&gateway), sure(&json!([1]))], [Sure::No; 3]);
        let negative = json!({"usage": {"prompt_tokens": -5, "cost": 1}});
        let strange =
            json!({"id": {"a": 1}, "model": "<b>\n\u{202e}", "usage": {"prompt_tokens": "12", "cost": -1}});
        let found = read(&[negative, json!({"a": 1}), json!(null), strange]);
        assert_eq!(found.unread.len(), 3);
        assert_eq!((found.calls[0].raw.input, found.calls[0].paid), (Some(12), None));
    }
}
