//! Spans and log records of OpenTelemetry, in whatever JSON form they come: OTLP/JSON (one request, or the lines of the
//! collector's file exporter), the dumps of the SDKs, Jaeger's export and the rows of the collector's ClickHouse tables.
//!
//! Nothing is copied: prompts and answers stay in the entry.

use super::super::entry::{self, Object};
use super::otlp_attributes::{Attributes, plain};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::rc::Rc;

/// How deep containers are searched for records.
const DEEPEST: usize = 8;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A span of a trace.
    Span,
    /// A log record or event.
    Log,
    /// A batch of metrics, which hold no calls.
    Metrics,
}

/// A span or log record.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// Ids of its trace and span.
    pub(super) key: Option<String>,
    /// Ids of the trace and of the parent span.
    pub(super) parent: Option<String>,
    /// Name of the span or event.
    pub(super) name: &'a str,
    /// Start of a span, time of a log record.
    pub(super) start: Option<DateTime<Utc>>,
    /// End of a span.
    pub(super) end: Option<DateTime<Utc>>,
    /// Duration of a span, ms.
    pub(super) duration_ms: Option<f64>,
    /// Whether the status is an error.
    pub(super) is_error: bool,
    /// Message of the status. It may hold content: only its class is kept.
    pub(super) message: Option<&'a str>,
    /// Class of the exception among the events of a span.
    pub(super) exception: Option<String>,
    /// Attributes of the record.
    pub(super) attributes: Attributes<'a>,
    /// Attributes of what emitted it.
    pub(super) resource: Rc<Attributes<'a>>,
    /// Name of the instrumentation.
    pub(super) scope: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// Name of the service that emitted the record.
    pub(super) fn service(&self) -> Option<&'a str> {
        let service = self.resource.get("service.name")?.as_str()?;
        (!service.is_empty() && !service.starts_with("unknown_service")).then_some(service)
    }
}

/// Whether an object is a container of OTLP/JSON.
pub(super) fn is_container(object: &Object) -> bool {
    CONTAINERS.iter().any(|(names, _)| names.iter().any(|name| object.contains_key(*name)))
}

/// The names of the lists of resources, and what their records are.
const CONTAINERS: [(&[&str], Kind); 3] = [
    (&["resourceSpans", "resource_spans", "batches"], Kind::Span),
    (&["resourceLogs", "resource_logs"], Kind::Log),
    (&["resourceMetrics", "resource_metrics", "scopeMetrics"], Kind::Metrics),
];
const SCOPES: &[&str] = &[
    "scopeSpans",
    "scope_spans",
    "instrumentationLibrarySpans",
    "scopeLogs",
    "scope_logs",
    "instrumentationLibraryLogs",
];
const ITEMS: &[&str] = &["spans", "logRecords", "log_records", "logs"];
const ATTRIBUTES: &[&str] = &["attributes", "tags", "SpanAttributes", "LogAttributes"];

/// All records in an entry.
pub(super) fn records(value: &Value) -> Vec<Record<'_>> {
    let mut found = Vec::new();
    collect(value, &mut found, 0);
    found
}

fn list<'a>(object: &'a Object, names: &[&str]) -> Option<&'a Vec<Value>> {
    names.iter().find_map(|name| object.get(*name)?.as_array())
}

fn collect<'a>(value: &'a Value, found: &mut Vec<Record<'a>>, depth: usize) {
    let object = match value {
        _ if depth > DEEPEST => return,
        Value::Array(items) => return items.iter().for_each(|item| collect(item, found, depth + 1)),
        Value::Object(object) => object,
        _ => return,
    };
    let before = found.len();
    let mut is_known = false;
    for (names, kind) in CONTAINERS {
        for resource in list(object, names).into_iter().flatten().filter_map(Value::as_object) {
            is_known = true;
            match kind {
                Kind::Metrics => found.push(Record::metrics()),
                _ => of_resource(resource, found),
            }
        }
        is_known |= list(object, names).is_some();
    }
    if list(object, SCOPES).is_some() || (list(object, ITEMS).is_some() && list(object, ATTRIBUTES).is_none())
    {
        is_known = true;
        of_resource(object, found);
    }
    if !is_known && is_record(object) {
        found.push(record(object, None, None));
    } else if found.len() == before {
        for key in ["data", "trace", "traces", "result"] {
            if let Some(inner) = object.get(key).filter(|inner| inner.is_object() || inner.is_array()) {
                collect(inner, found, depth + 1);
            }
        }
    }
}

/// The records of one resource: in scopes, or without them.
fn of_resource<'a>(object: &'a Object, found: &mut Vec<Record<'a>>) {
    let named = object.get("resource").and_then(Value::as_object);
    // Jaeger keeps the resources of a trace apart, by the ids of processes.
    let process = object.get("processes").and_then(Value::as_object).and_then(|all| all.values().next());
    let resource = match (named, process) {
        (Some(resource), _) => Attributes::new(resource.get("attributes")),
        (None, Some(process)) => {
            let mut tags = Attributes::new(process.get("tags"));
            if let Some(service) = process.get("serviceName") {
                tags.insert("service.name", service);
            }
            tags
        }
        (None, None) => Attributes::default(),
    };
    let resource = Rc::new(resource);
    let scopes = list(object, SCOPES).map_or_else(|| vec![object], |scopes| objects(scopes));
    for scope in scopes {
        let name =
            ["scope", "instrumentationLibrary"].iter().find_map(|key| scope.get(*key)?.get("name")?.as_str());
        for item in list(scope, ITEMS).map(|items| objects(items)).unwrap_or_default() {
            found.push(record(item, Some(&resource), name));
        }
    }
}

fn objects(list: &[Value]) -> Vec<&Object> {
    list.iter().filter_map(Value::as_object).collect()
}

const TRACE: &[&[&str]] = &[
    &["traceId"],
    &["trace_id"],
    &["traceID"],
    &["TraceId"],
    &["context", "trace_id"],
    &["_spanContext", "traceId"],
    &["spanContext", "traceId"],
];
const SPAN: &[&[&str]] = &[
    &["spanId"],
    &["span_id"],
    &["spanID"],
    &["SpanId"],
    &["context", "span_id"],
    &["_spanContext", "spanId"],
    &["spanContext", "spanId"],
];
const PARENT: &[&[&str]] = &[
    &["parentSpanId"],
    &["parent_span_id"],
    &["parentSpanID"],
    &["ParentSpanId"],
    &["parent_id"],
    &["parentSpanContext", "spanId"],
    &["parent", "span_id"],
];
const START: &[&str] =
    &["startTimeUnixNano", "start_time_unix_nano", "startTime", "start_time", "start_timestamp", "Timestamp"];
const END: &[&str] = &["endTimeUnixNano", "end_time_unix_nano", "endTime", "end_time"];
const LOG_TIME: &[&str] = &[
    "timeUnixNano",
    "time_unix_nano",
    "observedTimeUnixNano",
    "observed_time_unix_nano",
    "hrTime",
    "hrTimeObserved",
    "timestamp",
    "Timestamp",
    "observed_timestamp",
];
const LOG_ONLY: &[&str] = &[
    "body",
    "_body",
    "Body",
    "severityNumber",
    "severityText",
    "severity_text",
    "SeverityText",
    "eventName",
    "event_name",
    "hrTime",
    "observedTimeUnixNano",
    "LogAttributes",
];

fn id(object: &Object, paths: &[&[&str]]) -> Option<String> {
    let id = paths.iter().find_map(|path| entry::text(entry::at(object, path)))?;
    let id = id.trim_start_matches("0x").to_ascii_lowercase();
    (!id.is_empty() && id.bytes().any(|byte| byte != b'0')).then_some(id)
}

/// Whether an object is a span or log record by itself.
fn is_record(object: &Object) -> bool {
    let has_attributes = ATTRIBUTES.iter().any(|name| object.contains_key(*name));
    let is_span = object.get("type").is_some_and(|kind| kind == "span");
    has_attributes
        && (is_span || id(object, SPAN).is_some() || LOG_ONLY.iter().any(|name| object.contains_key(*name)))
}

/// A time, also as the pair of seconds and nanoseconds of the JavaScript SDK.
fn time(value: Option<&Value>) -> Option<DateTime<Utc>> {
    match value? {
        Value::Array(pair) => {
            let (seconds, nanos) = (pair.first()?.as_i64()?, pair.get(1)?.as_u64()?);
            DateTime::from_timestamp(seconds, u32::try_from(nanos).ok()?)
        }
        value => entry::time(Some(value)).map(|(at, _)| at),
    }
}

/// A duration of a span without an end, ms: a pair, Jaeger's microseconds, or ClickHouse's nanoseconds.
fn duration(object: &Object) -> Option<f64> {
    let value = ["duration", "_duration", "Duration"].iter().find_map(|key| object.get(*key))?;
    if let Value::Array(pair) = value {
        return Some(pair.first()?.as_f64()? * 1e3 + pair.get(1)?.as_f64()? / 1e6);
    }
    let per_ms = if object.contains_key("operationName") {
        1e3
    } else if object.contains_key("Duration") {
        1e6
    } else {
        return None;
    };
    entry::duration(Some(value)).map(|duration| duration / per_ms)
}

fn is_error(object: &Object) -> (bool, Option<&str>) {
    let status = object.get("status");
    let code = match status {
        Some(Value::Object(status)) => status.get("code").or_else(|| status.get("status_code")),
        Some(text @ Value::String(_)) => Some(text),
        _ => ["status_code", "StatusCode", "statusCode"].iter().find_map(|key| object.get(*key)),
    };
    let is_error = match code {
        Some(Value::Number(code)) => code.as_u64() == Some(2),
        Some(Value::String(code)) => {
            let code = code.to_ascii_uppercase();
            code.ends_with("ERROR") || code == "2"
        }
        _ => false,
    };
    let message = status.and_then(|status| status.get("message").or_else(|| status.get("description")));
    (is_error, message.or_else(|| object.get("StatusMessage")).and_then(Value::as_str))
}

/// The class of an exception that a span recorded as an event.
fn exception(span: &Object) -> Option<String> {
    let events = span.get("events")?.as_array()?.iter().filter_map(Value::as_object);
    let mut exceptions = events.filter(|event| event.get("name").is_some_and(|name| name == "exception"));
    exceptions.find_map(|event| Attributes::new(event.get("attributes")).text(&["exception.type"]))
}

fn record<'a>(
    object: &'a Object,
    resource: Option<&Rc<Attributes<'a>>>,
    scope: Option<&'a str>,
) -> Record<'a> {
    let attributes = Attributes::new(ATTRIBUTES.iter().find_map(|name| object.get(*name)));
    let is_log = LOG_ONLY.iter().any(|name| object.contains_key(*name));
    let trace = id(object, TRACE);
    let of_trace = |span: Option<String>| Some(format!("{}:{}", trace.as_deref().unwrap_or_default(), span?));
    let jaeger = || {
        let references = object.get("references")?.as_array()?;
        references.iter().filter_map(Value::as_object).find_map(|reference| id(reference, SPAN))
    };
    let text = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str());
    let name = if is_log {
        let named = attributes.get("event.name").and_then(Value::as_str);
        let body = ["body", "_body", "Body"].iter().find_map(|key| plain(object.get(*key)?).as_str());
        // The body of Claude Code's events is their full name.
        let full = body.filter(|body| body.len() < 64 && !body.contains(' ') && body.contains('.'));
        // Codex's exporter writes the place in its source as the event's name, and the name as an attribute.
        let stated = text(&["eventName", "event_name", "EventName"]);
        full.or(named.filter(|name| name.contains('.')))
            .or(stated.filter(|name| !name.is_empty() && !name.contains(' ')))
            .or(named)
    } else {
        text(&["name", "span_name", "SpanName", "operationName"])
    };
    let start = if is_log {
        let stated = LOG_TIME.iter().find_map(|key| time(object.get(*key)));
        stated.or_else(|| time(attributes.get("event.timestamp")))
    } else {
        START.iter().find_map(|key| time(object.get(*key)))
    };
    let end = END.iter().find_map(|key| time(object.get(*key))).filter(|_| !is_log);
    let between = |(start, end): (DateTime<Utc>, DateTime<Utc>)| {
        let micros = (end - start).num_microseconds().filter(|micros| *micros >= 0);
        micros.map(|micros| micros as f64 / 1e3)
    };
    let (is_error, message) = is_error(object);
    let own_resource = || {
        let inner = object.get("resource").and_then(Value::as_object);
        let inner = inner.and_then(|r| r.get("attributes").or_else(|| r.get("_rawAttributes")));
        Rc::new(Attributes::new(inner.or_else(|| object.get("ResourceAttributes"))))
    };
    let own_scope = ["instrumentationScope", "instrumentation_scope", "scope"];
    Record {
        kind: if is_log { Kind::Log } else { Kind::Span },
        key: of_trace(id(object, SPAN)),
        parent: of_trace(id(object, PARENT).or_else(jaeger)),
        name: name.unwrap_or_default(),
        start,
        end,
        duration_ms: start.zip(end).and_then(between).or_else(|| duration(object)),
        is_error: is_error && !is_log || attributes.get("error") == Some(&Value::Bool(true)),
        message,
        exception: exception(object),
        attributes,
        resource: resource.map_or_else(own_resource, Rc::clone),
        scope: scope.or_else(|| own_scope.iter().find_map(|key| object.get(*key)?.get("name")?.as_str())),
    }
}

impl Record<'_> {
    fn metrics() -> Self {
        Self {
            kind: Kind::Metrics,
            key: None,
            parent: None,
            name: "",
            start: None,
            end: None,
            duration_ms: None,
            is_error: false,
            message: None,
            exception: None,
            attributes: Attributes::default(),
            resource: Rc::default(),
            scope: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn otlp_is_walked_through_resources_and_scopes() {
        let value = json!({"resourceSpans": [{"resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "svc"}}]},
            "scopeSpans": [{"scope": {"name": "lib"}, "spans": [{"traceId": "AB", "spanId": "0C", "parentSpanId": "",
                "name": "chat m", "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": 1_790_000_000_500_000_000_u64,
                "status": {"code": "STATUS_CODE_ERROR", "message": "no"}, "attributes": [
                    {"key": "n", "value": {"intValue": "7"}}, {"key": "d", "value": {"doubleValue": 0.5}},
                    {"key": "e", "value": {}}, {"key": "bad"}, 5]}]}]}],
            "resourceMetrics": [{"scopeMetrics": []}]});
        let found = records(&value);
        let span = &found[0];
        assert_eq!((span.key.as_deref(), span.parent.as_deref()), (Some("ab:0c"), None));
        assert_eq!((span.service(), span.scope, span.name), (Some("svc"), Some("lib"), "chat m"));
        assert_eq!((span.duration_ms, span.is_error, span.message), (Some(500.0), true, Some("no")));
        assert_eq!((span.attributes.count(&["n"]), span.attributes.number(&["d"])), (Ok(Some(7)), Some(0.5)));
        assert!(span.attributes.get("e").is_none());
        assert_eq!(found[1].kind, Kind::Metrics);
    }

    #[test]
    fn dumps_of_the_sdks_are_records_too() {
        let python = json!({"name": "chat", "context": {"trace_id": "0xa1", "span_id": "0xb2"}, "parent_id": "0xc3",
            "start_time": "2026-09-21T13:33:20.0Z", "end_time": "2026-09-21T13:33:21.0Z", "status": {"status_code": "ERROR"},
            "attributes": {"gen_ai.usage.input_tokens": 5}, "resource": {"attributes": {"service.name": "py"}}});
        let script = json!({"_spanContext": {"traceId": "a1", "spanId": "d4"}, "parentSpanContext": {"spanId": "b2"},
            "name": "x", "startTime": [1_790_000_000, 0], "endTime": [1_790_000_001, 500_000_000], "status": {"code": 0},
            "attributes": {"llm": {"token_count": {"prompt": 9}}}});
        let jaeger = json!({"data": [{"processes": {"p1": {"serviceName": "jg"}}, "spans": [{"traceID": "a1", "spanID": "e5",
            "operationName": "op", "references": [{"refType": "CHILD_OF", "traceID": "a1", "spanID": "d4"}],
            "startTime": 1_790_000_000_000_000_u64, "duration": 2500, "tags": [{"key": "k", "type": "int64", "value": 3}]}]}]});
        let (one, two, three) = (records(&python), records(&script), records(&jaeger));
        assert_eq!((one[0].key.as_deref(), one[0].parent.as_deref()), (Some("a1:b2"), Some("a1:c3")));
        assert_eq!((one[0].service(), one[0].is_error), (Some("py"), true));
        assert_eq!((two[0].parent.as_deref(), two[0].duration_ms), (Some("a1:b2"), Some(1500.0)));
        assert_eq!(two[0].attributes.count(&["llm.token_count.prompt"]), Ok(Some(9)));
        assert_eq!((three[0].service(), three[0].duration_ms), (Some("jg"), Some(2.5)));
        assert_eq!(three[0].parent.as_deref(), Some("a1:d4"));
    }

    #[test]
    fn a_log_record_is_named_by_its_event() {
        let value = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
            {"timeUnixNano": "1790000000000000000", "body": {"stringValue": "tool.api_request"},
                "attributes": [{"key": "event.name", "value": {"stringValue": "api_request"}}]},
            {"body": {"stringValue": "a long text. Of words"}, "eventName": "other.event"},
            {"eventName": "event src/events.rs:12", "attributes": [
                {"key": "event.name", "value": {"stringValue": "codex.sse_event"}}]}]}]}]});
        let names: Vec<_> = records(&value).iter().map(|record| (record.kind, record.name)).collect();
        let expected = ["tool.api_request", "other.event", "codex.sse_event"].map(|name| (Kind::Log, name));
        assert_eq!(names, expected);
    }

    #[test]
    fn strange_values_are_no_records() {
        let deep = (0..100).fold(json!({"a": 1}), |inner, _| json!([inner]));
        for value in [json!(1), json!([]), json!({"resourceSpans": 5}), json!({"attributes": {}}), deep] {
            assert!(records(&value).is_empty(), "{value}");
        }
    }
}
