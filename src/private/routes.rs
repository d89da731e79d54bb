//! The JSON routes of the private listener: `/own/v1/NAME` answers what the command `hitrate traffic NAME --json` prints.

use super::answers::{ANSWERS, AnswerError, Own, Words};
use super::counters::Counters;
use super::spool::Spool;
use crate::background;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::sync::Arc;

/// What the routes need.
pub struct OwnState {
    /// What the answers are computed from.
    pub own: Own,
    /// What was received.
    pub counters: Arc<Counters>,
    /// Data that are not imported yet.
    pub spool: Spool,
}

/// The routes.
pub fn router(state: Arc<OwnState>) -> Router {
    Router::new().route("/own/v1/status", get(status)).route("/own/v1/{name}", get(answer)).with_state(state)
}

/// The counters since the start, and the bytes that are received but not imported yet.
async fn status(State(state): State<Arc<OwnState>>) -> Response {
    let mut value = serde_json::to_value(state.counters.now()).unwrap_or_default();
    value["queued_bytes"] = json!(state.spool.bytes());
    Json(value).into_response()
}

async fn answer(
    State(state): State<Arc<OwnState>>,
    Path(name): Path<String>,
    Query(words): Query<Words>,
) -> Response {
    let failed =
        |(status, message): (StatusCode, String)| (status, Json(json!({ "error": message }))).into_response();
    let Some((_, answer)) = ANSWERS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = ANSWERS.iter().map(|(known, _)| *known).chain(["status"]).collect();
        return failed((StatusCode::NOT_FOUND, format!("expected one of {}", known.join(", "))));
    };
    match compute(&state, move |own| answer(own, &words)).await {
        Ok(value) => Json(value).into_response(),
        Err(error) => failed(error),
    }
}

/// What a function answers on a background thread, or the status and the reason of an error.
pub async fn compute<T: Send + 'static>(
    state: &Arc<OwnState>,
    answer: impl FnOnce(&Own) -> Result<T, AnswerError> + Send + 'static,
) -> Result<T, (StatusCode, String)> {
    let state = state.clone();
    match background::run(move || answer(&state.own)).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(AnswerError::Words(message))) => Err((StatusCode::BAD_REQUEST, message)),
        Ok(Err(AnswerError::Store(message))) => Err((StatusCode::SERVICE_UNAVAILABLE, message)),
        Err(ended) => Err((StatusCode::INTERNAL_SERVER_ERROR, ended.to_string())),
    }
}
