//! LiteLLM's spend logs: rows of the table `LiteLLM_SpendLogs` from the API, a page of it, or a dump of the database.

use super::litellm::{object_of, put_answer, put_origin, put_outcome, put_times, row_counts, without_tokens};
use super::outcome::status_of;
use super::plain::BAD_COUNTS;
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, Status,
};
use crate::request_log::entry::{Entry, FileContext, Object, flag, given, money, name, text, time_of};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The format.
pub const FORMAT: Format = Format {
    id: "litellm-spend-logs",
    title: "Spend logs of LiteLLM",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::OfFields,
    states_failures: true,
    recognises,
    reader: |_| Box::new(SpendLogs),
};

struct SpendLogs;

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let first = rows(entry.value).first().copied();
    match first {
        Some(row) if is_row(row) || is_day(row) => Sure::Certain,
        None if is_empty_page(entry.value) => Sure::Likely,
        _ => Sure::No,
    }
}

/// A page of the API without rows: `{data: [], total: 0, page, page_size, total_pages}`.
fn is_empty_page(value: &Value) -> bool {
    let is_empty = value.get("data").and_then(Value::as_array).is_some_and(Vec::is_empty);
    is_empty && value.get("total").and_then(Value::as_u64) == Some(0)
}

fn is_row(row: &Object) -> bool {
    let has = |key: &str| row.contains_key(key);
    has("spend") && (has("call_type") || (has("request_id") && has("prompt_tokens"))) && !has("response_cost")
}

/// The API's sums of a day: `{startTime, spend, users, models}`.
fn is_day(row: &Object) -> bool {
    row.contains_key("spend")
        && row.contains_key("startTime")
        && row.get("models").is_some_and(Value::is_object)
}

/// The rows of an entry: itself, or those of a page `{data, total, page, …}`.
fn rows(value: &Value) -> Vec<&Object> {
    let Some(object) = value.as_object() else { return Vec::new() };
    match object.get("data").or_else(|| object.get("logs")).and_then(Value::as_array) {
        Some(rows) if !object.contains_key("spend") => rows.iter().filter_map(Value::as_object).collect(),
        _ => vec![object],
    }
}

impl Reader for SpendLogs {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        if entry.object().is_none() {
            return sink.unread("not a JSON object", entry.line);
        }
        for row in rows(entry.value) {
            if is_day(row) && !is_row(row) {
                day(row, entry.line, sink);
            } else if is_row(row) {
                self::row(row, entry.line, sink);
            } else {
                sink.unread("not a row of LiteLLM's spend logs", entry.line);
            }
        }
    }
}

fn row(row: &Object, line: u64, sink: &mut Sink) {
    let metadata = object_of(row.get("metadata"));
    let response = row.get("response").filter(|response| response.is_object() || response.is_string());
    let response = object_of(response);
    let Ok(raw) = row_counts(row, metadata.as_deref(), response.as_deref()) else {
        return sink.unread(BAD_COUNTS, line);
    };
    let id = text(row.get("request_id"));
    let session = name(row.get("session_id"));
    let request = object_of(row.get("proxy_server_request"));
    let streamed = request.and_then(|request| flag(request.get("stream")));
    let mut call = Call {
        line,
        id_kind: if id.is_some() { IdKind::Response } else { IdKind::Position },
        session_kind: given(session.as_ref()),
        session,
        model_sent: name(row.get("model_group")),
        model_served: name(row.get("model")),
        raw,
        rule: FORMAT.rule,
        ..Call::default()
    };
    put_times(&mut call, row, streamed);
    put_origin(&mut call, row, metadata.as_deref());
    put_outcome(&mut call, row, metadata.as_deref());
    if let Some(response) = response.as_deref() {
        put_answer(&mut call, response);
    }
    // Its own reply cache repeats the counts of the stored answer and adds the time to its id.
    call.gateway_cache_hit =
        flag(row.get("cache_hit")) == Some(true) || id.as_deref().is_some_and(|id| id.contains("_cache_hit"));
    call.id = id.map(String::into_boxed_str);
    // A spend of zero is what LiteLLM writes for a model without a price.
    let spend = money(row.get("spend")).filter(|spend| *spend > 0.0);
    let has_tokens = raw.input.unwrap_or(0) > 0 || raw.output.unwrap_or(0) > 0;
    if call.status.is_failure() {
        if !has_tokens {
            call.raw = RawCounts::default();
        }
    } else if has_tokens {
        // A row of an older version has no status; with tokens, it was answered.
        call.status = status_of(call.finish.as_ref());
    } else if spend.is_some() {
        call.raw = RawCounts::default();
        sink.note("a paid call without token counts, such as speech or an image");
    } else {
        return sink.unread(&without_tokens(row), line);
    }
    if let Some(spend) = spend {
        (call.paid, call.paid_kind) = (Some(spend), PaidKind::ComputedByTool);
    } else if has_tokens && !call.gateway_cache_hit && !call.status.is_failure() {
        sink.note("a spend of 0: the model has no price in LiteLLM, or it is free; not counted as a bill");
    }
    sink.push(call, Keep::LargestOutput);
}

/// The sums of a day, one for each model; they have no tokens.
fn day(row: &Object, line: u64, sink: &mut Sink) {
    let started = time_of(row, &["startTime"]);
    let models = row.get("models").and_then(Value::as_object);
    for (model, spend) in models.into_iter().flatten() {
        let call = Call {
            line,
            started_at: started.map(|(at, _)| at),
            zone_known: started.is_some_and(|(_, known)| known),
            platform: Some(Name::from("litellm")),
            model_served: name(Some(&Value::from(model.as_str()))),
            paid: money(Some(spend)),
            paid_kind: PaidKind::ComputedByTool,
            aggregated: Some(0),
            status: Status::Unknown,
            ..Call::default()
        };
        sink.push(call, Keep::First);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    fn row_with(id: &str, more: &Value) -> Value {
        let mut row = json!({"request_id": id, "call_type": "acompletion", "spend": 0.004, "prompt_tokens": 800,
            "completion_tokens": 20, "total_tokens": 820, "model": "acme-large", "model_group": "large",
            "custom_llm_provider": "openai", "startTime": "2026-08-01 10:00:00.500000", "endTime": "2026-08-01 10:00:02.000000",
            "completionStartTime": "2026-08-01 10:00:02.000000", "cache_hit": "False", "session_id": "s", "status": "success",
            "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b", "metadata": {}});
        row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        row
    }

    #[test]
    fn a_page_without_rows_is_a_log_without_calls() {
        let page = json!({"data": [], "total": 0, "page": 1, "page_size": 50, "total_pages": 0});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&page)), (Some(FORMAT.id), Sure::Likely));
        let found = read(&FORMAT, &[page]);
        assert_eq!((found.calls.len(), found.unread.len()), (0, 0));
        assert_eq!(recognised(&FORMAT, &[json!({"data": [], "total": 3})]).1, Sure::No);
    }

    #[test]
    fn a_row_has_its_counts_from_the_metadata() {
        let usage = json!({"usage_object": {"prompt_tokens": 800, "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 0}, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 60,
            "completion_tokens_details": {"reasoning_tokens": 8}}, "user_api_key_alias": "agents"});
        for metadata in [usage.clone(), Value::from(usage.to_string())] {
            let found = read(&FORMAT, &[row_with("a", &json!({"metadata": metadata}))]);
            let call = &found.calls[0];
            let tokens = call.tokens();
            assert_eq!((tokens.uncached, tokens.read, tokens.written()), (Some(40), Some(700), Some(60)));
            assert_eq!((tokens.output(), tokens.reasoning), (Some(20), Some(8)));
            assert_eq!(
                (call.platform.as_deref(), call.key.as_deref()),
                (Some("litellm:openai"), Some("agents"))
            );
            assert_eq!((call.latency_ms, call.ttft_ms, call.streamed), (Some(1500.0), None, None));
            assert_eq!((call.paid, call.paid_kind), (Some(0.004), PaidKind::ComputedByTool));
            assert!(!call.zone_known);
        }
    }

    #[test]
    fn counts_beside_the_prompt_are_seen_for_each_model() {
        let beside = json!({"model": "claude-x", "prompt_tokens": 12, "metadata": {"usage_object": {"prompt_tokens": 12,
            "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 600, "cache_creation_tokens": 30}}}});
        let inside = json!({"metadata": {"usage_object": {"prompt_tokens": 800, "prompt_tokens_details": {"cached_tokens": 640}}}});
        let found = read(&FORMAT, &[row_with("a", &beside), row_with("b", &inside)]);
        let prompts: Vec<_> = found.calls.iter().map(|call| call.tokens().prompt()).collect();
        assert_eq!(prompts, [Some(642), Some(800)]);
    }

    #[test]
    fn a_few_records_with_cached_tokens_beside_do_not_change_the_others() {
        let usage = |prompt: u64, cached: u64| {
            json!({"prompt_tokens": prompt, "metadata": {"usage_object": {
            "prompt_tokens": prompt, "prompt_tokens_details": {"cached_tokens": cached}}}})
        };
        let rows = [
            row_with("a", &usage(800, 640)),
            row_with("b", &usage(900, 700)),
            row_with("c", &usage(12, 600)),
        ];
        let found = read(&FORMAT, &rows);
        let prompts: Vec<_> = found.calls.iter().map(|call| call.tokens().prompt()).collect();
        assert_eq!(prompts, [Some(800), Some(900), Some(612)]);
        assert_eq!(found.calls[2].raw.input, Some(12), "as written");
    }

    #[test]
    fn anthropics_usage_in_the_metadata_is_understood() {
        let usage = json!({"input_tokens": 12, "output_tokens": 20, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 30});
        let sent = json!({"prompt_tokens": 12, "metadata": {"usage_object": usage}});
        let summed = json!({"prompt_tokens": 642, "metadata": {"usage_object": usage}});
        for more in [sent, summed] {
            let found = read(&FORMAT, &[row_with("a", &more)]);
            assert_eq!(found.calls[0].tokens().prompt(), Some(642), "{more}");
        }
    }

    #[test]
    fn a_stored_reply_is_a_replay() {
        let rows = [
            row_with("a", &json!({})),
            row_with("a_cache_hit1790000000.5", &json!({"cache_hit": "True", "spend": 0})),
            row_with("b", &json!({"cache_hit": true, "spend": 0})),
        ];
        let found = read(&FORMAT, &rows);
        let replays: Vec<bool> = found.calls.iter().map(|call| call.gateway_cache_hit).collect();
        assert_eq!(replays, [false, true, true]);
    }

    #[test]
    fn failures_have_their_class_and_no_tokens() {
        let failed = |class: &str, code: &str| {
            json!({"status": "failure", "model": "", "prompt_tokens": 0, "completion_tokens": 0, "spend": 0,
                "metadata": {"status": "failure", "usage_object": null, "error_information":
                    {"error_class": class, "error_code": code, "error_message": "hidden text"}}})
        };
        let rows = [
            row_with("a", &failed("RateLimitError", "429")),
            row_with("b", &failed("Timeout", "408")),
            row_with("c", &failed("Exception", "")),
        ];
        let found = read(&FORMAT, &rows);
        let seen: Vec<_> = found.calls.iter().map(|call| (call.status, call.http, call.raw.input)).collect();
        assert_eq!(
            seen,
            [
                (Status::RateLimited, Some(429), None),
                (Status::Timeout, Some(408), None),
                (Status::Error, None, None)
            ]
        );
        assert_eq!(found.calls[0].model_served, None);
        assert!(!format!("{found:?}").contains("hidden text"));
    }

    #[test]
    fn a_spend_of_zero_is_not_a_bill() {
        let found = read(&FORMAT, &[row_with("a", &json!({"spend": 0}))]);
        assert_eq!((found.calls[0].paid, found.calls[0].paid_kind), (None, PaidKind::Unknown));
        assert_eq!(found.notes.len(), 1);
    }

    #[test]
    fn a_first_token_before_the_end_is_a_stream() {
        let found =
            read(&FORMAT, &[row_with("a", &json!({"completionStartTime": "2026-08-01T10:00:00.750Z"}))]);
        assert_eq!((found.calls[0].ttft_ms, found.calls[0].streamed), (Some(250.0), Some(true)));
    }

    #[test]
    fn pages_and_rows_of_a_csv_dump_are_read() {
        let page = json!({"data": [row_with("a", &json!({})), row_with("b", &json!({}))], "total": 2, "page": 1, "page_size": 50, "total_pages": 1});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&page)).1, Sure::Certain);
        assert_eq!(read(&FORMAT, &[page]).calls.len(), 2);
        let csv = row_with(
            "a",
            &json!({"spend": "0.004", "prompt_tokens": "800", "completion_tokens": "20", "total_tokens": "820",
            "metadata": "{\"usage_object\": {\"prompt_tokens\": 800, \"prompt_tokens_details\": {\"cached_tokens\": 512}}}", "response": "{}"}),
        );
        let found = read(&FORMAT, &[csv]);
        assert_eq!((found.calls[0].tokens().read, found.calls[0].paid), (Some(512), Some(0.004)));
    }

    #[test]
    fn sums_of_days_are_sums() {
        let day = json!({"startTime": "2026-08-01", "spend": 0.75, "users": {"u": 0.75}, "models": {"a": 0.5, "b": 0.25}});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&day)).1, Sure::Certain);
        let found = read(&FORMAT, &[day]);
        assert!(
            found.calls.iter().all(|call| call.aggregated == Some(0) && call.raw == RawCounts::default())
        );
        assert_eq!(found.calls.iter().filter_map(|call| call.paid).sum::<f64>(), 0.75);
    }

    #[test]
    fn a_paid_call_without_tokens_keeps_its_spend_and_an_error_without_a_status_is_a_failure() {
        let none =
            json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "call_type": "aspeech"});
        let mut old = none.clone();
        old["status"] = json!(null);
        old["spend"] = json!(0);
        old["metadata"] = json!({"error_information": {"error_class": "Timeout", "error_message": "x"}});
        let found = read(&FORMAT, &[row_with("a", &none), row_with("b", &old)]);
        assert_eq!((found.calls[0].paid, found.calls[0].raw.input), (Some(0.004), None));
        assert_eq!(found.calls[1].status, Status::Timeout);
    }

    #[test]
    fn what_is_no_call_is_counted() {
        let rows = [
            row_with(
                "a",
                &json!({"call_type": "aspeech", "spend": 0, "prompt_tokens": 0, "completion_tokens": 0}),
            ),
            row_with("b", &json!({"prompt_tokens": "many"})),
            json!({"hello": 1}),
            json!(7),
        ];
        let found = read(&FORMAT, &rows);
        assert_eq!((found.calls.len(), found.unread.len()), (0, 4));
    }
}
