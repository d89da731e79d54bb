//! One collection: upstream → archive, then the other steps up to the record.

use super::sweep::Sweeper;
use super::{Pipeline, PipelineError};
use crate::archive::{Archive, Manifest, RunHeader};
use crate::config::server_url;
use crate::domain::document::RouteAnswer;
use crate::domain::finding::Finding;
use crate::domain::ids::DocumentName;
use crate::domain::reading::RunStatus;
use crate::domain::window::WindowKind;
use crate::fetch::{FetchConfig, Fetcher, SkipReason, check_proxies};
use crate::store::{RunRow, StoreError};
use crate::upstream::{Due, UNSTATED};
use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Options of a collection beyond the settings.
#[derive(Debug, Clone, Default)]
pub struct CollectOptions {
    /// Base address; overrides the setting.
    pub upstream: Option<String>,
    /// The time of the run instead of now: for replays of recorded days.
    pub at: Option<DateTime<Utc>>,
    /// Requests per second; overrides the setting. 0 means unlimited.
    pub rate: Option<f64>,
    /// Whether the upstream is the simulator.
    pub simulated: bool,
}

/// The result of a collection: the contract of `hitrate collect --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CollectReport {
    /// Id.
    pub run_id: String,
    /// Outcome.
    pub status: RunStatus,
    /// The time of the run.
    pub observed_at: DateTime<Utc>,
    /// What its summaries cover.
    pub window_kind: WindowKind,
    /// Requests sent, including retries.
    pub requests: usize,
    /// Bodies archived.
    pub documents: usize,
    /// Endpoints with usage.
    pub readings: usize,
    /// Endpoints seen.
    pub endpoints: usize,
    /// Quarantined rows by reason.
    pub quarantined: BTreeMap<String, usize>,
    /// Number of distinct unknown paths.
    pub drift: usize,
    /// Result of the request for the daily series of hit rates; null if it was not requested.
    pub comparison: Option<RouteAnswer>,
    /// Time from the first request to the stored run.
    pub duration_ms: i64,
    /// Bytes written to the archive.
    pub archive_bytes: u64,
    /// Failures, at most 20 lines.
    pub failures: Vec<String>,
    /// Why the run is suspect: the upstream fields whose meaning moved.
    pub findings: Vec<Finding>,
}

fn milliseconds(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// A run in the archive, with its bodies at hand.
struct Collected {
    manifest: Manifest,
    bodies: Vec<Option<Vec<u8>>>,
    archive_bytes: u64,
}

/// Collects a run into the archive.
async fn collect(
    sweeper: &Sweeper<'_>,
    archive: &Archive,
    simulated: bool,
    on_progress: &mut (impl FnMut(usize, usize) + Send),
) -> Result<Collected, PipelineError> {
    let started = Instant::now();
    let sweep = sweeper.sweep(on_progress).await;
    if sweep.stopped == Some(SkipReason::Cancelled) && sweep.cut_short {
        return Err(PipelineError::Cancelled);
    }
    let observed_at = sweeper.due.at;
    let header = RunHeader {
        run_id: run_id(observed_at),
        observed_at,
        upstream: sweeper.base_url.to_owned(),
        simulated,
        version: env!("CARGO_PKG_VERSION").into(),
        requests: sweep.requests,
        duration_ms: milliseconds(started),
        stopped: sweep.stopped.map(|reason| reason.to_string()),
        cut_short: Some(sweep.cut_short),
        upstream_name: Some(sweeper.upstream.name().to_owned()).filter(|name| name != UNSTATED),
    };
    let rank = |kind: &DocumentName| sweeper.upstream.rank(kind);
    let (manifest, archive_bytes) = archive.write(header, &sweep.fetched, rank)?;
    let bodies = sweep.fetched.into_iter().map(|one| one.body).collect();
    Ok(Collected { manifest, bodies, archive_bytes })
}

/// The id of a run: its time.
pub(super) fn run_id(observed_at: DateTime<Utc>) -> String {
    observed_at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// The time that the id of a run states.
pub fn time_of(run_id: &str) -> Option<DateTime<Utc>> {
    chrono::NaiveDateTime::parse_from_str(run_id, "%Y%m%dT%H%M%SZ").ok().map(|time| time.and_utc())
}

impl Pipeline {
    /// Collects once. `on_progress(done, total)` is called with the number of documents.
    ///
    /// A run that is already stored is not collected again: its report is returned unchanged.
    ///
    /// # Errors
    /// [`PipelineError`]. An upstream that is down or refuses is not an error: the report's status is `failed`.
    pub async fn collect(
        &self,
        options: &CollectOptions,
        cancel: &CancellationToken,
        mut on_progress: impl FnMut(usize, usize) + Send,
    ) -> Result<CollectReport, PipelineError> {
        // Durations are measured on this machine, even if the clock is simulated.
        let started = Instant::now();
        let observed_at = options.at.unwrap_or_else(|| self.clock.now()).trunc_subsecs(0);
        self.prepare(options)?;
        // The span of the caller, if it is one of a run: every line of the log then names the run.
        tracing::Span::current().record("run_id", run_id(observed_at));
        // A failed run does not count as stored.
        let stored = self.store.run(&run_id(observed_at))?;
        if let Some(row) = stored.filter(|row| row.run.status != RunStatus::Failed) {
            tracing::info!(run_id = row.run.run_id, "this run is already stored");
            return self.report(row);
        }
        self.refuse_out_of_order(observed_at)?;
        let _sweeping = self.sweeps.begin();
        let base_url = options.upstream.as_deref().unwrap_or(self.upstream.base_url());
        tracing::debug!(upstream = base_url, "the sweep begins");
        server_url("--upstream", base_url)?;
        check_proxies(base_url)?;
        let sweeper = Sweeper {
            fetcher: Fetcher::new(self.fetch_config(options), self.clock.clone())?,
            upstream: &*self.upstream,
            base_url: base_url.trim_end_matches('/'),
            due: Due {
                at: observed_at,
                activity: !self.store.has_daily(observed_at)?,
                closing_rates: !self.store.has_comparison(observed_at)?,
            },
            budget: self.config.fetch.requests_per_sweep as usize,
            cancel,
            at: options.at,
        };
        let Collected { manifest, bodies, archive_bytes } =
            collect(&sweeper, &self.archive, options.simulated, &mut on_progress).await?;
        self.counters.answered(&manifest);
        {
            let _alone = self.record_alone();
            self.record_in_order(&manifest, &bodies)?;
        }
        let missing = || StoreError::Content { what: "run", detail: manifest.header.run_id.clone() };
        let row = self.store.run(&manifest.header.run_id)?.ok_or_else(missing)?;
        Ok(CollectReport { archive_bytes, duration_ms: milliseconds(started), ..self.report(row)? })
    }

    /// Compares the clock with the record and stores what waits. Earlier runs that still cannot be stored do not keep a
    /// sweep from being archived: they are stored before it.
    fn prepare(&self, options: &CollectOptions) -> Result<(), PipelineError> {
        let _alone = self.record_alone();
        if self.needs_healing()
            && let Err(error) = self.noted(self.heal_alone())
        {
            tracing::error!(%error, "earlier archived runs cannot be stored yet; collecting nevertheless");
        }
        if options.at.is_some() || self.store.invalid_reason().is_some() {
            return Ok(());
        }
        self.noted(self.compare_with_clock())
    }

    /// Checks what only the next sweep would find: the file of authorities, and the proxies of the environment.
    ///
    /// # Errors
    /// [`PipelineError`] that names the setting or the variable.
    pub fn check_connection(&self) -> Result<(), PipelineError> {
        check_proxies(self.upstream.base_url())?;
        Fetcher::new(self.fetch_config(&CollectOptions::default()), self.clock.clone())?;
        Ok(())
    }

    fn fetch_config(&self, options: &CollectOptions) -> FetchConfig {
        let settings = &self.config.fetch;
        let rate = options.rate.unwrap_or(settings.rate_per_second);
        FetchConfig {
            user_agent: self.config.user_agent(),
            rate_per_second: (rate > 0.0).then_some(rate),
            max_connections: if rate > 0.0 {
                settings.max_connections
            } else {
                crate::fetch::MOST_CONNECTIONS
            },
            budget: settings.requests_per_sweep,
            timeout: Duration::from_secs(settings.timeout_seconds),
            max_body_bytes: settings.max_body_mib << 20,
            max_total_bytes: settings.max_sweep_mib << 20,
            max_duration: Some(Duration::from_secs(settings.max_sweep_minutes * 60)),
            ca_file: self.ca_file(),
            max_attempts: settings.max_attempts,
            backoff_base: Duration::from_millis(settings.retry_delay_ms),
            ..FetchConfig::default()
        }
    }

    /// The file of additional authorities, if the settings name one.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        self.data.ca_file(&self.config)
    }

    /// Refuses the run before anything is archived: otherwise a replay would store what the store rejected.
    fn refuse_out_of_order(&self, observed_at: DateTime<Utc>) -> Result<(), StoreError> {
        match self.store.newest_time()? {
            Some(newest) if newest > observed_at => Err(StoreError::OutOfOrder { observed_at, newest }),
            _ => Ok(()),
        }
    }

    /// The report of a stored run, the newest one, without what the archive has of it.
    fn report(&self, row: RunRow) -> Result<CollectReport, PipelineError> {
        let run = row.run;
        let findings = self.store.findings(&run.run_id)?.open;
        let quarantined = self.store.quarantined(run.observed_at)?;
        Ok(CollectReport {
            run_id: run.run_id,
            status: run.status,
            observed_at: run.observed_at,
            window_kind: run.window_kind,
            requests: run.requests,
            documents: run.documents,
            readings: run.readings,
            endpoints: run.endpoints,
            quarantined: quarantined.into_iter().map(|row| (row.reason, row.rows)).collect(),
            drift: run.drift,
            comparison: row.comparison,
            duration_ms: run.duration_ms,
            archive_bytes: 0,
            failures: run.failures,
            findings,
        })
    }
}
