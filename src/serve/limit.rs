//! The rate limit per client for answers that are made on request. Prepared answers cost a lookup and are never
//! limited.
//!
//! Reported in the fields of the IETF draft "RateLimit header fields for HTTP": `RateLimit-Policy` is the quota,
//! `RateLimit` is what remains of it.

use super::client::Client;
use super::extensions::Unlimited;
use crate::site::assets;
use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(super) const LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// Period of the allowance, seconds.
const WINDOW_SECONDS: u64 = 60;
/// Inactive clients are removed each time this many requests have been counted.
const FORGET_EVERY: usize = 1_000;

type Clients<C> = RateLimiter<Client, HashMapStateStore<Client>, C, StateInformationMiddleware>;

/// The allowance of each client.
pub(super) struct Limit<C: Clock = MonotonicClock> {
    clients: Clients<C>,
    clock: C,
    a_minute: NonZeroU32,
    /// The header with the client's address, if there is a reverse proxy.
    client_header: Option<HeaderName>,
    asked: AtomicUsize,
}

/// What remains of a client's allowance.
enum Allowance {
    /// Requests that the client can send now.
    Left(u32),
    /// Nothing for this long.
    Wait(Duration),
}

impl Limit {
    /// An allowance of `a_minute` requests per minute and client, which may be used in one burst; `None` for 0, no
    /// limit.
    pub fn new(a_minute: u32, client_header: Option<HeaderName>) -> Option<Self> {
        Self::with_clock(a_minute, client_header, MonotonicClock)
    }
}

impl<C: Clock + Clone> Limit<C> {
    fn with_clock(a_minute: u32, client_header: Option<HeaderName>, clock: C) -> Option<Self> {
        let a_minute = NonZeroU32::new(a_minute)?;
        let quota = Quota::per_minute(a_minute);
        let clients = Clients::new(quota, HashMapStateStore::default(), clock.clone());
        Some(Self { clients, clock, a_minute, client_header, asked: AtomicUsize::new(0) })
    }

    fn take(&self, client: &Client) -> Allowance {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.clients.retain_recent();
        }
        match self.clients.check_key(client) {
            Ok(state) => Allowance::Left(state.remaining_burst_capacity()),
            Err(refused) => Allowance::Wait(refused.wait_time_from(self.clock.now())),
        }
    }

    fn set_headers(&self, headers: &mut HeaderMap, left: u32, reset: Duration) {
        let seconds = reset.as_secs_f64().ceil();
        let policy = format!("\"requests\";q={};w={WINDOW_SECONDS}", self.a_minute);
        let state = format!("\"requests\";r={left};t={seconds:.0}");
        for (name, text) in [(POLICY, policy), (LEFT, state)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }

    /// Time until the full allowance is available again.
    fn refill(&self, left: u32) -> Duration {
        let used = self.a_minute.get().saturating_sub(left);
        Duration::from_secs(WINDOW_SECONDS) * used / self.a_minute.get()
    }
}

/// Whether a path is exempt from the limit: files that never change, and health checks. A path below `/assets/` without a
/// file is limited: the page that says so is made for it.
fn is_free(path: &str) -> bool {
    const FREE: [&str; 3] = ["/livez", "/readyz", "/robots.txt"];
    FREE.contains(&path) || assets::find(path).is_some()
}

/// Passes a request on if the client has some allowance left; otherwise responds with 429 and the time to wait.
pub(super) async fn check(State(limit): State<Arc<Limit>>, request: Request, next: Next) -> Response {
    if is_free(request.uri().path()) || request.extensions().get::<Unlimited>().is_some() {
        return next.run(request).await;
    }
    match limit.take(&Client::of(&request, limit.client_header.as_ref())) {
        Allowance::Left(left) => {
            let mut response = next.run(request).await;
            limit.set_headers(response.headers_mut(), left, limit.refill(left));
            response
        }
        Allowance::Wait(wait) => {
            let wait = wait.max(Duration::from_secs(1));
            let seconds = wait.as_secs_f64().ceil();
            let mut response =
                crate::api::too_many_requests(request.uri().path(), limit.a_minute, seconds as u64);
            limit.set_headers(response.headers_mut(), 0, wait);
            if let Ok(value) = HeaderValue::from_str(&format!("{seconds:.0}")) {
                response.headers_mut().insert(RETRY_AFTER, value);
            }
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn limit(a_minute: u32) -> Limit<FakeRelativeClock> {
        Limit::with_clock(a_minute, None, FakeRelativeClock::default()).expect("a limit")
    }

    fn left<C: Clock + Clone>(limit: &Limit<C>, client: &str) -> Option<u32> {
        match limit.take(&Client::at(client.parse().expect("an address"))) {
            Allowance::Left(left) => Some(left),
            Allowance::Wait(_) => None,
        }
    }

    #[test]
    fn each_client_has_its_own_allowance_and_it_comes_back() {
        let limit = limit(3);
        assert_eq!([left(&limit, "192.0.2.1"), left(&limit, "192.0.2.1")], [Some(2), Some(1)]);
        assert_eq!(left(&limit, "192.0.2.1"), Some(0));
        assert_eq!(left(&limit, "192.0.2.1"), None);
        assert_eq!(left(&limit, "192.0.2.2"), Some(2));
        limit.clock.advance(Duration::from_secs(20));
        assert_eq!([left(&limit, "192.0.2.1"), left(&limit, "192.0.2.1")], [Some(0), None]);
    }

    #[test]
    fn a_host_with_many_addresses_is_one_client() {
        let limit = limit(2);
        assert_eq!(left(&limit, "2001:db8::1"), Some(1));
        assert_eq!(left(&limit, "2001:db8::2"), Some(0));
        assert_eq!(left(&limit, "2001:db8:0:1::1"), Some(1));
    }

    #[test]
    fn no_limit_is_no_limiter() {
        assert!(Limit::new(0, None).is_none());
        assert!(is_free("/favicon.svg") && is_free("/livez") && !is_free("/search") && !is_free("/assets/x"));
    }
}
