//! Wires the scheduler, the site and the API together, and stops them gracefully.

mod alerts;
mod announce;
mod client;
mod extensions;
mod follow;
mod heal;
mod history;
mod hot;
mod limit;
mod local;
mod metrics;
mod public;

pub use alerts::{deliver_until, outbox};
pub use announce::Announced;
pub use follow::{Following, follow_until};
pub use heal::heal_until;
pub use history::import_history;
pub use public::for_files;

use crate::alerts::delivery::Outbox;
use crate::background;
use crate::clock::Clock;
use crate::config;
use crate::connections::{self, Limits, refuse_oversized, share_of_descriptors};
use crate::domain::delivery::AlertsSource;
use crate::failpoint;
use crate::pipeline::{CollectOptions, CollectReport, DataDir, Pipeline, PipelineError};
use crate::scheduler::{CronExpression, Scheduler};
use crate::site;
use crate::snapshot::Current;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use limit::Limit;
use metrics::Metrics;
use public::Public;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tracing::Instrument;

/// Returns the current time.
type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Maximum duration of a request. The site's answers are prepared, so this only limits failures.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(180);
/// How long a request may wait for the next part of its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Errors of the server.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum ServeError {
    /// The server cannot listen on the address.
    #[error("cannot listen on {listen}: {source}; choose another address with --listen")]
    Listen { listen: SocketAddr, source: std::io::Error },
    /// The server stopped by itself.
    #[error("the server stopped: {0}")]
    Stopped(std::io::Error),
}

/// A server that already listens but does not respond yet.
pub struct Server {
    listener: TcpListener,
    url: String,
    announced: Option<Announced>,
    router: Router,
    limits: Limits,
}

impl Server {
    /// Starts listening and announces the server in the data folder, so that verbs that need the store can query it. If
    /// the folder cannot be written, the server runs without these verbs.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub async fn bind(
        content: Content,
        clock: Arc<dyn Clock>,
        listen: SocketAddr,
    ) -> Result<Self, ServeError> {
        let listener =
            TcpListener::bind(listen).await.map_err(|source| ServeError::Listen { listen, source })?;
        let address = listener.local_addr().map_err(|source| ServeError::Listen { listen, source })?;
        let announced = Announced::new(&content.data, address)
            .inspect_err(|(path, error)| {
                tracing::warn!(
                    path = %path.display(),
                    %error,
                    "cannot announce the server in the data folder; commands that need its store cannot reach it"
                );
            })
            .ok();
        let router = router(content, clock, announced.as_ref().map(|announced| &*announced.token));
        let limits = Limits::with_connections(share_of_descriptors().0);
        Ok(Self { listener, url: announce::local_url(address), announced, router, limits })
    }

    /// The URL of the server, for a person on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves requests until cancelled, then lets running requests finish, for a few seconds at most.
    ///
    /// # Errors
    /// [`ServeError::Stopped`] if the listening socket became invalid.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), ServeError> {
        let served = connections::serve(self.listener, self.router, self.limits, cancel).await;
        failpoint::reach("serve.stopping").map_err(ServeError::Stopped)?;
        if let Some(announced) = self.announced {
            announced.withdraw();
        }
        served.map_err(ServeError::Stopped)
    }
}

/// The data to serve, and the pipeline behind them if its store could be opened.
pub struct Content {
    /// The data folder.
    pub data: DataDir,
    /// The newest snapshot.
    pub current: Arc<Current>,
    /// The pipeline for local verbs that need the store, if available.
    pub pipeline: Option<Arc<Pipeline>>,
    /// Settings of the server.
    pub settings: config::Serve,
    /// The outbox of alerts, if the pipeline is available.
    pub outbox: Option<Outbox>,
}

impl Content {
    /// The content of a pipeline.
    pub fn of(pipeline: &Arc<Pipeline>) -> Self {
        Self {
            data: pipeline.data.clone(),
            current: pipeline.current.clone(),
            pipeline: Some(pipeline.clone()),
            settings: pipeline.config.serve.clone(),
            outbox: Some(outbox(&pipeline.config, &pipeline.data, pipeline.clock.clone())),
        }
    }

    /// Only the last snapshot, for when the store cannot be opened; `None` if there is no snapshot either.
    pub fn last_snapshot(data: DataDir, settings: config::Serve) -> Option<Self> {
        let snapshot = crate::snapshot::store::load(&data.snapshots()).ok().flatten()?;
        Some(Self {
            data,
            current: Arc::new(Current::new(Some(snapshot))),
            pipeline: None,
            settings,
            outbox: None,
        })
    }
}

/// All routes. Without a token, those for commands on this machine do not exist.
fn router(content: Content, clock: Arc<dyn Clock>, token: Option<&str>) -> Router {
    let now: Now = Arc::new(move || clock.now());
    let metrics = Arc::new(Metrics::new(&content, now.clone()));
    let is_behind_proxy = !content.settings.client_header.trim().is_empty();
    let public = Public::new(content.current, now, &content.settings.public_url);
    let alerts = content.outbox.filter(Outbox::has_receivers);
    let alerts = alerts.map(|outbox| -> AlertsSource { Arc::new(move || outbox.public_status()) });
    let public = public.with(content.data.work(), is_behind_proxy, alerts);
    public.prepare_what_is_published();
    let local = content.pipeline.zip(token);
    let local = local.map_or_else(Router::new, |(pipeline, token)| local::router(pipeline, token));
    let figures = Router::new().route("/metrics", get(metrics::metrics)).with_state(metrics.clone());
    let client_header = content.settings.client_header.trim().parse().ok();
    let public = public.router(Limit::new(content.settings.requests_per_minute, client_header));
    // Routes besides the site's fallback must be merged before it; the layers of one do not apply to the other.
    local
        .merge(figures)
        .fallback_service(site::with_aliases(public))
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::GATEWAY_TIMEOUT, ANSWER_TIMEOUT))
        .layer(from_fn(refuse_oversized))
        .layer(from_fn_with_state(metrics, metrics::count))
        // Outermost, so that it also applies to responses of the layers above.
        .layer(map_response(site::secure))
}

/// Collects by the schedule until cancelled. Failures are logged, and the last good snapshot stays in service.
pub async fn collect_by_schedule(
    pipeline: Arc<Pipeline>,
    expression: CronExpression,
    cancel: CancellationToken,
) -> Result<(), PipelineError> {
    let schedule = &pipeline.config.schedule;
    let scheduler = Scheduler {
        expression,
        jitter: Duration::from_secs(schedule.jitter_seconds),
        catch_up: schedule.catch_up,
        seed: u64::from(std::process::id()),
    };
    // A record that must be rebuilt first would look empty, and a sweep would start at once. A failure is logged by the
    // sweep, which tries again.
    drop(heal::heal(&pipeline, &cancel).await);
    let last_run = pipeline.store.newest_time()?;
    let clock = pipeline.clock.clone();
    let job = |tick: crate::scheduler::Tick| {
        let pipeline = pipeline.clone();
        async move { collect_and_publish(pipeline, &CollectOptions::default(), &tick.cancel).await }
    };
    let report = scheduler.run(clock.as_ref(), last_run, job, cancel).await;
    tracing::info!(runs = report.runs, failed = report.failed, skipped = report.skipped, "scheduler stopped");
    Ok(())
}

/// Collects one run and publishes a new snapshot. All of it runs on threads of low priority: fetching, decoding, the
/// store, the analysis and the preparation of pages. If it is cancelled after the run was stored, the next start
/// publishes it.
pub async fn collect_and_publish(
    pipeline: Arc<Pipeline>,
    options: &CollectOptions,
    cancel: &CancellationToken,
) -> Result<(), PipelineError> {
    collect_in(pipeline, options, cancel).instrument(run_span()).await
}

/// The span of a run: each line of the log within it has its id, which the collection fills in.
pub fn run_span() -> tracing::Span {
    // Of the highest level, so that it is there whatever is logged.
    tracing::error_span!("run", run_id = tracing::field::Empty)
}

async fn collect_in(
    pipeline: Arc<Pipeline>,
    options: &CollectOptions,
    cancel: &CancellationToken,
) -> Result<(), PipelineError> {
    // Not on the threads that answer requests: it may rebuild the record. The sweep reports what still fails.
    drop(heal::heal(&pipeline, cancel).await);
    let (collecting, options, stopping) = (pipeline.clone(), options.clone(), cancel.clone());
    let collected =
        background::run_async(async move { collecting.collect(&options, &stopping, |_, _| {}).await })
            .await?;
    pipeline.note_collection(&collected);
    if let Err(PipelineError::Cancelled) = collected {
        tracing::info!("{}", PipelineError::Cancelled);
        return Ok(());
    }
    if let Ok(report) = &collected {
        log(report);
    }
    if cancel.is_cancelled() {
        tracing::info!("stopping before the publication; the next start publishes what is stored");
        return collected.map(drop);
    }
    // After a failed or suspect run, the numbers stay the same, but the outcome of the run is published. An error may
    // also come after the run was stored.
    let publisher = pipeline.clone();
    let started = std::time::Instant::now();
    let published = background::run(move || publisher.publish()).await;
    pipeline
        .note_publication(matches!(published, Ok(Ok(_) | Err(PipelineError::NoRun(_)))), started.elapsed());
    match published? {
        Ok(snapshot) => {
            tracing::info!(snapshot = snapshot.id, "published");
            background::run(move || pipeline.roll_up_or_log()).await?;
        }
        Err(PipelineError::NoRun(_)) => tracing::warn!("there is nothing to publish yet"),
        Err(error) => return Err(collected.err().unwrap_or(error)),
    }
    collected.map(drop)
}

fn log(report: &CollectReport) {
    tracing::info!(
        run_id = report.run_id,
        status = report.status.as_str(),
        requests = report.requests,
        endpoints = report.endpoints,
        readings = report.readings,
        duration_ms = report.duration_ms,
        "collected"
    );
    for failure in &report.failures {
        tracing::warn!(run_id = report.run_id, failure, "a step of the run failed");
    }
}
