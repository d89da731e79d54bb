//! Responses and usage objects of OpenAI's API and of the APIs that follow it (DeepSeek, Moonshot, xAI, Mistral, …).

use super::api_usage::Family;
use super::plain::{Plain, sure};
use crate::request_log::format::{Format, Total};

/// The format.
pub const FORMAT: Format = Format {
    id: "openai-usage",
    title: "Usage lines of OpenAI's API",
    rule: Family::OpenAi.rule(),
    total: Total::OfFields,
    states_failures: false,
    recognises: |entry, _| sure(entry, Family::OpenAi),
    reader: |context| Box::new(Plain::new(Family::OpenAi, None, context)),
};

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_as, recognised};
    use super::FORMAT;
    use crate::request_log::call::{PaidKind, Status};
    use crate::request_log::entry::Layout;
    use crate::request_log::format::Sure;
    use serde_json::json;

    #[test]
    fn responses_batch_lines_and_bare_usage_are_read() {
        let usage = json!({"prompt_tokens": 900, "completion_tokens": 30, "prompt_tokens_details": {"cached_tokens": 640}});
        let found = read(
            &FORMAT,
            &[
                json!({"id": "r1", "object": "chat.completion", "model": "acme/a", "created": 1_790_000_000,
                    "choices": [{"finish_reason": "tool_calls", "message": {"tool_calls": [{}, {}]}}], "usage": usage}),
                json!({"id": "batch_1", "custom_id": "c", "response": {"status_code": 200, "body": {"id": "r2", "usage": usage}}, "error": null}),
                usage.clone(),
                usage,
            ],
        );
        assert_eq!((found.calls.len(), found.duplicates), (4, 0), "records without ids are never merged");
        let first = &found.calls[0];
        assert_eq!((first.tokens().uncached, first.tokens().read), (Some(260), Some(640)));
        assert_eq!((first.finish.as_deref(), first.tool_calls), (Some("tool_calls"), Some(2)));
        assert_eq!(found.calls[1].id.as_deref(), Some("r2"));
        assert!(found.unread.is_empty());
    }

    #[test]
    fn the_last_usage_of_a_stream_counts_once() {
        let chunk = |id: &str, output: Option<u64>| {
            let usage = output.map(|output| json!({"prompt_tokens": 50, "completion_tokens": output}));
            json!({"id": id, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        };
        let rows = [chunk("a", None), chunk("a", Some(2)), chunk("a", Some(9)), chunk("b", None)];
        let found = read_as(&FORMAT, Layout::EventStream, &rows);
        assert_eq!(found.calls.len(), 1);
        assert_eq!((found.calls[0].raw.output, found.calls[0].streamed), (Some(9), Some(true)));
        assert_eq!(found.unread["a streamed answer without usage"].first, [4]);
    }

    #[test]
    fn events_of_the_responses_api_are_read_once() {
        let found = read_as(
            &FORMAT,
            Layout::EventStream,
            &[
                json!({"type": "response.created", "response": {"id": "resp_1", "usage": null}}),
                json!({"type": "response.output_text.delta", "delta": "x"}),
                json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "model": "m",
                    "usage": {"input_tokens": 70, "input_tokens_details": {"cached_tokens": 64}, "output_tokens": 5}}}),
            ],
        );
        assert_eq!((found.calls.len(), found.unread.len()), (1, 0));
        assert_eq!((found.calls[0].raw.read, found.calls[0].status), (Some(64), Status::Ok));
    }

    #[test]
    fn cached_above_the_prompt_is_beside_it() {
        let found = read(
            &FORMAT,
            &[
                json!({"usage": {"prompt_tokens": 51, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 1180}}}),
            ],
        );
        assert_eq!(found.calls[0].tokens().prompt(), Some(1231));
    }

    #[test]
    fn times_since_the_start_of_a_log_begin_with_zero() {
        let usage = json!({"prompt_tokens": 9, "completion_tokens": 1});
        let found = read(
            &FORMAT,
            &[
                json!({"timestamp": 0.0, "usage": usage}),
                json!({"timestamp": 19.5, "usage": usage}),
                json!({"created": 0, "usage": usage}),
            ],
        );
        let since = |place: usize| found.calls[place].started_at.map(|at| at.timestamp_millis());
        assert_eq!([since(0), since(1), since(2)], [Some(0), Some(19_500), None]);
    }

    #[test]
    fn anthropics_usage_among_them_is_converted() {
        let found = read(
            &FORMAT,
            &[
                json!({"usage": {"prompt_tokens": 900, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 800}}}),
                json!({"usage": {"input_tokens": 900, "output_tokens": 3, "cache_read_input_tokens": 800}}),
            ],
        );
        let prompts: Vec<Option<u64>> = found.calls.iter().map(|call| call.tokens().prompt()).collect();
        assert_eq!(prompts, [Some(900), Some(1700)]);
        assert_eq!(found.notes.len(), 1);
    }

    #[test]
    fn wrapped_events_and_responses_in_strings_are_read() {
        let usage = json!({"prompt_tokens": 40, "completion_tokens": 2});
        let found = read(
            &FORMAT,
            &[
                json!({"event": "message", "data": {"id": "a", "object": "chat.completion.chunk", "usage": usage}}),
                json!({"time": "2026-08-01T10:00:00Z", "response": json!({"id": "b", "choices": [], "usage": usage}).to_string()}),
                json!({"id": "c", "usage": usage.to_string()}),
                json!({"id": "d", "usage": {"billed_units": {"input_tokens": 3}, "tokens": {"input_tokens": 40, "output_tokens": 2}}}),
                json!({"id": "e", "model": "m", "prompt_tokens": "40", "completion_tokens": "2"}),
            ],
        );
        let ids: Vec<_> = found.calls.iter().filter_map(|call| call.id.as_deref()).collect();
        assert_eq!((ids, found.unread.len()), (vec!["a", "b", "c", "d", "e"], 0));
        assert!(found.calls.iter().all(|call| (call.raw.input, call.raw.output) == (Some(40), Some(2))));
        assert!(found.calls[1].started_at.is_some());
    }

    #[test]
    fn a_list_of_responses_is_read_one_by_one() {
        let response = |id: &str| json!({"id": id, "object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}});
        let list =
            json!({"object": "list", "data": [response("a"), response("b"), {"id": "c"}], "has_more": false});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&list)).1, Sure::Likely);
        let found = read(&FORMAT, &[list]);
        assert_eq!((found.calls.len(), found.unread.len()), (2, 1));
    }

    #[test]
    fn money_has_its_kind() {
        let usage = |cost: f64, byok: bool| {
            json!({"usage": {"prompt_tokens": 5, "completion_tokens": 1, "cost": cost,
            "is_byok": byok, "cost_details": {"upstream_inference_cost": 0.25}}})
        };
        let found = read(
            &FORMAT,
            &[
                usage(0.5, false),
                usage(0.0, true),
                json!({"usage": {"prompt_tokens": 5, "completion_tokens": 1, "cost_in_usd_ticks": 5_000_000_000_u64}}),
                json!({"cost_usd": 0.75, "usage": {"prompt_tokens": 5, "completion_tokens": 1}}),
            ],
        );
        let paid: Vec<_> = found.calls.iter().map(|call| (call.paid, call.paid_kind)).collect();
        assert_eq!(
            paid,
            [
                (Some(0.5), PaidKind::Billed),
                (Some(0.25), PaidKind::BilledPlusByok),
                (Some(0.5), PaidKind::Billed),
                (Some(0.75), PaidKind::ComputedByTool),
            ]
        );
    }

    #[test]
    fn failures_replays_and_what_is_no_call_are_counted() {
        let found = read(
            &FORMAT,
            &[
                json!({"id": "x", "error": {"type": "rate_limit_exceeded", "code": 429, "message": "secret"}}),
                json!({"custom_id": "c", "response": {"status_code": 500, "body": {"error": {"type": "server_error"}}}}),
                json!({"cache_hit": "True", "usage": {"prompt_tokens": 5, "completion_tokens": 1}}),
                json!({"usage": {"prompt_tokens": -5}}),
                json!({"usage": {"prompt_tokens": 0, "completion_tokens": 0}}),
                json!({"hello": 1}),
                json!([1]),
            ],
        );
        assert_eq!(found.calls.len(), 3);
        assert_eq!((found.calls[0].status, found.calls[0].http), (Status::RateLimited, Some(429)));
        assert_eq!(found.calls[0].error_class.as_deref(), Some("rate_limit_exceeded"));
        assert_eq!((found.calls[1].status, found.calls[1].http), (Status::Error, Some(500)));
        assert!(found.calls[2].gateway_cache_hit);
        assert_eq!(found.unread.values().map(|unread| unread.entries).sum::<u64>(), 4);
        assert!(!format!("{found:?}").contains("secret"));
    }
}
