//! The public part: the site and the API over one snapshot holder, with their prepared answers.

use super::Now;
use super::hot::{self, Answers, Hot};
use super::limit::{self, Limit};
use crate::api::{self, ApiState, Bodies};
use crate::background;
use crate::domain::delivery::AlertsSource;
use crate::mcp::{self, Source, Tools};
use crate::prepared::{Origin, Purpose};
use crate::site::{self, Aliased, Described, Pages, SiteState, with_aliases};
use crate::snapshot::{Current, Snapshot};
use crate::store::ParquetWriter;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Instant;
use tower::ServiceExt;

/// The text of the method page.
const METHOD: &str = include_str!("../../docs/method.md");

/// The text that the API reference quotes.
const API_TEXT: &str = include_str!("../../docs/api.md");

/// The description of the API; it never changes while the program runs.
static API_DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(api::openapi()).unwrap_or_default());

/// The URLs that show alerts, if there are receivers. They are then made for each request, within the limit.
const WITH_ALERTS: [&str; 2] = ["/status", "/status.json"];

/// The site and the API.
#[derive(Clone)]
pub(super) struct Public {
    current: Arc<Current>,
    now: Now,
    pages: Arc<Pages>,
    bodies: Arc<Bodies>,
    answers: Arc<Answers>,
    public_url: Arc<str>,
    origin: Origin,
}

impl Public {
    /// The service over a snapshot holder; `public_url` is its public URL, empty if unknown.
    pub fn new(current: Arc<Current>, now: Now, public_url: &str) -> Self {
        let public_url: Arc<str> = public_url.trim_end_matches('/').into();
        let origin = Origin::new(public_url.clone(), false);
        Self {
            current,
            now,
            public_url,
            origin,
            pages: Arc::default(),
            bodies: Arc::default(),
            answers: Arc::default(),
        }
    }

    /// The same with a writer of Parquet, whose temporary files are in `work`. A service behind a reverse proxy trusts
    /// what the proxy says about the address. `alerts` reads the state of the alerts.
    pub fn with(self, work: PathBuf, is_behind_proxy: bool, alerts: Option<AlertsSource>) -> Self {
        let origin = Origin::new(self.public_url.clone(), is_behind_proxy);
        let writer = ParquetWriter::new(work);
        let bodies = Bodies::default().at(origin.clone());
        let bodies =
            bodies.with_parquet(Arc::new(move |columns| writer.write(columns).map_err(|e| e.to_string())));
        let bodies = bodies.with_alerts(alerts.clone());
        let pages = Pages::default().with_alerts(alerts);
        Self { bodies: Arc::new(bodies), pages: Arc::new(pages), origin, ..self }
    }

    /// The service over one snapshot, for static files: nothing is compressed.
    fn for_files(snapshot: Arc<Snapshot>, now: DateTime<Utc>, public_url: &str) -> Self {
        Self {
            pages: Arc::new(Pages::made_for(Purpose::Files)),
            bodies: Arc::new(Bodies::made_for(Purpose::Files)),
            ..Self::new(Arc::new(Current::holding(Some(snapshot))), Arc::new(move || now), public_url)
        }
    }

    /// All routes that need no token. Cached answers are tried first; the rest is subject to the limit, if any.
    pub fn router(&self, limit: Option<Limit>) -> Router {
        let routes = self.routes().merge(self.mcp());
        let routes = match limit.map(Arc::new) {
            Some(limit) => routes.layer(from_fn_with_state(limit, limit::check)),
            None => routes,
        };
        let hot = Hot { current: self.current.clone(), now: self.now.clone(), answers: self.answers.clone() };
        routes.layer(from_fn_with_state(Arc::new(hot), hot::answer))
    }

    /// The tools of the Model Context Protocol, over the routes of the API. Static files do not have them.
    fn mcp(&self) -> Router {
        mcp::router(Tools::new(Source::routes(self.api())), &self.public_url)
    }

    fn api(&self) -> Router {
        let (current, now) = (self.current.clone(), self.now.clone());
        api::router(ApiState { current, now, bodies: self.bodies.clone() })
    }

    /// The site comes last: its fallback handles every path that the API does not.
    fn routes(&self) -> Router {
        let (current, now) = (self.current.clone(), self.now.clone());
        let (pages, public_url) = (self.pages.clone(), self.public_url.clone());
        let site = SiteState {
            current,
            now,
            pages,
            method_markdown: METHOD,
            public_url,
            origin: self.origin.clone(),
        };
        let described = Described { document: &API_DOCUMENT, markdown: API_TEXT };
        let api = self.api();
        let reference = site::reference(site.clone(), described, api.clone());
        api.merge(reference).merge(site::router(site))
    }

    /// The same service with another snapshot, which fills the same caches.
    fn preview(&self, snapshot: &Arc<Snapshot>) -> Self {
        Self { current: Arc::new(Current::holding(Some(Arc::clone(snapshot)))), ..self.clone() }
    }

    /// Makes every page and every API answer with a fixed URL, so that no visitor waits for one.
    pub async fn prepare(&self, snapshot: &Arc<Snapshot>) {
        let started = Instant::now();
        let router = self.preview(snapshot).router(None);
        let addresses: Vec<String> = site::pages(snapshot)
            .into_iter()
            .chain(site::twins(snapshot))
            .chain([site::REFERENCE.to_owned()])
            .filter(|address| !self.pages.has_alerts() || !WITH_ALERTS.contains(&address.as_str()))
            .collect();
        self.answers.set_prepared(&addresses);
        let (mut made, mut failed) = (0, 0);
        for address in addresses {
            match get(&router, &address).await {
                StatusCode::OK => made += 1,
                status => {
                    failed += 1;
                    tracing::error!(address, %status, "cannot prepare a page");
                }
            }
        }
        let milliseconds = started.elapsed().as_millis();
        tracing::info!(snapshot = snapshot.id, made, failed, milliseconds, "prepared");
    }

    /// Prepares the current snapshot in the background, and makes sure that later snapshots are prepared before they
    /// are shown.
    pub fn prepare_what_is_published(&self) {
        let (before_each, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let on_own = runtime.clone();
        // The snapshot holder must not keep itself alive: the preparation only refers to the caches.
        let before_each = Self { current: Arc::default(), ..before_each };
        self.current.prepare_with(move |snapshot| {
            // On a thread of its own, with the priority of this one: a repair publishes during a sweep, on a thread of
            // another runtime, which must not wait for this one.
            let started = std::thread::scope(|scope| {
                let prepare = || runtime.block_on(before_each.prepare(snapshot));
                std::thread::Builder::new().name("prepare".to_owned()).spawn_scoped(scope, prepare).map(drop)
            });
            if let Err(error) = started {
                tracing::error!(%error, "cannot start a thread to prepare pages; they are made on request");
            }
        });
        if let Some(snapshot) = self.current.get() {
            let first = self.clone();
            drop(background::spawn(move || on_own.block_on(first.prepare(&snapshot))));
        }
    }
}

/// The routes of the site and the API over one snapshot, for a static site: as served, but without compression or
/// limit. `public_url` is the public URL of the static site, empty if unknown.
pub fn for_files(snapshot: Arc<Snapshot>, now: DateTime<Utc>, public_url: &str) -> Aliased {
    with_aliases(Public::for_files(snapshot, now, public_url).routes())
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
