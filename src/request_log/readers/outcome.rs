//! How a call ended, from the words that routers, instrumentations and providers use for it.

use super::super::call::Status;
use super::super::entry;
use serde_json::Value;

/// An HTTP status code.
pub(super) fn http(value: Option<&Value>) -> Option<u16> {
    let code = entry::number(value)?;
    ((100.0..600.0).contains(&code) && code.fract() == 0.0).then_some(code as u16)
}

/// How a call with an HTTP status ended.
pub(super) const fn of_http(code: u16) -> Status {
    match code {
        429 => Status::RateLimited,
        408 | 504 | 522 | 524 => Status::Timeout,
        499 => Status::Cancelled,
        400.. => Status::Error,
        _ => Status::Ok,
    }
}

/// How a failed call ended, from the class or the message of its error.
pub(super) fn of_error(text: &str) -> Status {
    let text: String = text.chars().take(1000).collect::<String>().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["rate_limit", "rate limit", "ratelimit", "too many requests", "resource_exhausted"])
        || text == "429"
    {
        Status::RateLimited
    } else if has(&["timeout", "timed out", "deadline"]) {
        Status::Timeout
    } else if has(&["cancel", "abort", "disconnect"]) {
        Status::Cancelled
    } else if has(&["refus", "content_filter", "content filter", "moderation"]) {
        Status::Refused
    } else {
        Status::Error
    }
}

/// The usual name of a finish reason, in lower case.
pub(super) fn finish(reason: &str) -> String {
    let reason = reason.trim().to_ascii_lowercase().replace('-', "_");
    let name = match reason.trim_start_matches("finish_reason_") {
        "end_turn" | "completed" | "complete" | "stop_sequence" | "eos" => "stop",
        "max_tokens" | "max_output_tokens" | "incomplete" => "length",
        "tool_use" | "tool_call" | "function_call" => "tool_calls",
        "refusal" | "safety" | "content_filtered" | "prohibited_content" => "content_filter",
        "failed" => "error",
        "canceled" | "cancelled" | "aborted" => "cancelled",
        other => other,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_http_status_decides_how_a_call_ended() {
        let ended = [200, 400, 408, 429, 499, 503, 504].map(of_http);
        assert_eq!(
            ended,
            [
                Status::Ok,
                Status::Error,
                Status::Timeout,
                Status::RateLimited,
                Status::Cancelled,
                Status::Error,
                Status::Timeout
            ]
        );
        assert_eq!(http(Some(&json!("529"))), Some(529));
        assert_eq!(http(Some(&json!(-1))), None);
        assert_eq!(http(Some(&json!(70_000))), None);
    }

    #[test]
    fn a_message_decides_if_there_is_no_status() {
        assert_eq!(of_error("The client has disconnected"), Status::Cancelled);
        assert_eq!(of_error("openai.RateLimitError"), Status::RateLimited);
        assert_eq!(of_error("idle timeout waiting for SSE"), Status::Timeout);
        assert_eq!(of_error("<script>\u{202e}"), Status::Error);
    }

    #[test]
    fn finish_reasons_of_several_makers_have_one_name() {
        assert_eq!(finish("end_turn"), "stop");
        assert_eq!(finish("tool-calls"), "tool_calls");
        assert_eq!(finish("MAX_TOKENS"), "length");
        assert_eq!(finish("FINISH_REASON_STOP"), "stop");
        assert_eq!(finish("something new"), "something new");
    }
}
