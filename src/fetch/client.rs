//! The HTTP clients: what they connect to and what they follow.

use std::fs;
use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Proxy, Url};

use super::cause::chain;
use super::config::FetchConfig;
use super::outcome::SetupError;

/// A host that does not accept a connection within this time counts as down.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const MOST_REDIRECTS: usize = 3;

/// One client for plain HTTP on loopback, one for HTTPS there and one for all other hosts, so that a demo or a test on
/// loopback needs neither CA certificates nor an exception in the proxy settings.
pub(super) struct Clients {
    loopback: Client,
    world: Client,
    /// Made when it is needed.
    loopback_tls: OnceLock<Client>,
    config: FetchConfig,
}

impl Clients {
    pub(super) fn new(config: &FetchConfig) -> Result<Self, SetupError> {
        Ok(Self {
            loopback: build(limited(loopback_builder(), config))?,
            world: build(limited(trusting(builder(), config.ca_file.as_deref())?, config))?,
            loopback_tls: OnceLock::new(),
            config: config.clone(),
        })
    }

    pub(super) fn of(&self, url: &Url) -> &Client {
        match (is_loopback(url), url.scheme()) {
            (true, "http") => &self.loopback,
            (true, _) => self.loopback_tls.get_or_init(|| {
                let made = trusting(here(builder()), self.config.ca_file.as_deref())
                    .and_then(|builder| build(limited(builder, &self.config)));
                // The same settings gave the other client, so this one can be made too.
                made.unwrap_or_else(|_| self.world.clone())
            }),
            _ => &self.world,
        }
    }
}

/// The client that a sweep uses for this URL.
pub(super) fn upstream_client(url: &Url, config: &FetchConfig) -> Result<Client, SetupError> {
    Ok(Clients::new(config)?.of(url).clone())
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

/// Whether the URL's host is this machine. By RFC 6761, `localhost` and all names that end in it are.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn limited(builder: ClientBuilder, config: &FetchConfig) -> ClientBuilder {
    builder
        .user_agent(&config.user_agent)
        .connect_timeout(CONNECT_WITHIN.min(config.timeout))
        .pool_max_idle_per_host(config.connections())
}

/// The builder with the authorities of a file in addition to those of the system.
fn trusting(builder: ClientBuilder, file: Option<&Path>) -> Result<ClientBuilder, SetupError> {
    let Some(file) = file else { return Ok(builder) };
    let failed =
        |reason: String| SetupError { reason: format!("upstream.ca_file {}: {reason}", file.display()) };
    let text = fs::read(file).map_err(|error| failed(error.to_string()))?;
    let authorities = Certificate::from_pem_bundle(&text).map_err(|error| failed(chain(error)))?;
    if authorities.is_empty() {
        return Err(failed("there is no certificate in it (PEM)".to_owned()));
    }
    Ok(builder.tls_certs_merge(authorities))
}

/// Whether the URL of an upstream is plain HTTP on this machine.
pub fn is_own_machine(base: &str) -> bool {
    Url::parse(base).is_ok_and(|base| base.scheme() == "http" && is_loopback(&base))
}

/// Checks that a sweep of `base` could use the proxies that the environment names: a client would ignore one that it does
/// not understand, and connect without it.
///
/// # Errors
/// [`SetupError`] with the name of the variable, without its value, which may have a password.
pub fn check_proxies(base: &str) -> Result<(), SetupError> {
    const NAMES: [&str; 5] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "http_proxy"];
    if Url::parse(base).is_ok_and(|base| is_loopback(&base)) {
        return Ok(());
    }
    for name in NAMES {
        let value = std::env::var(name).unwrap_or_default();
        if !value.is_empty() && Proxy::all(&value).is_err() {
            let reason = format!(
                "the environment variable {name} is not the URL of a proxy that this program can use; expected \
                 http://HOST:PORT or https://HOST:PORT"
            );
            return Err(SetupError { reason });
        }
    }
    Ok(())
}

fn loopback_builder() -> ClientBuilder {
    here(builder()).tls_certs_only([])
}

/// The builder of a client that connects to this machine alone: without a proxy, and whatever name servers say about
/// the names that [`is_loopback`] accepts.
fn here(builder: ClientBuilder) -> ClientBuilder {
    builder.no_proxy().dns_resolver(Arc::new(Here))
}

/// Resolves every name to this machine.
struct Here;

impl Resolve for Here {
    fn resolve(&self, _name: Name) -> Resolving {
        // The URL has the port.
        let addresses = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
        Box::pin(ready(Ok(addresses)))
    }
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
    builder.build().map_err(|error| SetupError { reason: chain(error) })
}

/// Installs ring as the TLS provider of the process. Later calls find it installed and do nothing.
pub(super) fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_many_names_and_no_others() {
        let is_here = |url: &str| is_loopback(&Url::parse(url).expect(url));
        for url in ["http://localhost:1", "https://up.localhost", "http://127.8.0.1", "http://[::1]:80/x"] {
            assert!(is_here(url), "{url}");
        }
        for url in ["http://localhost.example", "http://notlocalhost", "http://[::2]", "http://10.0.0.1"] {
            assert!(!is_here(url), "{url}");
        }
    }
}
