//! The limits of a server's connections.

use std::time::Duration;

/// Descriptors that stay free for the archive, the store, the upstream and alerts.
const RESERVED: usize = 128;
/// The most connections of a server, however many descriptors there are: each also needs memory.
const MOST: usize = 10_000;
/// The fewest connections of a server.
const FEWEST: usize = 8;
/// The limit that is assumed if the system states none.
const ASSUMED: usize = 1_024;

/// What a server allows its clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time until the head of a request must be complete, from its first byte, or from the start of the connection.
    pub head: Duration,
    /// Time that a connection may be without a request.
    pub idle: Duration,
    /// Time in which a client that does not read must accept [`Limits::READ_AT_LEAST`] bytes.
    pub unread: Duration,
    /// Number of connections at the same time.
    pub connections: usize,
    /// Time that running answers have when the server stops.
    pub stop: Duration,
    /// Time that incomplete requests have when the server stops.
    pub stop_head: Duration,
}

impl Limits {
    /// What a client must accept within [`Limits::unread`], bytes: less is as good as nothing.
    pub const READ_AT_LEAST: usize = 16 * 1024;

    /// The limits of a server with this many connections.
    pub fn with_connections(connections: usize) -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            unread: Duration::from_secs(30),
            connections,
            stop: Duration::from_secs(4),
            stop_head: Duration::from_secs(1),
        }
    }
}

/// The connections of the public server and of the private listener: what the process may open, less a reserve. The limit
/// of the process is raised as far as the system allows.
pub fn share_of_descriptors() -> (usize, usize) {
    let share = shared(descriptors());
    tracing::debug!(public = share.0, private = share.1, "connections at most");
    share
}

/// A quarter of the descriptors, at least, is never used for connections; of the others, the private listener has an eighth.
fn shared(descriptors: usize) -> (usize, usize) {
    let free = descriptors.saturating_sub(RESERVED.max(descriptors / 4)).max(descriptors / 4);
    let private = (free / 8).clamp(FEWEST, MOST / 8);
    ((free.saturating_sub(private)).clamp(FEWEST, MOST), private)
}

/// How many descriptors the process may have open.
#[cfg(unix)]
fn descriptors() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Enough for all connections and the reserve; programs that the process starts inherit the limit.
    let wanted = (MOST + MOST / 4 + RESERVED) as u64 * 2;
    let possible = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let mut current = limit.current.unwrap_or(wanted);
    if current < possible {
        match setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum: limit.maximum }) {
            Ok(()) => current = possible,
            Err(error) => tracing::debug!(%error, "cannot raise the limit of open files"),
        }
    }
    usize::try_from(current).unwrap_or(ASSUMED)
}

#[cfg(not(unix))]
fn descriptors() -> usize {
    ASSUMED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_left_of_any_number_of_descriptors() {
        for (descriptors, left) in [(64, 40), (256, 128), (1_024, 256), (1 << 20, 128)] {
            let (public, private) = shared(descriptors);
            assert!(public >= FEWEST && private >= FEWEST, "{descriptors}");
            assert!(public + private + left <= descriptors, "{descriptors}: {public} + {private}");
        }
        assert_eq!(shared(1 << 20).0, MOST);
    }
}
