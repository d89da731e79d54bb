//! Sends one HTTP request, reads the response within the limits and classifies it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, Url};

use super::cause::{chain, explained};
use super::config::FetchConfig;
use super::headers;
use super::held::{Held, Lease};
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
    /// The memory of the body.
    pub lease: Lease,
}

/// Why an attempt did not return a usable response.
#[derive(Debug)]
pub(super) enum Failure {
    Connect(String),
    Timeout,
    Truncated(String),
    /// The body was too large; the response carries no body.
    TooLarge(Answer),
    /// All bodies together were too large; the response carries no body.
    SweepTooLarge(Answer),
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
    held: &Held,
    now: DateTime<Utc>,
) -> Result<Answer, Failure> {
    let exchange = async {
        let response = client.get(url.clone()).send().await.map_err(|error| broken(error, url))?;
        let (status, served_at) = (response.status().as_u16(), served_at(&response));
        let retry_after = header(&response, RETRY_AFTER)
            .and_then(|value| headers::retry_after(value, served_at.unwrap_or(now)));
        let redirect = redirect(url, &response);
        let answer = match read(response, config.max_body_bytes, held.lease(), url).await {
            // The body of a refusal or a redirect adds little; an unreadable one must not hide the status.
            Err(_) if is_refusal(status) || redirect.is_some() => {
                Answer { status, served_at, body: Vec::new(), lease: held.lease() }
            }
            answer => answer?,
        };
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
async fn read(mut response: Response, limit: usize, mut lease: Lease, url: &Url) -> Result<Answer, Failure> {
    let (status, served_at) = (response.status().as_u16(), served_at(&response));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| broken(error, url))? {
        let is_too_large = body.len() + piece.len() > limit;
        if is_too_large || !lease.take(piece.len()) {
            let answer = Answer { status, served_at, body: Vec::new(), lease: lease.emptied() };
            return Err(if is_too_large {
                Failure::TooLarge(answer)
            } else {
                Failure::SweepTooLarge(answer)
            });
        }
        body.extend_from_slice(&piece);
    }
    // Growing left up to as much room again.
    body.shrink_to_fit();
    Ok(Answer { status, served_at, body, lease })
}

fn broken(error: reqwest::Error, url: &Url) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        Failure::Timeout
    } else if error.is_connect() {
        Failure::Connect(explained(error, url))
    } else {
        Failure::Truncated(chain(error))
    }
}
