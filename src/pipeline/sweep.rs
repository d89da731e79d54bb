//! The requests of one collection: the upstream says what to request next until its sweep is whole. Every step is
//! skipped if the previous one was stopped.

use crate::archive::Fetched;
use crate::domain::document::Request;
use crate::fetch::{FetchError, FetchOutcome, FetchRequest, Fetcher, SkipReason};
use crate::upstream::{Due, Outcome, Upstream};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

/// The context that a collection needs to send its requests.
pub(super) struct Sweeper<'a> {
    pub fetcher: Fetcher,
    pub upstream: &'a dyn Upstream,
    /// Base address, without a trailing slash.
    pub base_url: &'a str,
    /// What the record lacks.
    pub due: Due,
    /// Requests a sweep may send, including retries.
    pub budget: usize,
    pub cancel: &'a CancellationToken,
    /// The time of the run, if it differs from the current time; then the read time of a response is taken from the
    /// upstream's clock.
    pub at: Option<DateTime<Utc>>,
}

/// The result of the requests.
#[derive(Default)]
pub(super) struct Sweep {
    pub fetched: Vec<Fetched>,
    pub requests: usize,
    pub stopped: Option<SkipReason>,
    /// Whether it ended before it had requested every document that a whole sweep needs. A document that was requested and
    /// failed is a failure of its own; routes that are requested once a day are not needed.
    pub cut_short: bool,
}

impl Sweep {
    fn add(&mut self, more: Sweep) {
        self.fetched.extend(more.fetched);
        self.requests += more.requests;
        self.stopped = self.stopped.or(more.stopped);
        self.cut_short |= more.cut_short;
    }
}

impl Sweeper<'_> {
    /// Requests everything. `on_progress(done, total)` is called with the number of documents after the first lists.
    pub async fn sweep(&self, on_progress: &mut (impl FnMut(usize, usize) + Send)) -> Sweep {
        let mut sweep = self.fetch(self.upstream.first(), |_, _| {}).await;
        let mut before = 0;
        while sweep.stopped.is_none() {
            let plan = self.next(&sweep);
            let total = before + plan.len();
            if plan.is_empty() {
                break;
            }
            sweep.add(self.fetch(plan, |done, _| on_progress(before + done, total)).await);
            before = total;
        }
        sweep
    }

    /// What to request next. A plan of documents that a whole sweep does not need is truncated to the remaining request
    /// budget of the sweep.
    fn next(&self, sweep: &Sweep) -> Vec<Request> {
        let outcomes: Vec<Outcome<'_>> = sweep.fetched.iter().map(outcome).collect();
        let mut plan = self.upstream.next(&outcomes, &self.due);
        let left = self.budget.saturating_sub(sweep.requests);
        if plan.len() > left && plan.iter().all(|request| self.upstream.is_daily(&request.kind)) {
            tracing::warn!(
                asked = left,
                wanted = plan.len(),
                "the request budget does not cover the closing values of all models; raise fetch.requests_per_sweep"
            );
            plan.truncate(left);
        }
        plan
    }

    async fn fetch(&self, plan: Vec<Request>, mut on_progress: impl FnMut(usize, usize)) -> Sweep {
        let total = plan.len();
        let mut fetched: Vec<Option<Fetched>> = (0..total).map(|_| None).collect();
        let requests = plan
            .into_iter()
            .enumerate()
            .map(|(position, request)| FetchRequest {
                url: format!("{}{}", self.base_url, request.path),
                key: (position, request),
            })
            .collect();
        let (mut done, mut cut_short) = (0, false);
        let report = self
            .fetcher
            .fetch_all_until(self.cancel, requests, |outcome| {
                done += 1;
                let (position, request) = &outcome.key;
                let (position, skipped) =
                    (*position, matches!(outcome.error, Some(FetchError::Skipped { .. })));
                cut_short |= skipped && !self.upstream.is_daily(&request.kind);
                fetched[position] = Some(archived(outcome, self.at));
                on_progress(done, total);
            })
            .await;
        Sweep {
            fetched: fetched.into_iter().flatten().collect(),
            requests: report.attempts as usize,
            stopped: report.stopped,
            cut_short,
        }
    }
}

/// The part of an outcome that is archived: every complete body, including that of an error response.
fn archived(outcome: FetchOutcome<(usize, Request)>, at: Option<DateTime<Utc>>) -> Fetched {
    let (_, request) = outcome.key;
    Fetched {
        request,
        status: outcome.status,
        fetched_at: at.map_or(outcome.fetched_at, |at| outcome.served_at.unwrap_or(at)),
        error: outcome.error.map(|error| error.to_string()),
        body: (outcome.status.is_some() && !outcome.body.is_empty()).then_some(outcome.body),
    }
}

/// An outcome as the upstream sees it; its digest is known once it is archived.
fn outcome(fetched: &Fetched) -> Outcome<'_> {
    Outcome {
        request: &fetched.request,
        status: fetched.status,
        error: fetched.error.as_deref(),
        fetched_at: fetched.fetched_at,
        sha256: "",
        body: fetched.body.as_deref().unwrap_or_default(),
    }
}
