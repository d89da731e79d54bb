//! How a call ended, in the words of many logs: the class of a failure, the reason why an output ended, and the name
//! of a key that is safe to keep.

use crate::request_log::call::{Name, Status};
use crate::request_log::entry::{name, text};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// The class of a failure, from its HTTP status and the name that the log gives to the error.
pub fn failure(http: Option<u16>, class: &str) -> Status {
    match http {
        Some(429) => return Status::RateLimited,
        Some(408 | 504 | 524) => return Status::Timeout,
        Some(499) => return Status::Cancelled,
        _ => {}
    }
    let class: String = class.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| class.contains(word));
    if says(&["ratelimit", "toomanyrequests", "throttl", "resourceexhausted", "quotaexceeded"]) {
        Status::RateLimited
    } else if says(&["timeout", "timedout", "deadlineexceeded"]) {
        Status::Timeout
    } else if says(&["cancel", "disconnect", "aborted"]) {
        Status::Cancelled
    } else if says(&["contentpolicy", "contentfilter", "refus", "guardrail"]) {
        Status::Refused
    } else {
        Status::Error
    }
}

/// An HTTP status that means an error: a number, or a number in a string.
pub fn http_error(value: Option<&Value>) -> Option<u16> {
    let code: u16 = text(value)?.parse().ok()?;
    (400..=599).contains(&code).then_some(code)
}

/// The normalised reason why an output ended: `stop`, `length`, `tool_calls`, `content_filter`, or as the log has it.
pub fn finish(value: Option<&Value>) -> Option<Name> {
    let written = text(value)?.to_lowercase().replace('-', "_");
    Some(Name::from(match written.as_str() {
        "stop" | "end_turn" | "stop_sequence" | "completed" | "eos" | "finish_reason_stop" => "stop",
        "length" | "max_tokens" | "max_output_tokens" | "model_length" | "model_context_window_exceeded" => {
            "length"
        }
        "tool_calls" | "tool_use" | "function_call" => "tool_calls",
        "content_filter" | "content_filtered" | "refusal" | "safety" | "prohibited_content" | "blocklist" => {
            "content_filter"
        }
        other => other,
    }))
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
}
