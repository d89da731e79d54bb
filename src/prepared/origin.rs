//! The address under which a client reached the service, for answers that contain complete addresses.

use axum::http::HeaderMap;
use axum::http::header::HOST;
use std::sync::Arc;

/// Longest accepted host name with its port.
const LONGEST_HOST: usize = 255;

/// Where the service is: at its public address, if that is known, otherwise where the client says.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Without a trailing slash; empty if unknown.
    public_url: Arc<str>,
    /// Whether a reverse proxy passes requests on, so that its headers are trusted.
    is_behind_proxy: bool,
}

impl Origin {
    /// The origin of a service with a public address, empty if unknown.
    pub fn new(public_url: impl Into<Arc<str>>, is_behind_proxy: bool) -> Self {
        Self { public_url: public_url.into(), is_behind_proxy }
    }

    /// The public address, which is the same for all clients.
    pub fn fixed(&self) -> Option<&str> {
        Some(&*self.public_url).filter(|address| !address.is_empty())
    }

    /// The address that one client used, from its headers; `None` without a plain host name. An answer with this
    /// address is for that client alone: no shared cache may keep it.
    pub fn of(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(address) = self.fixed() {
            return Some(address.to_owned());
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let passed_on = |name: &str| header(name).filter(|_| self.is_behind_proxy);
        let host = passed_on("x-forwarded-host").or_else(|| header(HOST.as_str()))?;
        let scheme = passed_on("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
        is_plain(host).then(|| format!("{scheme}://{host}"))
    }
}

/// Whether a host name has only letters, digits, dots and hyphens, and perhaps a port or an IPv6 address in brackets, so
/// that it cannot contain anything else.
fn is_plain(host: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !host.is_empty() && host.len() <= LONGEST_HOST && host.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    #[test]
    fn a_plain_host_is_used_and_anything_else_is_not() {
        let of = |host: &'static str| Origin::default().of(&headers(&[("host", host)]));
        assert_eq!(of("tiers.test:8080").as_deref(), Some("http://tiers.test:8080"));
        assert_eq!(of("[::1]:80").as_deref(), Some("http://[::1]:80"));
        for hostile in ["", "a\"b", "a/b", "a b", "user@host", "<script>", "a,b"] {
            assert_eq!(of(hostile), None, "{hostile}");
        }
        assert_eq!(Origin::default().of(&HeaderMap::new()), None);
    }

    #[test]
    fn a_proxy_is_believed_only_if_there_is_one_and_a_public_address_always_wins() {
        let sent = [("host", "inner:80"), ("x-forwarded-host", "outer.test"), ("x-forwarded-proto", "https")];
        let of = |origin: Origin| origin.of(&headers(&sent));
        assert_eq!(of(Origin::new("", false)).as_deref(), Some("http://inner:80"));
        assert_eq!(of(Origin::new("", true)).as_deref(), Some("https://outer.test"));
        assert_eq!(of(Origin::new("https://public.test", true)).as_deref(), Some("https://public.test"));
        let odd = [("host", "inner"), ("x-forwarded-proto", "javascript")];
        assert_eq!(Origin::new("", true).of(&headers(&odd)).as_deref(), Some("http://inner"));
    }
}
