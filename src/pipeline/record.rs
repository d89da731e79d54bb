//! Recording: archive → store. A run is read, checked against the record, and stored with its account.

use super::PipelineError;
use crate::archive::{Archive, Entry, Manifest};
use crate::domain::document::Subject;
use crate::domain::finding::Findings;
use crate::domain::reading::{Known, QuarantineReason, RunReadings, RunStatus};
use crate::store::{Ingested, RunRecord, Store};
use crate::upstream::{Outcome, UNSTATED, Upstream};
use std::sync::{Arc, Mutex};

/// Maximum number of failures that a run lists; the counts are always complete.
const MAX_LISTED_FAILURES: usize = 20;

/// The readings of the newest accepted run, kept in memory between runs.
#[derive(Debug, Clone)]
pub(super) struct Baseline {
    pub run_id: String,
    pub readings: Arc<RunReadings>,
}

/// What recording a run needs.
pub(super) struct Recorder<'a> {
    pub upstream: &'a dyn Upstream,
    pub archive: &'a Archive,
    pub store: &'a Store,
    pub baseline: &'a Mutex<Option<Baseline>>,
}

impl Recorder<'_> {
    /// Reads an archived run and stores it.
    pub fn record(
        &self,
        manifest: &Manifest,
        bodies: &[Option<Vec<u8>>],
    ) -> Result<(RunReadings, RunRecord), PipelineError> {
        let header = &manifest.header;
        let name = header.upstream_name.as_deref().unwrap_or(UNSTATED);
        same_upstream(self.upstream, name)?;
        let known = self.store.known(header.observed_at)?;
        let run = self.read(manifest, bodies, &known);
        let findings = self.examine(&header.run_id, &run)?;
        let record = account(self.upstream, manifest, &run, findings);
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

    /// The readings of an archived run.
    pub fn read(&self, manifest: &Manifest, bodies: &[Option<Vec<u8>>], known: &Known) -> RunReadings {
        let outcomes: Vec<Outcome<'_>> = manifest
            .entries
            .iter()
            .zip(bodies)
            .map(|(entry, body)| outcome(entry, body.as_deref()))
            .collect();
        self.upstream.read(&outcomes, manifest.header.observed_at, known)
    }
}

/// Refuses a run of another upstream: a record holds the runs of one.
pub(super) fn same_upstream(upstream: &dyn Upstream, found: &str) -> Result<(), PipelineError> {
    if found == upstream.name() {
        return Ok(());
    }
    Err(PipelineError::OtherUpstream { found: found.to_owned(), expected: upstream.name() })
}

pub(super) fn outcome<'a>(entry: &'a Entry, body: Option<&'a [u8]>) -> Outcome<'a> {
    Outcome {
        request: &entry.request,
        status: entry.status,
        error: entry.error.as_deref(),
        fetched_at: entry.fetched_at,
        sha256: entry.body.as_ref().map_or("", |location| &location.sha256),
        body: body.unwrap_or_default(),
    }
}

/// The account of a run: its status, its failures and its findings.
fn account(upstream: &dyn Upstream, manifest: &Manifest, run: &RunReadings, findings: Findings) -> RunRecord {
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
    let cut = is_cut_short(upstream, manifest);
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
        upstream_name: upstream.name().to_owned(),
        simulated: header.simulated,
        requests: header.requests,
        documents: manifest.entries.iter().filter(|entry| entry.body.is_some()).count(),
        duration_ms: header.duration_ms,
        activity: has_activity(upstream, manifest),
        failures,
        findings,
    }
}

/// Whether the sweep ended before all required documents were requested. Such a sweep says nothing about the rest, and
/// publishing it as complete would drop every endpoint that was not reached. Manifests of older versions do not record
/// this: there, a sweep that stopped and lacks an answer counts as cut short.
fn is_cut_short(upstream: &dyn Upstream, manifest: &Manifest) -> bool {
    let missing = |entry: &Entry| !upstream.is_daily(&entry.request.kind) && entry.status.is_none();
    let guess = || manifest.header.stopped.is_some() && manifest.entries.iter().any(missing);
    manifest.header.cut_short.unwrap_or_else(guess)
}

/// Whether the sweep read the activity of this UTC day.
fn has_activity(upstream: &dyn Upstream, manifest: &Manifest) -> bool {
    let is_activity = |subject| subject == Subject::Activity;
    let read = |entry: &Entry| entry.status.is_some() && upstream.is_about(&entry.request.kind, is_activity);
    manifest.entries.iter().any(read)
}
