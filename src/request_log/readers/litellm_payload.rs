//! LiteLLM's `StandardLoggingPayload`, as its callbacks and the logs in S3, GCS and files have it.

use super::litellm::{object_of, put_answer, put_origin, put_outcome, put_times, row_counts, without_tokens};
use super::outcome::status_of;
use super::plain::BAD_COUNTS;
use crate::request_log::call::{Call, IdKind, InputRule, OutputRule, PaidKind, RawCounts, Rule, Status};
use crate::request_log::entry::{Entry, FileContext, Object, flag, given, money, name, object_at, text};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};

/// The format.
pub const FORMAT: Format = Format {
    id: "litellm-standard-logging",
    title: "Standard logging payloads of LiteLLM",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::OfFields,
    states_failures: true,
    recognises,
    reader: |_| Box::new(Payloads),
};

struct Payloads;

/// The payload of an entry: itself, or within the arguments of a callback.
fn payload(object: &Object) -> &Object {
    object_at(object, &["standard_logging_object"])
        .or_else(|| object_at(object, &["kwargs", "standard_logging_object"]))
        .or_else(|| object_at(object, &["standard_logging_payload"]))
        .unwrap_or(object)
}

fn is_payload(object: &Object) -> bool {
    let has = |key: &str| object.contains_key(key);
    has("response_cost")
        && has("startTime")
        && (has("call_type") || has("hidden_params") || has("model_map_information"))
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    if entry.object().is_some_and(|object| is_payload(payload(object))) { Sure::Certain } else { Sure::No }
}

impl Reader for Payloads {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(row) = entry.object().map(payload) else {
            return sink.unread("not a JSON object", entry.line);
        };
        if !is_payload(row) {
            return sink.unread("not a standard logging payload of LiteLLM", entry.line);
        }
        let metadata = object_of(row.get("metadata"));
        let response = object_of(row.get("response"));
        let Ok(raw) = row_counts(row, metadata.as_deref(), response.as_deref()) else {
            return sink.unread(BAD_COUNTS, entry.line);
        };
        let id = text(row.get("id"));
        let session = name(row.get("session_id")).or_else(|| name(row.get("trace_id")));
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Response } else { IdKind::Position },
            session_kind: given(session.as_ref()),
            session,
            model_sent: name(row.get("model_group")).or_else(|| name(row.get("model"))),
            model_served: response
                .as_ref()
                .and_then(|r| name(r.get("model")))
                .or_else(|| name(row.get("model"))),
            raw,
            rule: FORMAT.rule,
            ..Call::default()
        };
        put_times(&mut call, row, flag(row.get("stream")));
        put_origin(&mut call, row, metadata.as_deref());
        put_outcome(&mut call, row, metadata.as_deref());
        if let Some(response) = response.as_deref() {
            put_answer(&mut call, response);
        }
        call.gateway_cache_hit = flag(row.get("cache_hit")) == Some(true)
            || id.as_deref().is_some_and(|id| id.contains("_cache_hit"));
        call.id = id.map(String::into_boxed_str);
        let has_tokens = raw.input.unwrap_or(0) > 0 || raw.output.unwrap_or(0) > 0;
        if call.status.is_failure() {
            if !has_tokens {
                call.raw = RawCounts::default();
            }
        } else if !has_tokens {
            return sink.unread(&without_tokens(row), entry.line);
        } else if matches!(call.status, Status::Ok | Status::Unknown) {
            call.status = status_of(call.finish.as_ref());
        }
        if let Some(cost) = money(row.get("response_cost")).filter(|cost| *cost > 0.0) {
            (call.paid, call.paid_kind) = (Some(cost), PaidKind::ComputedByTool);
        } else if has_tokens && !call.gateway_cache_hit && !call.status.is_failure() {
            sink.note("a cost of 0: the model has no price in LiteLLM, or it is free; not counted as a bill");
        }
        sink.push(call, Keep::LargestOutput);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::{Value, json};

    fn payload_with(more: &Value) -> Value {
        let mut row = json!({"id": "chatcmpl-1", "trace_id": "t", "call_type": "acompletion", "stream": true,
            "status": "success", "custom_llm_provider": "anthropic", "response_cost": 0.002, "startTime": 1_790_000_000.25,
            "endTime": 1_790_000_003.25, "completionStartTime": 1_790_000_000.75, "model": "claude-x", "model_group": "smart",
            "prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 540,
            "metadata": {"user_api_key_alias": "team", "usage_object": {"prompt_tokens": 500, "cache_read_input_tokens": 450}},
            "hidden_params": {"litellm_overhead_time_ms": 3.5}, "error_information": null,
            "response": {"model": "claude-x-2", "choices": [{"finish_reason": "length"}]}});
        row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        row
    }

    #[test]
    fn a_payload_is_read_with_times_cost_and_overhead() {
        let row = payload_with(&json!({}));
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)), (Some(FORMAT.id), Sure::Certain));
        let found = read(&FORMAT, &[row]);
        let call = &found.calls[0];
        assert_eq!((call.latency_ms, call.ttft_ms, call.overhead_ms), (Some(3000.0), Some(500.0), Some(3.5)));
        assert_eq!((call.tokens().uncached, call.tokens().read), (Some(50), Some(450)));
        assert_eq!((call.paid, call.paid_kind), (Some(0.002), PaidKind::ComputedByTool));
        assert_eq!(
            (call.model_sent.as_deref(), call.model_served.as_deref()),
            (Some("smart"), Some("claude-x-2"))
        );
        assert_eq!((call.finish.as_deref(), call.session.as_deref()), (Some("length"), Some("t")));
    }

    #[test]
    fn a_wrapped_payload_a_failure_and_a_replay_are_read() {
        let failed =
            payload_with(&json!({"id": "f", "status": "failure", "prompt_tokens": 0, "completion_tokens": 0,
            "response_cost": 0, "response": null, "metadata": {},
            "error_information": {"error_code": "500", "error_class": "InternalServerError"}}));
        let found = read(
            &FORMAT,
            &[
                json!({"kwargs": {"standard_logging_object": payload_with(&json!({}))}}),
                failed,
                payload_with(&json!({"id": "r", "cache_hit": true, "response_cost": 0})),
            ],
        );
        assert_eq!(found.calls.len(), 3);
        assert_eq!(
            (found.calls[1].status, found.calls[1].http, found.calls[1].raw.input),
            (Status::Error, Some(500), None)
        );
        assert!(found.calls[2].gateway_cache_hit);
    }

    #[test]
    fn what_is_no_call_is_counted() {
        let found = read(
            &FORMAT,
            &[
                payload_with(&json!({"prompt_tokens": -1})),
                payload_with(&json!({"prompt_tokens": 0, "completion_tokens": 0, "metadata": {}})),
                json!({"x": 1}),
            ],
        );
        assert_eq!((found.calls.len(), found.unread.len()), (0, 3));
    }
}
