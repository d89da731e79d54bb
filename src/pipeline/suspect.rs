//! Suspect runs: a sweep whose meaning moved is archived and listed, but does not enter the record until an operator
//! accepts the moved fields by name.

use super::record::{Baseline, Recorder};
use super::{Pipeline, PipelineError};
use crate::domain::document::Pair;
use crate::domain::finding::{Finding, Findings, fields as fields_of};
use crate::domain::reading::{Known, RunReadings, RunStatus};
use crate::domain::thresholds;
use crate::plausibility::{History, Restated, examine};
use crate::snapshot::RunSummary;
use crate::store::{RunRow, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

/// Why an acceptance is rejected.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum AcceptError {
    /// There is no such run.
    #[error("there is no run {0}; the status page and `hitrate collect --json` show the ids of runs")]
    NoSuchRun(String),
    /// The run is not suspect.
    #[error("run {run_id} is not suspect: its status is `{status}`")]
    NotSuspect { run_id: String, status: RunStatus },
    /// The decision is kept, but the run could not be stored again.
    #[error(
        "run {0} is accepted but could not be stored again; the log says why, and `hitrate replay --into DIR` tries again"
    )]
    NotStored(String),
    /// There is no finding for this field.
    #[error("no finding for `{field}` in run {run_id}; fields that moved: {moved}")]
    NoSuchField { run_id: String, field: String, moved: String },
}

/// The result of an acceptance: the contract of `hitrate accept --json`.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub struct AcceptReport {
    /// The run.
    pub run_id: String,
    /// Its new status.
    pub status: RunStatus,
    /// All accepted fields of the run.
    pub accepted: Vec<String>,
    /// The findings that still make it suspect.
    pub open: Vec<Finding>,
    /// Whether the run needs a replay to enter the record, because the record already contains newer runs.
    pub needs_replay: bool,
    /// Id of the published snapshot.
    pub snapshot: Option<String>,
}

impl Recorder<'_> {
    /// The findings against a run, split into those that an operator accepted and the open ones.
    pub fn examine(&self, run_id: &str, run: &RunReadings) -> Result<Findings, PipelineError> {
        let names = |path: &str| self.upstream.field_names(path);
        let before = self.baseline(run.observed_at)?;
        let found = if before.as_deref().is_some_and(|before| !same_sources(before, run)) {
            // An operator switched a source on or off, so this run cannot be compared with the previous one.
            tracing::info!(
                run_id,
                "a source answered in only one of this run and the previous one; checking this run without the previous one"
            );
            examine(run, &History::default(), &names)
        } else {
            let from = run.observed_at - chrono::Duration::days(thresholds::PLAUSIBILITY_DAYS);
            let counts = self.store.run_counts(from, run.observed_at)?;
            let restated = self.restated(run)?;
            let history = History { before: before.as_deref(), counts: &counts, restated: &restated };
            examine(run, &history, &names)
        };
        Ok(Findings::divide(found, &self.archive.accepted(run_id)?))
    }

    /// Past days that both the store and this run hold, for series that are requested once a day and may thus be
    /// missing from the previous run.
    fn restated(&self, run: &RunReadings) -> Result<Vec<Restated>, StoreError> {
        let today = run.observed_at.date_naive();
        let days = run.closing_rates.iter().map(|rate| rate.day);
        let days: BTreeSet<NaiveDate> =
            days.chain(run.activity.iter().map(|one| one.day)).filter(|day| *day < today).collect();
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Vec::new()) };
        let past = self.store.past_values(*first, *last)?;
        let rates = run.closing_rates.iter().filter_map(|rate| {
            let known = past.closing_rates.get(&(rate.endpoint_id, rate.day))?;
            Some((*known, rate.hit_rate.get()))
        });
        let tokens = |which: usize| {
            let past = &past;
            run.activity.iter().filter(move |one| one.day < today).filter_map(move |one| {
                let pair = Pair { model: one.model.clone(), variant: one.variant.clone() };
                let known = past.activity.get(&(pair, one.day))?[which];
                Some((known as f64, [one.prompt_tokens, one.completion_tokens][which] as f64))
            })
        };
        Ok(vec![
            Restated::compare("closing_rates.hit_rate", rates),
            Restated::compare("activity.prompt_tokens", tokens(0)),
            Restated::compare("activity.completion_tokens", tokens(1)),
        ])
    }

    /// Keeps the readings of an accepted run as the baseline of the next one.
    pub fn keep_baseline(&self, run_id: &str, run: &RunReadings) {
        let kept = Baseline { run_id: run_id.to_owned(), readings: Arc::new(run.clone()) };
        *self.baseline.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }

    /// The readings of the newest accepted run before a time, from memory or from the archive. `None` if there is no
    /// such run or if it is not in the archive: then only the checks that need no history apply.
    fn baseline(&self, before: DateTime<Utc>) -> Result<Option<Arc<RunReadings>>, PipelineError> {
        let just_before = before - chrono::Duration::microseconds(1);
        let Some(RunRow { run: newest, .. }) = self.store.newest_run(Some(just_before))? else {
            return Ok(None);
        };
        let kept = self.baseline.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| kept.run_id == newest.run_id) {
            return Ok(Some(kept.readings));
        }
        match self.read_again(&newest) {
            Ok(readings) => {
                self.keep_baseline(&newest.run_id, &readings);
                Ok(Some(Arc::new(readings)))
            }
            Err(error) => {
                tracing::warn!(run_id = newest.run_id, %error, "cannot read the previous run from the archive; checking this run without it");
                Ok(None)
            }
        }
    }

    /// Reads a recorded run again.
    fn read_again(&self, row: &RunSummary) -> Result<RunReadings, PipelineError> {
        let manifest = self.archive.manifest(&row.run_id, row.observed_at)?;
        let bodies = self.archive.bodies(&manifest)?;
        let known = Known { window_kind: Some(row.window_kind), ..Known::default() };
        Ok(self.read(&manifest, &bodies, &known))
    }
}

impl Pipeline {
    /// Accepts fields of a suspect run by name (`None`: all that moved). If no finding remains open, this run and the
    /// runs after it are stored and published, and later runs are compared with the accepted values. If the record
    /// already contains newer runs, the decision is kept for the next replay.
    ///
    /// # Errors
    /// [`PipelineError::Accept`] if the run or a field cannot be accepted; then nothing is changed.
    pub fn accept(&self, run_id: &str, fields: Option<&[String]>) -> Result<AcceptReport, PipelineError> {
        let _alone = self.record_alone();
        let row = self.store.run(run_id)?.ok_or_else(|| AcceptError::NoSuchRun(run_id.to_owned()))?.run;
        if row.status != RunStatus::Suspect {
            return Err(AcceptError::NotSuspect { run_id: row.run_id, status: row.status }.into());
        }
        let findings = self.store.findings(run_id)?;
        let moved: Vec<String> = fields_of(&findings.open).into_iter().map(str::to_owned).collect();
        let fields = fields.map_or_else(|| moved.clone(), <[String]>::to_vec);
        if let Some(field) = fields.iter().find(|field| !moved.contains(field)) {
            return Err(AcceptError::NoSuchField {
                run_id: run_id.to_owned(),
                field: field.clone(),
                moved: moved.join(", "),
            }
            .into());
        }
        self.archive.accept(run_id, &fields, self.clock.now())?;
        let needs_replay = self.store.newest_accepted()?.is_some_and(|newest| newest > row.observed_at);
        if !needs_replay {
            self.store.forget_from(row.observed_at)?;
            self.recover()?;
        }
        let snapshot = if needs_replay { None } else { self.publish_accepted()? };
        let row = self.store.run(run_id)?.ok_or_else(|| AcceptError::NotStored(run_id.to_owned()))?.run;
        Ok(AcceptReport {
            run_id: run_id.to_owned(),
            status: row.status,
            accepted: self.archive.accepted(run_id)?,
            open: if needs_replay { Vec::new() } else { self.store.findings(run_id)?.open },
            needs_replay,
            snapshot,
        })
    }

    /// Publishes after an acceptance. Where no run is in the record yet there is nothing to publish.
    fn publish_accepted(&self) -> Result<Option<String>, PipelineError> {
        match self.publish() {
            Ok(snapshot) => Ok(Some(snapshot.id.clone())),
            Err(PipelineError::NoRun(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether the same kinds of documents were requested, except those of once a UTC day.
fn same_sources(one: &RunReadings, other: &RunReadings) -> bool {
    let names = |run: &RunReadings| {
        let requested = run.documents.iter().filter(|kind| kind.counts.planned > 0 && !kind.about.is_daily());
        requested.map(|kind| kind.counts.source.clone()).collect::<BTreeSet<_>>()
    };
    names(one) == names(other)
}
