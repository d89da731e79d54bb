//! What goes into a sweep and what comes out of it.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// One document to fetch.
#[derive(Debug, Clone)]
pub struct FetchRequest<T> {
    /// Absolute `http` or `https` URL.
    pub url: String,
    /// The caller's own mark, handed back with the outcome.
    pub key: T,
}

/// What became of one request.
#[derive(Debug, Clone)]
pub struct FetchOutcome<T> {
    /// The URL as requested.
    pub url: String,
    /// The mark of the request.
    pub key: T,
    /// The status of the last answer; `None` when there was none.
    pub status: Option<u16>,
    /// The body of the last answer, decompressed; empty when there was none or it broke off.
    pub body: Vec<u8>,
    /// When the request ended, UTC.
    pub fetched_at: DateTime<Utc>,
    /// The `Date` header of the last answer: the upstream's clock, UTC, as it was sent and not checked against ours.
    /// `None` when there was no answer, or the header is missing or unreadable.
    pub served_at: Option<DateTime<Utc>>,
    /// HTTP requests sent for it, 0 when it was skipped before the first.
    pub attempts: u32,
    /// Why there is no usable answer. 2xx, 404 and 410 are answers and leave it `None`.
    pub error: Option<FetchError>,
}

/// What a sweep did in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// HTTP requests sent, retries included.
    pub attempts: u32,
    /// Why the sweep ended early; `None` when every request was tried.
    pub stopped: Option<SkipReason>,
}

/// Why a sweep stops and the rest of its requests is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// The upstream refuses: the first answer of all was a refusal (401, 403, 451, a lasting 429), or
    /// [`super::MOST_REFUSALS`] in a row were, or a 429 or 503 came with a very long `Retry-After`.
    #[error("refused: the upstream told us to stop")]
    Refused,
    /// The upstream does not answer.
    #[error("unavailable: the upstream does not answer")]
    Unavailable,
    /// The request budget of the sweep is used up.
    #[error("budget: the request budget of this sweep is used up")]
    Budget,
    /// The service is stopping.
    #[error("cancelled: the sweep was asked to stop")]
    Cancelled,
}

impl SkipReason {
    /// One word for counts and reports: `refused`, `unavailable`, `budget` or `cancelled`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Budget => "budget",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why a document could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL cannot be requested.
    #[error("GET {url}: not a URL that can be fetched: {reason}")]
    BadUrl {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection.
    #[error("GET {url}: cannot connect after {attempts} attempts: {reason}")]
    Connect {
        /// The URL.
        url: String,
        /// HTTP requests tried.
        attempts: u32,
        /// The system's words.
        reason: String,
    },
    /// No complete answer in time.
    #[error("GET {url}: no complete answer within {limit:?}, {attempts} attempts")]
    Timeout {
        /// The URL.
        url: String,
        /// HTTP requests tried.
        attempts: u32,
        /// The time one attempt may take.
        limit: Duration,
    },
    /// The answer broke off, or was not what its headers promised.
    #[error("GET {url}: the answer broke off, {attempts} attempts: {reason}")]
    Truncated {
        /// The URL.
        url: String,
        /// HTTP requests tried.
        attempts: u32,
        /// The library's words.
        reason: String,
    },
    /// The body is larger than allowed once decompressed.
    #[error("GET {url}: the body is larger than the limit of {limit} bytes and was not kept")]
    TooLarge {
        /// The URL.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// An answer of no use: 5xx after all attempts, or a 3xx or 4xx that is no plain "not here".
    #[error("GET {url}: status {status} after {attempts} attempts")]
    Status {
        /// The URL.
        url: String,
        /// HTTP requests tried.
        attempts: u32,
        /// The HTTP status.
        status: u16,
    },
    /// The upstream refused this document: 401, 403, 451, a 429 that outlasted all attempts, or a very long
    /// `Retry-After`. Whether the sweep goes on is in [`SweepReport::stopped`].
    #[error("GET {url}: refused with status {status} after {attempts} attempts: {reason}")]
    Refused {
        /// The URL.
        url: String,
        /// HTTP requests tried.
        attempts: u32,
        /// The HTTP status.
        status: u16,
        /// How it was said.
        reason: String,
    },
    /// A redirect to another scheme, host or port, one too many, or one to a page that is not there (404, 410).
    #[error("GET {url}: redirected to {to}, {reason}")]
    Redirected {
        /// The URL.
        url: String,
        /// Where the last redirect pointed; cut if very long.
        to: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not tried (again), because the sweep had stopped.
    #[error("GET {url}: skipped after {attempts} attempts, {reason}")]
    Skipped {
        /// The URL.
        url: String,
        /// HTTP requests tried.
        attempts: u32,
        /// Why the sweep stopped.
        reason: SkipReason,
    },
}

/// The HTTP client itself could not be made.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot set up the HTTP client: {reason}; check the user agent and that CA certificates are installed"
)]
pub struct SetupError {
    /// The library's words.
    pub reason: String,
}
