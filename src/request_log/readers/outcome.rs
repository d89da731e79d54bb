//! How a call ended, in the words of many logs: the class of a failure, the reason why an output ended, and the name
//! of a key that is safe to keep.

use crate::request_log::call::{Name, Status};
use crate::request_log::entry::{name, number, text};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// An HTTP status code: a number, or a number in a string.
pub fn http(value: Option<&Value>) -> Option<u16> {
    let code = number(value)?;
    ((100.0..600.0).contains(&code) && code.fract() == 0.0).then_some(code as u16)
}

/// How a call with an HTTP status ended.
pub const fn of_http(code: u16) -> Status {
    match code {
        429 => Status::RateLimited,
        408 | 504 | 522 | 524 => Status::Timeout,
        499 => Status::Cancelled,
        400.. => Status::Error,
        _ => Status::Ok,
    }
}

/// How a failed call ended, from the class or the message of its error.
pub fn of_error(text: &str) -> Status {
    let words: String = text.chars().take(1000).filter(char::is_ascii_alphanumeric).collect();
    let words = words.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if has(&["ratelimit", "toomanyrequests", "throttl", "resourceexhausted", "quotaexceeded"])
        || words == "429"
    {
        Status::RateLimited
    } else if has(&["timeout", "timedout", "deadline"]) {
        Status::Timeout
    } else if has(&["cancel", "disconnect", "abort"]) {
        Status::Cancelled
    } else if has(&["contentpolicy", "contentfilter", "refus", "guardrail", "moderation"]) {
        Status::Refused
    } else {
        Status::Error
    }
}

/// How a failed call ended, from its HTTP status and the name that the log gives to the error.
pub fn failure(http: Option<u16>, class: &str) -> Status {
    match http.map(of_http) {
        Some(status @ (Status::RateLimited | Status::Timeout | Status::Cancelled)) => status,
        _ => of_error(class),
    }
}

/// An HTTP status that means an error: a number, or a number in a string.
pub fn http_error(value: Option<&Value>) -> Option<u16> {
    http(value).filter(|code| *code >= 400)
}

/// The usual name of the reason why an output ended, in lower case: `stop`, `length`, `tool_calls`, `content_filter`,
/// `error`, `cancelled`, or as the log has it.
pub fn finish_name(reason: &str) -> String {
    let reason = reason.trim().to_ascii_lowercase().replace('-', "_");
    let name = match reason.trim_start_matches("finish_reason_") {
        "end_turn" | "endturn" | "completed" | "complete" | "stop_sequence" | "eos" => "stop",
        "max_tokens"
        | "max_output_tokens"
        | "model_length"
        | "model_context_window_exceeded"
        | "incomplete" => "length",
        "tool_use" | "tooluse" | "tool_call" | "function_call" => "tool_calls",
        "refusal" | "safety" | "content_filtered" | "prohibited_content" | "blocklist" => "content_filter",
        "failed" => "error",
        "canceled" | "cancelled" | "aborted" => "cancelled",
        other => other,
    };
    name.to_owned()
}

/// The usual name of the reason in a field.
pub fn finish(value: Option<&Value>) -> Option<Name> {
    Some(Name::from(finish_name(&text(value)?)))
}

/// The status that a normalised reason implies.
pub fn status_of(finish: Option<&Name>) -> Status {
    match finish.map(|finish| &**finish) {
        Some("content_filter") => Status::Refused,
        Some("error") => Status::Error,
        _ => Status::Ok,
    }
}

/// Number of characters kept of the hash of a key.
const HASH_KEPT: usize = 12;

/// The name of a key, or the first 12 characters of its hash. What could be a secret is not kept.
pub fn key(value: Option<&Value>) -> Option<Name> {
    let written = text(value)?;
    let is_hash = written.len() >= 32 && written.chars().all(|c| c.is_ascii_hexdigit());
    if is_hash {
        return Some(Name::from(&written[..HASH_KEPT]));
    }
    let lower = written.to_lowercase();
    let is_secret = lower.starts_with("sk") || lower.starts_with("bearer") || written.len() > 64;
    if is_secret { None } else { name(value) }
}

/// Time from a start to an end, ms; `None` if one is unknown or the end is before the start.
pub fn elapsed_ms(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Option<f64> {
    let micros = (to? - from?).num_microseconds()?;
    (micros >= 0).then_some(micros as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn failures_have_a_class() {
        assert_eq!(failure(Some(429), ""), Status::RateLimited);
        assert_eq!(failure(Some(504), "APIError"), Status::Timeout);
        assert_eq!(failure(Some(499), ""), Status::Cancelled);
        assert_eq!(failure(Some(500), "litellm.RateLimitError"), Status::RateLimited);
        assert_eq!(failure(None, "APITimeoutError"), Status::Timeout);
        assert_eq!(failure(None, "ContentPolicyViolationError"), Status::Refused);
        assert_eq!(failure(Some(400), "BadRequestError"), Status::Error);
        assert_eq!(http_error(Some(&json!("503"))), Some(503));
        assert_eq!(http_error(Some(&json!(200))), None);
        assert_eq!(http_error(Some(&json!(""))), None);
    }

    #[test]
    fn reasons_are_normalised() {
        let reason = |word: &str| finish(Some(&json!(word))).map(|name| name.to_string());
        assert_eq!(reason("end_turn").as_deref(), Some("stop"));
        assert_eq!(reason("MAX_TOKENS").as_deref(), Some("length"));
        assert_eq!(reason("tool-calls").as_deref(), Some("tool_calls"));
        assert_eq!(reason("toolUse").as_deref(), Some("tool_calls"));
        assert_eq!(reason("endTurn").as_deref(), Some("stop"));
        assert_eq!(reason("pause_turn").as_deref(), Some("pause_turn"));
        assert_eq!(reason(""), None);
        assert_eq!(status_of(finish(Some(&json!("refusal"))).as_ref()), Status::Refused);
    }

    #[test]
    fn a_secret_is_never_kept_as_the_name_of_a_key() {
        let hash = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";
        assert_eq!(key(Some(&json!(hash))).as_deref(), Some("88dc28d0f030"));
        assert_eq!(key(Some(&json!("sk-1234"))), None);
        assert_eq!(key(Some(&json!("Bearer abc"))), None);
        assert_eq!(key(Some(&json!("team-a"))).as_deref(), Some("team-a"));
        assert_eq!(key(Some(&json!(""))), None);
    }

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
        assert_eq!(finish_name("end_turn"), "stop");
        assert_eq!(finish_name("tool-calls"), "tool_calls");
        assert_eq!(finish_name("MAX_TOKENS"), "length");
        assert_eq!(finish_name("FINISH_REASON_STOP"), "stop");
        assert_eq!(finish_name("something new"), "something new");
    }
}
