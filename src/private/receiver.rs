//! The receiver of OTLP over HTTP: reads a request, reduces it to what may be stored, and accepts it once it is on disk.

use super::counters::Counters;
use super::keep::{Kept, Signal, reduce};
use super::repeats::Repeats;
use super::reply::Form;
use super::spool::{Spool, SpoolError};
use super::values;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::Value;
use std::io::Read;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Seconds that a client should wait if the queue or the spool is full.
const WAIT_SECONDS: u64 = 5;

/// The receiver.
pub struct ReceiverState {
    /// Where accepted requests go.
    pub spool: Spool,
    /// What was accepted and rejected.
    pub counters: Arc<Counters>,
    /// Maximum size of a body, before and after decompression, bytes.
    pub most_bytes: usize,
    /// Spans above calls that arrived.
    pub repeats: Mutex<Repeats>,
    /// The rate limit, if there is one.
    pub limit: Option<DefaultDirectRateLimiter>,
    /// The bodies that may be decoded at the same time.
    pub decoding: Arc<Semaphore>,
}

/// Bodies that are decoded at the same time: decoded, a body takes several times its size.
pub const DECODED_AT_ONCE: usize = 2;

/// A limit of requests per second with bursts of the same size; 0 means unlimited.
pub fn limit(per_second: u32) -> Option<DefaultDirectRateLimiter> {
    NonZeroU32::new(per_second).map(|rate| RateLimiter::direct(Quota::per_second(rate)))
}

/// Why a request is rejected.
struct Refusal {
    status: StatusCode,
    /// Name of the reason in the counters.
    reason: &'static str,
    message: String,
    wait_seconds: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into(), wait_seconds: None }
    }

    fn later(self, seconds: u64) -> Self {
        Self { wait_seconds: Some(seconds), ..self }
    }

    fn malformed(message: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message.to_string())
    }
}

/// The routes of the receiver. OTLP clients append `/v1/traces` and `/v1/logs` to the address that they are given.
pub fn router(state: Arc<ReceiverState>) -> Router {
    Router::new()
        .route("/otlp/v1/traces", post(traces))
        .route("/otlp/v1/logs", post(logs))
        .route("/otlp/v1/metrics", post(metrics))
        .with_state(state)
}

async fn traces(State(state): State<Arc<ReceiverState>>, request: Request) -> Response {
    answer(&state, Signal::Traces, request).await
}

async fn logs(State(state): State<Arc<ReceiverState>>, request: Request) -> Response {
    answer(&state, Signal::Logs, request).await
}

/// Metrics are sums over calls that arrive as spans or log records, so they are not read.
async fn metrics(headers: HeaderMap) -> Response {
    let form = Form::of(&headers).unwrap_or(Form::Json);
    let message = "hitrate reads traces and logs, not metrics; set OTEL_METRICS_EXPORTER=none in the client";
    form.rejected(StatusCode::NOT_FOUND, message, None)
}

async fn answer(state: &ReceiverState, signal: Signal, request: Request) -> Response {
    let form = Form::of(request.headers());
    match receive(state, signal, form, request).await {
        Ok((form, kept)) => form.accepted(signal, kept.rejected, kept.reason),
        Err(refusal) => {
            state.counters.reject(refusal.reason);
            form.unwrap_or(Form::Json).rejected(refusal.status, &refusal.message, refusal.wait_seconds)
        }
    }
}

async fn receive(
    state: &ReceiverState,
    signal: Signal,
    form: Option<Form>,
    request: Request,
) -> Result<(Form, Kept), Refusal> {
    if let Some(Err(wait)) = state.limit.as_ref().map(|limit| limit.check()) {
        let seconds = wait.wait_time_from(DefaultClock::default().now()).as_secs_f64().ceil().max(1.0) as u64;
        let message = "the limit of `private.requests_per_second` is reached; send the request again later";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).later(seconds));
    }
    let (head, body) = request.into_parts();
    let form = form.ok_or_else(|| {
        let message = "expected the header `Content-Type` application/x-protobuf or application/json";
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown_type", message)
    })?;
    let body = read(body, state.most_bytes).await?;
    let (coding, most) = (coding(&head.headers)?, state.most_bytes);
    let turn = state.decoding.clone().acquire_owned().await;
    // Decoding a large body takes time, so it does not run on the threads that serve other requests.
    let decoded = tokio::task::spawn_blocking(move || {
        // Dropped at the end, also if the client has gone.
        let _turn = turn;
        decode(signal, form, coding, &body, most)
    })
    .await;
    let mut kept = decoded.map_err(|_| Refusal::malformed("the body cannot be decoded"))??;
    leave_out_repeats(state, &mut kept);
    if !kept.requests.is_empty() {
        let lines: Vec<String> = kept.requests.iter().map(Value::to_string).collect();
        state.spool.append(lines.join("\n").into_bytes()).await.map_err(|error| {
            let reason = match &error {
                SpoolError::QueueFull => "queue_full",
                SpoolError::SpoolFull => "spool_full",
                SpoolError::Disk(_) => "disk",
            };
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason, error.to_string()).later(WAIT_SECONDS)
        })?;
    }
    state.counters.change(|counts| {
        counts.accepted_requests += 1;
        counts.accepted += kept.kept;
        counts.left_out += kept.left_out;
        counts.damaged += kept.rejected;
    });
    Ok((form, kept))
}

/// Leaves out the spans that repeat calls of earlier requests.
fn leave_out_repeats(state: &ReceiverState, kept: &mut Kept) {
    let mut repeats = state.repeats.lock().unwrap_or_else(PoisonError::into_inner);
    let removed: u64 = kept.requests.iter_mut().map(|request| repeats.remove(request)).sum();
    kept.kept -= removed;
    kept.left_out += removed;
    if kept.kept == 0 {
        kept.requests.clear();
    }
}

fn too_large(most: usize) -> Refusal {
    let message = format!("the body is larger than `private.max_body_mib` ({} MiB)", most >> 20);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

async fn read(body: Body, most: usize) -> Result<Bytes, Refusal> {
    to_bytes(body, most).await.map_err(|error| {
        let is_limit =
            std::error::Error::source(&error).is_some_and(|why| why.to_string().contains("length limit"));
        if is_limit { too_large(most) } else { Refusal::malformed("the body ended early") }
    })
}

/// Whether the body is compressed with gzip.
fn coding(headers: &HeaderMap) -> Result<bool, Refusal> {
    let Some(stated) = headers.get(CONTENT_ENCODING) else { return Ok(false) };
    match stated.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "gzip" => Ok(true),
        "" | "identity" => Ok(false),
        _ => {
            let message = "expected the header `Content-Encoding` gzip, or none";
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown_type", message))
        }
    }
}

/// The form of a request of OpenTelemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telemetry {
    /// Whether it has log records, not spans.
    pub is_logs: bool,
    /// Whether it is protobuf, not JSON.
    pub is_protobuf: bool,
    /// Whether it is compressed with gzip.
    pub is_gzip: bool,
}

/// What the receiver stores of a request with this body: lines of JSON. `most` limits the decompressed body, bytes.
///
/// # Errors
/// The message that the client would receive.
pub fn reduce_telemetry(form: Telemetry, body: &[u8], most: usize) -> Result<Vec<String>, String> {
    let signal = if form.is_logs { Signal::Logs } else { Signal::Traces };
    let encoding = if form.is_protobuf { Form::Protobuf } else { Form::Json };
    let mut kept = decode(signal, encoding, form.is_gzip, body, most).map_err(|refusal| refusal.message)?;
    let mut repeats = Repeats::default();
    for request in &mut kept.requests {
        repeats.remove(request);
    }
    Ok(kept.requests.iter().map(Value::to_string).collect())
}

fn decode(signal: Signal, form: Form, is_gzip: bool, body: &[u8], most: usize) -> Result<Kept, Refusal> {
    let mut unpacked = Vec::new();
    let body = if is_gzip {
        let mut reader = MultiGzDecoder::new(body).take(most as u64 + 1);
        reader
            .read_to_end(&mut unpacked)
            .map_err(|error| Refusal::malformed(format!("invalid gzip: {error}")))?;
        if unpacked.len() > most {
            return Err(too_large(most));
        }
        unpacked.as_slice()
    } else {
        body
    };
    let invalid = |error: prost::DecodeError| Refusal::malformed(format!("invalid protobuf: {error}"));
    let request: Value = match (form, signal) {
        (Form::Json, _) => {
            serde_json::from_slice(body).map_err(|error| Refusal::malformed(invalid_json(&error)))?
        }
        (Form::Protobuf, Signal::Traces) => {
            values::traces(ExportTraceServiceRequest::decode(body).map_err(invalid)?)
        }
        (Form::Protobuf, Signal::Logs) => {
            values::logs(ExportLogsServiceRequest::decode(body).map_err(invalid)?)
        }
    };
    reduce(signal, &request).map_err(Refusal::malformed)
}

/// The place of the error; its text could quote the body.
fn invalid_json(error: &serde_json::Error) -> String {
    format!("invalid JSON at line {}, column {}", error.line(), error.column())
}
