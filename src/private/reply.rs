//! The answers of the receiver, in the format of the request: protobuf or JSON. Errors have the form of
//! `google.rpc.Status`, as OTLP/HTTP requires.

use super::keep::Signal;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::json;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The format of a request and of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Binary protobuf.
    Protobuf,
    /// OTLP/JSON.
    Json,
}

impl Form {
    /// The format that a request states in its header `Content-Type`.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let stated = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let stated = stated.split(';').next()?.trim().to_ascii_lowercase();
        match stated.as_str() {
            PROTOBUF | "application/protobuf" => Some(Self::Protobuf),
            JSON => Some(Self::Json),
            _ => None,
        }
    }

    fn with(self, status: StatusCode, protobuf: Vec<u8>, json: &serde_json::Value) -> Response {
        match self {
            Self::Protobuf => (status, [(CONTENT_TYPE, PROTOBUF)], protobuf).into_response(),
            Self::Json => (status, [(CONTENT_TYPE, JSON)], json.to_string()).into_response(),
        }
    }

    /// The answer to an accepted request. Damaged spans or records are reported with the reason of the first.
    pub fn accepted(self, signal: Signal, damaged: u64, reason: Option<&str>) -> Response {
        let rejected = i64::try_from(damaged).unwrap_or(i64::MAX);
        let text = reason.unwrap_or_default().to_owned();
        let (protobuf, counted) = match signal {
            Signal::Traces => {
                let partial =
                    ExportTracePartialSuccess { rejected_spans: rejected, error_message: text.clone() };
                let partial_success = (damaged > 0).then_some(partial);
                (ExportTraceServiceResponse { partial_success }.encode_to_vec(), "rejectedSpans")
            }
            Signal::Logs => {
                let partial =
                    ExportLogsPartialSuccess { rejected_log_records: rejected, error_message: text.clone() };
                let partial_success = (damaged > 0).then_some(partial);
                (ExportLogsServiceResponse { partial_success }.encode_to_vec(), "rejectedLogRecords")
            }
        };
        let json = match damaged {
            0 => json!({}),
            _ => json!({ "partialSuccess": { counted: rejected.to_string(), "errorMessage": text } }),
        };
        self.with(StatusCode::OK, protobuf, &json)
    }

    /// The answer to a rejected request, with the time to wait if the client should send it again.
    pub fn rejected(self, status: StatusCode, message: &str, wait_seconds: Option<u64>) -> Response {
        // The codes of gRPC that OTLP names.
        let code: i32 = match status {
            StatusCode::UNAUTHORIZED => 16,
            StatusCode::FORBIDDEN => 7,
            StatusCode::NOT_FOUND => 5,
            StatusCode::TOO_MANY_REQUESTS => 8,
            StatusCode::SERVICE_UNAVAILABLE => 14,
            _ => 3,
        };
        let mut protobuf = Vec::new();
        prost::encoding::int32::encode(1, &code, &mut protobuf);
        prost::encoding::string::encode(2, &message.to_owned(), &mut protobuf);
        let mut response = self.with(status, protobuf, &json!({ "code": code, "message": message }));
        if let Some(seconds) = wait_seconds {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
