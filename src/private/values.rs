//! OTLP messages in protobuf as OTLP/JSON values, so that one reader reads both. Only what can be kept is converted.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Maximum depth of nested values.
const DEEPEST: usize = 16;

/// A request with spans.
pub fn traces(request: ExportTraceServiceRequest) -> Value {
    let scope = |scope: opentelemetry_proto::tonic::trace::v1::ScopeSpans| {
        let spans: Vec<Value> = scope.spans.into_iter().map(of_span).collect();
        json!({ "scope": of_scope(scope.scope), "spans": spans })
    };
    let resources = request.resource_spans.into_iter().map(|resource| {
        let scopes: Vec<Value> = resource.scope_spans.into_iter().map(scope).collect();
        json!({ "resource": of_resource(resource.resource), "scopeSpans": scopes })
    });
    json!({ "resourceSpans": resources.collect::<Vec<_>>() })
}

/// A request with log records.
pub fn logs(request: ExportLogsServiceRequest) -> Value {
    let scope = |scope: opentelemetry_proto::tonic::logs::v1::ScopeLogs| {
        let records: Vec<Value> = scope.log_records.into_iter().map(of_record).collect();
        json!({ "scope": of_scope(scope.scope), "logRecords": records })
    };
    let resources = request.resource_logs.into_iter().map(|resource| {
        let scopes: Vec<Value> = resource.scope_logs.into_iter().map(scope).collect();
        json!({ "resource": of_resource(resource.resource), "scopeLogs": scopes })
    });
    json!({ "resourceLogs": resources.collect::<Vec<_>>() })
}

fn of_resource(resource: Option<Resource>) -> Value {
    json!({ "attributes": attributes(resource.unwrap_or_default().attributes) })
}

fn of_scope(scope: Option<InstrumentationScope>) -> Value {
    let scope = scope.unwrap_or_default();
    json!({ "name": scope.name, "version": scope.version })
}

fn of_span(span: Span) -> Value {
    let status = span.status.unwrap_or_default();
    let events: Vec<Value> = span.events.into_iter().map(of_event).collect();
    json!({
        "traceId": hexadecimal(&span.trace_id),
        "spanId": hexadecimal(&span.span_id),
        "parentSpanId": hexadecimal(&span.parent_span_id),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(),
        "attributes": attributes(span.attributes),
        "events": events,
        "status": { "code": status.code, "message": status.message },
    })
}

fn of_event(event: span::Event) -> Value {
    json!({
        "timeUnixNano": event.time_unix_nano.to_string(),
        "name": event.name,
        "attributes": attributes(event.attributes),
    })
}

fn of_record(record: LogRecord) -> Value {
    json!({
        "timeUnixNano": record.time_unix_nano.to_string(),
        "observedTimeUnixNano": record.observed_time_unix_nano.to_string(),
        "severityNumber": record.severity_number,
        "eventName": record.event_name,
        "body": of_value(record.body, 0),
        "attributes": attributes(record.attributes),
        "traceId": hexadecimal(&record.trace_id),
        "spanId": hexadecimal(&record.span_id),
    })
}

fn attributes(list: Vec<KeyValue>) -> Vec<Value> {
    list.into_iter().map(|pair| json!({ "key": pair.key, "value": of_value(pair.value, 0) })).collect()
}

fn of_value(value: Option<AnyValue>, depth: usize) -> Value {
    let Some(value) = value.and_then(|value| value.value).filter(|_| depth < DEEPEST) else {
        return Value::Object(Map::new());
    };
    match value {
        any_value::Value::StringValue(text) => json!({ "stringValue": text }),
        any_value::Value::BoolValue(yes) => json!({ "boolValue": yes }),
        any_value::Value::IntValue(number) => json!({ "intValue": number.to_string() }),
        any_value::Value::DoubleValue(number) => json!({ "doubleValue": number }),
        any_value::Value::ArrayValue(list) => {
            let values: Vec<Value> =
                list.values.into_iter().map(|value| of_value(Some(value), depth + 1)).collect();
            json!({ "arrayValue": { "values": values } })
        }
        // Nothing that is kept has one of these.
        any_value::Value::KvlistValue(_)
        | any_value::Value::BytesValue(_)
        | any_value::Value::StringValueStrindex(_) => Value::Object(Map::new()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
