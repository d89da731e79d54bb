//! Plain-text health checks for operators and orchestrators.

use super::ApiState;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub(super) fn router() -> Router<ApiState> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz))
}

/// The process responds.
async fn livez() -> Response {
    ([(CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// There is something to serve.
async fn readyz(State(api): State<ApiState>) -> Response {
    match api.current.get() {
        Some(_) => ([(CACHE_CONTROL, "no-store")], "ready\n").into_response(),
        None => {
            let headers = [(CACHE_CONTROL, "no-store"), (RETRY_AFTER, "30")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, "no snapshot yet\n").into_response()
        }
    }
}
