//! One collection: plan, fetch, archive, decode, store.

use super::sweep::Sweeper;
use super::{Pipeline, PipelineError, decode};
use crate::archive::{Archive, Entry, Manifest, RunHeader};
use crate::domain::document::RouteAnswer;
use crate::domain::finding::{Finding, Findings};
use crate::domain::reading::{QuarantineReason, RunReadings, RunStatus};
use crate::domain::thresholds;
use crate::domain::window::WindowKind;
use crate::fetch::{FetchConfig, Fetcher, SkipReason};
use crate::source::openrouter::{OpenRouterApi, OpenRouterStats};
use crate::source::{DocumentKind, Source};
use crate::store::{Ingested, RunRecord, StoreError};
use chrono::{DateTime, SubsecRound, Timelike, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Maximum number of failures that a run lists; the counts are always complete.
const MAX_LISTED_FAILURES: usize = 20;

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

/// The id of a run: its time.
pub(super) fn run_id(observed_at: DateTime<Utc>) -> String {
    observed_at.format("%Y%m%dT%H%M%SZ").to_string()
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
        if let Some(report) = self.stored_report(observed_at)? {
            tracing::info!(run_id = report.run_id, "this run is already stored");
            return Ok(report);
        }
        self.refuse_out_of_order(observed_at)?;
        let upstream = options.upstream.as_deref().unwrap_or(&self.config.upstream.base_url);
        let upstream = upstream.trim_end_matches('/').to_owned();
        let sweep = Sweeper {
            fetcher: Fetcher::new(self.fetch_config(options), self.clock.clone())?,
            sources: self.sources(),
            upstream: &upstream,
            daily: !self.store.has_daily(observed_at)?,
            closing: self.wants_closing_rates(observed_at)?,
            budget: self.config.fetch.requests_per_sweep as usize,
            cancel,
            at: options.at,
        }
        .sweep(&mut on_progress)
        .await;
        if sweep.stopped == Some(SkipReason::Cancelled) && sweep.cut_short {
            return Err(PipelineError::Cancelled);
        }
        let header = RunHeader {
            run_id: run_id(observed_at),
            observed_at,
            upstream,
            simulated: options.simulated,
            version: env!("CARGO_PKG_VERSION").into(),
            requests: sweep.requests,
            duration_ms: milliseconds(started),
            stopped: sweep.stopped.map(|reason| reason.to_string()),
            cut_short: Some(sweep.cut_short),
        };
        let (archive_bytes, run, record) = {
            let _alone = self.record_alone();
            let (manifest, archive_bytes) = self.archive.write(header, &sweep.fetched)?;
            let bodies: Vec<Option<Vec<u8>>> = sweep.fetched.into_iter().map(|one| one.body).collect();
            let (run, record) = self.store_run(&self.archive, &manifest, &bodies)?;
            (archive_bytes, run, record)
        };
        let mut report = report(&run, &record);
        report.archive_bytes = archive_bytes;
        report.duration_ms = milliseconds(started);
        Ok(report)
    }

    fn sources(&self) -> Vec<Box<dyn Source>> {
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        if self.config.upstream.openrouter_api {
            sources.push(Box::new(OpenRouterApi));
        }
        if self.config.upstream.openrouter_stats {
            sources.push(Box::new(OpenRouterStats));
        }
        sources
    }

    /// Whether this sweep must request the closing values of past days. Starting with the first sweep of a UTC day that
    /// is late enough for the previous day to be settled, each one does until one has received them.
    fn wants_closing_rates(&self, observed_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let settled = observed_at.num_seconds_from_midnight() >= thresholds::CLOSING_SETTLE_MINUTES * 60;
        Ok(self.config.upstream.hit_rate_comparison && settled && !self.store.has_comparison(observed_at)?)
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
            ..FetchConfig::default()
        }
    }

    /// Decodes an archived run and stores it.
    pub(super) fn store_run(
        &self,
        archive: &Archive,
        manifest: &Manifest,
        bodies: &[Option<Vec<u8>>],
    ) -> Result<(RunReadings, RunRecord), PipelineError> {
        let header = &manifest.header;
        self.close_days_before(header.observed_at.date_naive());
        let known = self.store.known(header.observed_at)?;
        let run = decode::readings(manifest, bodies, &known);
        let findings = self.examine(archive, &header.run_id, &run)?;
        let record = record(manifest, &run, findings);
        for finding in &record.findings.open {
            tracing::error!(
                run_id = record.run_id,
                field = finding.field,
                detail = finding.detail,
                "suspect run"
            );
        }
        if self.store.ingest(&record, &run)? == Ingested::Known {
            tracing::info!(run_id = record.run_id, "this run is already stored");
        } else if record.status.is_accepted() {
            self.keep_baseline(&record.run_id, &run);
        }
        Ok((run, record))
    }

    /// Refuses the run before anything is archived: otherwise a replay would store what the store rejected.
    fn refuse_out_of_order(&self, observed_at: DateTime<Utc>) -> Result<(), StoreError> {
        match self.store.newest_time()? {
            Some(newest) if newest > observed_at => Err(StoreError::OutOfOrder {
                observed_at: observed_at.to_rfc3339(),
                newest: newest.to_rfc3339(),
            }),
            _ => Ok(()),
        }
    }

    /// The report of a run that is already stored; failed runs do not count.
    fn stored_report(&self, observed_at: DateTime<Utc>) -> Result<Option<CollectReport>, PipelineError> {
        let Some(row) = self.store.run(&run_id(observed_at))?.filter(|row| row.status != RunStatus::Failed)
        else {
            return Ok(None);
        };
        let [requests, documents, readings, endpoints, _, drift] = row.counts;
        let findings = self.store.findings(&row.run_id)?.open;
        Ok(Some(CollectReport {
            run_id: row.run_id,
            status: row.status,
            observed_at,
            window_kind: row.window_kind,
            requests,
            documents,
            readings,
            endpoints,
            quarantined: self
                .store
                .quarantine_rows(observed_at)?
                .into_iter()
                .map(|row| (row.reason, row.rows))
                .collect(),
            drift,
            comparison: row.comparison,
            duration_ms: row.duration_ms,
            archive_bytes: 0,
            failures: row.failures,
            findings,
        }))
    }
}

fn record(manifest: &Manifest, run: &RunReadings, findings: Findings) -> RunRecord {
    let header = &manifest.header;
    let mut failures: Vec<String> = header.stopped.iter().cloned().collect();
    failures.extend(manifest.entries.iter().filter_map(|entry| entry.error.clone()));
    let whole = [QuarantineReason::Undecodable, QuarantineReason::EmptyAnswer];
    let undecodable = run.quarantined.iter().filter(|row| whole.contains(&row.reason));
    failures.extend(undecodable.map(|row| {
        let pair = row.model.as_ref().zip(row.variant.as_ref());
        let whose = pair.map(|(model, variant)| format!(" of {model} ({variant})")).unwrap_or_default();
        format!("{}{whose} at {}: {}", row.kind, row.path, row.detail)
    }));
    if failures.is_empty() && run.models.is_empty() {
        failures.push("the upstream lists no models".into());
    } else if failures.is_empty() && run.readings.is_empty() {
        failures.push("no model has an endpoint".into());
    }
    let failed: usize = run.sources.iter().map(|source| source.failed).sum();
    let cut = is_cut_short(manifest);
    let failed_whole = run.models.is_empty() || run.readings.is_empty() || cut;
    // What a sweep without its rest looks like says nothing about the upstream.
    let findings = if failed_whole { Findings::default() } else { findings };
    let status = if failed_whole {
        RunStatus::Failed
    } else if !findings.open.is_empty() {
        RunStatus::Suspect
    } else if failed > 0 || !failures.is_empty() {
        RunStatus::Partial
    } else {
        RunStatus::Ok
    };
    let more = failures.len().saturating_sub(MAX_LISTED_FAILURES);
    failures.truncate(MAX_LISTED_FAILURES);
    if more > 0 {
        failures.push(format!("and {more} more"));
    }
    RunRecord {
        run_id: header.run_id.clone(),
        status,
        upstream: header.upstream.clone(),
        simulated: header.simulated,
        requests: header.requests,
        documents: manifest.entries.iter().filter(|entry| entry.body.is_some()).count(),
        duration_ms: header.duration_ms,
        activity: manifest.entries.iter().any(is_daily),
        failures,
        findings,
    }
}

/// Whether the sweep ended before all required documents were requested. Such a sweep says nothing about the rest, and
/// publishing it as complete would drop every endpoint that was not reached. Manifests of older versions do not record
/// this: there, a sweep that stopped and lacks an answer counts as cut short.
fn is_cut_short(manifest: &Manifest) -> bool {
    let missing = |entry: &Entry| !entry.request.kind.is_daily() && entry.status.is_none();
    let guess = || manifest.header.stopped.is_some() && manifest.entries.iter().any(missing);
    manifest.header.cut_short.unwrap_or_else(guess)
}

fn is_daily(entry: &Entry) -> bool {
    entry.request.kind == DocumentKind::ModelActivity && entry.status.is_some()
}

fn report(run: &RunReadings, record: &RunRecord) -> CollectReport {
    let mut quarantined: BTreeMap<String, usize> = BTreeMap::new();
    for row in &run.quarantined {
        *quarantined.entry(row.reason.to_string()).or_default() += 1;
    }
    CollectReport {
        run_id: record.run_id.clone(),
        status: record.status,
        observed_at: run.observed_at,
        window_kind: run.window_kind,
        requests: record.requests,
        documents: record.documents,
        readings: run.readings.iter().filter(|reading| reading.usage.is_some()).count(),
        endpoints: run.readings.len(),
        quarantined,
        drift: run.drift.len(),
        comparison: run.comparison,
        duration_ms: record.duration_ms,
        archive_bytes: 0,
        failures: record.failures.clone(),
        findings: record.findings.open.clone(),
    }
}
