//! A single POST to a receiver of the settings: to checked addresses only, without redirects, within limits.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::cause::chain;
use super::client::install_tls;
use super::guard::allowed_addresses;
use super::headers;
use super::post_error::{PostError, WITHIN};

/// Largest response body that is read, bytes.
const MOST_BYTES: usize = 64 * 1024;

/// A message to post. It has no `Debug`, because the URL and the headers may be secrets.
pub struct PostRequest {
    /// Absolute URL; `https`, or `http` if private addresses are allowed.
    pub url: String,
    /// Headers, by name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The `User-Agent`.
    pub user_agent: String,
}

/// The response to a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostAnswer {
    /// The HTTP status, whatever it is.
    pub status: u16,
    /// The wait that the receiver asks for.
    pub retry_after: Option<Duration>,
    /// The body; at most 64 KiB of it.
    pub body: Vec<u8>,
}

/// Sends a POST to a receiver. The host is resolved once, all its addresses are checked, and one of these is connected to.
/// Redirects are not followed, proxies are not used, and certificates are always verified.
///
/// # Errors
/// [`PostError`] if there is no response; a response with any status is none.
pub async fn post(
    request: PostRequest,
    allow_private: bool,
    now: DateTime<Utc>,
) -> Result<PostAnswer, PostError> {
    let url = usable(&request.url, allow_private)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let until = tokio::time::Instant::now() + WITHIN;
    let exchange = async {
        let addresses = allowed_addresses(&host, port, allow_private, WITHIN).await?;
        let client = client(&url, &host, &addresses, &request.user_agent)?;
        let mut sent = client.post(url.clone()).body(request.body);
        for (name, value) in request.headers {
            let bad = || PostError::BadHeader(name.clone());
            let value = HeaderValue::from_str(&value).map_err(|_| bad())?;
            sent = sent.header(HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?, value);
        }
        sent.send().await.map_err(|error| broken(&host, error))
    };
    let mut response = match tokio::time::timeout_at(until, exchange).await {
        Ok(response) => response?,
        Err(_) => return Err(PostError::Timeout { host }),
    };
    let status = response.status().as_u16();
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = wait.and_then(|value| headers::retry_after(value, now));
    let mut body = Vec::new();
    // The status decides; a body that breaks off or does not end adds nothing.
    let read = async {
        while let Ok(Some(piece)) = response.chunk().await {
            body.extend_from_slice(&piece[..piece.len().min(MOST_BYTES - body.len())]);
            if body.len() >= MOST_BYTES {
                break;
            }
        }
    };
    _ = tokio::time::timeout_at(until, read).await;
    Ok(PostAnswer { status, retry_after, body })
}

/// The URL if it may be used: `https`, or `http` to the own network.
fn usable(text: &str, allow_private: bool) -> Result<Url, PostError> {
    let bad = |reason: &str| PostError::BadUrl(reason.to_owned());
    // The parser's error does not quote the URL.
    let url = Url::parse(text.trim()).map_err(|error| PostError::BadUrl(error.to_string()))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => {
            return Err(bad("expected https; plain http is only for receivers with `allow_private = true`"));
        }
        _ => return Err(bad("expected https")),
    }
    if !url.has_host() {
        return Err(bad("it has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it has a user or a password; use a token"));
    }
    Ok(url)
}

fn client(
    url: &Url,
    host: &str,
    addresses: &[std::net::SocketAddr],
    user_agent: &str,
) -> Result<Client, PostError> {
    install_tls();
    let builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(user_agent)
        .timeout(WITHIN)
        .resolve_to_addrs(host, addresses);
    // Plain HTTP needs no root certificates, which a small image may not have.
    let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|error| PostError::Setup(chain(error)))
}

fn broken(host: &str, error: reqwest::Error) -> PostError {
    let host = host.to_owned();
    if error.is_timeout() {
        PostError::Timeout { host }
    } else if error.is_connect() {
        PostError::Connect { host, reason: chain(error) }
    } else {
        PostError::Broken { host, reason: chain(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_without_a_login_is_usable() {
        assert!(usable("https://example.org/secret?x=1", false).is_ok());
        assert!(usable("http://example.org/secret", true).is_ok());
        for wrong in ["", "example.org", "http://example.org/s3cret", "ftp://h/s3cret", "https://u:s3cret@h/"]
        {
            let error = usable(wrong, false).expect_err(wrong).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_number_that_is_an_address_is_one() {
        for url in
            ["https://0x7f000001/", "https://2130706433/", "https://[::ffff:7f00:1]/", "https://127.1/"]
        {
            let request = PostRequest {
                url: url.to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
                user_agent: "hitrate".to_owned(),
            };
            let error = post(request, false, DateTime::UNIX_EPOCH).await.expect_err(url);
            assert!(matches!(error, PostError::Refused { .. }), "{url}: {error}");
        }
    }
}
