//! Which attributes of spans and log records are kept. The list names what the readers of telemetry use: counts, times,
//! names of models and providers, sessions. Prompts, completions, tool arguments and messages of errors are not on it, so
//! they never reach the disk.

use super::names::NAMES;
use crate::request_log::litellm_spans::{self, REQUESTER, USAGE};
use serde_json::{Map, Value, json};

/// Maximum length of a text that is kept, characters. A longer text is not a name.
const LONGEST_NAME: usize = 200;
/// Maximum number of texts in a list.
const LONGEST_LIST: usize = 16;
/// Maximum number of attempts of a router that are kept.
const MOST_ATTEMPTS: usize = 32;

/// Lists of names, as a list or as JSON in a text.
const LISTS: &[&str] = &["ai.response.finishReasons", "finish_reasons", "gen_ai.response.finish_reasons"];

/// The attempts of a router: JSON in a text, reduced to [`ATTEMPT_FIELDS`].
const ATTEMPTS: &[&str] = &["span.metadata.provider_responses", "trace.metadata.provider_responses"];

/// Fields of an attempt.
const ATTEMPT_FIELDS: &[&str] =
    &["endpoint_id", "id", "is_byok", "latency", "model_permaslug", "provider_name", "status"];

/// Attributes whose names begin with one of these are kept if they are a number or a boolean in type.
const TYPED: &[&str] =
    &["ai.", "gen_ai.", "hidden_params.", "litellm.", "llm.", "span.metadata.", "trace.metadata.openrouter."];

/// Attributes whose names begin with one of these are kept if they are a number, also as a text.
const COUNTED: &[&str] = &[
    "ai.response.ms",
    "ai.usage.",
    "gen_ai.cost.",
    "gen_ai.response.time_to_first",
    "gen_ai.server.time_to_first",
    "gen_ai.usage.",
    "litellm.cost.",
    "llm.cost.",
    "llm.token_count.",
    "llm.usage.",
    "operation.cost",
    "span.metadata.attempt",
    "span.metadata.status_code",
    "trace.metadata.openrouter.",
];

/// The same for attributes whose names end with one of these: events of coding agents have no common prefix.
const COUNTED_ENDS: &[&str] = &[
    "_count",
    "_cost",
    "_ms",
    "_seconds",
    "_tokens",
    "_usd",
    "attempt",
    "attempts",
    "status_code",
    "server.port",
];

/// Other names of the prefix of OpenRouter's metadata.
const OPENROUTER: [&str; 2] = ["trace.metadata.openrouter_generation.", "openrouter."];

/// Counts as JSON in a text, reduced to numbers, up to two levels deep.
const COUNTS: &[&str] = &[
    "ai.response.providerMetadata",
    "gen_ai.usage.input_token_details",
    "gen_ai.usage.output_token_details",
];

/// LiteLLM's own numbers, JSON in a text, reduced to these fields.
const HIDDEN: &str = "hidden_params";
const HIDDEN_FIELDS: &[&str] = &["litellm_overhead_time_ms", "response_cost"];

/// Booleans, also as a text.
const FLAGS: &[&str] =
    &["ai.isStreaming", "gen_ai.request.stream", "llm.is_streaming", "span.metadata.is_byok", "success"];

/// Parts of the messages of errors that say how a call ended, with the text that is kept instead of the message.
const OUTCOMES: &[(&str, &str)] = &[
    ("rate limit", "rate limit"),
    ("ratelimit", "rate limit"),
    ("too many requests", "rate limit"),
    ("timed out", "timed out"),
    ("timeout", "timed out"),
    ("cancel", "cancelled"),
    ("abort", "cancelled"),
    ("overloaded", "overloaded"),
    ("disconnect", "The client has disconnected"),
    ("deadline", "timed out"),
    ("rate_limit", "rate limit"),
    ("resource_exhausted", "rate limit"),
    ("refus", "refused"),
    ("content_filter", "refused"),
    ("content filter", "refused"),
    ("content policy", "refused"),
    ("moderation", "refused"),
];

/// The message of an error, reduced to what it says about how the call ended.
pub fn outcome(message: &str) -> Option<&'static str> {
    let lower = message.to_lowercase();
    OUTCOMES.iter().find(|(part, _)| lower.contains(part)).map(|(_, kept)| *kept)
}

/// Whether an attribute shows that its span is a call to a model. The requested model alone does not: gateways write it
/// to spans of routing and authentication too.
pub fn is_of_call(key: &str) -> bool {
    const NAMES: [&str; 4] =
        ["ai.model.id", "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system"];
    const STARTS: [&str; 6] = [
        "ai.usage.",
        "gen_ai.response.",
        "gen_ai.usage.",
        "llm.model_name",
        "llm.token_count.",
        "llm.usage.",
    ];
    NAMES.contains(&key) || STARTS.iter().any(|start| key.starts_with(start))
}

/// The kept attributes of a list, in their order.
pub fn attributes(list: Option<&Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for pair in list.and_then(Value::as_array).into_iter().flatten() {
        let (Some(key), Some(value)) = (pair["key"].as_str(), pair["value"].as_object()) else { continue };
        match key {
            USAGE => usage(value, &mut kept),
            REQUESTER => session(value, &mut kept),
            _ => kept.extend(kept_value(key, value).map(|value| json!({ "key": key, "value": value }))),
        }
    }
    kept
}

/// Adds an attribute unless there is one of this name.
fn add(key: &str, value: &Value, kept: &mut Vec<Value>) {
    if !kept.iter().any(|pair| pair["key"] == key) {
        kept.push(json!({ "key": key, "value": value }));
    }
}

/// LiteLLM's counts under the standard names.
fn usage(value: &Map<String, Value>, kept: &mut Vec<Value>) {
    let Some(usage) = text(value).and_then(litellm_spans::usage) else { return };
    for (key, count) in [
        ("gen_ai.usage.cache_read.input_tokens", usage.read),
        ("gen_ai.usage.cache_creation.input_tokens", usage.written()),
        ("gen_ai.usage.cache_creation.ephemeral_5m_input_tokens", usage.write_5m),
        ("gen_ai.usage.cache_creation.ephemeral_1h_input_tokens", usage.write_1h),
        ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
    ] {
        if let Some(count) = count {
            add(key, &json!({ "intValue": count.to_string() }), kept);
        }
    }
}

/// Of what the client of LiteLLM sent beside the request, only the session that it names is kept.
fn session(value: &Map<String, Value>, kept: &mut Vec<Value>) {
    let session = text(value).and_then(litellm_spans::session);
    if let Some(session) = session.as_deref().and_then(name) {
        add("session.id", &json!({ "stringValue": session }), kept);
    }
}

/// The kept form of a value, or none.
fn kept_value(key: &str, value: &Map<String, Value>) -> Option<Value> {
    if let Some(rest) = OPENROUTER.iter().find_map(|prefix| key.strip_prefix(prefix)) {
        if key == "openrouter.trace.id" {
            return Some(json!({ "stringValue": name(text(value)?)? }));
        }
        return kept_value(&format!("trace.metadata.openrouter.{rest}"), value);
    }
    let begins = |list: &[&str]| list.iter().any(|start| key.starts_with(start));
    if NAMES.binary_search(&key).is_ok() {
        return match text(value) {
            Some(text) => Some(json!({ "stringValue": name(text)? })),
            None => number(value),
        };
    }
    if LISTS.contains(&key) {
        return list(value);
    }
    if COUNTS.contains(&key) {
        let Value::Object(counts) = serde_json::from_str(text(value)?).ok()? else { return None };
        return Some(json!({ "stringValue": Value::Object(numbers(counts, 2)).to_string() }));
    }
    if key == HIDDEN {
        let Value::Object(hidden) = serde_json::from_str(text(value)?).ok()? else { return None };
        let is_kept =
            |(key, value): &(String, Value)| HIDDEN_FIELDS.contains(&key.as_str()) && value.is_number();
        let kept: Map<String, Value> = hidden.into_iter().filter(is_kept).collect();
        return Some(json!({ "stringValue": Value::Object(kept).to_string() }));
    }
    if ATTEMPTS.contains(&key) {
        return attempts(text(value)?);
    }
    if matches!(key, "span.status_message" | "error.message" | "error") {
        return Some(json!({ "stringValue": outcome(text(value)?)? }));
    }
    if FLAGS.contains(&key) {
        return flag(value);
    }
    let is_counted = begins(COUNTED) || COUNTED_ENDS.iter().any(|end| key.ends_with(end));
    if is_counted && let Some(text) = text(value) {
        return text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|n| n.is_finite())
            .map(|_| json!({ "stringValue": text.trim() }));
    }
    if is_counted || begins(TYPED) {
        return number(value)
            .or_else(|| value.get("boolValue")?.as_bool().map(|yes| json!({ "boolValue": yes })));
    }
    None
}

fn text(value: &Map<String, Value>) -> Option<&str> {
    value.get("stringValue")?.as_str()
}

/// A short text on one line.
pub fn name(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_name =
        !text.is_empty() && text.chars().nth(LONGEST_NAME).is_none() && !text.chars().any(char::is_control);
    is_name.then_some(text)
}

fn number(value: &Map<String, Value>) -> Option<Value> {
    if let Some(number) = value.get("intValue") {
        let whole = number.as_i64().or_else(|| number.as_str()?.parse().ok())?;
        return Some(json!({ "intValue": whole.to_string() }));
    }
    let number = value.get("doubleValue")?.as_f64().filter(|n| n.is_finite())?;
    Some(json!({ "doubleValue": number }))
}

/// The numbers of an object and of the objects in it.
fn numbers(object: Map<String, Value>, depth: usize) -> Map<String, Value> {
    let kept = |(key, value): (String, Value)| match value {
        Value::Number(_) => Some((key, value)),
        Value::Object(inner) if depth > 1 => Some((key, Value::Object(numbers(inner, depth - 1)))),
        _ => None,
    };
    object.into_iter().filter_map(kept).collect()
}

fn flag(value: &Map<String, Value>) -> Option<Value> {
    let yes = match value.get("boolValue") {
        Some(yes) => yes.as_bool()?,
        None => text(value)?.trim().to_ascii_lowercase().parse().ok()?,
    };
    Some(json!({ "boolValue": yes }))
}

fn list(value: &Map<String, Value>) -> Option<Value> {
    let names: Vec<String> = match text(value) {
        Some(text) => match serde_json::from_str::<Vec<String>>(text) {
            Ok(list) => list,
            Err(_) => vec![text.to_owned()],
        },
        None => {
            let values = value.get("arrayValue")?.get("values")?.as_array()?;
            values.iter().filter_map(|value| Some(value.get("stringValue")?.as_str()?.to_owned())).collect()
        }
    };
    let kept: Vec<Value> = names
        .iter()
        .filter_map(|text| name(text))
        .take(LONGEST_LIST)
        .map(|text| json!({ "stringValue": text }))
        .collect();
    Some(json!({ "arrayValue": { "values": kept } }))
}

fn attempts(text: &str) -> Option<Value> {
    let list: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
    let kept: Vec<Map<String, Value>> = list.into_iter().take(MOST_ATTEMPTS).map(attempt).collect();
    Some(json!({ "stringValue": serde_json::to_string(&kept).ok()? }))
}

fn attempt(attempt: Map<String, Value>) -> Map<String, Value> {
    let is_kept = |value: &Value| match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => name(text).is_some(),
        Value::Array(_) | Value::Object(_) => false,
    };
    attempt
        .into_iter()
        .filter(|(key, value)| ATTEMPT_FIELDS.contains(&key.as_str()) && is_kept(value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::{FileContext, ReadOptions, read_bytes};

    fn kept(key: &str, value: Value) -> Option<Value> {
        attributes(Some(&json!([{ "key": key, "value": value }]))).pop().map(|pair| pair["value"].clone())
    }

    #[test]
    fn the_names_are_sorted() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]), "{NAMES:?}");
    }

    #[test]
    fn counts_and_names_stay_and_contents_go() {
        let int = json!({ "intValue": 5 });
        assert_eq!(kept("gen_ai.usage.input_tokens.cached", int), Some(json!({ "intValue": "5" })));
        let text = json!({ "stringValue": "5" });
        assert_eq!(kept("gen_ai.usage.input_tokens", text.clone()), Some(text.clone()));
        assert_eq!(
            kept("gen_ai.request.model", json!({ "stringValue": "a/b" })),
            Some(json!({ "stringValue": "a/b" }))
        );
        for contents in [
            "gen_ai.prompt",
            "gen_ai.input.messages",
            "input.value",
            "llm.prompts.0.content",
            "ai.prompt",
            "span.input",
        ] {
            assert_eq!(kept(contents, text.clone()), None, "{contents}");
            assert_eq!(kept(contents, json!({ "arrayValue": { "values": [text] } })), None, "{contents}");
        }
        assert_eq!(kept("gen_ai.usage.input_tokens", json!({ "stringValue": "tell me" })), None);
        assert_eq!(kept("session.id", json!({ "stringValue": "two\nlines" })), None, "not a name");
        assert_eq!(kept("session.id", json!({ "stringValue": "x".repeat(201) })), None, "not a name");
    }

    #[test]
    fn the_counts_of_litellm_get_their_standard_names() {
        let printed =
            "{'prompt_tokens': 9, 'prompt_tokens_details': {'cached_tokens': 5, 'cache_write_tokens': None}}";
        let list = json!([
            { "key": "metadata.usage_object", "value": { "stringValue": printed } },
            { "key": "metadata.requester_metadata", "value": { "stringValue": "{'session_id': 's1', 'headers': {'x': 'secret'}}" } },
            { "key": "hidden_params", "value": { "stringValue": r#"{"litellm_overhead_time_ms": 1.5, "api_base": "secret"}"# } },
        ]);
        let kept = attributes(Some(&list));
        assert_eq!(
            kept,
            [
                json!({ "key": "gen_ai.usage.cache_read.input_tokens", "value": { "intValue": "5" } }),
                json!({ "key": "session.id", "value": { "stringValue": "s1" } }),
                json!({ "key": "hidden_params", "value": { "stringValue": r#"{"litellm_overhead_time_ms":1.5}"# } }),
            ]
        );
    }

    #[test]
    fn a_received_span_of_litellm_has_the_counts_of_one_in_a_file() {
        let text = |key: &str, text: &str| json!({ "key": key, "value": { "stringValue": text } });
        let read = |attributes: Vec<Value>| {
            let span = json!({ "traceId": "a1", "spanId": "b1", "name": "litellm_request", "attributes": attributes });
            let traces = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] }).to_string();
            let options = ReadOptions::default();
            let file = read_bytes(traces.as_bytes(), FileContext::default(), &options).expect("readable");
            let call = file.found.calls.first().expect("a call").clone();
            (call.tokens(), call.session)
        };
        for printed in [
            "{'prompt_tokens': 90, 'prompt_tokens_details': {'cached_tokens': 0, 'cache_creation_tokens': 20}, \
             'cache_read_input_tokens': 50, 'completion_tokens_details': {'reasoning_tokens': 3}}",
            "{'prompt_tokens': 90, 'cache_read_input_tokens': 50, 'cache_creation_input_tokens': 20, \
             'cache_creation': {'ephemeral_5m_input_tokens': 5, 'ephemeral_1h_input_tokens': 15}}",
            "{'prompt_tokens': 90, 'prompt_tokens_details': None}",
        ] {
            let list = vec![
                json!({ "key": "gen_ai.usage.input_tokens", "value": { "intValue": "90" } }),
                json!({ "key": "gen_ai.usage.output_tokens", "value": { "intValue": "7" } }),
                text("gen_ai.operation.name", "acompletion"),
                text(USAGE, printed),
                text(REQUESTER, "{'session_id': 's1', 'headers': {'x': 'secret'}}"),
            ];
            let received = read(attributes(Some(&Value::Array(list.clone()))));
            let (tokens, session) = read(list);
            assert_eq!(received, (tokens, session.clone()), "{printed}");
            assert_eq!((tokens.prompt(), session.as_deref()), (Some(90), Some("s1")), "{printed}");
        }
    }

    #[test]
    fn a_message_is_reduced_to_how_the_call_ended() {
        let message = json!({ "stringValue": "Rate limit reached for the prompt: secret" });
        assert_eq!(kept("error.message", message), Some(json!({ "stringValue": "rate limit" })));
        assert_eq!(kept("error.message", json!({ "stringValue": "secret" })), None);
        let attempts =
            json!({ "stringValue": r#"[{"status":429,"provider_name":"Cedar","text":"secret","x":{}}]"# });
        let left = kept("trace.metadata.provider_responses", attempts).expect("kept");
        let list: Value = serde_json::from_str(left["stringValue"].as_str().expect("a text")).expect("JSON");
        assert_eq!(list, json!([{ "status": 429, "provider_name": "Cedar" }]));
        let reasons = json!({ "stringValue": "[\"stop\"]" });
        let list = json!({ "arrayValue": { "values": [{ "stringValue": "stop" }] } });
        assert_eq!(kept("gen_ai.response.finish_reasons", reasons), Some(list));
    }
}
