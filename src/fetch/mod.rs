//! The only HTTP client: polite, bounded and patient.
//!
//! A sweep fetches a list of documents under one budget and one rate. Single failures are retried and
//! reported; when the upstream says stop, or is down, the sweep stops and the rest is reported as skipped.

mod attempt;
mod client;
mod config;
mod once;
mod outcome;
mod pace;
mod retry_after;
mod sweep;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use client::Clients;
use pace::Pace;

pub use config::{FetchConfig, MOST_CONNECTIONS};
pub use once::{OnceAnswer, get_json_once, post_json_once};
pub use outcome::{FetchError, FetchOutcome, FetchRequest, SetupError, SkipReason, SweepReport};

/// The HTTP client of the process. Clones share connections and rate.
#[derive(Clone)]
pub struct Fetcher {
    inner: Arc<Inner>,
}

struct Inner {
    config: FetchConfig,
    clients: Clients,
    pace: Pace,
    clock: Arc<dyn Clock>,
}

impl Fetcher {
    /// Sets up the clients. `clock` dates the outcomes and reads `Retry-After` dates.
    ///
    /// # Errors
    /// [`SetupError`] when the user agent is no header value or TLS has no roots.
    pub fn new(config: FetchConfig, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let clients = Clients::new(&config)?;
        let pace = Pace::new(config.rate_per_second);
        Ok(Self { inner: Arc::new(Inner { config, clients, pace, clock }) })
    }

    /// Fetches every request and hands each outcome to `on_done` as it comes, in no order. Every
    /// request has exactly one outcome; a failed one carries its [`FetchError`].
    pub async fn fetch_all<T: Send + 'static>(
        &self,
        requests: Vec<FetchRequest<T>>,
        on_done: impl FnMut(FetchOutcome<T>),
    ) -> SweepReport {
        self.fetch_all_until(&CancellationToken::new(), requests, on_done).await
    }

    /// [`Fetcher::fetch_all`] that stops when `cancel` is cancelled: requests in flight are dropped and
    /// they and the rest are reported as skipped.
    pub async fn fetch_all_until<T: Send + 'static>(
        &self,
        cancel: &CancellationToken,
        requests: Vec<FetchRequest<T>>,
        on_done: impl FnMut(FetchOutcome<T>),
    ) -> SweepReport {
        sweep::run(self.inner.clone(), cancel, requests, on_done).await
    }
}
