//! One entry of a request log: its shape and its counts.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// One request of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Line number, counted from 1; in a JSON array, the position of the entry.
    pub line: usize,
    /// Session, conversation or trace that it belongs to, if known.
    pub session: Option<String>,
    /// Time of the request, if known.
    pub at: Option<DateTime<Utc>>,
    /// The model, if known.
    pub model: Option<String>,
    /// Id of the request, if known.
    pub id: Option<String>,
    /// Prompt tokens, including cached and written tokens.
    pub prompt: f64,
    /// Prompt tokens found in the cache; `None` if unknown.
    pub cached: Option<f64>,
    /// Completion tokens.
    pub output: f64,
    /// Cost, USD, if known.
    pub cost: Option<f64>,
}

/// The known formats of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `prompt_tokens` including cached tokens, with details in `prompt_tokens_details`.
    OpenAiChat,
    /// `input_tokens` including cached tokens, with details in `input_tokens_details`.
    OpenAiResponses,
    /// `input_tokens`, which excludes `cache_read_input_tokens` and `cache_creation_input_tokens`.
    Anthropic,
    /// A chat completion's usage with OpenRouter's `cost`.
    OpenRouter,
    /// OpenRouter's generation record: `native_tokens_prompt`, `native_tokens_cached`.
    OpenRouterGeneration,
    /// A row of LiteLLM's spend logs.
    LiteLlm,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenAiChat => "OpenAI chat completions",
            Self::OpenAiResponses => "OpenAI responses",
            Self::Anthropic => "Anthropic messages",
            Self::OpenRouter => "OpenRouter chat completions",
            Self::OpenRouterGeneration => "OpenRouter generation records",
            Self::LiteLlm => "LiteLLM spend logs",
        })
    }
}

/// Why an entry is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("not a JSON object")]
    NotAnObject,
    #[error("no usage in a known format (OpenAI, Anthropic, OpenRouter, LiteLLM)")]
    NoUsage,
    #[error("token counts that are negative, not numbers, or over a billion")]
    BadCounts,
    #[error("no prompt tokens: the request failed or sent nothing")]
    NoPrompt,
    #[error("answered from the proxy's own cache: nothing was sent upstream")]
    OwnCache,
}

/// Maximum number of tokens in a request.
const MOST_TOKENS: f64 = 1e9;
/// Where an entry may keep its response or usage, outermost first.
const NESTED: [&[&str]; 8] = [
    &[],
    &["response"],
    &["message"],
    &["data"],
    &["body"],
    &["response", "body"],
    &["result", "message"],
    &["metadata", "usage_object"],
];
/// Keys of the session id.
const SESSION_KEYS: [&str; 9] = [
    "session_id",
    "sessionId",
    "conversation_id",
    "thread_id",
    "chat_id",
    "litellm_session_id",
    "trace_id",
    "traceId",
    "litellm_trace_id",
];
/// Keys of the time of a request.
const TIME_KEYS: [&str; 8] =
    ["timestamp", "startTime", "start_time", "created_at", "time", "ts", "created", "endTime"];
/// Keys of the request id; keys in the response come before keys in the line.
const ID_KEYS: [&str; 4] = ["id", "request_id", "requestId", "generation_id"];

type Object = Map<String, Value>;

/// Parses the request in an entry.
pub(super) fn request(entry: &Value, line: usize) -> Result<(Shape, Request), Refusal> {
    let object = entry.as_object().ok_or(Refusal::NotAnObject)?;
    let object = match object.get("data").and_then(Value::as_object) {
        Some(data) if data.contains_key("native_tokens_prompt") => data,
        _ => object,
    };
    if is_true(object.get("cache_hit")) {
        return Err(Refusal::OwnCache);
    }
    let (shape, counts) = counts(object)?;
    if counts.prompt <= 0.0 {
        return Err(Refusal::NoPrompt);
    }
    let metadata = metadata(object);
    let holders: Vec<&Object> =
        NESTED.iter().filter_map(|path| at(object, path)).chain(metadata.as_ref()).collect();
    let text = |keys: &[&str]| keys.iter().find_map(|key| holders.iter().find_map(|h| name(h.get(*key))));
    Ok((
        shape,
        Request {
            line,
            session: text(&SESSION_KEYS),
            at: TIME_KEYS.iter().find_map(|key| holders.iter().find_map(|h| time(h.get(*key)?))),
            model: text(&["model"]),
            id: holders.iter().rev().find_map(|h| ID_KEYS.iter().find_map(|key| name(h.get(*key)))),
            cached: counts.cached.map(|cached| cached.min(counts.prompt)),
            ..counts
        },
    ))
}

/// The shape of an entry and its counts; the other fields of the request are empty.
fn counts(object: &Object) -> Result<(Shape, Request), Refusal> {
    if object.contains_key("native_tokens_prompt") {
        return Ok((Shape::OpenRouterGeneration, generation(object)?));
    }
    let spend = object.contains_key("spend") || object.contains_key("call_type");
    if spend && object.contains_key("prompt_tokens") {
        return Ok((Shape::LiteLlm, spend_log(object)?));
    }
    for path in NESTED {
        let Some(holder) = at(object, path) else { continue };
        let usage = holder.get("usage").and_then(Value::as_object).unwrap_or(holder);
        if usage.contains_key("prompt_tokens") {
            let counts = chat(usage)?;
            let ours = ["cost", "is_byok", "cost_details"].iter().any(|key| usage.contains_key(*key));
            return Ok((if ours { Shape::OpenRouter } else { Shape::OpenAiChat }, counts));
        }
        if usage.contains_key("input_tokens") {
            return input_output(usage);
        }
    }
    Err(Refusal::NoUsage)
}

fn generation(record: &Object) -> Result<Request, Refusal> {
    Ok(Request {
        prompt: count(record.get("native_tokens_prompt"))?.unwrap_or(0.0),
        cached: count(record.get("native_tokens_cached"))?,
        output: count(record.get("native_tokens_completion"))?.unwrap_or(0.0),
        cost: money(record, &["total_cost", "usage"]),
        ..Request::default()
    })
}

fn spend_log(row: &Object) -> Result<Request, Refusal> {
    let mut counts = chat(row)?;
    let metadata = metadata(row);
    let usage = metadata.as_ref().and_then(|m| m.get("usage_object")?.as_object());
    let usage =
        usage.or_else(|| metadata.as_ref().and_then(|m| m.get("additional_usage_values")?.as_object()));
    if let Some(usage) = usage {
        let mut whole = usage.clone();
        whole.entry("prompt_tokens").or_insert_with(|| Value::from(counts.prompt));
        let detailed = chat(&whole)?;
        counts.cached = counts.cached.or(detailed.cached);
        counts.prompt = counts.prompt.max(detailed.prompt);
    }
    counts.cost = money(row, &["spend"]);
    Ok(counts)
}

/// OpenAI's chat completions and compatible formats. Cached tokens are part of `prompt_tokens`, unless there are too
/// many for that: some proxies pass on Anthropic's counts, which exclude them.
fn chat(usage: &Object) -> Result<Request, Refusal> {
    let details = usage.get("prompt_tokens_details").and_then(Value::as_object);
    let detail = |key: &str| count(details.and_then(|d| d.get(key)));
    let mut prompt = count(usage.get("prompt_tokens"))?.unwrap_or(0.0);
    let cached = match detail("cached_tokens")? {
        Some(cached) if cached > 0.0 => Some(cached),
        reported => {
            let elsewhere =
                count(usage.get("cache_read_input_tokens"))?.or(count(usage.get("prompt_cache_hit_tokens"))?);
            elsewhere.or(reported)
        }
    };
    let written =
        count(usage.get("cache_creation_input_tokens"))?.or(detail("cache_write_tokens")?).unwrap_or(0.0);
    if cached.unwrap_or(0.0) + written > prompt {
        prompt += cached.unwrap_or(0.0) + written;
    }
    let output = count(usage.get("completion_tokens"))?.unwrap_or(0.0);
    Ok(Request { prompt, cached, output, cost: money(usage, &["cost"]), ..Request::default() })
}

fn input_output(usage: &Object) -> Result<(Shape, Request), Refusal> {
    let input = count(usage.get("input_tokens"))?.unwrap_or(0.0);
    let output = count(usage.get("output_tokens"))?.unwrap_or(0.0);
    let cost = money(usage, &["cost"]);
    let read = count(usage.get("cache_read_input_tokens"))?;
    let written = count(usage.get("cache_creation_input_tokens"))?;
    let theirs = ["cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation"];
    if theirs.iter().any(|key| usage.contains_key(*key)) {
        let prompt = input + read.unwrap_or(0.0) + written.unwrap_or(0.0);
        let cached = Some(read.unwrap_or(0.0));
        return Ok((Shape::Anthropic, Request { prompt, cached, output, cost, ..Request::default() }));
    }
    let details = usage.get("input_tokens_details").and_then(Value::as_object);
    let cached = count(details.and_then(|d| d.get("cached_tokens")))?;
    Ok((Shape::OpenAiResponses, Request { prompt: input, cached, output, cost, ..Request::default() }))
}

/// A count of tokens; `None` if it is absent or null.
fn count(value: Option<&Value>) -> Result<Option<f64>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_f64().filter(|n| (0.0..=MOST_TOKENS).contains(n));
            number.map(Some).ok_or(Refusal::BadCounts)
        }
    }
}

fn money(object: &Object, keys: &[&str]) -> Option<f64> {
    keys.iter().find_map(|key| object.get(*key)?.as_f64()).filter(|m| m.is_finite() && *m >= 0.0)
}

fn at<'a>(object: &'a Object, path: &[&str]) -> Option<&'a Object> {
    path.iter().try_fold(object, |inner, key| inner.get(*key)?.as_object())
}

/// The metadata of an entry, which database exports contain as a string.
fn metadata(object: &Object) -> Option<Object> {
    match object.get("metadata")? {
        Value::Object(metadata) => Some(metadata.clone()),
        Value::String(text) => serde_json::from_str::<Value>(text).ok()?.as_object().cloned(),
        _ => None,
    }
}

fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

fn name(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.chars().take(200).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A time in RFC 3339, optionally with a space or without a zone (UTC), or in seconds or milliseconds since 1970.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(number) = value.as_f64() {
        let milliseconds = if number.abs() > 1e11 { number } else { number * 1000.0 };
        return DateTime::from_timestamp_millis(milliseconds as i64);
    }
    let text = value.as_str()?.trim();
    if let Ok(at) =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%F %T%.f%#z"))
    {
        return Some(at.to_utc());
    }
    let naive = NaiveDateTime::parse_from_str(text, "%FT%T%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%F %T%.f"));
    naive.ok().map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(entry: &Value) -> (Shape, Request) {
        request(entry, 1).unwrap_or_else(|refusal| panic!("{refusal}: {entry}"))
    }

    fn counted(entry: Value) -> (Shape, f64, Option<f64>, f64) {
        let (shape, request) = read(&entry);
        (shape, request.prompt, request.cached, request.output)
    }

    #[test]
    fn every_shape_comes_to_the_same_request() {
        let wanted = |shape| (shape, 1000.0, Some(800.0), 50.0);
        let details = json!({"cached_tokens": 800});
        let chat = json!({"prompt_tokens": 1000, "completion_tokens": 50, "prompt_tokens_details": details});
        assert_eq!(counted(json!({"id": "x", "usage": chat})), wanted(Shape::OpenAiChat));
        assert_eq!(counted(chat.clone()), wanted(Shape::OpenAiChat), "bare");
        let responses = json!({"input_tokens": 1000, "output_tokens": 50, "input_tokens_details": details});
        assert_eq!(counted(json!({"response": {"usage": responses}})), wanted(Shape::OpenAiResponses));
        // Anthropic's input_tokens exclude cached and written tokens.
        let anthropic = json!({"input_tokens": 150, "output_tokens": 50,
            "cache_read_input_tokens": 800, "cache_creation_input_tokens": 50});
        assert_eq!(counted(json!({"message": {"usage": anthropic}})), wanted(Shape::Anthropic));
        let generation = json!({"data": {"native_tokens_prompt": 1000, "native_tokens_completion": 50,
            "native_tokens_cached": 800, "tokens_prompt": 900, "usage": 0.0123, "cache_discount": 0.001}});
        assert_eq!(counted(generation.clone()), wanted(Shape::OpenRouterGeneration));
        assert_eq!(read(&generation).1.cost, Some(0.0123));
        let mut router = chat.clone();
        router["cost"] = json!(0.5);
        assert_eq!(counted(json!({"usage": router})), wanted(Shape::OpenRouter));
        let spend = json!({"spend": 0.2, "call_type": "acompletion", "prompt_tokens": 1000,
            "completion_tokens": 50, "metadata": json!({"usage_object": chat}).to_string()});
        assert_eq!(counted(spend.clone()), wanted(Shape::LiteLlm));
        assert_eq!(read(&spend).1.cost, Some(0.2));
    }

    #[test]
    fn a_proxy_that_leaves_anthropics_cached_tokens_out_is_seen_through() {
        let row = json!({"prompt_tokens": 31, "completion_tokens": 467, "cache_creation_input_tokens": 1253,
            "cache_read_input_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0}});
        assert_eq!(counted(row), (Shape::OpenAiChat, 1284.0, Some(0.0), 467.0));
    }

    #[test]
    fn sessions_times_and_ids_are_found_where_they_are() {
        let entry = json!({"sessionId": "s-1", "timestamp": "2026-08-01T10:00:00Z", "requestId": "r",
            "message": {"id": "m-1", "model": "acme/bolt",
                "usage": {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 0}}});
        let found = read(&entry).1;
        assert_eq!((found.session.as_deref(), found.model.as_deref()), (Some("s-1"), Some("acme/bolt")));
        assert_eq!(found.id.as_deref(), Some("m-1"));
        let later = |time: Value| read(&json!({"prompt_tokens": 1, "startTime": time})).1.at;
        for same in [json!("2026-08-01 10:00:00"), json!("2026-08-01T10:00:00.000"), json!(1_785_578_400)] {
            assert_eq!(later(same.clone()), found.at, "{same}");
        }
        assert_eq!(later(json!(1_785_578_400_000_i64)), found.at, "milliseconds");
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let refused = |entry: Value| request(&entry, 1).err();
        assert_eq!(refused(json!([1])), Some(Refusal::NotAnObject));
        assert_eq!(refused(json!({"error": "rate limited"})), Some(Refusal::NoUsage));
        assert_eq!(refused(json!({"prompt_tokens": -3})), Some(Refusal::BadCounts));
        assert_eq!(refused(json!({"prompt_tokens": "many"})), Some(Refusal::BadCounts));
        assert_eq!(refused(json!({"prompt_tokens": 0, "completion_tokens": 0})), Some(Refusal::NoPrompt));
        let hit = json!({"spend": 0.0, "prompt_tokens": 9, "cache_hit": "True"});
        assert_eq!(refused(hit), Some(Refusal::OwnCache));
    }
}
