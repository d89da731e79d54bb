//! Sends one HTTP request, reads the response within the limits and classifies it.

use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, Url};

use super::config::FetchConfig;
use super::headers;
use super::outcome::SkipReason;

/// Longest redirect target that an error message quotes, in characters.
const LONGEST_TARGET: usize = 300;

/// A response with its body.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// The `Date` header of the response.
    pub served_at: Option<DateTime<Utc>>,
    pub body: Vec<u8>,
}

/// Why an attempt did not return a usable response.
#[derive(Debug)]
pub(super) enum Failure {
    Connect(String),
    Timeout,
    Truncated(String),
    /// The body was too large; the response carries no body.
    TooLarge(Answer),
    /// A 429, or a 503 with `Retry-After`: the whole sweep waits.
    Busy {
        answer: Answer,
        retry_after: Option<Duration>,
    },
    /// 5xx.
    Server(Answer),
    /// A 3xx or 4xx status that a retry would not change.
    Client(Answer),
    /// 401, 403, 451.
    Forbidden(Answer),
    /// A redirect that is not followed, or one that leads to a missing page.
    Redirected {
        answer: Answer,
        to: String,
        reason: String,
    },
    /// The sweep stopped before the attempt.
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

/// Sends one GET and classifies the response. A `Retry-After` date is relative to the response's `Date` header, or to
/// `now` if there is no such header.
pub(super) async fn attempt(
    client: &Client,
    url: &Url,
    config: &FetchConfig,
    now: DateTime<Utc>,
) -> Result<Answer, Failure> {
    let exchange = async {
        let response = client.get(url.clone()).send().await.map_err(broken)?;
        let (status, served_at) = (response.status().as_u16(), served_at(&response));
        let retry_after = header(&response, RETRY_AFTER)
            .and_then(|value| headers::retry_after(value, served_at.unwrap_or(now)));
        let redirect = redirect(url, &response);
        let body = match read(response, config.max_body_bytes).await {
            // The body of a refusal or a redirect adds little; an unreadable one must not hide the status.
            Err(_) if is_refusal(status) || redirect.is_some() => Vec::new(),
            body => body?,
        };
        let answer = Answer { status, served_at, body };
        match redirect {
            Some((to, reason)) => Err(Failure::Redirected { answer, to, reason }),
            None => judge(answer, retry_after),
        }
    };
    tokio::time::timeout(config.timeout, exchange).await.unwrap_or(Err(Failure::Timeout))
}

fn header(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

fn served_at(response: &Response) -> Option<DateTime<Utc>> {
    header(response, DATE).and_then(headers::date)
}

/// The target of a redirect and why its response cannot be used for the document; `None` if it can.
fn redirect(url: &Url, response: &Response) -> Option<(String, String)> {
    let (status, last) = (response.status().as_u16(), response.url());
    if matches!(status, 404 | 410) && last != url {
        return Some((shown(last.as_str()), format!("which answered {status}")));
    }
    let location = header(response, LOCATION).filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308))?;
    let Ok(target) = last.join(location) else {
        return Some((shown(location), "which is not a URL".to_owned()));
    };
    let reason = if target.origin() == last.origin() {
        "one redirect too many"
    } else {
        "which is not the same scheme, host and port and was not requested"
    };
    Some((shown(target.as_str()), reason.to_owned()))
}

/// The upstream controls the target, so its length is limited before it goes into messages and manifests.
fn shown(target: &str) -> String {
    target.chars().take(LONGEST_TARGET).collect()
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

/// Reads the body in chunks, so that a small response that decompresses to a huge body is aborted early.
async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let (status, served_at) = (response.status().as_u16(), served_at(&response));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(broken)? {
        if body.len() + piece.len() > limit {
            return Err(Failure::TooLarge(Answer { status, served_at, body: Vec::new() }));
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

/// The error and its causes in one line, without the URL, which the caller adds.
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
