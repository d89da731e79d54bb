//! A single request to a server on this machine.

use std::time::Duration;

use reqwest::{RequestBuilder, Url};

use super::cause::chain;
use super::client::{is_loopback, loopback_client};
use super::outcome::FetchError;

/// Largest body that a single request accepts, in bytes.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// The response of [`get_json_once`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceAnswer {
    /// The HTTP status, whatever it is.
    pub status: u16,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// Sends one GET without retries to a server on this machine, for `healthcheck` and for verbs that query a
/// running server. The token, if any, is sent as `Authorization: Bearer`. The whole exchange takes at most `timeout`.
///
/// # Errors
/// [`FetchError::BadUrl`] if the host is not this machine; otherwise the reason why there is no response.
pub async fn get_json_once(
    url: &str,
    token: Option<&str>,
    timeout: Duration,
) -> Result<OnceAnswer, FetchError> {
    once(reqwest::Method::GET, url, token, timeout).await
}

/// Like [`get_json_once`], but sends a POST without a body: for verbs that change the state of a running server.
///
/// # Errors
/// As [`get_json_once`].
pub async fn post_json_once(
    url: &str,
    token: Option<&str>,
    timeout: Duration,
) -> Result<OnceAnswer, FetchError> {
    once(reqwest::Method::POST, url, token, timeout).await
}

async fn once(
    method: reqwest::Method,
    url: &str,
    token: Option<&str>,
    timeout: Duration,
) -> Result<OnceAnswer, FetchError> {
    let bad = |reason: String| FetchError::BadUrl { url: url.to_owned(), reason };
    let target = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    if target.scheme() != "http" || !is_loopback(&target) {
        return Err(bad("only http on this machine (127.0.0.1, ::1, localhost) is allowed".to_owned()));
    }
    let client = loopback_client(timeout).map_err(|error| bad(error.to_string()))?;
    let mut request = client.request(method, target);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    exchange(request, url, timeout).await
}

/// Sends a request for JSON and reads the whole response. `url` and `timeout`, which is the client's, are for errors.
pub(super) async fn exchange(
    request: RequestBuilder,
    url: &str,
    timeout: Duration,
) -> Result<OnceAnswer, FetchError> {
    let broken = |error: reqwest::Error| {
        let (url, attempts) = (url.to_owned(), 1);
        if error.is_timeout() {
            FetchError::Timeout { url, attempts, limit: timeout }
        } else if error.is_connect() {
            FetchError::Connect { url, attempts, reason: chain(error) }
        } else {
            FetchError::Truncated { url, attempts, reason: chain(error) }
        }
    };
    let mut response = request.header("accept", "application/json").send().await.map_err(broken)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(broken)? {
        if body.len() + piece.len() > MOST_BYTES {
            return Err(FetchError::TooLarge { url: url.to_owned(), limit: MOST_BYTES });
        }
        body.extend_from_slice(&piece);
    }
    Ok(OnceAnswer { status, body })
}
