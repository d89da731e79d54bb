//! The history import: requests what the upstream still offers of the past in small batches, archives each batch, and
//! passes its rows on. Whatever ends it, the next call requests only the rest.

use super::prices::PriceBook;
use super::report::{HistoryPlan, ImportStop, Progress, UpstreamImport};
use super::rows::{Reader, archived_batches, outcomes_of};
use super::{NextSweep, Sink, answered};
use crate::archive::{Archive, Fetched, Manifest, RunHeader};
use crate::domain::document::{Pair, Request};
use crate::domain::imported::{ImportKind, ImportedEndpoint};
use crate::fetch::{FetchConfig, FetchError, FetchOutcome, FetchRequest, Fetcher, SkipReason, SweepReport};
use crate::pipeline::collect::run_id;
use crate::pipeline::{Pipeline, PipelineError};
use crate::store::EndpointNow;
use crate::upstream::UNSTATED;
use crate::upstream::history::{Answered, HistoryQuery, HistoryRange, KnownEndpoint, KnownPair};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_util::sync::CancellationToken;

/// Number of requests that are archived together.
const BATCH: usize = 50;

/// The error of an answer with status 200 that is a page for people.
const NOT_JSON: &str = "the body is not JSON";

/// Least answers that end the import if all of them are such pages.
const LEAST_PAGES: usize = 3;

/// With `again`, answers of the last day still count: an interrupted call is continued.
const STILL_NEW: Duration = Duration::days(1);

/// Options of a history import beyond the settings.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The kinds of data.
    pub kinds: Vec<ImportKind>,
    /// How far back charts and price logs reach.
    pub range: HistoryRange,
    /// Model ids or canonical slugs; all if empty.
    pub models: Vec<String>,
    /// Maximum number of HTTP requests of this call.
    pub requests: Option<usize>,
    /// Whether to request again what was answered more than a day ago.
    pub again: bool,
    /// Base address; overrides the setting.
    pub upstream: Option<String>,
    /// Requests per second; overrides the setting. 0 means unlimited.
    pub rate: Option<f64>,
    /// The time of the import instead of now: for replays of recorded days.
    pub at: Option<DateTime<Utc>>,
}

impl Default for ImportOptions {
    /// Everything, as far back as possible.
    fn default() -> Self {
        Self {
            kinds: ImportKind::ALL.to_vec(),
            range: HistoryRange::All,
            models: Vec::new(),
            requests: None,
            again: false,
            upstream: None,
            rate: None,
            at: None,
        }
    }
}

/// A history import on its way.
struct Import<'a> {
    pipeline: &'a Pipeline,
    options: &'a ImportOptions,
    archive: Archive,
    base_url: String,
    query: HistoryQuery,
    /// All pairs of the newest run, to name what was archived for other models, too.
    pairs: Vec<KnownPair>,
    answered: Answered,
    book: PriceBook,
    manifests: Vec<Manifest>,
    /// Whether the record is of the simulator.
    simulated: bool,
    /// Requests without a usable answer: only the next call sends them again.
    failed: BTreeSet<String>,
    report: UpstreamImport,
}

impl Pipeline {
    /// How much of the history import is done; `None` if it is complete or has not begun.
    pub fn history_progress(&self) -> Option<Progress> {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a history import would request.
    ///
    /// # Errors
    /// [`PipelineError::NoRun`] if there is no accepted run yet, [`PipelineError::Unknown`] for an unknown model.
    pub fn history_plan(&self, options: &ImportOptions) -> Result<HistoryPlan, PipelineError> {
        let import = Import::new(self, options)?;
        let mut left = BTreeMap::new();
        for request in import.left() {
            *left.entry(request.kind.as_str().to_owned()).or_default() += 1;
        }
        Ok(HistoryPlan { progress: import.progress(), left })
    }

    /// Imports what the upstream still offers of the past. `next_sweep` is the time of the first sweep after a time; nothing
    /// is requested shortly before it or while a sweep runs. `on_progress(done, total)` is called with numbers of
    /// requests.
    ///
    /// # Errors
    /// As [`Pipeline::history_plan`], and if archive or store fail. An upstream that is down or refuses is not an error:
    /// the report says why the import stopped.
    pub async fn import_upstream(
        &self,
        options: &ImportOptions,
        next_sweep: &NextSweep<'_>,
        sink: &mut Sink<'_>,
        cancel: &CancellationToken,
        mut on_progress: impl FnMut(usize, usize) + Send,
    ) -> Result<UpstreamImport, PipelineError> {
        let mut import = beside_visitors(|| Import::new(self, options))?;
        beside_visitors(|| import.catch_up(sink))?;
        let fetcher = Fetcher::new(import.fetch_config(), self.clock.clone())?;
        loop {
            let plan = import.left();
            import.report.progress = import.progress();
            import.note_progress(!plan.is_empty());
            on_progress(import.report.progress.answered, import.report.progress.planned);
            if plan.is_empty() {
                break;
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.sweeps.idle() => {}
            }
            let allowed =
                if cancel.is_cancelled() { Err(ImportStop::Cancelled) } else { import.allowed(next_sweep) };
            let stopped = match allowed {
                Ok(most) => {
                    let batch: Vec<Request> = plan.into_iter().take(most).collect();
                    let (fetched, sweep) = import.fetch(&fetcher, batch, cancel).await;
                    beside_visitors(|| {
                        import.keep(&fetched, &sweep)?;
                        import.pass_on(&fetched, sink)
                    })?;
                    fetcher.forget_bodies();
                    let refused = are_pages(&fetched).then_some(ImportStop::Refused);
                    stop_of(&sweep, cancel).or(refused)
                }
                Err(stop) => Some(stop),
            };
            if let Some(stop) = stopped {
                import.report.stopped = Some(stop);
                import.report.progress = import.progress();
                import.note_progress(true);
                break;
            }
        }
        Ok(import.report)
    }
}

/// Decoding, SQL and writing files: other tasks of this thread move to another one meanwhile, if there is one.
fn beside_visitors<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Why a batch ends the import. A sweep that began, or a used-up batch, does not.
fn stop_of(sweep: &SweepReport, cancel: &CancellationToken) -> Option<ImportStop> {
    match sweep.stopped {
        Some(SkipReason::Refused) => Some(ImportStop::Refused),
        Some(SkipReason::Unavailable) => Some(ImportStop::Unavailable),
        _ => cancel.is_cancelled().then_some(ImportStop::Cancelled),
    }
}

impl<'a> Import<'a> {
    fn new(pipeline: &'a Pipeline, options: &'a ImportOptions) -> Result<Self, PipelineError> {
        let store = &pipeline.store;
        let newest = store.newest_run(None)?.ok_or_else(|| PipelineError::NoRun(String::new()))?;
        let as_of = newest.run.observed_at;
        let now = store.endpoints(as_of)?.rows()?;
        let book = PriceBook::of_record(store.price_spans()?, &now);
        let all = known_pairs(now);
        let mut pairs = all.clone();
        if !options.models.is_empty() {
            let wanted = pipeline.pairs_named(&options.models, as_of)?;
            pairs.retain(|known| wanted.contains(&known.pair));
        }
        let archive = Archive::open(pipeline.data.history());
        let manifests = answered::manifests(&archive)?;
        let time = options.at.unwrap_or_else(|| pipeline.clock.now());
        let answered = answered::answered(&manifests, options.again.then(|| time - STILL_NEW));
        let base_url = options.upstream.as_deref().unwrap_or(pipeline.upstream.base_url());
        Ok(Self {
            pipeline,
            options,
            archive,
            base_url: base_url.trim_end_matches('/').to_owned(),
            query: HistoryQuery { kinds: options.kinds.clone(), range: options.range, pairs },
            pairs: all,
            answered,
            book,
            manifests,
            simulated: newest.simulated,
            failed: BTreeSet::new(),
            report: UpstreamImport::new(Progress { answered: 0, planned: 0 }),
        })
    }

    fn now(&self) -> DateTime<Utc> {
        self.options.at.unwrap_or_else(|| self.pipeline.clock.now()).trunc_subsecs(0)
    }

    /// The requests that are left, without those that failed in this call.
    fn left(&self) -> Vec<Request> {
        let mut plan = self.pipeline.upstream.history(&self.query, &self.answered);
        plan.retain(|request| !self.failed.contains(&request.path));
        plan
    }

    fn progress(&self) -> Progress {
        let plan = self.pipeline.upstream.history(&self.query, &self.answered).len();
        let everything = self.pipeline.upstream.history(&self.query, &Answered::new()).len();
        Progress { answered: everything.saturating_sub(plan), planned: everything }
    }

    /// Publishes the progress on the status page, as long as something is left.
    fn note_progress(&self, is_left: bool) {
        let progress = is_left.then_some(self.progress());
        *self.pipeline.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Reads what earlier calls archived: its list prices are needed, and the rows of the last batch are missing if the
    /// process ended before it could store them.
    fn catch_up(&mut self, sink: &mut Sink<'_>) -> Result<(), PipelineError> {
        let is_complete = self.left().is_empty();
        let reader = Reader::new(&*self.pipeline.upstream, &self.pairs);
        let last = self.manifests.len().saturating_sub(1);
        for (position, manifest) in self.manifests.iter().enumerate() {
            if is_complete && position < last {
                continue;
            }
            let batches = match archived_batches(&reader, &self.archive, manifest, &mut self.book) {
                Ok(batches) => batches,
                Err(error) => {
                    let run_id = &manifest.header.run_id;
                    tracing::error!(run_id, %error, "continuing the history import without this batch");
                    continue;
                }
            };
            if position == last {
                batches.iter().try_for_each(|batch| sink(batch).map(drop))?;
            }
        }
        Ok(())
    }

    /// How many requests may be sent now.
    fn allowed(&self, next_sweep: &NextSweep<'_>) -> Result<usize, ImportStop> {
        let (settings, now) = (&self.pipeline.config.backfill, self.now());
        let quiet = Duration::minutes(settings.quiet_minutes.into());
        if let Some(at) = next_sweep(now).filter(|at| *at - now <= quiet) {
            return Err(ImportStop::SweepDue { at });
        }
        let used = answered::requests_in_hour(&self.manifests, now);
        let hourly = (settings.requests_per_hour as usize).saturating_sub(used);
        if hourly == 0 {
            return Err(ImportStop::Budget);
        }
        let own = self.options.requests.map_or(usize::MAX, |most| most.saturating_sub(self.report.requests));
        if own == 0 {
            return Err(ImportStop::Requests);
        }
        Ok(hourly.min(own).min(BATCH))
    }

    fn fetch_config(&self) -> FetchConfig {
        let config = &self.pipeline.config;
        let rate = self.options.rate.unwrap_or(config.backfill.rate_per_second);
        FetchConfig {
            user_agent: config.user_agent(),
            rate_per_second: (rate > 0.0).then_some(rate),
            // One after the other: there is no hurry.
            max_connections: 1,
            budget: BATCH as u32,
            timeout: std::time::Duration::from_secs(config.fetch.timeout_seconds),
            max_body_bytes: config.fetch.max_body_mib << 20,
            max_total_bytes: config.fetch.max_sweep_mib << 20,
            ca_file: self.pipeline.ca_file(),
            max_attempts: config.fetch.max_attempts,
            backoff_base: std::time::Duration::from_millis(config.fetch.retry_delay_ms),
            ..FetchConfig::default()
        }
    }

    /// Sends a batch. It ends early if a sweep begins; then what is left is requested after it.
    async fn fetch(
        &self,
        fetcher: &Fetcher,
        batch: Vec<Request>,
        cancel: &CancellationToken,
    ) -> (Vec<Fetched>, SweepReport) {
        let requests = batch
            .into_iter()
            .map(|request| FetchRequest { url: format!("{}{}", self.base_url, request.path), key: request })
            .collect();
        let stop = cancel.child_token();
        let mut fetched = Vec::new();
        let yielding = async {
            self.pipeline.sweeps.busy().await;
            stop.cancel();
            std::future::pending::<()>().await;
        };
        let sending = fetcher.fetch_all_until(&stop, requests, |outcome| {
            if !matches!(outcome.error, Some(FetchError::Skipped { .. })) {
                fetched.push(archived(outcome, self.options.at));
            }
        });
        let sweep = tokio::select! {
            sweep = sending => sweep,
            () = yielding => SweepReport::default(),
        };
        (fetched, sweep)
    }

    /// Archives a batch. From here on, none of it is requested again.
    fn keep(&mut self, fetched: &[Fetched], sweep: &SweepReport) -> Result<(), PipelineError> {
        self.report.requests += sweep.attempts as usize;
        if fetched.is_empty() && sweep.attempts == 0 {
            return Ok(());
        }
        let observed_at = self.now();
        let name = self.pipeline.upstream.name();
        // Several batches may be of one second, and a manifest that cannot be read must not be replaced.
        let mut run_ids =
            (self.manifests.len()..).map(|number| format!("{}-{number:05}", run_id(observed_at)));
        let run_id = run_ids.find(|run_id| !self.archive.has(run_id, observed_at)).unwrap_or_default();
        let header = RunHeader {
            run_id,
            observed_at,
            upstream: self.base_url.clone(),
            simulated: self.simulated,
            version: env!("CARGO_PKG_VERSION").into(),
            requests: sweep.attempts as usize,
            duration_ms: 0,
            stopped: sweep.stopped.map(|reason| reason.to_string()),
            cut_short: None,
            upstream_name: Some(name.to_owned()).filter(|name| name != UNSTATED),
        };
        let (manifest, _) = self.archive.write(header, fetched, |_| 0)?;
        self.manifests.push(manifest);
        for one in fetched {
            match answered::status(one.status, one.error.as_deref()) {
                Some(status) => drop(self.answered.insert(one.request.path.clone(), status)),
                None => {
                    self.failed.insert(one.request.path.clone());
                    self.report.fail(one.error.clone().unwrap_or_else(|| one.request.path.clone()));
                }
            }
        }
        self.report.documents += fetched.iter().filter(|one| one.body.is_some()).count();
        Ok(())
    }

    /// Passes the rows of a batch on.
    fn pass_on(&mut self, fetched: &[Fetched], sink: &mut Sink<'_>) -> Result<(), PipelineError> {
        let reader = Reader::new(&*self.pipeline.upstream, &self.pairs);
        for batch in reader.batches(&self.base_url, &outcomes_of(fetched), &mut self.book) {
            let report = sink(&batch)?;
            self.report.add(batch.source.kind, report);
        }
        Ok(())
    }
}

/// Whether a body is a JSON document. A page for people with status 200, such as a challenge, does not count as an answer.
fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Whether nothing but pages for people came back: the requests that are left would get them, too.
fn are_pages(fetched: &[Fetched]) -> bool {
    let is_page = |one: &Fetched| one.error.as_deref().is_some_and(|error| error.ends_with(NOT_JSON));
    fetched.len() >= LEAST_PAGES && fetched.iter().all(is_page)
}

/// The part of an outcome that is archived. Its time decides which days were over, so the upstream's clock counts if it is
/// behind: a replay server and a simulator serve the past.
fn archived(outcome: FetchOutcome<Request>, at: Option<DateTime<Utc>>) -> Fetched {
    let received = at.unwrap_or(outcome.fetched_at);
    let served = outcome.served_at.unwrap_or(received);
    let failed = outcome.error.map(|error| error.to_string());
    let error = failed.or_else(|| {
        let is_page = outcome.status == Some(200) && !is_json(&outcome.body);
        is_page.then(|| format!("{}: {NOT_JSON}", outcome.key.path))
    });
    Fetched {
        request: outcome.key,
        status: outcome.status,
        fetched_at: if at.is_some() { served } else { served.min(received) },
        error,
        body: (outcome.status.is_some() && !outcome.body.is_empty()).then_some(outcome.body),
    }
}

/// The endpoints of the newest run by pair, the pairs with the most tokens first.
pub(super) fn known_pairs(endpoints: Vec<EndpointNow>) -> Vec<KnownPair> {
    let mut pairs: BTreeMap<Pair, (i64, Vec<KnownEndpoint>)> = BTreeMap::new();
    for EndpointNow { facts, list, tokens, .. } in endpoints {
        let pair = Pair { model: facts.model.clone(), variant: facts.variant.clone() };
        let endpoint = ImportedEndpoint {
            model: facts.model,
            variant: facts.variant,
            endpoint_id: facts.endpoint_id,
            provider: Some(facts.provider),
            provider_name: Some(facts.provider_name),
            tag: Some(facts.tag),
        };
        let of_pair = pairs.entry(pair).or_default();
        of_pair.0 = of_pair.0.saturating_add(tokens.unwrap_or_default());
        of_pair.1.push(KnownEndpoint { endpoint, list });
    }
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|(_, (tokens, _))| std::cmp::Reverse(*tokens));
    pairs.into_iter().map(|(pair, (_, endpoints))| KnownPair { pair, endpoints }).collect()
}

impl Pipeline {
    /// The pairs that model ids or canonical slugs name.
    fn pairs_named(&self, names: &[String], as_of: DateTime<Utc>) -> Result<BTreeSet<Pair>, PipelineError> {
        let models = self.store.models(as_of)?;
        let mut pairs = BTreeSet::new();
        for name in names {
            let named: Vec<Pair> = models
                .iter()
                .filter(|model| model.model_id == *name || model.model.as_str() == name)
                .map(|model| Pair { model: model.model.clone(), variant: model.variant.clone() })
                .collect();
            if named.is_empty() {
                let what =
                    format!("unknown model `{name}`; expected a model id or a canonical slug of the record");
                return Err(PipelineError::Unknown(what));
            }
            pairs.extend(named);
        }
        Ok(pairs)
    }
}
