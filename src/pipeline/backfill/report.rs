//! What a history import did, and how far it is.

use crate::domain::imported::{ImportKind, ImportReport};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Maximum number of examples in a report.
const EXAMPLES: usize = 20;

/// Why a history import ended before everything was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum ImportStop {
    /// The upstream refuses requests.
    Refused,
    /// The upstream does not respond.
    Unavailable,
    /// The requests of this hour are used up.
    Budget,
    /// The requests that the caller allowed are used up.
    Requests,
    /// A sweep is due.
    SweepDue {
        /// When.
        at: DateTime<Utc>,
    },
    /// The process is stopping.
    Cancelled,
}

impl fmt::Display for ImportStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the upstream refuses further requests; try again in some hours"),
            Self::Unavailable => f.write_str("the upstream does not respond; try again later"),
            Self::Budget => f.write_str(
                "the requests of this hour are used up (backfill.requests_per_hour); run it again later",
            ),
            Self::Requests => {
                f.write_str("the given number of requests is used up; run it again for the rest")
            }
            Self::SweepDue { at } => {
                write!(f, "a sweep is due at {}; run it again after it", at.format("%H:%M UTC"))
            }
            Self::Cancelled => f.write_str("stopped; run it again for the rest"),
        }
    }
}

/// How much of a history import is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Requests that are answered.
    pub answered: usize,
    /// Requests in total, as far as they are known.
    pub planned: usize,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "history import: {} of {} requests done", self.answered, self.planned)
    }
}

/// What a history import would request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryPlan {
    /// How much is done already.
    pub progress: Progress,
    /// The requests that are left, by kind of document.
    pub left: BTreeMap<String, usize>,
}

/// What a history import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpstreamImport {
    /// How much is done, including earlier calls.
    pub progress: Progress,
    /// HTTP requests of this call, including retries.
    pub requests: usize,
    /// Documents of this call that were archived.
    pub documents: usize,
    /// Why it ended before everything was requested; null if nothing is left but what failed.
    pub stopped: Option<ImportStop>,
    /// Number of requests without a usable answer; the next call sends them again.
    pub failed: usize,
    /// Examples of them, at most 20.
    pub failures: Vec<String>,
    /// What was imported.
    pub imported: ImportReport,
    /// The same by kind of source.
    pub by_kind: BTreeMap<ImportKind, ImportReport>,
}

impl UpstreamImport {
    /// A report of nothing yet.
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            progress,
            requests: 0,
            documents: 0,
            stopped: None,
            failed: 0,
            failures: Vec::new(),
            imported: ImportReport::default(),
            by_kind: BTreeMap::new(),
        }
    }

    /// Counts a request without a usable answer.
    pub(super) fn fail(&mut self, why: String) {
        self.failed += 1;
        if self.failures.len() < EXAMPLES {
            self.failures.push(why);
        }
    }

    /// Adds what importing a document did.
    pub(super) fn add(&mut self, kind: ImportKind, report: ImportReport) {
        add(&mut self.imported, report.clone());
        add(self.by_kind.entry(kind).or_default(), report);
    }
}

/// Adds a report to a sum.
pub(super) fn add(sum: &mut ImportReport, more: ImportReport) {
    sum.stored += more.stored;
    sum.known += more.known;
    sum.disagreements += more.disagreements;
    sum.unmatched += more.unmatched;
    sum.refused += more.refused;
    let room = EXAMPLES.saturating_sub(sum.examples.len());
    sum.examples.extend(more.examples.into_iter().take(room));
}
