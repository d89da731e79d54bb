//! The input and the output of a sweep.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// One document to fetch.
#[derive(Debug, Clone)]
pub struct FetchRequest<T> {
    /// Absolute `http` or `https` URL.
    pub url: String,
    /// The caller's key, returned with the outcome.
    pub key: T,
}

/// The outcome of one request.
#[derive(Debug, Clone)]
pub struct FetchOutcome<T> {
    /// The URL as requested.
    pub url: String,
    /// The key of the request.
    pub key: T,
    /// The status of the last response; `None` if there was none.
    pub status: Option<u16>,
    /// The decompressed body of the last response; empty if there was none or it was incomplete.
    pub body: Vec<u8>,
    /// When the request ended, UTC.
    pub fetched_at: DateTime<Utc>,
    /// The `Date` header of the last response: the upstream's clock, UTC, as sent and not checked against the local
    /// clock. `None` if there was no response, or if the header is missing or invalid.
    pub served_at: Option<DateTime<Utc>>,
    /// HTTP requests sent for it; 0 if it was skipped before the first one.
    pub attempts: u32,
    /// Why there is no usable response. 2xx, 404 and 410 are usable, and this is `None` for them.
    pub error: Option<FetchError>,
}

/// Totals of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// HTTP requests sent, including retries.
    pub attempts: u32,
    /// Why the sweep ended early; `None` if every request was tried.
    pub stopped: Option<SkipReason>,
}

/// Why a sweep stops and skips its remaining requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// The upstream refuses: the very first response was a refusal (401, 403, 451, a lasting 429), or
    /// [`super::MOST_REFUSALS`] consecutive ones were, or a 429 or 503 had a very long `Retry-After`.
    #[error("refused: the upstream refuses further requests")]
    Refused,
    /// The upstream does not respond.
    #[error("unavailable: the upstream does not respond")]
    Unavailable,
    /// The request budget of the sweep is used up.
    #[error("budget: the request budget of this sweep is used up")]
    Budget,
    /// The time limit of the sweep is reached.
    #[error("time: the time limit of this sweep is reached")]
    Time,
    /// The service is stopping.
    #[error("cancelled: the sweep was stopped")]
    Cancelled,
}

/// Why a document could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FetchError {
    /// The URL cannot be requested.
    #[error("GET {url}: invalid URL: {reason}")]
    BadUrl { url: String, reason: String },
    /// No connection.
    #[error("GET {url}: cannot connect after {attempts} attempts: {reason}")]
    Connect { url: String, attempts: u32, reason: String },
    /// No complete response in time.
    #[error("GET {url}: no complete response within {limit:?} after {attempts} attempts")]
    Timeout { url: String, attempts: u32, limit: Duration },
    /// The response was incomplete or did not match its headers.
    #[error("GET {url}: incomplete response after {attempts} attempts: {reason}")]
    Truncated { url: String, attempts: u32, reason: String },
    /// The body is larger than allowed once decompressed.
    #[error("GET {url}: the body is larger than the limit of {limit} bytes and was not kept")]
    TooLarge { url: String, limit: usize },
    /// All bodies of the sweep together are larger than allowed.
    #[error(
        "GET {url}: the bodies of this sweep are larger than the limit of {limit} bytes together (fetch.max_sweep_mib), and \
         this one was not kept"
    )]
    SweepTooLarge { url: String, limit: usize },
    /// An unusable response: 5xx after all attempts, or a 3xx or 4xx other than 404 and 410.
    #[error("GET {url}: status {status} after {attempts} attempts")]
    Status { url: String, attempts: u32, status: u16 },
    /// The upstream refused this document: 401, 403, 451, a 429 that outlasted all attempts, or a very long
    /// `Retry-After`. Whether the sweep goes on is in [`SweepReport::stopped`].
    #[error("GET {url}: refused with status {status} after {attempts} attempts: {reason}")]
    Refused { url: String, attempts: u32, status: u16, reason: String },
    /// A redirect to another scheme, host or port, one redirect too many, or a redirect to a missing page (404, 410).
    #[error("GET {url}: redirected to {to}, {reason}")]
    Redirected {
        url: String,
        /// The target of the last redirect, truncated if very long.
        to: String,
        reason: String,
    },
    /// Not tried (again), because the sweep stopped.
    #[error("GET {url}: skipped after {attempts} attempts, {reason}")]
    Skipped { url: String, attempts: u32, reason: SkipReason },
}

/// The HTTP client could not be created.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot set up the HTTP client: {reason}; check the user agent, upstream.ca_file and that CA certificates are installed"
)]
pub struct SetupError {
    /// The error message of the library.
    pub reason: String,
}
