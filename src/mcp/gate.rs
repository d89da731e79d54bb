//! Which HTTP requests reach the tools: those that do not come from a page of another site.
//!
//! Browsers send `Origin` with every POST, and `Host` with the name that the page used. A page of another site has another
//! origin. A page whose name was made to point to this server (DNS rebinding) has the same origin as its `Host`, so the
//! `Host` must be a name that is known to be this server's: an address, a name of this machine, or the public name.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use std::net::IpAddr;

/// The default ports by scheme.
const PORTS: [(&str, &str); 2] = [("http", "80"), ("https", "443")];

/// The check of a server.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Scheme and authority of the public URL, if it is known.
    public: Option<Origin>,
    /// The setting of that URL.
    setting: &'static str,
    /// Whether pages of other ports of this machine are foreign too.
    is_strict: bool,
}

/// An origin, or a host of which the scheme is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<String>,
}

impl Origin {
    /// Reads `scheme://host:port`, with or without a path.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let (host, port) = authority_parts(authority)?;
        let scheme = scheme.to_ascii_lowercase();
        let default = PORTS.iter().find(|(known, _)| *known == scheme)?.1;
        let port = port.unwrap_or(default).to_owned();
        Some(Self { scheme, host, port: Some(port) })
    }

    /// Whether the host is a name or an address of this machine.
    fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// Host in lower case without brackets, and port. `None` if there is no host, or user information.
fn authority_parts(authority: &str) -> Option<(String, Option<&str>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let is_valid = !host.is_empty() && host.chars().all(is_name);
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (is_valid && is_port).then(|| (host.trim_end_matches('.').to_ascii_lowercase(), port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl Gate {
    /// The check of a server with this public URL, empty if it is unknown.
    pub fn new(public_url: &str) -> Self {
        Self { public: Origin::parse(public_url), setting: "serve.public_url", is_strict: false }
    }

    /// The same for the private listener: a browser sends its cookie to every port of this machine, so pages of another
    /// port are foreign.
    pub fn strict(public_url: &str) -> Self {
        Self { public: Origin::parse(public_url), setting: "private.public_url", is_strict: true }
    }

    /// Admits a request, or returns why it is refused and what to do.
    pub fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
        let authority = match headers.get(HOST) {
            Some(host) => host.to_str().unwrap_or_default(),
            // HTTP/2 has the host in the address.
            None => uri.authority().map_or("", |authority| authority.as_str()),
        };
        let Some((host, port)) = authority_parts(authority) else {
            return Err("the header `Host` is missing or invalid".to_owned());
        };
        let is_public = self.public.as_ref().is_some_and(|public| public.host == host);
        if !(is_loopback(&host) || host.parse::<IpAddr>().is_ok() || is_public) {
            return Err(format!(
                "the header `Host` is not a name of this server; set `{}`, or use an IP address",
                self.setting
            ));
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(()) };
        let foreign =
            || Err("requests from pages of other sites (header `Origin`) are not accepted".to_owned());
        if origins.next().is_some() {
            return foreign();
        }
        let Some(origin) = origin.to_str().ok().and_then(Origin::parse) else { return foreign() };
        let is_same = origin.host == host
            && PORTS.iter().any(|(scheme, default)| {
                *scheme == origin.scheme && origin.port.as_deref() == Some(port.unwrap_or(default))
            });
        let is_public = self.public.as_ref() == Some(&origin);
        let is_local = !self.is_strict && origin.is_loopback();
        if is_same || is_public || is_local { Ok(()) } else { foreign() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn admitted(public_url: &str, host: &str, origins: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).expect("a value"));
        for origin in origins {
            headers.append(ORIGIN, HeaderValue::from_str(origin).expect("a value"));
        }
        Gate::new(public_url).admit(&Uri::from_static("/mcp"), &headers).is_ok()
    }

    #[test]
    fn hosts_are_addresses_this_machine_or_the_public_name() {
        const PUBLIC: &str = "https://tiers.example.org/below";
        for host in
            ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "192.0.2.7", "tiers.example.org"]
        {
            assert!(admitted(PUBLIC, host, &[]), "{host}");
        }
        for host in
            ["rebound.example", "tiers.example.org.evil.example", "", "a b", "me@localhost", "localhost:x"]
        {
            assert!(!admitted(PUBLIC, host, &[]), "{host}");
        }
        assert!(!admitted("", "tiers.example.org", &[]), "the public name is not set");
    }

    #[test]
    fn origins_are_the_same_host_the_public_url_or_this_machine() {
        const PUBLIC: &str = "https://tiers.example.org";
        for (host, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("127.0.0.1:8080", "http://localhost:6274"),
            ("192.0.2.7:8080", "http://192.0.2.7:8080"),
            ("192.0.2.7", "http://192.0.2.7"),
            ("tiers.example.org", "https://tiers.example.org"),
            ("127.0.0.1:8080", "https://tiers.example.org"),
        ] {
            assert!(admitted(PUBLIC, host, &[origin]), "{host} {origin}");
        }
        for origin in [
            "null",
            "",
            "https://evil.example",
            "http://tiers.example.org:8081",
            "http://192.0.2.7:8081",
            "https://tiers.example.org.evil.example",
            "file://localhost",
            "http://localhost@evil.example",
        ] {
            assert!(!admitted(PUBLIC, "192.0.2.7:8080", &[origin]), "{origin}");
        }
        assert!(!admitted(PUBLIC, "localhost", &["http://localhost", "https://evil.example"]), "two origins");
        assert!(!admitted("", "rebound.example", &["http://rebound.example"]), "DNS rebinding");
    }
}
