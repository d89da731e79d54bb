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
            // A run that is dated in the future is set aside before the next sweep; its age is not negative until then.
            let age = ((self.now)() - snapshot.as_of).as_seconds_f64().max(0.0);
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
    let mut gauge = |name: &str, value: usize, help: &str| {
        registry.register(name, help, ConstGauge::new(value as f64));
    };
    let (summary, status) = (&snapshot.summary, &snapshot.status);
    gauge("endpoints", summary.endpoints, "Endpoints in the newest run");
    let used = summary.endpoints_with_usage;
    gauge("endpoints_with_usage", used, "Endpoints with a hit rate in the newest run");
    gauge("models", summary.models, "Models with endpoints");
    gauge("providers", summary.providers, "Providers with endpoints");
    gauge("runs_stored", summary.runs, "Stored runs");
    let quarantined = status.quarantine.iter().map(|reason| reason.rows).sum();
    gauge("quarantined_rows", quarantined, "Rows that the newest run quarantined");
    gauge("drift_paths", status.drift.len(), "Unknown fields in the newest run");
    let suspect = status.suspect.as_ref().map_or(0, |run| run.findings.len());
    let help = "Findings against the newest run; the run is not published if there are any";
    gauge("suspect_findings", suspect, help);
    if let Some(run) = status.runs.first() {
        let is_ok = usize::from(run.status == RunStatus::Ok);
        gauge("last_run_ok", is_ok, "1 if the newest run is complete, 0 otherwise");
        gauge("last_run_requests", run.requests, "Requests of the newest run");
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
        "mcp" => "mcp",
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
