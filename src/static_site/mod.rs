//! The site as files: every page with its data, charts and badges, with relative links, for any static host and any
//! folder on it. The files are made by the same routes that serve the pages, from the same list of addresses.

mod address;
mod folder;
mod index;
mod markup;
mod names;
mod page;
mod plan;

pub use folder::MARKER;
pub use page::script;

use crate::snapshot::Snapshot;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{Request, Response, StatusCode};
use folder::Folder;
use markup::{Added, Links};
use page::Parts;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use plan::{Item, Kind, Plan};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tower::{Service, ServiceExt};

/// The text of a page or feed with the addresses that lead to `pages` made relative to `file`, for a site that knows
/// neither its own address nor a live service; other addresses within the service lose their link.
pub fn relative(file: &str, text: &str, pages: &[&str]) -> String {
    let plan = Plan::of(Kind::Page, pages.iter().map(|page| (*page).to_owned()).collect(), "chat");
    markup::rewrite(Links { plan: &plan, live: "", own: "" }, file, text, Added::default()).text
}

/// Where a site is written, and what it links to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder.
    pub out: PathBuf,
    /// Whether to write into a folder that contains other files.
    pub force: bool,
    /// The live service, without a trailing slash; empty if there is none to link to.
    pub live: String,
    /// Public address of the published site, without a trailing slash; empty if unknown.
    pub own: String,
}

/// What was written.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The folder.
    pub out: PathBuf,
    /// Id of the snapshot.
    pub snapshot: String,
    /// Number of files, without the marker.
    pub files: usize,
    /// Number of pages among them.
    pub pages: usize,
    /// Bytes of all files.
    pub bytes: u64,
    /// Number of links that lead to the live service.
    pub live_links: usize,
    /// Number of links without an address: only the service can answer them, and its address is unknown.
    pub lost_links: usize,
    /// Addresses that failed, with their status; they have no file.
    pub failed: Vec<String>,
    /// Duration in milliseconds.
    pub duration_ms: u64,
}

/// What can go wrong with publishing.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum PublishError {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// The folder contains files that no publication wrote.
    #[error(
        "{path} is not empty and was not written by `hitrate publish`; choose another folder, or add --force to \
         publish next to the existing files"
    )]
    NotOurs { path: PathBuf },
    /// A file of others has the name of a published one.
    #[error(
        "{path} was not written by `hitrate publish` and would be replaced; move it away, or add --force"
    )]
    Taken { path: PathBuf },
    /// The marker of an earlier publication cannot be read.
    #[error("{path} cannot be read ({source}); choose another folder, or remove the file and add --force")]
    Marker { path: PathBuf, source: serde_json::Error },
    /// The path has no final component.
    #[error("{path} cannot be replaced; choose a folder below it")]
    NoName { path: PathBuf },
    /// A list from the service is malformed.
    #[error("cannot assemble the list {address}: {source}")]
    List { address: String, source: serde_json::Error },
    /// The index or the site map could not be created.
    #[error("could not create {what}: {detail}")]
    Made { what: &'static str, detail: String },
    /// The async runtime for the requests to the routes could not be started.
    #[error("cannot start the async runtime: {0}")]
    Runtime(std::io::Error),
}

/// Writes the site of a snapshot, using the routes of `service`. `done(written, total)` is called after each file.
///
/// The folder is written next to its target and moved into place as a whole; a failed publication changes nothing.
pub fn publish<S>(
    service: &S,
    snapshot: &Snapshot,
    options: &Options,
    done: impl Fn(usize, usize) + Sync,
) -> Result<Report, PublishError>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Sync,
    S::Future: Send,
{
    let started = Instant::now();
    let plan = Plan::new(snapshot, !options.own.is_empty());
    let folder = Folder::begin(&options.out, options.force)?;
    for name in plan.folders() {
        folder.make(name)?;
    }
    let links = Links { plan: &plan, live: &options.live, own: &options.own };
    let parts = Parts::new(snapshot, &plan)?;
    let job = Job { service, links, folder: &folder, parts: &parts };
    let mut report = job.run(&plan, done)?;
    report.add(&folder, parts.files())?;
    if !options.own.is_empty() {
        report.add(&folder, &[site_map(snapshot, &plan, &options.own)?])?;
    }
    folder.finish(&snapshot.id, options.force)?;
    report.out.clone_from(&options.out);
    report.snapshot.clone_from(&snapshot.id);
    report.failed.sort();
    report.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

/// A generated file: its path and its content.
type Own = (String, Vec<u8>);

fn site_map(snapshot: &Snapshot, plan: &Plan, own: &str) -> Result<Own, PublishError> {
    // The front page has its plain address.
    let path = |item: &Item| format!("/{}", item.file.strip_prefix("index.html").unwrap_or(&item.file));
    let paths = plan.pages().map(path).collect();
    let text = crate::site::site_map_of(own, snapshot.as_of, paths)
        .map_err(|error| PublishError::Made { what: "the site map", detail: error.to_string() })?;
    Ok(("sitemap.xml".to_owned(), text.into_bytes()))
}

impl Report {
    fn add(&mut self, folder: &Folder, files: &[Own]) -> Result<(), PublishError> {
        for (file, bytes) in files {
            if let Some((above, _)) = file.rsplit_once('/') {
                folder.make(above)?;
            }
            folder.write(file, bytes)?;
            self.files += 1;
            self.bytes += bytes.len() as u64;
        }
        Ok(())
    }
}

/// The data shared by all threads.
struct Job<'a, S> {
    service: &'a S,
    links: Links<'a>,
    folder: &'a Folder,
    parts: &'a Parts,
}

impl<S> Job<'_, S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Sync,
    S::Future: Send,
{
    /// Writes all items, on as many threads as there are cores.
    fn run(&self, plan: &Plan, done: impl Fn(usize, usize) + Sync) -> Result<Report, PublishError> {
        let (next, finished, report) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::<Report>::default());
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
        let work = || -> Result<(), PublishError> {
            let runtime =
                tokio::runtime::Builder::new_current_thread().build().map_err(PublishError::Runtime)?;
            while let Some(item) = plan.items.get(next.fetch_add(1, Ordering::Relaxed)) {
                let written = runtime.block_on(self.write(item));
                if written.is_err() {
                    // No thread starts another item.
                    next.store(plan.items.len(), Ordering::Relaxed);
                }
                report.lock().unwrap_or_else(PoisonError::into_inner).merge(written?);
                done(finished.fetch_add(1, Ordering::Relaxed) + 1, plan.items.len());
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            all.into_iter().try_for_each(join)
        })?;
        Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Requests an item and writes its file.
    async fn write(&self, item: &Item) -> Result<Report, PublishError> {
        let (status, policy, body) = self.ask(&item.address).await;
        if status == StatusCode::NOT_FOUND && item.kind == Kind::Picture {
            return Ok(Report::default());
        }
        if status != StatusCode::OK {
            return Ok(Report { failed: vec![format!("{}: {status}", item.address)], ..Report::default() });
        }
        let pages = usize::from(item.kind == Kind::Page);
        let mut written = Report { files: 1, pages, ..Report::default() };
        let body = match item.kind {
            Kind::Plain | Kind::Picture => body,
            Kind::List => self.whole(item, body).await?,
            Kind::Markup => written.rewritten(self.links, item, &body, Added::default()),
            Kind::JsonFeed => markup::rewrite_feed(self.links, &item.file, &body).map_or(body, Bytes::from),
            Kind::Page => {
                written.rewritten(self.links, item, &body, self.parts.added(item, policy.as_deref()))
            }
        };
        written.bytes = body.len() as u64;
        self.folder.write(&item.file, &body)?;
        Ok(written)
    }

    /// Status, content security policy and body of a response.
    async fn ask(&self, address: &str) -> (StatusCode, Option<String>, Bytes) {
        let Ok(request) = Request::get(address).body(Body::empty()) else {
            return (StatusCode::BAD_REQUEST, None, Bytes::new());
        };
        let (parts, body) = match self.service.clone().oneshot(request).await {
            Ok(response) => response.into_parts(),
            Err(never) => match never {},
        };
        let policy = parts.headers.get(CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
        // Bodies are already in memory, so reading cannot fail.
        (parts.status, policy.map(str::to_owned), to_bytes(body, usize::MAX).await.unwrap_or_default())
    }

    /// All entries of a list whose first page is `first`.
    async fn whole(&self, item: &Item, first: Bytes) -> Result<Bytes, PublishError> {
        let wrong = |source| PublishError::List { address: item.address.clone(), source };
        let read = |body: &[u8]| serde_json::from_slice::<Listed>(body).map_err(wrong);
        let mut all = read(&first)?;
        let mut cursor = all.meta.remove("next_cursor");
        while let Some(next) = cursor.as_ref().and_then(serde_json::Value::as_str) {
            let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
            let (_, _, body) = self.ask(&format!("{}?limit=500&cursor={next}", item.address)).await;
            let mut more = read(&body)?;
            cursor = more.meta.remove("next_cursor");
            all.data.append(&mut more.data);
        }
        Ok(serde_json::to_vec(&all).map_err(wrong)?.into())
    }
}

/// A page of a list; entries are copied unchanged.
#[derive(Serialize, Deserialize)]
struct Listed {
    data: Vec<Box<RawValue>>,
    meta: serde_json::Map<String, serde_json::Value>,
}

impl Report {
    fn rewritten(&mut self, links: Links<'_>, item: &Item, body: &[u8], added: Added) -> Bytes {
        let text = String::from_utf8_lossy(body);
        let rewritten = markup::rewrite(links, &item.file, &text, added);
        (self.live_links, self.lost_links) = (rewritten.live, rewritten.lost.len());
        rewritten.text.into()
    }

    /// Adds the counts and failures of one item.
    fn merge(&mut self, item: Self) {
        self.files += item.files;
        self.pages += item.pages;
        self.bytes += item.bytes;
        self.live_links += item.live_links;
        self.lost_links += item.lost_links;
        self.failed.extend(item.failed);
    }
}
