//! One cheap request that finds out whether the upstream can be reached, and what time it has.

use super::cause::{chain, explained};
use super::client::upstream_client;
use super::config::FetchConfig;
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

/// Sends one HEAD to the base URL of the upstream, with the client of a sweep and without retries. A redirect to another
/// origin is not followed.
///
/// # Errors
/// [`FetchError`] if there is no response; the reason is that of a sweep.
pub async fn reach(url: &str, config: &FetchConfig, timeout: Duration) -> Result<Reached, FetchError> {
    let bad = |reason: String| FetchError::BadUrl { url: url.to_owned(), reason };
    let target = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    let client = upstream_client(&target, config).map_err(|error| bad(error.to_string()))?;
    let started = Instant::now();
    let request = client.head(target.clone()).header(USER_AGENT, &config.user_agent);
    let sent = request.timeout(timeout).send().await;
    let response = sent.map_err(|error| {
        let (url, attempts) = (url.to_owned(), 1);
        if error.is_timeout() {
            FetchError::Timeout { url, attempts, limit: timeout }
        } else {
            let reason = if error.is_connect() { explained(error, &target) } else { chain(error) };
            FetchError::Connect { url, attempts, reason }
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
