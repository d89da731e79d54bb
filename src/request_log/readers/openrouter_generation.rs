//! OpenRouter's record of one generation: `GET /generation`, and the "raw metadata" of the dashboard.
//!
//! Only native counts are used: the others count with another tokenizer. `latency` is the time to the first token;
//! `generation_time` is the whole time. `cache_discount` is positive and `usage_cache` negative if caching saved money.

use super::super::call::{Call, IdKind, RawCounts, Status};
use super::super::entry::{self, BadCount, Entry, FileContext, Object, given};
use super::super::format::{Format, Reader, Sure, Total};
use super::super::sink::{Keep, Sink};
use super::{openrouter, outcome};
use serde_json::Value;

/// The format.
pub(super) const FORMAT: Format = Format {
    id: "openrouter-generation",
    title: "OpenRouter generation (GET /generation, raw metadata of the dashboard)",
    rule: openrouter::RULE,
    total: Total::None,
    states_failures: true,
    recognises,
    reader: |_| Box::new(Generations),
};

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    let trace = trace(object);
    match trace.as_ref().or(Some(object)) {
        Some(object)
            if entry::object_at(object, &["metadata", "openrouter_generation"]).is_some()
                || generations(object).iter().any(|generation| is_generation(generation)) =>
        {
            Sure::Certain
        }
        _ => Sure::No,
    }
}

/// Whether an object is the record of a generation.
fn is_generation(object: &Object) -> bool {
    let has = |key: &str| object.contains_key(key);
    has("native_tokens_prompt")
        || (has("generation_id") && (has("usage_upstream") || has("usage_cache")))
        || (has("tokens_prompt") && has("total_cost") && has("provider_name"))
}

/// The records of an entry: bare, in `data`, or in the metadata of a trace.
fn generations(object: &Object) -> Vec<&Object> {
    match object.get("data") {
        Some(Value::Object(inner)) => vec![inner],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_object).collect(),
        _ => match entry::object_at(object, &["metadata", "openrouter_generation"]) {
            Some(inner) => vec![inner],
            None => vec![object],
        },
    }
}

/// A trace of a data warehouse has one column: the trace as JSON in a string.
fn trace(object: &Object) -> Option<Object> {
    object.get("trace").filter(|trace| trace.is_string()).and_then(|trace| entry::object_or_json(Some(trace)))
}

struct Generations;

impl Reader for Generations {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not an object", entry.line) };
        let trace = trace(object);
        let object = trace.as_ref().unwrap_or(object);
        for generation in generations(object) {
            let is_trace = entry::object_at(object, &["metadata", "openrouter_generation"]).is_some();
            let trace = is_trace.then_some(object);
            if trace.is_none() && !is_generation(generation) {
                let reason = if generation.contains_key("error") {
                    "an error of the API instead of a generation"
                } else {
                    "not a generation"
                };
                sink.unread(reason, entry.line);
                continue;
            }
            match call(generation, entry.line) {
                Ok(mut call) => {
                    if let Some(trace) = trace {
                        of_trace(&mut call, trace);
                    }
                    if call.raw.input.is_none() {
                        sink.note("generation without native token counts");
                    }
                    sink.push(call, Keep::Last);
                }
                Err(BadCount) => sink.unread(openrouter::BAD_COUNT, entry.line),
            }
        }
    }
}

/// Adds the session and the time of a trace that holds the record of a generation.
fn of_trace(call: &mut Call, trace: &Object) {
    if call.session.is_none() {
        call.session = entry::name_of(trace, &["sessionId", "session_id"]);
        call.session_kind = given(call.session.as_ref());
    }
    if call.started_at.is_none()
        && let Some((at, known)) = entry::time_of(trace, &["timestamp", "startTime"])
    {
        (call.started_at, call.zone_known) = (Some(at), known);
    }
}

/// The call of a generation.
///
/// # Errors
/// [`BadCount`].
pub(super) fn call(row: &Object, line: u64) -> Result<Call, BadCount> {
    let raw = RawCounts {
        input: entry::count(row.get("native_tokens_prompt"))?,
        read: entry::count(row.get("native_tokens_cached"))?,
        write: entry::count_of(row, &["native_tokens_cache_write", "native_tokens_cache_creation"])?,
        output: entry::count(row.get("native_tokens_completion"))?,
        reasoning: entry::count(row.get("native_tokens_reasoning"))?,
        ..RawCounts::default()
    };
    let attempts = openrouter::attempts(row.get("provider_responses"));
    let is_byok = entry::flag(row.get("is_byok")).or(attempts.as_ref().and_then(|attempts| attempts.is_byok));
    let upstream = entry::money(row.get("byok_usage_inference"))
        .or_else(|| entry::money(row.get("upstream_inference_cost")).filter(|_| is_byok == Some(true)));
    let charge = entry::money(row.get("total_cost")).or_else(|| entry::money(row.get("usage")));
    let (paid, paid_kind) = openrouter::paid(charge, upstream, is_byok);
    let streamed = entry::flag(row.get("streamed"));
    let (first, whole) = (entry::duration(row.get("latency")), entry::duration(row.get("generation_time")));
    let is_first = first.zip(whole).is_some_and(|(first, whole)| first < whole) && streamed == Some(true);
    let started = entry::time(row.get("created_at"));
    let session = entry::name(row.get("session_id"));
    let finish = entry::text_of(row, &["finish_reason", "native_finish_reason"])
        .map(|reason| outcome::finish_name(&reason));
    let http = attempts.as_ref().and_then(|attempts| attempts.http).filter(|code| *code >= 400);
    let mut call = Call {
        line,
        id: openrouter::id(id(row)),
        id_kind: IdKind::Generation,
        started_at: started.map(|(at, _)| at),
        zone_known: started.is_some_and(|(_, known)| known),
        session_kind: given(session.as_ref()),
        session,
        platform: Some(openrouter::PLATFORM.into()),
        model_sent: entry::name(row.get("router")),
        model_served: entry::name(row.get("model")),
        provider_name: entry::name(row.get("provider_name")),
        endpoint_id: entry::name(row.get("endpoint_id")),
        app: entry::name_of(row, &["app_name", "app"]),
        key: entry::name(row.get("api_key_name")),
        raw,
        paid,
        paid_kind,
        cache_saving: entry::number(row.get("cache_discount"))
            .or_else(|| entry::number(row.get("usage_cache")).map(|cost| 0.0 - cost)),
        latency_ms: first.into_iter().chain(whole).reduce(f64::max),
        ttft_ms: first.filter(|_| is_first),
        overhead_ms: entry::duration(row.get("moderation_latency")),
        status: status(row, finish.as_deref(), http, raw.output),
        http,
        finish: finish.map(Into::into),
        streamed,
        service_tier: entry::name(row.get("service_tier")),
        is_byok,
        gateway_cache_hit: entry::text(row.get("response_cache_source_id")).is_some(),
        ..Call::default()
    };
    if let Some(attempts) = attempts {
        attempts.complete(&mut call);
    }
    Ok(call)
}

/// The id: the dashboard keeps it in `generation_id`, beside an `id` of 0.
fn id(row: &Object) -> Option<String> {
    entry::text(row.get("generation_id"))
        .or_else(|| row.get("id").filter(|id| id.is_string()).and_then(|id| entry::text(Some(id))))
}

fn status(row: &Object, finish: Option<&str>, http: Option<u16>, output: Option<u64>) -> Status {
    if entry::flag(row.get("cancelled")) == Some(true) {
        return Status::Cancelled;
    }
    match http {
        Some(code) if output.unwrap_or(0) == 0 => outcome::of_http(code),
        _ if finish == Some("error") => Status::Error,
        _ => Status::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::PaidKind;
    use serde_json::json;

    fn read(values: &[Value]) -> crate::request_log::Found {
        let mut sink = Sink::default();
        for (place, value) in values.iter().enumerate() {
            let entry = Entry { value, line: place as u64 + 1, table: None };
            Generations.read(&entry, &mut sink);
        }
        sink.done()
    }

    fn generation() -> Value {
        json!({"id": "gen-1", "model": "maker/model-1", "created_at": "2026-08-01T10:00:00Z", "streamed": true,
            "latency": 700, "generation_time": 4000, "moderation_latency": 20, "tokens_prompt": 100,
            "native_tokens_prompt": 150, "native_tokens_cached": 120, "native_tokens_completion": 30,
            "native_tokens_reasoning": 10, "total_cost": 0.01, "usage": 0.01, "upstream_inference_cost": 0.5,
            "is_byok": false, "cache_discount": 0.002, "finish_reason": "stop", "session_id": "s-1",
            "provider_responses": [{"endpoint_id": "e-0", "status": 429, "provider_name": "Zero"},
                {"endpoint_id": "e-1", "status": 200, "provider_name": "One"}]})
    }

    #[test]
    fn native_counts_and_the_charge_are_read() {
        let found = read(&[json!({"data": generation()})]);
        let call = &found.calls[0];
        assert_eq!((call.raw.input, call.raw.read, call.tokens().uncached), (Some(150), Some(120), Some(30)));
        assert_eq!((call.paid, call.paid_kind), (Some(0.01), PaidKind::Billed));
        assert_eq!((call.latency_ms, call.ttft_ms), (Some(4000.0), Some(700.0)));
        assert_eq!((call.attempts, call.endpoint_id.as_deref()), (Some(2), Some("e-1")));
        assert_eq!((call.session.as_deref(), call.cache_saving), (Some("s-1"), Some(0.002)));
        assert_eq!((call.status, call.http), (Status::Ok, None));
    }

    #[test]
    fn the_cost_of_the_provider_counts_only_with_a_key_of_the_client() {
        let mut own = generation();
        own["is_byok"] = json!(true);
        let call = &read(&[own]).calls[0];
        assert_eq!((call.paid, call.paid_kind), (Some(0.51), PaidKind::BilledPlusByok));
    }

    #[test]
    fn the_metadata_of_the_dashboard_has_its_id_elsewhere() {
        let row = |id: &str| {
            json!({"id": 0, "generation_id": id, "model": "m", "native_tokens_prompt": 90, "native_tokens_cached": 9,
                "native_tokens_completion": 5, "usage": 0.3, "usage_upstream": 0.3, "usage_cache": -0.1,
                "byok_usage_inference": 0, "latency": 10, "generation_time": 50, "streamed": true})
        };
        let found = read(&[row("gen-a"), row("gen-b"), row("gen-a")]);
        assert_eq!((found.calls.len(), found.duplicates), (2, 1));
        assert_eq!((found.calls[0].cache_saving, found.calls[0].paid), (Some(0.1), Some(0.3)));
    }

    #[test]
    fn a_replayed_answer_is_marked_and_a_cancelled_one_is_a_failure() {
        let mut replay = generation();
        replay["response_cache_source_id"] = json!("gen-0");
        let mut cancelled = generation();
        cancelled["id"] = json!("gen-2");
        cancelled["cancelled"] = json!(true);
        let found = read(&[replay, cancelled]);
        assert!(found.calls[0].gateway_cache_hit && !found.calls[0].is_answered());
        assert_eq!(found.calls[1].status, Status::Cancelled);
    }

    #[test]
    fn failures_of_every_attempt_and_damaged_records_are_counted() {
        let failed =
            json!({"id": "gen-3", "native_tokens_prompt": null, "provider_responses": [{"status": 429}]});
        let negative = json!({"id": "gen-4", "native_tokens_prompt": -3});
        let missing = json!({"error": {"code": 404, "message": "no generation"}});
        let found = read(&[failed, negative, missing, json!("text"), json!({"data": {"id": "<b>"}})]);
        assert_eq!((found.calls[0].status, found.calls[0].raw.input), (Status::RateLimited, None));
        assert_eq!(found.notes["generation without native token counts"], 1);
        assert_eq!(found.unread.values().map(|unread| unread.entries).sum::<u64>(), 4);
    }

    #[test]
    fn a_trace_of_a_data_warehouse_holds_the_generation() {
        let trace =
            json!({"timestamp": "2026-08-01T10:00:00Z", "metadata": {"openrouter_generation": generation()}});
        let found = read(&[json!({"trace": trace.to_string()}), trace]);
        assert_eq!((found.calls.len(), found.duplicates), (1, 1));
    }
}
