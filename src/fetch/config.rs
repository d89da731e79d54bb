//! The limits a sweep keeps.

use std::time::Duration;

/// The most connections a fetcher ever opens, whatever is asked for.
pub const MOST_CONNECTIONS: usize = 16;

/// So many refusals in a row (401, 403, 451, or a 429 that outlasts all attempts) stop a sweep.
pub const MOST_REFUSALS: u32 = 3;

/// The limits of a [`super::Fetcher`].
#[derive(Debug, Clone)]
pub struct FetchConfig {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// HTTP requests a second, retries included; `None` is unlimited. Values that are not positive count as `None`.
    pub rate_per_second: Option<f64>,
    /// Requests in flight and TCP connections; taken into 1..=[`MOST_CONNECTIONS`].
    pub max_connections: usize,
    /// HTTP requests a sweep may send, retries included.
    pub budget: u32,
    /// Time one attempt may take, body included.
    pub timeout: Duration,
    /// Largest body in bytes, after decompression.
    pub max_body_bytes: usize,
    /// HTTP requests for one document, at least 1.
    pub max_attempts: u32,
    /// Delay before the first retry; doubles from one to the next, with jitter of up to its own length.
    pub backoff_base: Duration,
    /// Longest delay that doubling reaches.
    pub backoff_max: Duration,
    /// Longest `Retry-After` of a 429 or 503 that is waited for. A longer one stops the sweep as refused: the upstream
    /// asks for silence, and any further request would come too early.
    pub retry_after_cap: Duration,
    /// So many requests in a row without a connection, or three times as many without any answer
    /// of use, and the sweep stops as unavailable.
    pub give_up_after: u32,
    /// An upstream that has never answered is given up after this long, however few requests were tried.
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
    /// The wait after a 429 that outlasted all attempts and named no time: the doubling of the delays goes on.
    pub(super) fn wait_after_last(&self) -> Duration {
        let doublings = self.max_attempts.saturating_sub(1).min(31);
        self.backoff_base.saturating_mul(1 << doublings).min(self.backoff_max)
    }

    /// [`FetchConfig::max_connections`] within its bounds.
    pub(super) fn connections(&self) -> usize {
        self.max_connections.clamp(1, MOST_CONNECTIONS)
    }
}
