//! The HTTP clients: what they connect to and what they follow.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

use super::config::FetchConfig;
use super::outcome::SetupError;

/// A host that does not accept a connection within this time counts as down.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const MOST_REDIRECTS: usize = 3;

/// One client for loopback and one for all other hosts, so that a demo or a test on loopback needs neither
/// CA certificates nor an exception in the proxy settings.
pub(super) struct Clients {
    loopback: Client,
    world: Client,
}

impl Clients {
    pub(super) fn new(config: &FetchConfig) -> Result<Self, SetupError> {
        Ok(Self {
            loopback: build(limited(loopback_builder(), config))?,
            world: build(limited(builder(), config))?,
        })
    }

    pub(super) fn of(&self, url: &Url) -> &Client {
        if url.scheme() == "http" && is_loopback(url) { &self.loopback } else { &self.world }
    }
}

/// A client for plain HTTP on loopback.
pub(super) fn loopback_client(timeout: Duration) -> Result<Client, SetupError> {
    build(loopback_builder().timeout(timeout).user_agent(concat!("hitrate/", env!("CARGO_PKG_VERSION"))))
}

/// A client for another hitrate server: plain HTTP on loopback, or any other host.
pub(super) fn server_client(url: &Url, timeout: Duration) -> Result<Client, SetupError> {
    let is_local = url.scheme() == "http" && is_loopback(url);
    let builder = if is_local { loopback_builder() } else { builder() };
    let named = builder.user_agent(concat!("hitrate/", env!("CARGO_PKG_VERSION")));
    build(named.connect_timeout(CONNECT_WITHIN.min(timeout)).timeout(timeout))
}

/// Whether the URL's host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn limited(builder: ClientBuilder, config: &FetchConfig) -> ClientBuilder {
    builder
        .user_agent(&config.user_agent)
        .connect_timeout(CONNECT_WITHIN.min(config.timeout))
        .pool_max_idle_per_host(config.connections())
}

fn loopback_builder() -> ClientBuilder {
    builder().no_proxy().tls_certs_only([])
}

fn builder() -> ClientBuilder {
    install_tls();
    Client::builder().redirect(Policy::custom(|attempt| {
        // Another scheme, host or port is another server: its responses would silently mix with those of the upstream.
        let same = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
        if same && attempt.previous().len() <= MOST_REDIRECTS { attempt.follow() } else { attempt.stop() }
    }))
}

fn build(builder: ClientBuilder) -> Result<Client, SetupError> {
    builder.build().map_err(|error| SetupError { reason: super::attempt::chain(error) })
}

/// Installs ring as the TLS provider of the process. Later calls find it installed and do nothing.
pub(super) fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
