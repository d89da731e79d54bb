//! One cheap request that finds out whether the upstream can be reached, and what time it has.

use super::cause::chain;
use super::client::server_client;
use super::outcome::FetchError;
use chrono::{DateTime, Utc};
use reqwest::Url;
use reqwest::header::{DATE, USER_AGENT};
use std::time::{Duration, Instant};

/// What the upstream responded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The HTTP status.
    pub status: u16,
    /// The time in its header `Date`; it has whole seconds.
    pub date: Option<DateTime<Utc>>,
    /// How long the response took.
    pub took: Duration,
}

/// Sends one HEAD to the base URL of the upstream, without retries. A redirect to another origin is not followed.
///
/// # Errors
/// [`FetchError`] if there is no response.
pub async fn reach(url: &str, user_agent: &str, timeout: Duration) -> Result<Reached, FetchError> {
    let bad = |reason: String| FetchError::BadUrl { url: url.to_owned(), reason };
    let target = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    let client = server_client(&target, timeout).map_err(|error| bad(error.to_string()))?;
    let started = Instant::now();
    let sent = client.head(target).header(USER_AGENT, user_agent).send().await;
    let response = sent.map_err(|error| {
        let (url, attempts) = (url.to_owned(), 1);
        if error.is_timeout() {
            FetchError::Timeout { url, attempts, limit: timeout }
        } else {
            FetchError::Connect { url, attempts, reason: chain(error) }
        }
    })?;
    let date = response.headers().get(DATE).and_then(|value| value.to_str().ok());
    let date = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    Ok(Reached {
        status: response.status().as_u16(),
        date: date.map(|date| date.with_timezone(&Utc)),
        took: started.elapsed(),
    })
}
