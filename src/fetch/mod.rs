//! The only HTTP client: polite, bounded and patient.
//!
//! A sweep fetches a list of documents under one budget and one rate. Single failures are retried and
//! reported; when the upstream says stop, or is down, the sweep stops and the rest is reported as skipped.
//!
//! **When a refusal stops a sweep.** A refusal is a 401, 403 or 451, or a 429 that outlasts all attempts. One document
//! that is refused is that document's failure. The sweep stops as [`SkipReason::Refused`] when the first answer of all
//! is a refusal, or when [`MOST_REFUSALS`] documents in a row are refused; requests without any answer neither add to
//! the count nor reset it. Until the first answer has come, requests are sent one at a time.
//!
//! **`Retry-After`.** On a 429 or 503 it holds back the whole sweep, also after the last attempt for a document. Longer
//! than [`FetchConfig::retry_after_cap`], it stops the sweep at once, because any other request would come too early.
//! With other statuses it is ignored: HTTP gives it no meaning there.
//!
//! **Redirects.** They are followed within the same scheme, host and port. A redirect elsewhere, or one that ends in 404
//! or 410, is the document's failure.

mod attempt;
mod client;
mod config;
mod consent;
mod http_date;
mod once;
mod outcome;
mod pace;
mod retry_after;
mod sweep;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use client::Clients;
use consent::Consent;
use pace::Pace;

pub use config::{FetchConfig, MOST_CONNECTIONS, MOST_REFUSALS};
pub use once::{OnceAnswer, get_json_once, post_json_once};
pub use outcome::{FetchError, FetchOutcome, FetchRequest, SetupError, SkipReason, SweepReport};

/// An HTTP client for one upstream. Clones share connections, rate, and what the upstream has answered so far about
/// further requests; make a new one for a new collection.
#[derive(Clone)]
pub struct Fetcher {
    inner: Arc<Inner>,
}

struct Inner {
    config: FetchConfig,
    clients: Clients,
    pace: Pace,
    consent: Consent,
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
        Ok(Self { inner: Arc::new(Inner { config, clients, pace, consent: Consent::default(), clock }) })
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
