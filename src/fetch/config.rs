//! The limits of a sweep.

use std::path::PathBuf;
use std::time::Duration;

/// The maximum number of connections of a fetcher, whatever the settings say.
pub const MOST_CONNECTIONS: usize = 16;

/// This many consecutive refusals (401, 403, 451, or a 429 that outlasts all attempts) stop a sweep.
pub const MOST_REFUSALS: u32 = 3;

/// The limits of a [`super::Fetcher`].
#[derive(Debug, Clone)]
pub struct FetchConfig {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// HTTP requests per second, including retries; `None` means unlimited. Values that are not positive count as
    /// `None`.
    pub rate_per_second: Option<f64>,
    /// Maximum number of requests in flight and of TCP connections; clamped to 1..=[`MOST_CONNECTIONS`].
    pub max_connections: usize,
    /// HTTP requests a sweep may send, including retries.
    pub budget: u32,
    /// Time limit of one attempt, including the body.
    pub timeout: Duration,
    /// Largest body in bytes, after decompression.
    pub max_body_bytes: usize,
    /// Largest total of all bodies in bytes, after decompression: those in flight and those returned since the fetcher was
    /// created or [`super::Fetcher::forget_bodies`] was called. Bodies beyond it fail their documents.
    pub max_total_bytes: usize,
    /// Time from the first request of a fetcher after which its sweeps stop; `None` means no limit.
    pub max_duration: Option<Duration>,
    /// A file of certificates (PEM) of authorities that are trusted in addition to those of the system.
    pub ca_file: Option<PathBuf>,
    /// Maximum number of HTTP requests for one document, at least 1.
    pub max_attempts: u32,
    /// Delay before the first retry; it doubles with each retry, plus a jitter of up to its own length.
    pub backoff_base: Duration,
    /// Upper bound of the doubled delay.
    pub backoff_max: Duration,
    /// Longest `Retry-After` of a 429 or 503 that the fetcher waits for. A longer one stops the sweep as refused,
    /// because any further request would be sent too early.
    pub retry_after_cap: Duration,
    /// The sweep stops as unavailable after this many consecutive requests without a connection, or three times as many
    /// without a usable response.
    pub give_up_after: u32,
    /// The sweep gives up an upstream that has never responded after this time, however few requests were sent.
    pub give_up_within: Duration,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            user_agent: concat!("hitrate/", env!("CARGO_PKG_VERSION")).to_owned(),
            rate_per_second: Some(4.0),
            max_connections: 8,
            budget: 2_000,
            timeout: Duration::from_secs(30),
            max_body_bytes: 32 * 1024 * 1024,
            max_total_bytes: 256 * 1024 * 1024,
            max_duration: None,
            ca_file: None,
            max_attempts: 4,
            backoff_base: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            retry_after_cap: Duration::from_secs(120),
            give_up_after: 5,
            give_up_within: Duration::from_secs(8),
        }
    }
}

impl FetchConfig {
    /// The wait after a 429 without `Retry-After` that outlasted all attempts: the next value of the doubled delay.
    pub(super) fn wait_after_last(&self) -> Duration {
        let doublings = self.max_attempts.saturating_sub(1).min(31);
        self.backoff_base.saturating_mul(1 << doublings).min(self.backoff_max)
    }

    /// [`FetchConfig::max_connections`] within its bounds.
    pub(super) fn connections(&self) -> usize {
        self.max_connections.clamp(1, MOST_CONNECTIONS)
    }
}
