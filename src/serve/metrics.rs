//! Prometheus metrics of the service: the data that it serves, their age, and the responses that it sent.

use super::Now;
use super::extensions::FromKept;
use crate::domain::reading::RunStatus;
use crate::snapshot::{Current, Snapshot};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;

/// OpenMetrics text, which Prometheus reads.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The labels of the response counter. Each has few values, so that clients cannot make the number of series grow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    area: &'static str,
    origin: &'static str,
    status: u16,
}

pub(super) struct Metrics {
    current: Arc<Current>,
    now: Now,
    responses: Family<Answered, Counter>,
}

impl Metrics {
    pub fn new(current: Arc<Current>, now: Now) -> Self {
        Self { current, now, responses: Family::default() }
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("hitrate");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Version of the program", version);
        registry.register("http_responses", "Responses sent", self.responses.clone());
        if let Some(snapshot) = self.current.get() {
            let age = ((self.now)() - snapshot.as_of).as_seconds_f64();
            let help = "Age of the newest data";
            registry.register_with_unit("data_age", help, Unit::Seconds, ConstGauge::new(age));
            of_snapshot(&mut registry, &snapshot);
        }
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// The metrics of the collection, from the newest snapshot.
fn of_snapshot(registry: &mut Registry, snapshot: &Snapshot) {
    let mut gauge = |name: &str, help: &str, value: f64| {
        registry.register(name, help, ConstGauge::new(value));
    };
    let summary = &snapshot.summary;
    gauge("endpoints", "Endpoints in the newest run", summary.endpoints as f64);
    gauge(
        "endpoints_with_usage",
        "Endpoints with a hit rate in the newest run",
        summary.endpoints_with_usage as f64,
    );
    gauge("models", "Models with endpoints", summary.models as f64);
    gauge("providers", "Providers with endpoints", summary.providers as f64);
    gauge("runs_stored", "Stored runs", summary.runs as f64);
    let quarantined: usize = snapshot.status.quarantine.iter().map(|reason| reason.rows).sum();
    gauge("quarantined_rows", "Rows that the newest run quarantined", quarantined as f64);
    gauge("drift_paths", "Unknown fields in the newest run", snapshot.status.drift.len() as f64);
    let suspect = snapshot.status.suspect.as_ref().map_or(0, |run| run.findings.len());
    gauge(
        "suspect_findings",
        "Findings against the newest run; the run is not published if there are any",
        suspect as f64,
    );
    if let Some(run) = snapshot.status.runs.first() {
        gauge(
            "last_run_ok",
            "1 if the newest run is complete, 0 otherwise",
            f64::from(u8::from(run.status == RunStatus::Ok)),
        );
        gauge("last_run_requests", "Requests of the newest run", run.requests as f64);
        let seconds = run.duration_ms as f64 / 1000.0;
        let help = "Duration of the newest run";
        registry.register_with_unit("last_run", help, Unit::Seconds, ConstGauge::new(seconds));
    }
}

/// The part of the service that a path belongs to.
fn area(path: &str) -> &'static str {
    match path.split('/').nth(1).unwrap_or_default() {
        "api" => "api",
        "assets" => "assets",
        "local" => "local",
        "livez" | "readyz" | "metrics" => "health",
        _ => "site",
    }
}

/// Counts a response.
pub(super) async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let area = area(request.uri().path());
    let response = next.run(request).await;
    let origin = if response.extensions().get::<FromKept>().is_some() { "kept" } else { "routed" };
    let answered = Answered { area, origin, status: response.status().as_u16() };
    metrics.responses.get_or_create(&answered).inc();
    response
}

pub(super) async fn metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-store")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot encode the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
