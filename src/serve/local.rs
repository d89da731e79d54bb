//! Routes for other processes on this machine. DuckDB does not allow a second process to open the store, so they query
//! this one. The routes respond only on loopback, and only to callers with the token from the data folder.

use crate::analysis::METHOD_VERSION;
use crate::background;
use crate::check::StoreFacts;
use crate::domain::backtest::Decide;
use crate::domain::tier_list::DayRange;
use crate::domain::window::moment;
use crate::pipeline::{
    ImportFile, Pipeline, backtest_by_hour, backtest_record, build_snapshot, flips as count_flips,
    realised_preferences, recorded_changes, sensitivity as measure_sensitivity,
};
use crate::secret::is_same;
use crate::store::{ExportFormat, QueryLimits, StoreError};
use crate::traffic::worth::RecordRows;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

#[derive(Deserialize)]
struct ExportQuery {
    kind: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    format: String,
}

#[derive(Deserialize)]
struct SnapshotQuery {
    as_of: String,
}

#[derive(Deserialize)]
struct ChangesQuery {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct BacktestQuery {
    decide: Option<Decide>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

#[derive(Deserialize)]
struct DaysQuery {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

#[derive(Deserialize)]
struct PreferencesQuery {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    workload: String,
}

#[derive(Deserialize)]
struct RecordQuery {
    from: NaiveDate,
    to: NaiveDate,
    as_of: DateTime<Utc>,
    workload: String,
}

#[derive(Deserialize)]
struct AcceptQuery {
    run: String,
    /// Names separated by commas; empty for all findings.
    #[serde(default)]
    fields: String,
}

#[derive(Deserialize)]
struct ImportQuery {
    /// The file and how to import it, as JSON.
    file: String,
}

#[derive(Deserialize)]
struct ForgetQuery {
    source: String,
}

#[derive(Deserialize)]
struct SqlQuery {
    sql: String,
    rows: usize,
    seconds: u64,
}

#[derive(Deserialize)]
struct RollupQuery {
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
struct PartitionsQuery {
    view: String,
    /// First days of months, separated by commas; empty for all.
    #[serde(default)]
    months: String,
}

#[derive(Deserialize)]
struct PartitionQuery {
    view: String,
    month: NaiveDate,
}

/// The routes over a pipeline. Without the token they do not exist.
pub fn router(pipeline: Arc<Pipeline>, token: &str) -> Router {
    let token: Arc<str> = token.into();
    Router::new()
        .route("/local/export", get(export))
        .route("/local/snapshot", get(snapshot))
        .route("/local/backtest", get(backtest))
        .route("/local/changes", get(changes))
        .route("/local/flips", get(flips))
        .route("/local/preferences", get(preferences))
        .route("/local/sensitivity", get(sensitivity))
        .route("/local/record", get(record))
        .route("/local/accept", post(accept))
        .route("/local/imports", get(imports).post(import))
        .route("/local/imports/forget", post(forget_import))
        .route("/local/query", get(query))
        .route("/local/views", get(views))
        .route("/local/rollup", post(rollup))
        .route("/local/rolled-until", get(rolled_until))
        .route("/local/dataset", get(dataset))
        .route("/local/partitions", get(partitions))
        .route("/local/partition", get(partition))
        .route("/local/store-copy", get(store_copy))
        .route("/local/check", get(check))
        .route_layer(from_fn_with_state(token, guard))
        .with_state(pipeline)
}

/// Admits only callers on loopback with the token.
async fn guard(
    State(token): State<Arc<str>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let is_known = given_token(&request).is_some_and(|given| is_same(given.as_bytes(), token.as_bytes()));
    if !peer.ip().to_canonical().is_loopback() || !is_known {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

/// The token of a request: from the header `Authorization: Bearer`, or else from the query parameter `token`, which is
/// deprecated and accepted until 27 February 2027.
fn given_token(request: &Request) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, token)) = header.and_then(|value| value.split_once(' '))
        && scheme.eq_ignore_ascii_case("bearer")
    {
        return Some(token.to_owned());
    }
    let Query(mut words) = Query::<HashMap<String, String>>::try_from_uri(request.uri()).ok()?;
    words.remove("token")
}

/// Writes a file to the shared work folder and returns its path.
async fn export(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<ExportQuery>) -> Response {
    let Some(format) = ExportFormat::parse(&query.format) else {
        return (StatusCode::BAD_REQUEST, "unknown format").into_response();
    };
    match query.kind.as_str() {
        "readings" => answer(move || pipeline.store.export_readings(query.from, query.to, format)).await,
        "hourly" => answer(move || pipeline.store.export_hourly(query.from, query.to, format)).await,
        "days" => {
            let (from, to) = (query.from.date_naive(), query.to.date_naive());
            answer(move || pipeline.store.export_days(from, to, format)).await
        }
        "recommendations" => {
            let days = (query.from.date_naive(), query.to.date_naive());
            answer(move || pipeline.store.export_recommendations(METHOD_VERSION, days, format)).await
        }
        "imported" => {
            let days = (query.from.date_naive(), query.to.date_naive());
            answer(move || pipeline.store.export_imported(days, format)).await
        }
        _ => (StatusCode::BAD_REQUEST, "unknown export kind").into_response(),
    }
}

/// The snapshot as it would have been at a given time, or at the end of a UTC day.
async fn snapshot(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<SnapshotQuery>) -> Response {
    let time = match moment(&query.as_of) {
        Ok(time) => time,
        Err(error) => return (StatusCode::BAD_REQUEST, error).into_response(),
    };
    answer(move || build_snapshot(&pipeline.store, Some(time), pipeline.workloads()?, time)).await
}

/// What changed in a range of times.
async fn changes(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<ChangesQuery>) -> Response {
    let ChangesQuery { from, to } = query;
    answer(move || recorded_changes(&pipeline.store, &pipeline.workloads()?, (from, to))).await
}

/// The backtest over a range of days.
async fn backtest(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<BacktestQuery>) -> Response {
    let BacktestQuery { decide, from, to } = query;
    match decide.unwrap_or(Decide::Daily) {
        Decide::Daily => answer(move || backtest_record(&pipeline.store, from, to)).await,
        Decide::Hourly => answer(move || backtest_by_hour(&pipeline.store, from, to, &|_, _| ())).await,
    }
}

/// Accepts fields of a suspect run and publishes it.
async fn accept(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<AcceptQuery>) -> Response {
    let fields: Vec<String> =
        query.fields.split(',').filter(|field| !field.is_empty()).map(str::to_owned).collect();
    answer(move || pipeline.accept(&query.run, (!fields.is_empty()).then_some(&fields))).await
}

/// How often tiers change in a range of days.
async fn flips(State(pipeline): State<Arc<Pipeline>>, Query(days): Query<DaysQuery>) -> Response {
    answer(move || count_flips(&pipeline.store, &pipeline.workloads()?, (days.from, days.to))).await
}

/// What the preferences of a range of days were worth.
async fn preferences(
    State(pipeline): State<Arc<Pipeline>>,
    Query(query): Query<PreferencesQuery>,
) -> Response {
    let PreferencesQuery { from, to, workload } = query;
    answer(move || {
        let workloads = pipeline.workloads()?;
        realised_preferences(&pipeline.store, &workloads, (from, to), &workload, &|_, _| ())
    })
    .await
}

/// How far the effects depend on the weights and on the size of the prompts.
async fn sensitivity(State(pipeline): State<Arc<Pipeline>>) -> Response {
    answer(move || measure_sensitivity(&pipeline.store, &pipeline.workloads()?)).await
}

/// What the public record knows about a range of days, for a command that compares the user's own calls with it.
async fn record(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<RecordQuery>) -> Response {
    let RecordQuery { from, to, as_of, workload } = query;
    answer(move || RecordRows::read(&pipeline.store, &workload, DayRange { from, to }, as_of)).await
}

/// The imported sources.
async fn imports(State(pipeline): State<Arc<Pipeline>>) -> Response {
    answer(move || pipeline.store.import_sources()).await
}

/// Imports a file of this machine, which the caller names as JSON.
async fn import(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<ImportQuery>) -> Response {
    match serde_json::from_str::<ImportFile>(&query.file) {
        Ok(file) => answer(move || pipeline.import(&file)).await,
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

/// Removes an imported source.
async fn forget_import(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<ForgetQuery>) -> Response {
    answer(move || pipeline.forget_import(&query.source)).await
}

/// Answers a question in SQL over the documented views.
async fn query(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<SqlQuery>) -> Response {
    let SqlQuery { sql, rows, seconds } = query;
    answer(move || pipeline.store.query(&sql, QueryLimits { rows, seconds })).await
}

/// The documented views.
async fn views(State(pipeline): State<Arc<Pipeline>>) -> Response {
    answer(move || pipeline.store.views()).await
}

/// Rolls up old readings.
async fn rollup(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<RollupQuery>) -> Response {
    answer(move || pipeline.roll_up(query.dry_run)).await
}

/// The last day that is rolled up.
async fn rolled_until(State(pipeline): State<Arc<Pipeline>>) -> Response {
    answer(move || pipeline.store.rolled_until()).await
}

/// The months of a view that have rows.
async fn partitions(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<PartitionsQuery>) -> Response {
    let months: Result<Vec<NaiveDate>, _> =
        query.months.split(',').filter(|month| !month.is_empty()).map(str::parse).collect();
    match months {
        Ok(months) => answer(move || pipeline.store.partitions(&query.view, &months)).await,
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

/// The views, and what the manifest of a dataset states about all of them.
async fn dataset(State(pipeline): State<Arc<Pipeline>>) -> Response {
    answer(move || pipeline.store.dataset_plan()).await
}

/// Writes a month of a view to the shared work folder and returns its path.
async fn partition(State(pipeline): State<Arc<Pipeline>>, Query(query): Query<PartitionQuery>) -> Response {
    answer(move || pipeline.store.export_partition(&query.view, query.month)).await
}

/// Writes a consistent copy of the store to the work folder and returns its path, for a backup.
async fn store_copy(State(pipeline): State<Arc<Pipeline>>) -> Response {
    answer(move || pipeline.store.copy()).await
}

/// What `hitrate check` needs of the store.
async fn check(State(pipeline): State<Arc<Pipeline>>) -> Response {
    answer(move || {
        let facts = StoreFacts::read(&pipeline.store, &pipeline.data)?;
        Ok::<_, StoreError>(StoreFacts { health: Some(pipeline.health()), ..facts })
    })
    .await
}

async fn answer<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Response
where
    T: serde::Serialize + Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    // Not on the pool of the runtime: what a command requests must not slow down visitors.
    match background::run(work).await {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
