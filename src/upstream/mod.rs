//! Upstreams: what to request from one, what to request next given the answers, and how the answers become readings.
//! This module does not use the network, the clock or the disk, so that live collection and replay share one code path.

pub mod history;
pub mod openrouter;
mod panics;

use crate::config;
use crate::domain::document::{Request, Subject};
use crate::domain::ids::DocumentName;
use crate::domain::reading::{Known, RunReadings};
use chrono::{DateTime, Utc};
use history::{Answered, HistoryQuery, KnownEndpoint, PastBody};
use std::sync::Arc;

pub(crate) use panics::caught;

/// Name of the upstream of runs that do not state one: those of versions that knew only this one. It is not written, so
/// that its manifests and snapshots do not change.
pub const UNSTATED: &str = openrouter::NAME;

/// The upstream that the settings select.
pub fn configured(settings: &config::Upstream) -> Arc<dyn Upstream> {
    Arc::new(openrouter::OpenRouter::new(settings))
}

/// A kind of documents of an upstream.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in manifests, quarantine and drift.
    pub name: &'static str,
    /// What its documents are about.
    pub about: Subject,
}

/// What the record lacks at the time of a sweep.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// The time of the run.
    pub at: DateTime<Utc>,
    /// Whether no accepted run of this UTC day has the activity.
    pub activity: bool,
    /// Whether no accepted run of this UTC day has the closing hit rates of past days, or knows that the upstream does
    /// not offer them.
    pub closing_rates: bool,
}

/// The outcome of one request, from the network or from the archive.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// The request.
    pub request: &'a Request,
    /// HTTP status; `None` if there was no response.
    pub status: Option<u16>,
    /// Why there is no complete response.
    pub error: Option<&'a str>,
    /// When the response arrived.
    pub fetched_at: DateTime<Utc>,
    /// sha256 of the body, hex; empty if there is no body or if it is not archived yet.
    pub sha256: &'a str,
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

impl Outcome<'_> {
    /// The status of a complete response.
    pub fn answered(&self) -> Option<u16> {
        self.status.filter(|_| self.error.is_none())
    }
}

/// An upstream.
pub trait Upstream: Send + Sync {
    /// Its name in the archive and in the record; it never changes.
    fn name(&self) -> &'static str;
    /// Base URL of its requests, without a trailing slash.
    fn base_url(&self) -> &str;
    /// The kinds of its documents, in the order in which a pack holds their bodies.
    fn kinds(&self) -> &'static [Kind];
    /// What to request first.
    fn first(&self) -> Vec<Request>;
    /// What to request next, given all outcomes so far; empty if the sweep is whole.
    fn next(&self, outcomes: &[Outcome<'_>], due: &Due) -> Vec<Request>;
    /// The readings of a run. `known` is the state of the last accepted run.
    fn read(&self, outcomes: &[Outcome<'_>], observed_at: DateTime<Utc>, known: &Known) -> RunReadings;
    /// Its names of the fields that a domain path is read from: the usual one, and the others.
    fn field_names(&self, path: &str) -> (String, &'static [&'static str]);

    /// What to request of the past, given the requests that were answered already; empty if nothing is left, or if the
    /// upstream offers nothing, as by default.
    fn history(&self, _query: &HistoryQuery, _answered: &Answered) -> Vec<Request> {
        Vec::new()
    }
    /// What a document of [`Upstream::history`] says. `known` are the endpoints of its pair in the newest run. `None` if it
    /// has no answer, or is not such a document.
    fn read_history(&self, _outcome: &Outcome<'_>, _known: &[KnownEndpoint]) -> Option<PastBody> {
        None
    }
    /// The requests and bodies of a sweep that someone else recorded: its list of models, its list of providers, and one
    /// JSON line for each pair. Returns them with the numbers of the lines that have another shape. By default there
    /// are none.
    fn recorded(
        &self,
        _models: &[u8],
        _providers: &[u8],
        _lines: &[u8],
    ) -> (Vec<(Request, Vec<u8>)>, Vec<usize>) {
        (Vec::new(), Vec::new())
    }

    /// Position of a kind in `kinds`; unknown kinds are last.
    fn rank(&self, kind: &DocumentName) -> usize {
        self.kinds().iter().take_while(|one| one.name != kind.as_str()).count()
    }
    /// Whether a document is requested once a UTC day: a sweep is whole without it.
    fn is_daily(&self, kind: &DocumentName) -> bool {
        self.is_about(kind, Subject::is_daily)
    }
    /// Whether the subject of a kind has a property.
    fn is_about(&self, kind: &DocumentName, property: fn(Subject) -> bool) -> bool {
        self.kinds().get(self.rank(kind)).is_some_and(|kind| property(kind.about))
    }
}
