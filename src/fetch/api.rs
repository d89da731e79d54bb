//! Requests to the API of another hitrate server.

use std::time::Duration;

use reqwest::{Client, Url};

use super::client::server_client;
use super::once::{OnceAnswer, exchange};
use super::outcome::FetchError;

/// A client of the API of one hitrate server. It sends no token and no cookies, and follows redirects within the server
/// only.
#[derive(Debug, Clone)]
pub struct ApiClient {
    client: Client,
    base: String,
    timeout: Duration,
}

impl ApiClient {
    /// A client of the server at `base`, an `http` or `https` URL that may have a path. A request takes at most
    /// `timeout`.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`] if `base` is not such a URL, or the client cannot be set up.
    pub fn new(base: &str, timeout: Duration) -> Result<Self, FetchError> {
        let bad = |reason: String| FetchError::BadUrl { url: base.to_owned(), reason };
        let url = Url::parse(base).map_err(|error| bad(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(bad("expected an http or https URL, such as http://127.0.0.1:8080".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(bad("expected the URL of a server without user, query and fragment".to_owned()));
        }
        let client = server_client(&url, timeout).map_err(|error| bad(error.to_string()))?;
        Ok(Self { client, base: url.as_str().trim_end_matches('/').to_owned(), timeout })
    }

    /// The URL of the server, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends one GET for `address`, a path with its query, and returns the response, whatever its status.
    ///
    /// # Errors
    /// The reason why there is no response.
    pub async fn get(&self, address: &str) -> Result<OnceAnswer, FetchError> {
        let url = format!("{}{address}", self.base);
        let target = Url::parse(&url)
            .map_err(|error| FetchError::BadUrl { url: url.clone(), reason: error.to_string() })?;
        exchange(self.client.get(target), &url, self.timeout).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(base: &str) -> Result<String, String> {
        let client = ApiClient::new(base, Duration::from_secs(1));
        client.map(|client| client.base().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_is_an_http_url_with_or_without_a_path() {
        assert_eq!(made("http://127.0.0.1:8080/").as_deref(), Ok("http://127.0.0.1:8080"));
        assert_eq!(made("http://127.0.0.1:8080/tiers/").as_deref(), Ok("http://127.0.0.1:8080/tiers"));
        for wrong in
            ["", "127.0.0.1:8080", "ftp://127.0.0.1/", "http://127.0.0.1/?a=1", "http://me@127.0.0.1"]
        {
            let error = made(wrong).expect_err(wrong);
            assert!(error.contains("invalid URL"), "{error}");
        }
    }
}
