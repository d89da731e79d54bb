//! The requests of one collection and their order: the list of models, the documents of each model, and once per UTC
//! day the closing values of past days. Every step is skipped if the previous one was stopped.

use crate::archive::Fetched;
use crate::domain::document::Pair;
use crate::domain::endpoint::Model;
use crate::fetch::{FetchError, FetchOutcome, FetchRequest, Fetcher, SkipReason};
use crate::source::openrouter::{Content, OpenRouterApi, models_request};
use crate::source::{Document, DocumentKind, Request, Source};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

/// Number of models that are tried first on a route that may not exist: a removed route then costs three requests per
/// day instead of one per model.
const TRIED_FIRST: usize = 3;

/// The context that a collection needs to send its requests.
pub(super) struct Sweeper<'a> {
    pub fetcher: Fetcher,
    pub sources: Vec<Box<dyn Source>>,
    /// Base address, without a trailing slash.
    pub upstream: &'a str,
    /// Whether this sweep requests the documents that are needed once per UTC day.
    pub daily: bool,
    /// Whether it requests the closing values of past days.
    pub closing: bool,
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
    /// Requests everything. `on_progress(done, total)` is called with the number of documents.
    pub async fn sweep(&self, on_progress: &mut (impl FnMut(usize, usize) + Send)) -> Sweep {
        let mut index = vec![models_request()];
        index.extend(self.sources.iter().flat_map(|source| source.index()));
        let mut sweep = self.fetch(index, |_, _| {}).await;
        let models = models_of(&sweep.fetched);
        if sweep.stopped.is_some() || models.is_empty() {
            return sweep;
        }
        let mut plan: Vec<Request> =
            self.sources.iter().flat_map(|source| source.plan(&models, self.daily)).collect();
        // Usage first: the last sweep of a UTC day must read it before midnight, when counts restart from zero.
        plan.sort_by_key(|request| request.kind != DocumentKind::EffectivePricing);
        let before = plan.len();
        sweep.add(self.fetch(plan, &mut *on_progress).await);
        if sweep.stopped.is_none() && self.closing {
            let pairs = pairs_with_endpoints(&sweep.fetched);
            let plan = self.sources.iter().flat_map(|source| source.closing(&pairs)).collect();
            let plan = self.within_budget(plan, sweep.requests);
            let closing =
                self.fetch_if_there(plan, |done, total| on_progress(before + done, before + total)).await;
            sweep.add(closing);
        }
        sweep
    }

    /// Truncates a plan to the remaining request budget of the sweep.
    fn within_budget(&self, mut plan: Vec<Request>, sent: usize) -> Vec<Request> {
        let left = self.budget.saturating_sub(sent);
        if plan.len() > left {
            tracing::warn!(
                asked = left,
                wanted = plan.len(),
                "the request budget does not cover the closing values of all models; raise fetch.requests_per_sweep"
            );
            plan.truncate(left);
        }
        plan
    }

    /// Fetches from a route that may not exist: a few requests first, and the rest only if one of them was answered.
    /// A missing route returns 404 to each of them; any other error is an ordinary failure.
    async fn fetch_if_there(
        &self,
        mut plan: Vec<Request>,
        mut on_progress: impl FnMut(usize, usize) + Send,
    ) -> Sweep {
        let total = plan.len();
        let rest = plan.split_off(TRIED_FIRST.min(total));
        let tried = plan.len();
        let mut sweep = self.fetch(plan, |done, _| on_progress(done, total)).await;
        let there = sweep.fetched.iter().any(|one| one.status == Some(200) && one.error.is_none());
        if sweep.stopped.is_none() && there {
            sweep.add(self.fetch(rest, |done, _| on_progress(tried + done, total)).await);
        }
        sweep
    }

    async fn fetch(&self, plan: Vec<Request>, mut on_progress: impl FnMut(usize, usize)) -> Sweep {
        let total = plan.len();
        let mut fetched: Vec<Option<Fetched>> = (0..total).map(|_| None).collect();
        let requests = plan
            .into_iter()
            .enumerate()
            .map(|(position, request)| FetchRequest {
                url: format!("{}{}", self.upstream, request.path),
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
                cut_short |= skipped && !request.kind.is_daily();
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

/// The models in the list of models; empty if the list was not received or cannot be read.
fn models_of(fetched: &[Fetched]) -> Vec<Model> {
    let list = fetched.iter().find(|one| one.request.kind == DocumentKind::Models);
    let Some((list, body)) = list.and_then(|list| Some((list, list.body.as_ref()?))) else {
        return Vec::new();
    };
    let document = Document { request: &list.request, status: list.status.unwrap_or(0), sha256: "", body };
    match OpenRouterApi.decode(&document).content {
        Some(Content::Models(models)) => models,
        _ => Vec::new(),
    }
}

/// The pairs whose list of endpoints was answered in this sweep, standard variants first.
fn pairs_with_endpoints(fetched: &[Fetched]) -> Vec<Pair> {
    let answered = fetched
        .iter()
        .filter(|one| one.request.kind == DocumentKind::StatsEndpoint && one.status == Some(200));
    let mut pairs: Vec<Pair> = answered.filter_map(|one| one.request.pair.clone()).collect();
    pairs.sort_by_key(|pair| !pair.variant.is_standard());
    pairs
}
