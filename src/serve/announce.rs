//! The announcement through which other processes on this machine find the server that holds the store.

use crate::pipeline::DataDir;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// What a server writes into its data folder while it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Announced {
    /// URL of the server on this machine.
    pub url: String,
    /// The token of local callers: only users who can read the data folder may query the store.
    pub token: String,
    /// Process id of the server.
    pub pid: u32,
    #[serde(skip)]
    path: PathBuf,
}

impl Announced {
    /// Writes the announcement, readable only by its owner.
    pub(super) fn new(data: &DataDir, address: SocketAddr) -> io::Result<Self> {
        let token: u128 = rand::random();
        let announced = Self {
            url: local_url(address),
            token: format!("{token:032x}"),
            pid: std::process::id(),
            path: data.server(),
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&announced.path)?.write_all(&serde_json::to_vec(&announced)?)?;
        Ok(announced)
    }

    /// Reads the announcement in a data folder, if any.
    pub fn read(data: &DataDir) -> Option<Self> {
        let path = data.server();
        let text = std::fs::read(&path).ok()?;
        serde_json::from_slice(&text).ok().map(|announced: Self| Self { path, ..announced })
    }

    /// Removes the announcement; it is fine if it is already gone.
    pub(super) fn withdraw(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The URL for a caller on this machine; an unspecified address becomes loopback.
fn local_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::local_url;

    #[test]
    fn any_address_is_reached_through_loopback() {
        assert_eq!(local_url("0.0.0.0:80".parse().expect("an address")), "http://127.0.0.1:80");
        assert_eq!(local_url("[::]:80".parse().expect("an address")), "http://[::1]:80");
        assert_eq!(local_url("127.0.0.1:1".parse().expect("an address")), "http://127.0.0.1:1");
    }
}
