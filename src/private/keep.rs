//! A received request, reduced to what is stored: calls to models, with the attributes of [`super::allowed`] alone.

use super::allowed::{attributes, is_of_call, name, outcome};
use crate::request_log::litellm_spans::REPEAT;
use serde_json::{Map, Value, json};

/// Names of log records that describe calls to models, by the start of the name.
const EVENTS: &[&str] = &[
    "api_request",
    "api_error",
    "claude_code.api_request",
    "claude_code.api_error",
    "codex.api_request",
    "codex.conversation_starts",
    "codex.sse_event",
    "codex.websocket_event",
    "gemini_cli.api_error",
    "gemini_cli.api_request",
    "gemini_cli.api_response",
    "qwen-code.api_error",
    "qwen-code.api_response",
    "gen_ai.client.inference.operation.details",
];

/// The names of spans that readers use; other names are left out, because an application chooses them.
const SPANS: &[&str] = &[
    "ai.",
    "chat",
    "claude_code.llm_request",
    "create_agent",
    "embeddings",
    "execute_tool",
    "generate_content",
    "generation",
    "invoke_agent",
    "LLM Generation",
    "litellm_request",
    "provider attempt",
    "Received Proxy Server Request",
    "text_completion",
];

/// What remains of a request.
#[derive(Debug, Default, PartialEq)]
pub struct Kept {
    /// Requests to store, one for each resource, so that each has one format.
    pub requests: Vec<Value>,
    /// Number of spans or records to store.
    pub kept: u64,
    /// Number of spans or records that are not about calls to models.
    pub left_out: u64,
    /// Number of spans or records that are damaged.
    pub rejected: u64,
    /// Why the first one is damaged.
    pub reason: Option<&'static str>,
}

/// The two kinds of telemetry that are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

impl Signal {
    /// The names of the lists in a request: resources, scopes, items.
    const fn lists(self) -> [&'static str; 3] {
        match self {
            Self::Traces => ["resourceSpans", "scopeSpans", "spans"],
            Self::Logs => ["resourceLogs", "scopeLogs", "logRecords"],
        }
    }
}

/// Reduces a request.
///
/// # Errors
/// What is wrong with its form.
pub fn reduce(signal: Signal, request: &Value) -> Result<Kept, String> {
    let [resources, scopes, items] = signal.lists();
    let mut found = Kept::default();
    let request = request.as_object().ok_or("expected a JSON object")?;
    if request.is_empty() {
        // A request without telemetry is a success, as in protobuf.
        return Ok(found);
    }
    for (place, resource) in list(request, resources, "")?.iter().enumerate() {
        let at = format!("{resources}[{place}]");
        let resource = resource.as_object().ok_or_else(|| format!("expected an object at `{at}`"))?;
        let mut kept_scopes = Vec::new();
        for (place, scope) in list(resource, scopes, &at)?.iter().enumerate() {
            let at = format!("{at}.{scopes}[{place}]");
            let scope = scope.as_object().ok_or_else(|| format!("expected an object at `{at}`"))?;
            let mut kept = Vec::new();
            for item in list(scope, items, &at)? {
                match reduce_item(signal, item) {
                    Ok(Some(item)) => kept.push(item),
                    Ok(None) => found.left_out += 1,
                    Err(reason) => {
                        found.rejected += 1;
                        found.reason.get_or_insert(reason);
                    }
                }
            }
            if !kept.is_empty() {
                found.kept += kept.len() as u64;
                kept_scopes.push(json!({ "scope": reduce_scope(scope.get("scope")), items: kept }));
            }
        }
        if !kept_scopes.is_empty() {
            let of_resource =
                attributes(resource.get("resource").and_then(|resource| resource.get("attributes")));
            let kept = json!({ "resource": { "attributes": of_resource }, scopes: kept_scopes });
            found.requests.push(json!({ resources: [kept] }));
        }
    }
    Ok(found)
}

/// A list of a request; absent and null are empty.
fn list<'a>(object: &'a Map<String, Value>, key: &str, at: &str) -> Result<&'a [Value], String> {
    match object.get(key) {
        None if at.is_empty() => Err(format!("there is no `{key}`")),
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(format!("expected a list at `{at}.{key}`").replace("`.", "`")),
    }
}

fn reduce_scope(scope: Option<&Value>) -> Value {
    let text = |key: &str| scope.and_then(|scope| name(scope.get(key)?.as_str()?)).unwrap_or_default();
    json!({ "name": text("name"), "version": text("version") })
}

fn reduce_item(signal: Signal, item: &Value) -> Result<Option<Value>, &'static str> {
    let item = item.as_object().ok_or("not an object")?;
    match signal {
        Signal::Traces => reduce_span(item),
        Signal::Logs => Ok(reduce_record(item)),
    }
}

fn reduce_span(span: &Map<String, Value>) -> Result<Option<Value>, &'static str> {
    let trace = id(span, "traceId", 32).ok_or("`traceId` is not 16 bytes")?;
    let own = id(span, "spanId", 16).ok_or("`spanId` is not 8 bytes")?;
    let start = nanoseconds(span, "startTimeUnixNano").ok_or("`startTimeUnixNano` is not a time")?;
    let end = nanoseconds(span, "endTimeUnixNano").ok_or("`endTimeUnixNano` is not a time")?;
    let written = span.get("name").and_then(Value::as_str).unwrap_or_default();
    let kept = attributes(span.get("attributes"));
    let is_call = kept.iter().any(|pair| pair["key"].as_str().is_some_and(is_of_call));
    if !is_call || written == REPEAT {
        return Ok(None);
    }
    let is_known = SPANS.iter().any(|start| written.starts_with(start));
    let status = span.get("status");
    let message = status.and_then(|status| outcome(status.get("message")?.as_str()?));
    let mut reduced = json!({
        "traceId": trace,
        "spanId": own,
        "name": name(written).filter(|_| is_known).unwrap_or_default(),
        "kind": span.get("kind").and_then(Value::as_i64).unwrap_or(0),
        "startTimeUnixNano": start,
        "endTimeUnixNano": end,
        "attributes": kept,
        "status": { "code": code(status.and_then(|status| status.get("code"))) },
    });
    if let Some(message) = message {
        reduced["status"]["message"] = json!(message);
    }
    if let Some(parent) = id(span, "parentSpanId", 16) {
        reduced["parentSpanId"] = json!(parent);
    }
    let events = exceptions(span.get("events"));
    if !events.is_empty() {
        reduced["events"] = Value::Array(events);
    }
    Ok(Some(reduced))
}

/// The code of a status, as a number or by its name.
fn code(code: Option<&Value>) -> i64 {
    match code {
        Some(Value::String(name)) if name == "STATUS_CODE_OK" => 1,
        Some(Value::String(name)) if name == "STATUS_CODE_ERROR" => 2,
        Some(code) => code.as_i64().unwrap_or(0),
        None => 0,
    }
}

/// The exceptions among the events of a span, with their type alone.
fn exceptions(events: Option<&Value>) -> Vec<Value> {
    let events = events.and_then(Value::as_array).into_iter().flatten();
    let kept = events.filter(|event| event["name"] == "exception").filter_map(|event| {
        let pairs = event.get("attributes")?.as_array()?;
        let kind = pairs.iter().find(|pair| pair["key"] == "exception.type")?;
        let kind = name(kind["value"].get("stringValue")?.as_str()?)?;
        let pair = json!({ "key": "exception.type", "value": { "stringValue": kind } });
        Some(json!({ "name": "exception", "attributes": [pair] }))
    });
    kept.collect()
}

/// A log record about a call to a model; its body is left out unless it is the name of the event.
fn reduce_record(record: &Map<String, Value>) -> Option<Value> {
    let kept = attributes(record.get("attributes"));
    let of_event = |pair: &&Value| pair["key"] == "event.name";
    let named = kept.iter().find(of_event).and_then(|pair| pair["value"]["stringValue"].as_str());
    let body = record.get("body").and_then(|body| body.get("stringValue")?.as_str());
    let event = record.get("eventName").and_then(Value::as_str).filter(|event| !event.is_empty());
    let is_known = |event: &&str| EVENTS.contains(event);
    let event = [event, named, body].into_iter().flatten().find(is_known)?.to_owned();
    let mut reduced = json!({
        "timeUnixNano": nanoseconds(record, "timeUnixNano").unwrap_or_else(|| "0".to_owned()),
        "observedTimeUnixNano": nanoseconds(record, "observedTimeUnixNano").unwrap_or_else(|| "0".to_owned()),
        "eventName": event,
        "attributes": kept,
    });
    if body.is_some_and(|body| EVENTS.contains(&body)) {
        reduced["body"] = json!({ "stringValue": body });
    }
    for (key, digits) in [("traceId", 32), ("spanId", 16)] {
        if let Some(id) = id(record, key, digits) {
            reduced[key] = json!(id);
        }
    }
    Some(reduced)
}

/// An id of this many hexadecimal digits that are not all zero, in lower case.
fn id(object: &Map<String, Value>, key: &str, digits: usize) -> Option<String> {
    let text = object.get(key)?.as_str()?;
    let is_id = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && text.bytes().any(|byte| byte != b'0')).then(|| text.to_ascii_lowercase())
}

/// A time in nanoseconds since 1970, as digits.
fn nanoseconds(object: &Map<String, Value>, key: &str) -> Option<String> {
    let value = object.get(key)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    Some(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(extra: &Value) -> Value {
        let mut span = json!({
            "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174",
            "name": "chat secret-model", "kind": 3,
            "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1_544_712_661_000_000_000_u64,
            "attributes": [
                { "key": "gen_ai.usage.input_tokens", "value": { "intValue": "7" } },
                { "key": "gen_ai.prompt", "value": { "stringValue": "SECRET" } },
            ],
            "events": [{ "name": "gen_ai.choice", "attributes": [{ "key": "message", "value": { "stringValue": "SECRET" } }] }],
            "links": [{ "traceState": "SECRET" }],
            "status": { "code": 2, "message": "SECRET timed out" },
        });
        for (key, value) in extra.as_object().into_iter().flatten() {
            span[key] = value.clone();
        }
        span
    }

    fn reduced(spans: &Value) -> Kept {
        let request =
            json!({ "resourceSpans": [{ "scopeSpans": [{ "scope": { "name": "x" }, "spans": spans }] }] });
        reduce(Signal::Traces, &request).expect("a request")
    }

    #[test]
    fn contents_go_and_calls_stay() {
        let found = reduced(&json!([span(&json!({})), span(&json!({ "name": "SECRET", "attributes": [] }))]));
        assert_eq!((found.kept, found.left_out, found.rejected), (1, 1, 0));
        let text = found.requests[0].to_string();
        assert!(!text.contains("SECRET"), "{text}");
        assert!(text.contains("5b8efff798038103d269b633813fc60c") && text.contains("timed out"), "{text}");
    }

    #[test]
    fn damage_is_counted_with_its_reason() {
        let found = reduced(&json!([span(&json!({ "traceId": "00" })), span(&json!({}))]));
        assert_eq!((found.kept, found.rejected, found.reason), (1, 1, Some("`traceId` is not 16 bytes")));
        let error = |request: Value| reduce(Signal::Traces, &request).expect_err("malformed");
        assert!(error(json!([])).contains("object"));
        assert!(error(json!({ "x": 1 })).contains("resourceSpans"));
        assert_eq!(reduce(Signal::Traces, &json!({})), Ok(Kept::default()));
        assert!(error(json!({ "resourceSpans": 1 })).contains("`resourceSpans`"));
        assert!(
            error(json!({ "resourceSpans": [{ "scopeSpans": 1 }] })).contains("resourceSpans[0].scopeSpans")
        );
        assert_eq!(reduced(&json!([])), Kept::default());
    }

    #[test]
    fn a_log_record_needs_a_known_event() {
        let record = |name: &str| {
            json!({
                "timeUnixNano": "1544712660000000000", "body": { "stringValue": "SECRET" },
                "attributes": [
                    { "key": "event.name", "value": { "stringValue": name } },
                    { "key": "input_tokens", "value": { "stringValue": "12" } },
                    { "key": "prompt", "value": { "stringValue": "SECRET" } },
                ],
            })
        };
        let records = json!([record("api_request"), record("user_prompt")]);
        let request = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] });
        let found = reduce(Signal::Logs, &request).expect("a request");
        assert_eq!((found.kept, found.left_out), (1, 1));
        let text = found.requests[0].to_string();
        assert!(!text.contains("SECRET") && text.contains("\"12\""), "{text}");
    }
}
