//! OpenRouter's broadcast: deliveries of OTLP/JSON, one for each request, and the rows of the table that it fills in a
//! data warehouse (`OPENROUTER_TRACES`).

use super::super::call::{Call, IdKind, RawCounts, Status};
use super::super::entry::{self, BadCount, Entry, FileContext, Object, given};
use super::super::format::{Format, Reader, Sure, Total};
use super::super::sink::{Keep, Sink};
use super::openrouter_span::is_openrouter;
use super::otel_genai::Telemetry;
use super::{openrouter, otlp, outcome};

/// The format.
pub(super) const FORMAT: Format = Format {
    id: "openrouter-broadcast",
    title: "OpenRouter broadcast (OTLP/JSON, table OPENROUTER_TRACES)",
    rule: openrouter::RULE,
    total: Total::OfFields,
    states_failures: true,
    recognises,
    reader: |_| Box::new(Broadcast::default()),
};

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    if is_certain(object) {
        return Sure::Certain;
    }
    if !otlp::is_container(object) && !object.contains_key("attributes") {
        return Sure::No;
    }
    let records = otlp::records(entry.value);
    if !records.is_empty() && records.iter().all(is_openrouter) { Sure::Certain } else { Sure::No }
}

/// Whether an object is a row of the table: its columns are in upper case, or name the span's type or the host's tag. A
/// failed request may leave out the tokens and the cost.
fn is_row(object: &Object) -> bool {
    let has = |name: &str| object.contains_key(name);
    let is_upper = has("TRACE_ID") && ["MODEL", "SPAN_TYPE", "PROVIDER_SLUG"].iter().any(|name| has(name));
    let is_lower = has("trace_id") && has("model") && (has("span_type") || has("provider_slug"));
    (is_upper || is_lower) && (has_usage(object) || !has("attributes") && !otlp::is_container(object))
}

/// Whether an object has the columns of tokens that no other format combines.
fn has_usage(object: &Object) -> bool {
    let has = |name: &str| object.contains_key(name);
    has("MODEL") && has("PROMPT_TOKENS") || has("prompt_tokens") && has("total_cost")
}

/// Whether an object is a row of this table and of no other one.
fn is_certain(object: &Object) -> bool {
    is_row(object) && (has_usage(object) || object.contains_key("provider_slug"))
}

/// The rows of the table are read here, the deliveries as any other telemetry.
#[derive(Default)]
struct Broadcast {
    telemetry: Telemetry,
}

impl Reader for Broadcast {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object().filter(|object| is_row(object)) else {
            return self.telemetry.read(entry, sink);
        };
        let row: Object =
            object.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone())).collect();
        let kind = entry::text(row.get("span_type")).unwrap_or_default();
        if !kind.is_empty() && !kind.eq_ignore_ascii_case("generation") {
            return sink.note("span of OpenRouter that repeats its request");
        }
        match of_row(&row, entry.line) {
            Ok(call) => sink.push(call, Keep::Last),
            Err(BadCount) => sink.unread(openrouter::BAD_COUNT, entry.line),
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        self.telemetry.finish(sink);
    }
}

fn of_row(row: &Object, line: u64) -> Result<Call, BadCount> {
    let count = |keys: &[&str]| entry::count_of(row, keys);
    let text = |keys: &[&str]| entry::name_of(row, keys);
    let raw = RawCounts {
        input: count(&["prompt_tokens", "input_tokens"])?,
        read: count(&["cached_tokens", "cache_read_tokens", "input_tokens_cached"])?,
        write: count(&["cache_write_tokens", "cache_creation_tokens"])?,
        output: count(&["completion_tokens", "output_tokens"])?,
        reasoning: count(&["reasoning_tokens"])?,
        total: count(&["total_tokens"])?,
        ..RawCounts::default()
    };
    let metadata = entry::object_or_json(row.get("metadata")).unwrap_or_default();
    let generation = entry::object_at(&metadata, &["openrouter_generation"]);
    let stated = |key: &str| row.get(key).or_else(|| generation?.get(key));
    let attempts =
        openrouter::attempts(stated("provider_responses").or_else(|| metadata.get("provider_responses")));
    let is_byok = entry::flag(stated("is_byok"));
    let charge = entry::money(row.get("total_cost"));
    let (paid, paid_kind) = openrouter::paid(charge, entry::money(stated("byok_usage_inference")), is_byok);
    let started = entry::time_of(row, &["start_time", "timestamp", "created_at"]);
    let finish = entry::text(row.get("finish_reason")).map(|reason| outcome::finish_name(&reason));
    let session = text(&["session_id"]);
    let generation_id = ["generation_id", "response_id", "id", "openrouter_trace_id"]
        .iter()
        .find_map(|key| entry::text(row.get(*key)).filter(|id| id.starts_with("gen-")));
    let span = entry::text(row.get("trace_id")).map(|trace| {
        let span = entry::text(row.get("span_id")).unwrap_or_default();
        format!("{}:{}", trace.to_ascii_lowercase(), span.to_ascii_lowercase())
    });
    let streamed = entry::flag(stated("streamed"));
    let mut call = Call {
        line,
        id_kind: if generation_id.is_some() { IdKind::Generation } else { IdKind::Span },
        id: openrouter::id(generation_id.or(span)),
        started_at: started.map(|(at, _)| at),
        ended_at: entry::time_of(row, &["end_time"]).map(|(at, _)| at),
        zone_known: started.is_some_and(|(_, known)| known),
        session_kind: given(session.as_ref()),
        session,
        platform: Some(openrouter::PLATFORM.into()),
        model_sent: text(&["request_model", "model"]),
        model_served: text(&["response_model", "model_permaslug"]),
        provider_name: text(&["provider_name"]),
        provider_tag: text(&["provider_slug"]),
        endpoint_id: text(&["endpoint_id"]),
        app: text(&["app_name"]),
        key: text(&["api_key_name"]),
        raw,
        paid,
        paid_kind,
        cache_saving: entry::number(stated("usage_cache")).map(|cost| 0.0 - cost),
        latency_ms: ["duration_ms", "latency_ms"].iter().find_map(|key| entry::duration(row.get(*key))),
        ttft_ms: ["first_token_ms", "time_to_first_token_ms"]
            .iter()
            .find_map(|key| entry::duration(row.get(*key)))
            .filter(|_| streamed != Some(false)),
        router_ms: entry::duration(row.get("router_latency_ms")),
        status: status(row, finish.as_deref()),
        finish: finish.map(Into::into),
        streamed,
        is_byok,
        ..Call::default()
    };
    if let Some(attempts) = attempts {
        attempts.complete(&mut call);
    }
    Ok(call)
}

fn status(row: &Object, finish: Option<&str>) -> Status {
    let stated =
        entry::text_of(row, &["status", "status_code", "level"]).unwrap_or_default().to_ascii_uppercase();
    let is_ok = matches!(stated.as_str(), "" | "SUCCESS" | "OK" | "UNSET" | "DEFAULT" | "1" | "0" | "200");
    if is_ok {
        return if finish == Some("error") { Status::Error } else { Status::Ok };
    }
    let message = entry::text_of(row, &["status_message", "error_message", "error"]).unwrap_or(stated);
    outcome::of_error(&message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::PaidKind;
    use serde_json::{Value, json};

    fn read(values: &[Value]) -> crate::request_log::Found {
        let (mut sink, mut reader) = (Sink::default(), Broadcast::default());
        for (place, value) in values.iter().enumerate() {
            reader.read(&Entry { value, line: place as u64 + 1, table: None }, &mut sink);
        }
        reader.finish(&mut sink);
        sink.done()
    }

    fn sure(value: &Value) -> Sure {
        recognises(&Entry { value, line: 1, table: None }, &FileContext::default())
    }

    fn attribute(key: &str, value: Value) -> Value {
        let kind = match &value {
            Value::String(_) => "stringValue",
            Value::Bool(_) => "boolValue",
            Value::Number(number) if number.is_f64() => "doubleValue",
            _ => "intValue",
        };
        json!({"key": key, "value": {kind: value}})
    }

    fn delivery(span: &str, status: Value, attributes: &[(&str, Value)]) -> Value {
        let attributes: Vec<Value> =
            attributes.iter().map(|(key, value)| attribute(key, value.clone())).collect();
        json!({"resourceSpans": [{"resource": {"attributes": [attribute("service.name", json!("openrouter"))]},
            "scopeSpans": [{"scope": {"name": "openrouter"}, "spans": [{"traceId": "1a", "spanId": span,
            "name": "LLM Generation", "startTimeUnixNano": "1790000000000000000",
            "endTimeUnixNano": "1790000002000000000", "status": status, "attributes": attributes}]}]}]})
    }

    fn usage() -> Vec<(&'static str, Value)> {
        vec![
            ("span.type", json!("generation")),
            ("gen_ai.provider.name", json!("maker")),
            ("gen_ai.request.model", json!("maker/m")),
            ("gen_ai.response.id", json!("gen-1")),
            ("gen_ai.usage.input_tokens", json!(100)),
            ("gen_ai.usage.input_tokens.cached", json!("70")),
            ("gen_ai.usage.input_tokens.cache_write", json!(20)),
            ("gen_ai.usage.input_tokens.cache_write_5m", json!(20)),
            ("gen_ai.usage.output_tokens", json!(10)),
            ("gen_ai.usage.total_cost", json!(0.25)),
            ("gen_ai.response.finish_reasons", json!("[\"stop\"]")),
            ("trace.metadata.openrouter.provider_name", json!("Host")),
            ("trace.metadata.openrouter.provider_slug", json!("host/fp8")),
            ("trace.metadata.openrouter.router_latency_ms", json!(12.5)),
            ("trace.metadata.openrouter.first_token_ms", json!(300)),
            (
                "trace.metadata.provider_responses",
                json!("[{\"status\":200,\"endpoint_id\":\"e-1\",\"is_byok\":false}]"),
            ),
        ]
    }

    #[test]
    fn the_root_span_is_the_call_and_a_repeated_delivery_counts_once() {
        let value = delivery("2b", json!({"code": 1}), &usage());
        let found = read(&[value.clone(), value.clone()]);
        assert_eq!((found.calls.len(), found.duplicates), (1, 1));
        let call = &found.calls[0];
        assert_eq!((call.raw.read, call.raw.write, call.raw.write_5m), (Some(70), Some(0), Some(20)));
        assert_eq!((call.tokens().uncached, call.id.as_deref()), (Some(10), Some("gen-1")));
        assert_eq!(
            (call.provider_name.as_deref(), call.provider_tag.as_deref()),
            (Some("Host"), Some("host/fp8"))
        );
        assert_eq!((call.endpoint_id.as_deref(), call.attempts), (Some("e-1"), Some(1)));
        assert_eq!((call.router_ms, call.ttft_ms, call.latency_ms), (Some(12.5), Some(300.0), Some(2000.0)));
        assert_eq!((call.paid, call.paid_kind), (Some(0.25), PaidKind::Billed));
        assert_eq!(sure(&value), Sure::Certain);
    }

    #[test]
    fn a_disconnected_client_is_a_failure_with_its_session() {
        let status = json!({"code": 2, "message": "The client has disconnected"});
        let value =
            delivery("2b", status, &[("session.id", json!("s-1")), ("span.type", json!("generation"))]);
        let call = &read(&[value]).calls[0];
        assert_eq!((call.status, call.session.as_deref()), (Status::Cancelled, Some("s-1")));
        assert_eq!((call.raw.input, call.paid), (None, None));
    }

    #[test]
    fn a_key_of_the_client_is_a_fee_unless_the_charge_of_the_provider_is_stated() {
        let mut own = usage();
        own.push(("trace.metadata.openrouter_generation.is_byok", json!(true)));
        let fee = &read(&[delivery("2b", json!({}), &own)]).calls[0];
        assert_eq!((fee.paid, fee.paid_kind), (Some(0.25), PaidKind::FeeOnly));
        own.push(("trace.metadata.openrouter_generation.byok_usage_inference", json!(1.5)));
        let whole = &read(&[delivery("2b", json!({}), &own)]).calls[0];
        assert_eq!((whole.paid, whole.paid_kind), (Some(1.75), PaidKind::BilledPlusByok));
    }

    #[test]
    fn rows_of_the_table_are_calls_if_they_are_generations() {
        let row = |kind: &str, span: &str, status: &str| {
            json!({"TRACE_ID": "T", "SPAN_ID": span, "SPAN_TYPE": kind, "TIMESTAMP": "2026-09-21 13:33:20",
                "MODEL": "maker/m", "PROVIDER_NAME": "Host", "PROMPT_TOKENS": "50", "CACHED_TOKENS": 20,
                "COMPLETION_TOKENS": 5, "TOTAL_COST": 0.5, "STATUS": status, "DURATION_MS": 900,
                "METADATA": "{\"openrouter_generation\":{\"is_byok\":false,\"usage_cache\":-0.1}}"})
        };
        let rows = [
            row("GENERATION", "a", "SUCCESS"),
            row("SPAN", "b", "SUCCESS"),
            row("GENERATION", "c", "TIMEOUT"),
        ];
        assert_eq!(sure(&rows[0]), Sure::Certain);
        let found = read(&rows);
        assert_eq!(found.calls.len(), 2);
        assert_eq!((found.calls[0].raw.read, found.calls[0].cache_saving), (Some(20), Some(0.1)));
        assert_eq!(found.calls[1].status, Status::Timeout);
        assert_eq!(found.notes["span of OpenRouter that repeats its request"], 1);
    }

    #[test]
    fn a_failed_row_without_usage_is_a_failure() {
        let row = json!({"trace_id": "t", "generation_id": "gen-7", "span_type": "GENERATION", "model": "maker/m",
            "provider_slug": "host", "start_time": "2026-09-21T13:33:20Z", "status": "ERROR",
            "status_message": "rate limit exceeded"});
        assert_eq!(sure(&row), Sure::Certain);
        let upper = json!({"TRACE_ID": "u", "SPAN_TYPE": "GENERATION", "STATUS": "TIMEOUT"});
        let found = read(&[row, upper]);
        assert!(found.unread.is_empty(), "{:?}", found.unread);
        let seen: Vec<_> = found.calls.iter().map(|call| (call.status, call.raw.input, call.paid)).collect();
        assert_eq!(seen, [(Status::RateLimited, None, None), (Status::Timeout, None, None)]);
        let span = json!({"trace_id": "t", "span_id": "s", "model": "m", "span_type": "x", "attributes": {}});
        assert_eq!(sure(&span), Sure::No);
    }

    #[test]
    fn other_telemetry_is_left_to_its_reader_and_damage_is_counted() {
        let other = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "1", "spanId": "2", "name": "x",
            "attributes": []}]}]}]});
        assert_eq!([sure(&other), sure(&json!({"resourceSpans": []})), sure(&json!(1))], [Sure::No; 3]);
        let negative = delivery("2b", json!({}), &[("gen_ai.usage.input_tokens", json!(-5))]);
        let found =
            read(&[negative, json!({"MODEL": "m", "TRACE_ID": "t", "PROMPT_TOKENS": {}}), json!("x")]);
        assert_eq!(found.unread[openrouter::BAD_COUNT].entries, 2);
        assert_eq!(found.unread["no span and no log record"].entries, 1);
    }
}
