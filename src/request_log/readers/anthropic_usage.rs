//! Messages and usage objects of Anthropic's API, including streams and results of batches.

use super::api_usage::Family;
use super::plain::{Plain, sure};
use crate::request_log::format::{Format, Total};

/// The format.
pub const FORMAT: Format = Format {
    id: "anthropic-usage",
    title: "Usage lines of Anthropic's API",
    rule: Family::Anthropic.rule(),
    total: Total::None,
    states_failures: false,
    recognises: |entry, _| sure(entry, Family::Anthropic),
    reader: |context| Box::new(Plain::new(Family::Anthropic, None, context)),
};

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_as};
    use super::FORMAT;
    use crate::request_log::call::Status;
    use crate::request_log::entry::Layout;
    use serde_json::json;

    #[test]
    fn input_excludes_what_was_read_and_written() {
        let found = read(
            &FORMAT,
            &[json!({"id": "msg_1", "type": "message", "model": "claude-x", "stop_reason": "tool_use",
                "content": [{"type": "text"}, {"type": "tool_use"}],
                "usage": {"input_tokens": 7, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 60,
                    "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 40},
                    "output_tokens": 33, "service_tier": "standard", "server_tool_use": {"web_search_requests": 2}}})],
        );
        let call = &found.calls[0];
        let tokens = call.tokens();
        assert_eq!((tokens.prompt(), tokens.uncached, tokens.written()), (Some(967), Some(7), Some(60)));
        assert_eq!((tokens.write_5m, tokens.write_1h, tokens.write), (Some(20), Some(40), None));
        assert_eq!((call.finish.as_deref(), call.tool_calls), (Some("tool_calls"), Some(1)));
        assert_eq!(call.service_tier.as_deref(), Some("standard"));
    }

    #[test]
    fn a_streamed_message_is_one_call_with_its_last_output() {
        let found = read_as(
            &FORMAT,
            Layout::EventStream,
            &[
                json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude-x",
                    "usage": {"input_tokens": 7, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 0, "output_tokens": 1}}}),
                json!({"type": "content_block_delta", "delta": {"text": "x"}}),
                json!({"type": "ping"}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 88}}),
                json!({"type": "message_stop"}),
                json!({"type": "message_start", "message": {"id": "msg_2", "usage": {"input_tokens": 9, "output_tokens": 1}}}),
            ],
        );
        assert_eq!((found.calls.len(), found.duplicates, found.unread.len()), (2, 0, 0));
        assert_eq!((found.calls[0].raw.output, found.calls[0].output_is_minimum), (Some(88), false));
        assert_eq!(
            (found.calls[1].raw.output, found.calls[1].output_is_minimum),
            (Some(1), true),
            "it never ended"
        );
    }

    #[test]
    fn results_of_batches_and_errors_are_read() {
        let found = read(
            &FORMAT,
            &[
                json!({"custom_id": "a", "result": {"type": "succeeded", "message": {"id": "msg_1", "usage":
                    {"input_tokens": 5, "cache_read_input_tokens": 0, "output_tokens": 2}}}}),
                json!({"custom_id": "b", "result": {"type": "errored", "error": {"type": "error",
                    "error": {"type": "rate_limit_error", "message": "x"}}}}),
                json!({"type": "error", "error": {"type": "overloaded_error"}}),
                json!({"type": "message_delta", "usage": {"output_tokens": 4}}),
            ],
        );
        let statuses: Vec<Status> = found.calls.iter().map(|call| call.status).collect();
        assert_eq!(statuses, [Status::Ok, Status::RateLimited, Status::Error]);
        assert_eq!(found.calls[2].error_class.as_deref(), Some("overloaded_error"));
        assert_eq!(found.unread.len(), 1, "an end without its start");
    }

    #[test]
    fn openais_usage_among_them_is_converted() {
        let found = read(
            &FORMAT,
            &[json!({"usage": {"prompt_tokens": 900, "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 800}}})],
        );
        assert_eq!((found.calls[0].tokens().prompt(), found.calls[0].raw.input), (Some(900), Some(100)));
    }
}
