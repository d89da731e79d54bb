//! One HTTP request: sent, read within the limits, and judged.

use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, Url};

use super::config::FetchConfig;
use super::outcome::SkipReason;
use super::retry_after;

/// An answer with its body.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why an attempt brought no usable answer.
#[derive(Debug)]
pub(super) enum Failure {
    Connect(String),
    Timeout,
    Truncated(String),
    TooLarge(u16),
    /// A 429, or a 503 that names its time: the whole sweep waits.
    Busy {
        answer: Answer,
        retry_after: Option<Duration>,
    },
    /// 5xx.
    Server(Answer),
    /// A 3xx or 4xx that another attempt would not change.
    Client(Answer),
    /// 401, 403, 451: stop.
    Forbidden(Answer),
    /// The sweep had stopped before the attempt.
    Stopped(SkipReason),
}

impl Failure {
    pub(super) fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Connect(_) | Self::Timeout | Self::Truncated(_) | Self::Busy { .. } | Self::Server(_)
        )
    }
}

/// Sends one GET and judges what comes back. `now` dates a `Retry-After` that is given as a date.
pub(super) async fn attempt(
    client: &Client,
    url: &Url,
    config: &FetchConfig,
    now: DateTime<Utc>,
) -> Result<Answer, Failure> {
    let exchange = async {
        let response = client.get(url.clone()).send().await.map_err(broken)?;
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after::parse(value, now));
        let status = response.status().as_u16();
        let body = match read(response, config.max_body_bytes).await {
            // What a refusal says beside its status is not worth losing the refusal for.
            Err(_) if is_refusal(status) => Vec::new(),
            body => body?,
        };
        judge(Answer { status, body }, retry_after)
    };
    tokio::time::timeout(config.timeout, exchange).await.unwrap_or(Err(Failure::Timeout))
}

fn is_refusal(status: u16) -> bool {
    status >= 500 || matches!(status, 401 | 403 | 429 | 451)
}

fn judge(answer: Answer, retry_after: Option<Duration>) -> Result<Answer, Failure> {
    match answer.status {
        200..=299 | 404 | 410 => Ok(answer),
        401 | 403 | 451 => Err(Failure::Forbidden(answer)),
        429 => Err(Failure::Busy { answer, retry_after }),
        503 if retry_after.is_some() => Err(Failure::Busy { answer, retry_after }),
        500.. => Err(Failure::Server(answer)),
        _ => Err(Failure::Client(answer)),
    }
}

/// Reads the body piece by piece, so that a small answer that unpacks to a huge one is stopped on the way.
async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(broken)? {
        if body.len() + piece.len() > limit {
            return Err(Failure::TooLarge(status));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn broken(error: reqwest::Error) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        Failure::Timeout
    } else if error.is_connect() {
        Failure::Connect(chain(error))
    } else {
        Failure::Truncated(chain(error))
    }
}

/// The error and its causes in one line, without the URL that the caller names anyway.
pub(super) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    words
}
