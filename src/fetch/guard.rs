//! Which addresses a message may be sent to. A receiver's URL may point into the own network by mistake or by malice, and
//! its host may resolve to another address each time: the address that is checked is the one that is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::post_error::PostError;

/// How far an address is from the public internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anyone can reach it.
    Public,
    /// This machine or a network of its own: allowed if the settings say so.
    Private(&'static str),
    /// Never a receiver.
    Never(&'static str),
}

/// Addresses at which clouds describe their machines, with credentials.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Classifies an address; an IPv6 address that carries an IPv4 address counts as that one.
pub(super) fn reach(ip: IpAddr) -> Reach {
    if METADATA.contains(&ip) {
        return Reach::Never("a metadata service");
    }
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => reach(IpAddr::V4(inner)),
            None => reach_v6(ip),
        },
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (0, ..) => Reach::Never("unspecified"),
        (127, ..) => Reach::Private("loopback"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Reach::Private("private"),
        (100, 64..=127, _) => Reach::Private("shared by a carrier (CGNAT)"),
        (169, 254, _) => Reach::Never("link-local"),
        (192, 0, 0) | (192, 0, 2) | (198, 51, 100) | (203, 0, 113) | (198, 18..=19, _) => {
            Reach::Never("reserved")
        }
        (224..=239, ..) => Reach::Never("multicast"),
        (240.., ..) => Reach::Never("reserved"),
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let [first, second, ..] = ip.segments();
    if ip.is_loopback() {
        return Reach::Private("loopback");
    }
    match first {
        _ if ip.is_unspecified() => Reach::Never("unspecified"),
        0xfc00..=0xfdff => Reach::Private("private"),
        0xfe80..=0xfebf => Reach::Never("link-local"),
        0xff00.. => Reach::Never("multicast"),
        // Teredo, documentation.
        0x2001 if second == 0 || second == 0xdb8 => Reach::Never("reserved"),
        // Global unicast is 2000::/3 only.
        0x2000..=0x3fff => Reach::Public,
        _ => Reach::Never("reserved"),
    }
}

/// The IPv4 address inside of an IPv6 address: mapped, compatible, NAT64 and 6to4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if !ip.is_loopback() && !ip.is_unspecified() => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// The addresses of a host, all of which are allowed. Connect to these, not to the name: it may resolve to another address
/// the next time.
///
/// # Errors
/// If the host has no address within `timeout`, or one of its addresses is not allowed.
pub async fn allowed_addresses(
    host: &str,
    port: u16,
    allow_private: bool,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, PostError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => {
            let unknown = |reason: String| PostError::Unresolved { host: bare.to_owned(), reason };
            let looked = tokio::time::timeout(timeout, tokio::net::lookup_host((bare, port))).await;
            let found = looked.map_err(|_| unknown("no answer in time".to_owned()))?;
            found.map_err(|error| unknown(error.to_string()))?.collect()
        }
    };
    if found.is_empty() {
        let reason = "it has no address".to_owned();
        return Err(PostError::Unresolved { host: bare.to_owned(), reason });
    }
    for address in &found {
        let refused =
            |kind, advice| PostError::Refused { host: bare.to_owned(), ip: address.ip(), kind, advice };
        match reach(address.ip()) {
            Reach::Private(kind) if !allow_private => {
                return Err(refused(kind, "; if it is yours, set `allow_private = true` for the receiver"));
            }
            Reach::Never(kind) => return Err(refused(kind, "")),
            Reach::Private(_) | Reach::Public => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let reach = |text: &str| super::reach(text.parse().expect("an address"));
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert_eq!(reach(public), Reach::Public, "{public}");
        }
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
        ] {
            assert!(matches!(reach(private), Reach::Private(_)), "{private}");
        }
        for private in
            ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "::10.0.0.1"]
        {
            assert!(matches!(reach(private), Reach::Private(_)), "{private}");
        }
        for never in [
            "0.0.0.0",
            "::",
            "169.254.169.254",
            "169.254.1.1",
            "::ffff:169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "224.0.0.1",
            "255.255.255.255",
            "2001:db8::1",
            "198.51.100.1",
            "fec0::1",
        ] {
            assert!(matches!(reach(never), Reach::Never(_)), "{never}");
        }
    }

    #[tokio::test]
    async fn every_address_of_a_host_is_checked() {
        let second = Duration::from_secs(1);
        let refused = allowed_addresses("127.0.0.1", 80, false, second).await.expect_err("refused");
        assert!(refused.to_string().contains("allow_private"), "{refused}");
        assert_eq!(allowed_addresses("[::1]", 80, true, second).await.expect("allowed").len(), 1);
        let never = allowed_addresses("169.254.169.254", 80, true, second).await.expect_err("refused");
        assert!(never.to_string().contains("metadata"), "{never}");
        assert!(allowed_addresses("localhost", 80, false, second).await.is_err());
    }
}
