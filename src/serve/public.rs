//! What everybody may read: the site and the API over one snapshot holder, with what was prepared for it.

use super::hot::{self, Answers, Hot};
use super::limit::{self, Limit};
use crate::api::{self, ApiState, Bodies, Twinned, with_twins};
use crate::background;
use crate::prepared::Purpose;
use crate::site::{self, Described, Pages, SiteState};
use crate::snapshot::{Current, Snapshot};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use std::time::Instant;
use tower::ServiceExt;

/// The method as the method page tells it.
const METHOD: &str = include_str!("../../docs/method.md");

/// The page of the reference.
const API_PAGE: &str = "/api";
/// The text that the reference of the API quotes.
const API_TEXT: &str = include_str!("../../docs/api.md");

/// The description of the API; it is the same as long as the program is.
static API_DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(api::openapi()).unwrap_or_default());

/// What time it is.
pub(super) type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Site and API.
#[derive(Clone)]
pub(super) struct Public {
    current: Arc<Current>,
    now: Now,
    pages: Arc<Pages>,
    bodies: Arc<Bodies>,
    answers: Arc<Answers>,
    public_url: Arc<str>,
}

impl Public {
    /// Over a snapshot holder; `public_url` is where readers reach it, empty where that is not known.
    pub fn new(current: Arc<Current>, now: Now, public_url: &str) -> Self {
        let public_url = public_url.trim_end_matches('/').into();
        Self {
            current,
            now,
            public_url,
            pages: Arc::default(),
            bodies: Arc::default(),
            answers: Arc::default(),
        }
    }

    /// Over one snapshot, for files that are written once: nothing is packed.
    fn for_files(snapshot: Arc<Snapshot>, now: DateTime<Utc>, public_url: &str) -> Self {
        Self {
            pages: Arc::new(Pages::made_for(Purpose::Files)),
            bodies: Arc::new(Bodies::made_for(Purpose::Files)),
            ..Self::new(Arc::new(Current::holding(Some(snapshot))), Arc::new(move || now), public_url)
        }
    }

    /// Every route that needs no token, what is asked for again answered first, and the rest within a limit where there
    /// is one.
    pub fn router(&self, limit: Option<Limit>) -> Router {
        let routes = match limit.map(Arc::new) {
            Some(limit) => self.routes().layer(from_fn_with_state(limit, limit::check)),
            None => self.routes(),
        };
        let hot = Hot::new(self.current.clone(), self.now.clone(), self.answers.clone());
        routes.layer(from_fn_with_state(Arc::new(hot), hot::answer))
    }

    /// The site comes last: its fallback takes what the API does not know.
    fn routes(&self) -> Router {
        let (current, now) = (self.current.clone(), self.now.clone());
        let (pages, public_url) = (self.pages.clone(), self.public_url.clone());
        let site = SiteState { current, now, pages, method_markdown: METHOD, public_url };
        let (current, now) = (self.current.clone(), self.now.clone());
        let described = Described { document: &API_DOCUMENT, markdown: API_TEXT };
        api::router(ApiState { current, now, bodies: self.bodies.clone() })
            .merge(site::reference(site.clone(), described))
            .merge(site::router(site))
    }

    /// The same with another snapshot in front, filling the same shelves.
    fn preview(&self, snapshot: &Arc<Snapshot>) -> Self {
        Self { current: Arc::new(Current::holding(Some(Arc::clone(snapshot)))), ..self.clone() }
    }

    /// Makes every page and every body with an address of its own, so that the first who asks waits for none.
    pub async fn prepare(&self, snapshot: &Arc<Snapshot>) {
        let started = Instant::now();
        let router = self.preview(snapshot).router(None);
        let addresses: Vec<String> = site::pages(snapshot)
            .into_iter()
            .chain(site::twins(snapshot))
            .chain([API_PAGE.to_owned()])
            .collect();
        self.answers.set_prepared(&addresses);
        let (mut made, mut failed) = (0, 0);
        for address in addresses {
            match get(&router, &address).await {
                StatusCode::OK => made += 1,
                status => {
                    failed += 1;
                    tracing::error!(address, %status, "a page could not be prepared");
                }
            }
        }
        let milliseconds = started.elapsed().as_millis();
        tracing::info!(snapshot = snapshot.id, made, failed, milliseconds, "prepared");
    }

    /// Prepares what is published already, beside the first visitors, and has everything that is published later
    /// prepared before it is shown.
    pub fn prepare_what_is_published(&self) {
        let (before_each, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let on_own = runtime.clone();
        // The holder must not hold itself up: the preparation only sees the shelves.
        let before_each = Self { current: Arc::default(), ..before_each };
        self.current.prepare_with(move |snapshot| runtime.block_on(before_each.prepare(snapshot)));
        if let Some(snapshot) = self.current.get() {
            let first = self.clone();
            drop(background::spawn(move || on_own.block_on(first.prepare(&snapshot))));
        }
    }
}

/// The routes of site and API over one snapshot, for a static site: as they are served, with nothing packed or limited.
/// `public_url` is where readers reach what is made, empty where that is not known.
pub fn for_files(snapshot: Arc<Snapshot>, now: DateTime<Utc>, public_url: &str) -> Twinned {
    with_twins(Public::for_files(snapshot, now, public_url).routes())
}

async fn get(router: &Router, address: &str) -> StatusCode {
    match Request::get(address).body(Body::empty()) {
        Ok(request) => match router.clone().oneshot(request).await {
            Ok(response) => response.status(),
            Err(never) => match never {},
        },
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
