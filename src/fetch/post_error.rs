//! Why a message could not be posted.

use std::net::IpAddr;
use std::time::Duration;

/// How long a receiver may take to respond.
pub(super) const WITHIN: Duration = Duration::from_secs(10);

/// Why there is no response. It names the host at most: path, query and headers may be secrets.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum PostError {
    /// The URL cannot be used.
    #[error("the URL of the receiver is not usable: {0}")]
    BadUrl(String),
    /// A header cannot be sent.
    #[error("the header `{0}` has characters that cannot be sent")]
    BadHeader(String),
    /// The host has no address.
    #[error("cannot resolve {host}: {reason}")]
    Unresolved { host: String, reason: String },
    /// The address is not one that messages are sent to.
    #[error("refused to connect to {host}: its address {ip} is {kind}{advice}")]
    Refused { host: String, ip: IpAddr, kind: &'static str, advice: &'static str },
    /// The client cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Setup(String),
    /// No connection.
    #[error("cannot connect to {host}: {reason}")]
    Connect { host: String, reason: String },
    /// No response in time.
    #[error("{host} did not respond within {} s", WITHIN.as_secs())]
    Timeout { host: String },
    /// The response broke off.
    #[error("the response of {host} broke off: {reason}")]
    Broken { host: String, reason: String },
}
