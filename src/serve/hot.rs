//! Cache of answers that are the same for every client, by URL: repeated requests bypass the routes.

use super::extensions::{FromKept, Unlimited};
use super::{Now, limit};
use crate::prepared::{Bounds, Prepared, Shared, Shelf};
use crate::snapshot::Current;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY,
};
use axum::http::{HeaderMap, HeaderName, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

/// The bodies are kept elsewhere; only their URLs count here.
const BOUNDS: Bounds = Bounds { things: 4_000, bytes: 1 << 20 };
/// Clients can make up any URL; answers with a longer URL are not cached.
const LONGEST_ADDRESS: usize = 300;

/// What an answer may depend on: the snapshot, and its age in whole hours, which pages show.
type Epoch = (String, i64);

/// An answer with the headers that its routes added.
struct Answer {
    body: Arc<Prepared>,
    headers: HeaderMap,
}

/// The cached answers by URL, and the URLs that are prepared for every snapshot.
pub(super) struct Answers {
    kept: Shelf<Epoch, String, Answer>,
    prepared: RwLock<HashSet<String>>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { kept: Shelf::new(BOUNDS), prepared: RwLock::default() }
    }
}

impl Answers {
    /// Sets the URLs that are prepared; the last call wins.
    pub fn set_prepared(&self, addresses: &[String]) {
        // Made before and dropped after the lock is held: each request takes it.
        let mut prepared: HashSet<String> = addresses.iter().cloned().collect();
        std::mem::swap(&mut *self.prepared.write().unwrap_or_else(PoisonError::into_inner), &mut prepared);
    }

    fn is_prepared(&self, address: &str) -> bool {
        self.prepared.read().unwrap_or_else(PoisonError::into_inner).contains(address)
    }
}

/// The cache of a service over one snapshot holder.
pub(super) struct Hot {
    pub current: Arc<Current>,
    pub now: Now,
    pub answers: Arc<Answers>,
}

impl Hot {
    fn epoch(&self) -> Option<Epoch> {
        let snapshot = self.current.get()?;
        Some((snapshot.id.clone(), ((self.now)() - snapshot.as_of).num_hours()))
    }
}

fn address(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |both| both.as_str())
}

/// Responds from the cache, or runs the routes and caches what they mark as shared.
pub(super) async fn answer(State(hot): State<Arc<Hot>>, mut request: Request, next: Next) -> Response {
    if hot.answers.is_prepared(address(request.uri())) {
        request.extensions_mut().insert(Unlimited);
    }
    let epoch = hot.epoch().filter(|_| request.method() == Method::GET);
    let Some(epoch) = epoch else { return next.run(request).await };
    if let Some(kept) = hot.answers.kept.get(&epoch, address(request.uri())) {
        let mut response = kept.body.respond(request.headers());
        response.headers_mut().extend(kept.headers.clone());
        response.extensions_mut().insert(FromKept);
        return response;
    }
    let asked = address(request.uri()).to_owned();
    let mut response = next.run(request).await;
    let shared = response.extensions_mut().remove::<Shared>();
    // A new snapshot may have been published meanwhile: an answer is cached only if the snapshot did not change.
    let is_certain = asked.len() <= LONGEST_ADDRESS && hot.epoch().as_ref() == Some(&epoch);
    if let Some(Shared(body)) = shared.filter(|_| is_certain) {
        let size = asked.len();
        let headers = added(response.headers());
        hot.answers.kept.keep(&epoch, asked, Arc::new(Answer { body, headers }), size);
    }
    response
}

/// The headers that belong neither to the body nor to a single client.
fn added(headers: &HeaderMap) -> HeaderMap {
    const NOT: [HeaderName; 10] = [
        ACCEPT_RANGES,
        CONTENT_RANGE,
        ETAG,
        CACHE_CONTROL,
        VARY,
        CONTENT_TYPE,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        limit::POLICY,
        limit::LEFT,
    ];
    let others = headers.iter().filter(|(name, _)| !NOT.contains(name));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}
