//! Answers that are the same for everybody, kept under their address: who asks again is answered without any routing.

use super::limit;
use super::metrics::FromKept;
use super::public::Now;
use crate::prepared::{Bounds, Prepared, Shared, Shelf};
use crate::snapshot::Current;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderName, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

/// The bodies are on other shelves: only their addresses count here.
const BOUNDS: Bounds = Bounds { things: 4_000, bytes: 1 << 20 };
/// Addresses are the client's making: longer ones are not kept.
const LONGEST_ADDRESS: usize = 300;

/// What an answer may depend on: the snapshot, and its age in whole hours, as pages word it.
type Epoch = (String, i64);

/// An answer with the headers that its routes added to it.
struct Answer {
    body: Arc<Prepared>,
    headers: HeaderMap,
}

/// The answers kept so far, by address, and which addresses are prepared for every snapshot.
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
    /// Says which addresses are prepared; the last saying counts.
    pub fn set_prepared(&self, addresses: &[String]) {
        let mut prepared = self.prepared.write().unwrap_or_else(PoisonError::into_inner);
        *prepared = addresses.iter().cloned().collect();
    }

    fn is_prepared(&self, address: &str) -> bool {
        self.prepared.read().unwrap_or_else(PoisonError::into_inner).contains(address)
    }
}

/// Marks a request for something that is prepared: it is never limited, also when it has to be made once more because
/// the data got an hour older.
#[derive(Clone)]
pub(super) struct Unlimited;

/// What is asked for again, over one snapshot holder.
pub(super) struct Hot {
    current: Arc<Current>,
    now: Now,
    answers: Arc<Answers>,
}

impl Hot {
    pub fn new(current: Arc<Current>, now: Now, answers: Arc<Answers>) -> Self {
        Self { current, now, answers }
    }

    fn epoch(&self) -> Option<Epoch> {
        let snapshot = self.current.get()?;
        Some((snapshot.id.clone(), ((self.now)() - snapshot.as_of).num_hours()))
    }
}

fn address(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |both| both.as_str())
}

/// Answers from what is kept, or asks the routes and keeps what they mark as shared.
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
    // A new snapshot may have come in between: what was made from either is only kept where there was one alone.
    let is_certain = asked.len() <= LONGEST_ADDRESS && hot.epoch().as_ref() == Some(&epoch);
    if let Some(Shared(body)) = shared.filter(|_| is_certain) {
        let size = asked.len();
        let headers = added(response.headers());
        hot.answers.kept.keep(&epoch, asked, Arc::new(Answer { body, headers }), size);
    }
    response
}

/// The headers that are neither the body's own nor the one client's.
fn added(headers: &HeaderMap) -> HeaderMap {
    const NOT: [HeaderName; 8] = [
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
