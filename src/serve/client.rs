//! Who a client is: the peer of its connection, or what a trusted proxy states in a header.

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderName;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Once;

/// Longest text that identifies a client, bytes.
const LONGEST: usize = 100;

/// What counts as one client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Client {
    /// A network: one IPv4 address, or an IPv6 /64, which one host has to itself.
    Network(IpAddr),
    /// A name that the proxy uses instead of an address.
    Named(String),
}

impl Client {
    /// The client at an address.
    pub fn at(address: IpAddr) -> Self {
        Self::Network(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 => v4,
        })
    }

    /// The client of a request: from the header of a trusted proxy if one is set, otherwise the peer of the connection.
    pub fn of(request: &Request, header: Option<&HeaderName>) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        let Some(name) = header else { return Self::at(peer) };
        let stated = request.headers().get_all(name).iter().next_back();
        let Some(entry) = stated.and_then(|value| value.to_str().ok()).and_then(last_entry) else {
            static ABSENT: Once = Once::new();
            ABSENT.call_once(|| {
                tracing::warn!(
                    header = %name,
                    %peer,
                    "a request without the header of `serve.client_header`: its client is the peer of the connection. \
                     If all requests come through a proxy, let it set the header, or all visitors share one limit"
                );
            });
            return Self::at(peer);
        };
        address(entry).map_or_else(
            || {
                static UNREADABLE: Once = Once::new();
                UNREADABLE.call_once(|| {
                    tracing::warn!(
                        header = %name,
                        "the header of `serve.client_header` contains no IP address; its text identifies the client"
                    );
                });
                let mut end = entry.len().min(LONGEST);
                while !entry.is_char_boundary(end) {
                    end -= 1;
                }
                Self::Named(entry[..end].to_owned())
            },
            Self::at,
        )
    }
}

/// The last entry of a list header that is not empty: the one that the nearest proxy wrote.
fn last_entry(list: &str) -> Option<&str> {
    list.rsplit(',').map(str::trim).find(|entry| !entry.is_empty())
}

/// The address in an entry: an IP address, alone or with a port, an IPv6 address also in brackets or with a zone; or the
/// same as the parameter `for` of the header `Forwarded` (RFC 7239).
fn address(entry: &str) -> Option<IpAddr> {
    let parameter = |part: &str| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().to_owned())
    };
    let forwarded = entry.split(';').find_map(parameter);
    let text = forwarded.as_deref().unwrap_or(entry).trim_matches('"').trim();
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // Several colons are an IPv6 address without brackets, which has no port.
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    host.split('%').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn network(text: &str) -> Client {
        Client::Network(text.parse().expect("an address"))
    }

    fn of(headers: &[&str]) -> Client {
        let mut request =
            Request::get("/search").extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000))));
        for header in headers {
            request = request.header("x-forwarded-for", *header);
        }
        let header = HeaderName::from_static("x-forwarded-for");
        Client::of(&request.body(Body::empty()).expect("a request"), Some(&header))
    }

    #[test]
    fn every_form_of_an_address_is_read() {
        for (stated, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            (" 203.0.113.9, 198.51.100.7 ", "198.51.100.7"),
            ("198.51.100.7:43210", "198.51.100.7"),
            ("203.0.113.9:1, 198.51.100.7:43210", "198.51.100.7"),
            ("198.51.100.7,", "198.51.100.7"),
            ("2001:db8:0:1::1", "2001:db8:0:1::"),
            ("[2001:db8:0:1::1]", "2001:db8:0:1::"),
            ("[2001:db8:0:1::1]:443", "2001:db8:0:1::"),
            ("fe80::1%eth0", "fe80::"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("for=192.0.2.1, For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::"),
        ] {
            assert_eq!(of(&[stated]), network(expected), "{stated}");
        }
        assert_eq!(of(&["203.0.113.9", "198.51.100.7"]), network("198.51.100.7"), "the last line counts");
    }

    #[test]
    fn what_is_no_address_is_a_client_of_its_own() {
        assert_eq!(of(&["_hidden7"]), Client::Named("_hidden7".to_owned()));
        assert_ne!(of(&["unknown"]), of(&["_hidden7"]));
        assert_eq!(of(&["999.1.1.1"]), Client::Named("999.1.1.1".to_owned()));
        let long = "é".repeat(400);
        assert_eq!(of(&["", ""]), network("127.0.0.1"), "an empty header is none");
        assert_eq!(of(&[]), network("127.0.0.1"));
        // Not ASCII: the header cannot be read as a text.
        assert_eq!(of(&[&long]), network("127.0.0.1"));
        let Client::Named(kept) = of(&[&"x".repeat(400)]) else { panic!("a name") };
        assert_eq!(kept.len(), LONGEST);
    }

    #[test]
    fn a_header_counts_only_if_it_is_named() {
        let request = Request::get("/")
            .header("x-forwarded-for", "198.51.100.7")
            .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000))))
            .body(Body::empty())
            .expect("a request");
        assert_eq!(Client::of(&request, None), network("127.0.0.1"));
    }
}
