//! What one collection asks the upstream, and in which order: the list of models, what follows from it, and once a UTC
//! day the closing values of past days. Every step is skipped where the one before was told to stop.

use crate::archive::Fetched;
use crate::domain::document::Pair;
use crate::domain::endpoint::Model;
use crate::fetch::{FetchError, FetchOutcome, FetchRequest, Fetcher, SkipReason};
use crate::source::openrouter::{Content, OpenRouterApi, models_request};
use crate::source::{Document, DocumentKind, Request, Source};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

/// Models that are tried before all are asked for a route that may not be there: a route that is gone then costs three
/// requests a day instead of one for each model.
const TRIED_FIRST: usize = 3;

/// Everything a collection needs to ask with.
pub(super) struct Sweeper<'a> {
    pub fetcher: Fetcher,
    pub sources: Vec<Box<dyn Source>>,
    /// Base address, without a trailing slash.
    pub upstream: &'a str,
    /// Whether this sweep asks for what is wanted once a UTC day.
    pub daily: bool,
    /// Whether it asks for the closing values of past days.
    pub closing: bool,
    /// Requests a sweep may send, retries included.
    pub budget: usize,
    pub cancel: &'a CancellationToken,
    /// The time that the run counts as, where that is not the time it is made at: then an answer was read when the upstream's
    /// clock says.
    pub at: Option<DateTime<Utc>>,
}

/// What fetching brought.
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
    /// Asks for everything. `on_progress` is told how many of how many documents are done.
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
        // Usage first: in the last sweep of a UTC day it must be read before midnight, when counts start again from zero.
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

    /// Cuts a plan to what the requests sent so far leave of the sweep's budget.
    fn within_budget(&self, mut plan: Vec<Request>, sent: usize) -> Vec<Request> {
        let left = self.budget.saturating_sub(sent);
        if plan.len() > left {
            tracing::warn!(
                asked = left,
                wanted = plan.len(),
                "the budget leaves models without closing values today: raise fetch.requests_per_sweep"
            );
            plan.truncate(left);
        }
        plan
    }

    /// Fetches from a route that may not be there: a few requests first, and the rest only if one of them was answered.
    /// A route that is missing says 404 to each; what else goes wrong is a failure like any other.
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

/// What is archived of an outcome: every body that came whole, also that of an error answer.
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

/// The models that the list of models names; none where it did not come or cannot be read.
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
