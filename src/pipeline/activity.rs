//! What a pipeline did since it was opened, for the metrics: counts that no store keeps.

use super::{CollectReport, Pipeline, PipelineError};
use crate::archive::{Entry, Manifest};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a pipeline did since it was opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Runs by status.
    pub runs: BTreeMap<&'static str, u64>,
    /// Collections that ended with an error, so that there is no run.
    pub errors: u64,
    /// Those of them since the last run.
    pub errors_in_a_row: u64,
    /// When the last collection ended, with or without a run.
    pub last_attempt: Option<DateTime<Utc>>,
    /// Requests for documents by outcome: `ok`, `refused`, `client_error`, `server_error`, `no_answer`.
    pub answers: BTreeMap<&'static str, u64>,
    /// Publications.
    pub publications: u64,
    /// Publications that failed.
    pub publish_errors: u64,
    /// Duration of the last publication.
    pub last_publish: Option<Duration>,
}

/// The activity of a pipeline, which its steps update.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<Activity>);

impl Counters {
    fn change(&self, change: impl FnOnce(&mut Activity)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Counts the answers of a sweep.
    pub fn answered(&self, manifest: &Manifest) {
        self.change(|activity| {
            for entry in &manifest.entries {
                *activity.answers.entry(outcome(entry)).or_default() += 1;
            }
        });
    }
}

/// The outcome of a request.
fn outcome(entry: &Entry) -> &'static str {
    match entry.status {
        None => "no_answer",
        Some(401 | 403 | 429 | 451) => "refused",
        Some(500..) => "server_error",
        Some(404 | 410) if entry.error.is_none() => "ok",
        Some(400..) => "client_error",
        Some(_) if entry.body.is_none() => "no_answer",
        Some(_) => "ok",
    }
}

impl Pipeline {
    /// What the pipeline did since it was opened.
    pub fn activity(&self) -> Activity {
        self.counters.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a collection that ended. A stop of the service is not counted.
    pub fn note_collection(&self, collected: &Result<CollectReport, PipelineError>) {
        let now = self.clock.now();
        self.counters.change(|activity| match collected {
            Err(PipelineError::Cancelled) => {}
            Err(_) => {
                activity.last_attempt = Some(now);
                activity.errors += 1;
                activity.errors_in_a_row += 1;
            }
            Ok(report) => {
                activity.last_attempt = Some(now);
                activity.errors_in_a_row = 0;
                *activity.runs.entry(report.status.as_str()).or_default() += 1;
            }
        });
    }

    /// Counts a publication and its duration.
    pub fn note_publication(&self, is_published: bool, took: Duration) {
        self.counters.change(|activity| {
            activity.last_publish = Some(took);
            activity.publications += u64::from(is_published);
            activity.publish_errors += u64::from(!is_published);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::Request;
    use crate::domain::ids::DocumentName;

    #[test]
    fn each_answer_has_one_outcome() {
        let entry = |status, error: Option<&str>| Entry {
            request: Request { kind: DocumentName::new("models"), pair: None, path: "/a".into() },
            status,
            fetched_at: DateTime::UNIX_EPOCH,
            error: error.map(str::to_owned),
            body: None,
        };
        for (status, error, expected) in [
            (None, Some("no connection"), "no_answer"),
            (Some(429), Some("refused"), "refused"),
            (Some(503), Some("down"), "server_error"),
            (Some(404), None, "ok"),
            (Some(404), Some("it had rows before"), "client_error"),
            (Some(200), Some("cut short"), "no_answer"),
        ] {
            assert_eq!(outcome(&entry(status, error)), expected, "{status:?}");
        }
    }
}
