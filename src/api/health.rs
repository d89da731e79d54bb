//! Plain-text health checks for operators and orchestrators.

use super::Api;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Api>> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz))
}

/// The process responds.
async fn livez() -> Response {
    ([(CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// There is something to serve.
async fn readyz(State(api): State<Arc<Api>>) -> Response {
    match api.state.current.get() {
        Some(_) => ([(CACHE_CONTROL, "no-store")], "ready\n").into_response(),
        None => {
            let headers = [(CACHE_CONTROL, "no-store"), (RETRY_AFTER, "30")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, "no snapshot yet\n").into_response()
        }
    }
}
