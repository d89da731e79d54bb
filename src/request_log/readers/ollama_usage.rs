//! Responses of a local Ollama server: `/api/chat` and `/api/generate`, streamed or not.

use super::api_usage::Family;
use super::plain::{Plain, sure};
use crate::request_log::format::{Format, Total};

/// The format.
pub const FORMAT: Format = Format {
    id: "ollama-usage",
    title: "Usage lines of Ollama's local API",
    rule: Family::Ollama.rule(),
    total: Total::None,
    states_failures: false,
    recognises: |entry, _| sure(entry, Family::Ollama),
    reader: |context| Box::new(Plain::new(Family::Ollama, Some("ollama-local"), context)),
};

#[cfg(test)]
mod tests {
    use super::super::testing::read;
    use super::FORMAT;
    use serde_json::json;

    #[test]
    fn the_last_line_of_a_stream_is_the_call() {
        let found = read(
            &FORMAT,
            &[
                json!({"model": "qwen", "created_at": "2026-08-01T10:00:00Z", "message": {"content": "x"}, "done": false}),
                json!({"model": "qwen", "created_at": "2026-08-01T10:00:02Z", "done": true, "done_reason": "length",
                    "total_duration": 1_500_000_000, "prompt_eval_count": 26, "eval_count": 290}),
            ],
        );
        assert_eq!((found.calls.len(), found.unread.len()), (1, 0));
        let call = &found.calls[0];
        assert_eq!((call.raw.input, call.raw.output, call.raw.read), (Some(26), Some(290), None));
        assert_eq!((call.latency_ms, call.finish.as_deref()), (Some(1500.0), Some("length")));
        assert_eq!(call.platform.as_deref(), Some("ollama-local"));
    }
}
