//! The only HTTP client. It limits its rate and its budget, and it retries.
//!
//! A sweep fetches a list of documents under one budget and one rate limit. Single failures are retried and
//! reported. If the upstream refuses or is down, the sweep stops and the remaining documents are reported as skipped.
//!
//! **When a refusal stops a sweep.** A refusal is a 401, 403 or 451, or a 429 that outlasts all attempts. A single
//! refused document fails alone. The sweep stops as [`SkipReason::Refused`] if the very first response is a refusal,
//! or if [`MOST_REFUSALS`] consecutive documents are refused; requests without a response neither add to the count nor
//! reset it. Until the first response arrives, requests are sent one at a time.
//!
//! **`Retry-After`.** On a 429 or 503 it delays the whole sweep, even after the last attempt for a document. If it is
//! longer than [`FetchConfig::retry_after_cap`], it stops the sweep at once, because any other request would be sent
//! too early. With other statuses it is ignored: HTTP gives it no meaning there.
//!
//! **Limits.** A sweep ends within [`FetchConfig::max_duration`], and its bodies take at most
//! [`FetchConfig::max_total_bytes`], whatever the upstream sends.
//!
//! **Redirects.** They are followed within the same scheme, host and port. A redirect to another origin, or one that
//! ends in 404 or 410, fails the document.

mod api;
mod attempt;
mod cause;
mod client;
mod config;
mod consent;
mod guard;
mod headers;
mod held;
mod once;
mod outcome;
mod pace;
mod post;
mod post_error;
mod reach;
mod sweep;

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use client::Clients;
use consent::Consent;
use held::Held;
use pace::Pace;

pub use api::ApiClient;
pub use client::{check_proxies, is_own_machine};
pub use config::{FetchConfig, MOST_CONNECTIONS, MOST_REFUSALS};
pub use guard::allowed_addresses;
pub use once::{OnceAnswer, get_json_once, post_json_once};
pub use outcome::{FetchError, FetchOutcome, FetchRequest, SetupError, SkipReason, SweepReport};
pub use post::{PostAnswer, PostRequest, post};
pub use post_error::PostError;
pub use reach::{Reached, reach};

/// An HTTP client for one upstream. Clones share the connections, the rate limit and the refusal state; create a new
/// client for each collection.
#[derive(Clone)]
pub struct Fetcher {
    inner: Arc<Inner>,
}

struct Inner {
    config: FetchConfig,
    clients: Clients,
    pace: Pace,
    consent: Consent,
    held: Held,
    /// When the first request was sent.
    begun: OnceLock<Instant>,
    clock: Arc<dyn Clock>,
}

impl Fetcher {
    /// Sets up the clients. `clock` supplies the time of the outcomes and the reference for `Retry-After` dates.
    ///
    /// # Errors
    /// [`SetupError`] if the user agent is not a valid header value, if the file of certificates cannot be read or if TLS
    /// has no root certificates.
    pub fn new(config: FetchConfig, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let clients = Clients::new(&config)?;
        let pace = Pace::new(config.rate_per_second);
        let (consent, held) = (Consent::default(), Held::new(config.max_total_bytes));
        let begun = OnceLock::new();
        Ok(Self { inner: Arc::new(Inner { config, clients, pace, consent, held, begun, clock }) })
    }

    /// Restarts the count of [`FetchConfig::max_total_bytes`]: the caller has dropped all bodies so far.
    pub fn forget_bodies(&self) {
        self.inner.held.clear();
    }

    /// Fetches every request and passes each outcome to `on_done` as it completes, in no particular order. Every
    /// request has exactly one outcome; a failed one carries its [`FetchError`]. It stops when `cancel` is cancelled:
    /// requests in flight are dropped, and they and the remaining ones are reported as skipped.
    pub async fn fetch_all_until<T: Send + 'static>(
        &self,
        cancel: &CancellationToken,
        requests: Vec<FetchRequest<T>>,
        on_done: impl FnMut(FetchOutcome<T>),
    ) -> SweepReport {
        sweep::run(self.inner.clone(), cancel, requests, on_done).await
    }
}
