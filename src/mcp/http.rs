//! The tools over Streamable HTTP, without sessions: a POST is one message, and its answer is JSON.

use super::gate::Gate;
use super::server::Tools;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Largest message that a client can send, bytes.
const MOST_BYTES: usize = 64 * 1024;
/// Most messages that are read or answered at the same time.
const MOST_AT_ONCE: usize = 64;
/// How long a message may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(5);
/// How long its answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a message has to pass before it reaches the tools.
struct Guard {
    gate: Gate,
    places: Semaphore,
    patience: Duration,
}

/// The route `/mcp`. `public_url` is the public URL of the server, empty if unknown: requests whose `Host` is not a name
/// of this server, or that come from pages of other sites, are refused with 403.
pub fn router(tools: Tools, public_url: &str) -> Router {
    let guard =
        Guard { gate: Gate::new(public_url), places: Semaphore::new(MOST_AT_ONCE), patience: PATIENCE };
    guarded(tools, guard)
}

fn guarded(tools: Tools, guard: Guard) -> Router {
    // The gate also knows the public name and addresses, which the service's own check does not.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MOST_BYTES)
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(tools.clone()), sessions, config);
    Router::new().route_service("/mcp", service).route_layer(from_fn_with_state(Arc::new(guard), check))
}

async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if let Err(why) = guard.gate.admit(request.uri(), request.headers()) {
        return refused(StatusCode::FORBIDDEN, &why);
    }
    let Ok(_place) = guard.places.try_acquire() else {
        let why = "too many messages are being answered at the moment; retry in a second";
        let mut busy = refused(StatusCode::SERVICE_UNAVAILABLE, why);
        busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        return busy;
    };
    let (parts, body) = request.into_parts();
    let message = match tokio::time::timeout(ARRIVAL, to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(message)) => message,
        Ok(Err(_)) => {
            let why = format!("a message has at most {MOST_BYTES} bytes and has to arrive as a whole");
            return refused(StatusCode::PAYLOAD_TOO_LARGE, &why);
        }
        Err(_) => {
            let why = format!("the message did not arrive within {} s", ARRIVAL.as_secs());
            return refused(StatusCode::REQUEST_TIMEOUT, &why);
        }
    };
    let request = Request::from_parts(parts, Body::from(message));
    let mut response = match tokio::time::timeout(guard.patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refused(StatusCode::GATEWAY_TIMEOUT, "the answer took too long; retry later"),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal, as an error of JSON-RPC that belongs to no message.
fn refused(status: StatusCode, why: &str) -> Response {
    let error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32000, "message": why } });
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, error.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;
    use axum::http::header::HOST;
    use tower::ServiceExt;

    async fn status(places: usize, patience: Duration) -> StatusCode {
        let slow = Source::refreshed(Router::new(), || std::thread::sleep(Duration::from_millis(300)));
        let guard = Guard { gate: Gate::new(""), places: Semaphore::new(places), patience };
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"what_changed"}}"#;
        let request = Request::post("/mcp")
            .header(HOST, "localhost")
            .header("accept", "application/json, text/event-stream")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(call))
            .expect("a request");
        guarded(Tools::new(slow), guard).oneshot(request).await.expect("routers do not fail").status()
    }

    #[tokio::test]
    async fn a_message_needs_a_place_and_its_answer_has_to_come_in_time() {
        assert_eq!(status(1, PATIENCE).await, StatusCode::OK);
        assert_eq!(status(0, PATIENCE).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(1, Duration::from_millis(50)).await, StatusCode::GATEWAY_TIMEOUT);
    }
}
