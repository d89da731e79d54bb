//! One sweep: workers that share a queue, a budget, a pause and a stop signal.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::Url;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::Inner;
use super::attempt::{Answer, Failure, attempt};
use super::outcome::{FetchError, FetchOutcome, FetchRequest, SkipReason, SweepReport};

/// Longest wait between two connection attempts: a host that is down must be detected within seconds.
const CONNECT_BACKOFF: Duration = Duration::from_millis(400);
/// A finished connection returns to the pool on another task. Without this delay the next request
/// would sometimes find the pool empty and open one connection more than allowed.
const SETTLE: Duration = Duration::from_millis(1);

pub(super) async fn run<T: Send + 'static>(
    inner: Arc<Inner>,
    cancel: &CancellationToken,
    requests: Vec<FetchRequest<T>>,
    mut on_done: impl FnMut(FetchOutcome<T>),
) -> SweepReport {
    let connections = inner.config.connections().min(requests.len());
    let sweep = Arc::new(Sweep::new(inner));
    let queue = Arc::new(Mutex::new(VecDeque::from(requests)));
    let (sender, mut outcomes) = mpsc::channel(connections.max(1));
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        workers.spawn(work(sweep.clone(), queue.clone(), sender.clone()).in_current_span());
    }
    drop(sender);
    loop {
        tokio::select! {
            () = cancel.cancelled(), if !sweep.abort.is_cancelled() => {
                sweep.stop(SkipReason::Cancelled);
                sweep.abort.cancel();
            }
            () = sweep.out_of_time(), if !sweep.abort.is_cancelled() => {
                sweep.stop(SkipReason::Time);
                sweep.abort.cancel();
            }
            outcome = outcomes.recv() => match outcome {
                Some(outcome) => on_done(outcome),
                None => break,
            },
        }
    }
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
    sweep.report()
}

async fn work<T>(
    sweep: Arc<Sweep>,
    queue: Arc<Mutex<VecDeque<FetchRequest<T>>>>,
    sender: mpsc::Sender<FetchOutcome<T>>,
) {
    loop {
        let Some(request) = lock(&queue).pop_front() else {
            return;
        };
        let outcome = sweep.fetch(request).await;
        let sent = outcome.attempts > 0;
        if sender.send(outcome).await.is_err() {
            return;
        }
        if sent {
            tokio::time::sleep(SETTLE).await;
        }
    }
}

struct Sweep {
    inner: Arc<Inner>,
    attempts: AtomicU32,
    state: Mutex<State>,
    /// Stops further requests; those in flight may finish.
    halt: CancellationToken,
    /// Drops the requests in flight as well.
    abort: CancellationToken,
}

#[derive(Default)]
struct State {
    stopped: Option<SkipReason>,
    begun: Option<Instant>,
    /// Whether there was any response, whatever its status.
    answered: bool,
    /// Consecutive requests that ended without a connection, or without a response in time.
    silent: u32,
    /// Consecutive requests that ended without a usable response.
    failed: u32,
}

impl Sweep {
    fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            attempts: AtomicU32::new(0),
            state: Mutex::default(),
            halt: CancellationToken::new(),
            abort: CancellationToken::new(),
        }
    }

    fn report(&self) -> SweepReport {
        SweepReport { attempts: self.attempts.load(Ordering::Relaxed), stopped: lock(&self.state).stopped }
    }

    async fn fetch<T>(&self, request: FetchRequest<T>) -> FetchOutcome<T> {
        let FetchRequest { url, key } = request;
        let tried = AtomicU32::new(0);
        let result = match parse(&url) {
            Ok(target) => self.in_turn(&target, &tried).await,
            Err(reason) => {
                let error = FetchError::BadUrl { url: url.clone(), reason };
                return self.outcome(url, key, 0, None, Some(error));
            }
        };
        let tried = tried.into_inner();
        match result {
            Ok(answer) => self.outcome(url, key, tried, Some(answer), None),
            Err(failure) => {
                let (error, answer) = self.explain(&url, tried, failure);
                self.outcome(url, key, tried, answer, Some(error))
            }
        }
    }

    fn outcome<T>(
        &self,
        url: String,
        key: T,
        attempts: u32,
        answer: Option<Answer>,
        error: Option<FetchError>,
    ) -> FetchOutcome<T> {
        let (status, served_at, body) = match answer {
            Some(Answer { status, served_at, body, lease }) => {
                lease.keep();
                (Some(status), served_at, body)
            }
            None => (None, None, Vec::new()),
        };
        let fetched_at = self.inner.clock.now();
        FetchOutcome { url, key, status, body, fetched_at, served_at, attempts, error }
    }

    /// Sends the request and updates the state of the sweep before a request that waits for this one continues.
    async fn in_turn(&self, url: &Url, tried: &AtomicU32) -> Result<Answer, Failure> {
        let _turn = self.inner.consent.in_turn().await;
        let result = self.persist(url, tried).await;
        self.note(&result);
        result
    }

    /// Retries until there is a response, a permanent failure, or no attempt left.
    async fn persist(&self, url: &Url, tried: &AtomicU32) -> Result<Answer, Failure> {
        let config = &self.inner.config;
        let backoff = ExponentialBuilder::new()
            .with_min_delay(config.backoff_base)
            .with_max_delay(config.backoff_max)
            .with_max_times(config.max_attempts.max(1) as usize - 1)
            .with_jitter()
            .with_jitter_seed(RandomState::new().hash_one(url));
        let halt = self.halt.clone();
        (|| self.once(url, tried))
            .retry(backoff)
            .sleep(move |delay| {
                let halt = halt.clone();
                async move {
                    tokio::select! {
                        () = halt.cancelled() => {}
                        () = tokio::time::sleep(delay) => {}
                    }
                }
            })
            .when(Failure::is_retryable)
            .adjust(|failure, proposed| self.delay(failure, proposed?))
            .notify(|failure, delay| {
                tracing::debug!(%url, ?failure, ?delay, "retrying");
                if matches!(failure, Failure::Busy { .. }) {
                    self.inner.consent.pause(delay);
                }
            })
            .await
    }

    async fn once(&self, url: &Url, tried: &AtomicU32) -> Result<Answer, Failure> {
        self.turn().await?;
        tried.fetch_add(1, Ordering::Relaxed);
        let Inner { config, clients, clock, held, .. } = &*self.inner;
        let result = tokio::select! {
            biased;
            () = self.abort.cancelled() => Err(self.stopped()),
            result = attempt(clients.of(url), url, config, held, clock.now()) => result,
        };
        self.listen(&result);
        result
    }

    /// Waits for the sweep's pause and the process's rate limit, then takes one request from the budget.
    async fn turn(&self) -> Result<(), Failure> {
        let clear = async {
            loop {
                self.inner.pace.turn().await;
                match self.inner.consent.resume_at() {
                    Some(time) => tokio::time::sleep_until(time).await,
                    None => break,
                }
            }
        };
        tokio::select! {
            biased;
            () = self.halt.cancelled() => return Err(self.stopped()),
            () = clear => {}
        }
        let budget = self.inner.config.budget;
        let take = |sent| (sent < budget).then_some(sent + 1);
        let taken = self.attempts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        if taken.is_err() {
            self.stop(SkipReason::Budget);
            return Err(self.stopped());
        }
        self.inner.begun.get_or_init(Instant::now);
        lock(&self.state).begun.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Evaluates a single attempt: gives up an upstream that has not responded once within its time limit.
    fn listen(&self, result: &Result<Answer, Failure>) {
        match result {
            Err(Failure::Stopped(_)) => return,
            Err(Failure::Connect(_) | Failure::Timeout) => self.inner.consent.no_answer(),
            Err(failure) if self.is_refusal(failure) => {}
            _ => self.inner.consent.admit(),
        }
        let mut state = lock(&self.state);
        if matches!(result, Err(Failure::Connect(_) | Failure::Timeout)) {
            let waited = state.begun.map(|begun| begun.elapsed());
            if !state.answered && waited >= Some(self.inner.config.give_up_within) {
                drop(state);
                self.give_up();
            }
        } else {
            state.answered = true;
        }
    }

    /// Counts the outcome of a request and stops the sweep if necessary.
    fn note(&self, result: &Result<Answer, Failure>) {
        if matches!(result, Err(Failure::Stopped(_))) {
            return;
        }
        let down = self.is_down(result);
        match result {
            Err(failure) if self.is_stop(failure) => self.stop(SkipReason::Refused),
            _ if down => self.give_up(),
            Err(Failure::Busy { retry_after, .. }) => {
                let wait = retry_after.unwrap_or_else(|| self.inner.config.wait_after_last());
                self.inner.consent.pause(wait);
            }
            _ => {}
        }
    }

    /// Counts the consecutive requests without a usable response. Returns whether there are too many.
    fn is_down(&self, result: &Result<Answer, Failure>) -> bool {
        let limit = self.inner.config.give_up_after.max(1);
        let mut state = lock(&self.state);
        match result {
            Err(Failure::Connect(_) | Failure::Timeout) => {
                state.silent += 1;
                state.failed += 1;
            }
            Err(Failure::Truncated(_) | Failure::Server(_) | Failure::Busy { .. }) => {
                state.silent = 0;
                state.failed += 1;
            }
            _ => (state.silent, state.failed) = (0, 0),
        }
        state.silent >= limit || state.failed >= limit.saturating_mul(3)
    }

    /// Counts a refusal that remains after all attempts. Returns whether the sweep must stop.
    fn is_stop(&self, failure: &Failure) -> bool {
        let asks_for_silence =
            matches!(failure, Failure::Busy { retry_after, .. } if self.is_too_long(*retry_after));
        asks_for_silence || (self.is_refusal(failure) && self.inner.consent.refuse())
    }

    /// Whether the upstream refuses this request, as opposed to being unable to serve it.
    fn is_refusal(&self, failure: &Failure) -> bool {
        match failure {
            Failure::Forbidden(_) => true,
            Failure::Busy { answer, retry_after } => answer.status == 429 || self.is_too_long(*retry_after),
            _ => false,
        }
    }

    fn is_too_long(&self, retry_after: Option<Duration>) -> bool {
        retry_after.is_some_and(|wait| wait > self.inner.config.retry_after_cap)
    }

    /// The wait before the next attempt; `None` if there is no next attempt.
    fn delay(&self, failure: &Failure, proposed: Duration) -> Option<Duration> {
        match failure {
            Failure::Busy { retry_after, .. } if self.is_too_long(*retry_after) => None,
            Failure::Busy { retry_after, .. } => Some(retry_after.unwrap_or_default().max(proposed)),
            Failure::Connect(_) => Some(proposed.min(CONNECT_BACKOFF)),
            _ => Some(proposed),
        }
    }

    /// Waits until the time limit of the fetcher is reached. Before its first request, the limit counts from now.
    async fn out_of_time(&self) {
        let Some(limit) = self.inner.config.max_duration else { return std::future::pending().await };
        let begun = *self.inner.begun.get_or_init(Instant::now);
        tokio::time::sleep_until(begun + limit).await;
    }

    fn give_up(&self) {
        self.stop(SkipReason::Unavailable);
        self.abort.cancel();
    }

    /// Stops the sweep; the first reason is kept.
    fn stop(&self, reason: SkipReason) {
        let mut state = lock(&self.state);
        if state.stopped.is_none() {
            tracing::warn!(%reason, "stopping the sweep");
            state.stopped = Some(reason);
        }
        drop(state);
        self.halt.cancel();
    }

    fn stopped(&self) -> Failure {
        Failure::Stopped(lock(&self.state).stopped.unwrap_or(SkipReason::Cancelled))
    }

    /// The failure as an error, with the response that came with it, if any.
    fn explain(&self, url: &str, attempts: u32, failure: Failure) -> (FetchError, Option<Answer>) {
        let url = url.to_owned();
        let config = &self.inner.config;
        let refused = self.is_refusal(&failure);
        match failure {
            Failure::Connect(reason) => (FetchError::Connect { url, attempts, reason }, None),
            Failure::Timeout => {
                let limit = config.timeout;
                (FetchError::Timeout { url, attempts, limit }, None)
            }
            Failure::Truncated(reason) => (FetchError::Truncated { url, attempts, reason }, None),
            Failure::TooLarge(answer) => {
                let limit = config.max_body_bytes;
                (FetchError::TooLarge { url, limit }, Some(answer))
            }
            Failure::SweepTooLarge(answer) => {
                let limit = config.max_total_bytes;
                (FetchError::SweepTooLarge { url, limit }, Some(answer))
            }
            Failure::Redirected { answer, to, reason } => {
                (FetchError::Redirected { url, to, reason }, Some(answer))
            }
            Failure::Stopped(reason) => (FetchError::Skipped { url, attempts, reason }, None),
            Failure::Busy { answer, retry_after } if refused => {
                let status = answer.status;
                let reason = match retry_after {
                    Some(wait) if self.is_too_long(retry_after) => format!(
                        "Retry-After is {} s, more than the limit of {} s",
                        wait.as_secs(),
                        config.retry_after_cap.as_secs()
                    ),
                    _ => "still rate limited after backing off".to_owned(),
                };
                (FetchError::Refused { url, attempts, status, reason }, Some(answer))
            }
            Failure::Forbidden(answer) => {
                let status = answer.status;
                let reason = "access is not allowed".to_owned();
                (FetchError::Refused { url, attempts, status, reason }, Some(answer))
            }
            Failure::Busy { answer, .. } | Failure::Server(answer) | Failure::Client(answer) => {
                let status = answer.status;
                (FetchError::Status { url, attempts, status }, Some(answer))
            }
        }
    }
}

fn parse(url: &str) -> Result<Url, String> {
    let parsed = Url::parse(url).map_err(|error| error.to_string())?;
    match parsed.scheme() {
        "http" | "https" => Ok(parsed),
        other => Err(format!("unsupported scheme `{other}` (expected http or https)")),
    }
}

/// No code here panics while it holds a lock, so the state behind a poisoned lock is still consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
