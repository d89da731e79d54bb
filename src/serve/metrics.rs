//! Prometheus metrics of the service: the data that it serves, their age, what it did and what it needs, and the responses
//! that it sent. `docs/operations.md` lists them.

mod collection;
mod machine;

use super::extensions::FromKept;
use super::{Content, Now};
use crate::alerts::delivery::Outbox;
use crate::pipeline::{DataDir, Pipeline};
use crate::snapshot::Current;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use machine::Machine;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Instant;

/// OpenMetrics text, which Prometheus reads.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The labels of the response counter. Each has few values, so that clients cannot make the number of series grow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    area: &'static str,
    origin: &'static str,
    status: u16,
}

/// The label of the duration of responses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Area {
    area: &'static str,
}

/// Upper bounds of the duration of responses, seconds. Prepared answers take far less than a millisecond.
const DURATIONS: [f64; 10] = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

fn durations() -> Histogram {
    Histogram::new(DURATIONS)
}

pub(super) struct Metrics {
    current: Arc<Current>,
    pipeline: Option<Arc<Pipeline>>,
    outbox: Option<Outbox>,
    data: DataDir,
    now: Now,
    started: Instant,
    machine: Machine,
    responses: Family<Answered, Counter>,
    seconds: Family<Area, Histogram, fn() -> Histogram>,
}

impl Metrics {
    pub fn new(content: &Content, now: Now) -> Self {
        Self {
            current: content.current.clone(),
            pipeline: content.pipeline.clone(),
            outbox: content.outbox.clone(),
            data: content.data.clone(),
            now,
            started: Instant::now(),
            machine: Machine::default(),
            responses: Family::default(),
            seconds: Family::new_with_constructor(durations),
        }
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("hitrate");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Version of the program", version);
        registry.register("http_responses", "Responses sent", self.responses.clone());
        let help = "Time from a request to its response, without the body";
        registry.register_with_unit("http_response", help, Unit::Seconds, self.seconds.clone());
        let uptime = ConstGauge::new(self.started.elapsed().as_secs_f64());
        registry.register_with_unit("uptime", "Time since the start", Unit::Seconds, uptime);
        let snapshot = self.current.get();
        if let Some(snapshot) = &snapshot {
            // A run that is dated in the future is set aside before the next sweep; its age is not negative until then.
            let age = |since: chrono::DateTime<chrono::Utc>| {
                ConstGauge::new(((self.now)() - since).as_seconds_f64().max(0.0))
            };
            let help = "Age of the newest data";
            registry.register_with_unit("data_age", help, Unit::Seconds, age(snapshot.as_of));
            let help = "Time since the snapshot was built";
            registry.register_with_unit("snapshot_age", help, Unit::Seconds, age(snapshot.built_at));
            collection::of_snapshot(&mut registry, snapshot);
        }
        match &self.pipeline {
            Some(pipeline) => collection::of_pipeline(&mut registry, pipeline, snapshot.as_deref()),
            None => collection::of_store(&mut registry, false),
        }
        if let Some(outbox) = &self.outbox {
            collection::of_alerts(&mut registry, outbox);
        }
        self.machine.register(&mut registry, &self.data);
        let mut text = String::new();
        encode_registry(&mut text, &registry)?;
        // The names that every exporter uses for its process have no prefix.
        let mut process = Registry::default();
        machine::of_process(&mut process);
        encode_registry(&mut text, &process)?;
        encode_eof(&mut text)?;
        Ok(text)
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
    let started = Instant::now();
    let response = next.run(request).await;
    metrics.seconds.get_or_create(&Area { area }).observe(started.elapsed().as_secs_f64());
    let origin = if response.extensions().get::<FromKept>().is_some() { "kept" } else { "routed" };
    let answered = Answered { area, origin, status: response.status().as_u16() };
    metrics.responses.get_or_create(&answered).inc();
    response
}

pub(super) async fn metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    // It reads files.
    let text = tokio::task::spawn_blocking(move || metrics.text().map_err(|error| error.to_string())).await;
    match text.map_err(|error| error.to_string()).flatten() {
        Ok(text) => ([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-store")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot encode the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
