//! Routes for other processes on this machine. DuckDB does not allow a second process to open the store, so they query
//! this one. The routes respond only on loopback, and only to callers with the token from the data folder.

use crate::domain::window::moment;
use crate::pipeline::{Pipeline, backtest_record, build_snapshot, flips as count_flips};
use crate::store::ExportFormat;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;

#[derive(Clone)]
struct Local {
    pipeline: Arc<Pipeline>,
    token: Arc<str>,
}

#[derive(Deserialize)]
struct ExportQuery {
    kind: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    format: String,
    token: String,
}

#[derive(Deserialize)]
struct SnapshotQuery {
    as_of: String,
    token: String,
}

#[derive(Deserialize)]
struct BacktestQuery {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    token: String,
}

#[derive(Deserialize)]
struct AcceptQuery {
    run: String,
    /// Names separated by commas; empty for all findings.
    #[serde(default)]
    fields: String,
    token: String,
}

#[derive(Deserialize)]
struct FlipsQuery {
    token: String,
}

pub fn router(pipeline: Arc<Pipeline>, token: &str) -> Router {
    Router::new()
        .route("/local/export", get(export))
        .route("/local/snapshot", get(snapshot))
        .route("/local/backtest", get(backtest))
        .route("/local/flips", get(flips))
        .route("/local/accept", post(accept))
        .with_state(Local { pipeline, token: token.into() })
}

impl Local {
    fn admits(&self, peer: SocketAddr, token: &str) -> bool {
        peer.ip().is_loopback() && token == &*self.token
    }
}

/// Writes a file to the shared work folder and returns its path.
async fn export(
    State(local): State<Local>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<ExportQuery>,
) -> Response {
    if !local.admits(peer, &query.token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Some(format) = ExportFormat::parse(&query.format) else {
        return (StatusCode::BAD_REQUEST, "unknown format").into_response();
    };
    let pipeline = local.pipeline;
    match query.kind.as_str() {
        "readings" => answer(move || pipeline.store.export_readings(query.from, query.to, format)).await,
        "hourly" => answer(move || pipeline.store.export_hourly(query.from, query.to, format)).await,
        "days" => {
            let (from, to) = (query.from.date_naive(), query.to.date_naive());
            answer(move || pipeline.store.export_days(from, to, format)).await
        }
        _ => (StatusCode::BAD_REQUEST, "unknown export kind").into_response(),
    }
}

/// The snapshot as it would have been at a given time, or at the end of a UTC day.
async fn snapshot(
    State(local): State<Local>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<SnapshotQuery>,
) -> Response {
    if !local.admits(peer, &query.token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let time = match moment(&query.as_of) {
        Ok(time) => time,
        Err(error) => return (StatusCode::BAD_REQUEST, error).into_response(),
    };
    answer(move || build_snapshot(&local.pipeline.store, Some(time), local.pipeline.workloads()?, time)).await
}

/// The backtest over a range of days.
async fn backtest(
    State(local): State<Local>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<BacktestQuery>,
) -> Response {
    if !local.admits(peer, &query.token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    answer(move || backtest_record(&local.pipeline.store, query.from, query.to)).await
}

/// Accepts fields of a suspect run and publishes it.
async fn accept(
    State(local): State<Local>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<AcceptQuery>,
) -> Response {
    if !local.admits(peer, &query.token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let fields: Vec<String> =
        query.fields.split(',').filter(|field| !field.is_empty()).map(str::to_owned).collect();
    answer(move || local.pipeline.accept(&query.run, (!fields.is_empty()).then_some(&fields))).await
}

/// How often tiers change, over the whole record.
async fn flips(
    State(local): State<Local>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<FlipsQuery>,
) -> Response {
    if !local.admits(peer, &query.token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    answer(move || count_flips(&local.pipeline.store, &local.pipeline.workloads()?)).await
}

async fn answer<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Response
where
    T: serde::Serialize + Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
