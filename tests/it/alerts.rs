//! Alerts: what receivers on loopback get, when, and what is kept about it.

mod command;
mod formats;
mod guard;
mod outbox;
mod page;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hitrate::alerts::delivery::Outbox;
use hitrate::alerts::notice::{Notice, Severity};
use hitrate::clock::ManualClock;
use hitrate::pipeline::DataDir;
use hitrate::serve;
use tempfile::TempDir;

use crate::rig::{at, config, folder};

/// A signing secret: `whsec_` and the bytes 0 to 31.
pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A request that a receiver got.
pub struct Got {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// The status of an answer, and a header with its value.
type Planned = (u16, Option<(&'static str, String)>);

#[derive(Default)]
struct Seen {
    got: Mutex<Vec<Got>>,
    /// The next responses: status, `Retry-After` and `Location`; 204 once they are used up.
    planned: Mutex<VecDeque<Planned>>,
}

/// A receiver on loopback.
pub struct Mock {
    pub url: String,
    seen: Arc<Seen>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Mock {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let seen = Arc::new(Seen::default());
        let router = Router::new().fallback(accept).with_state(seen.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the test server runs");
        });
        Self { url, seen, server }
    }

    /// Plans the next responses.
    pub fn plan(&self, statuses: &[u16]) {
        self.seen.planned.lock().expect("no panic").extend(statuses.iter().map(|status| (*status, None)));
    }

    /// Plans a response with a header.
    pub fn plan_with(&self, status: u16, header: &'static str, value: &str) {
        let planned = (status, Some((header, value.to_owned())));
        self.seen.planned.lock().expect("no panic").push_back(planned);
    }

    /// What it got so far, and forgets it.
    pub fn take(&self) -> Vec<Got> {
        std::mem::take(&mut *self.seen.got.lock().expect("no panic"))
    }
}

async fn accept(State(seen): State<Arc<Seen>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let path = parts.uri.to_string();
    seen.got.lock().expect("no panic").push(Got { path, headers: parts.headers, body });
    let (status, header) = seen.planned.lock().expect("no panic").pop_front().unwrap_or((204, None));
    let status = StatusCode::from_u16(status).expect("a status");
    match header {
        Some(header) => (status, [header]).into_response(),
        None => status.into_response(),
    }
}

/// A data folder with an outbox and a clock that is moved by hand.
pub struct Rig {
    pub folder: TempDir,
    pub clock: ManualClock,
    settings: String,
}

impl Rig {
    /// A folder with these settings; the secret of a webhook is in the file `secret`.
    pub fn new(settings: &str) -> Self {
        let folder = folder();
        std::fs::write(folder.path().join("secret"), SECRET).expect("written");
        Self { folder, clock: ManualClock::new(at("2026-06-01T10:30:00Z")), settings: settings.to_owned() }
    }

    /// The outbox as a process that has just started opens it.
    pub fn outbox(&self) -> Outbox {
        let data = DataDir::new(self.folder.path());
        serve::outbox(&config(&self.settings), &data, Arc::new(self.clock.clone()))
    }

    /// Moves the clock forward by minutes.
    pub fn minutes(&self, minutes: u64) {
        self.clock.advance(std::time::Duration::from_secs(minutes * 60));
    }
}

/// The settings of a signed webhook `hook`, with further lines.
pub fn webhook(url: &str, more: &str) -> String {
    format!(
        "[[alerts.receivers]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{url}/path-secret?key=query-secret\"\n\
         secret_file = \"secret\"\nallow_private = true\n{more}\n"
    )
}

/// A notice of a severity.
pub fn notice(id: &str, severity: Severity) -> Notice {
    Notice {
        id: id.to_owned(),
        at: at("2026-06-01T10:00:00Z"),
        rule: "cheaper".to_owned(),
        severity,
        title: format!("The session cost of {id} rose by 20 %"),
        lines: vec!["From $1.00 to $1.20 for a coding session.".to_owned()],
        url: Some("https://tiers.example.org/models/a/b".to_owned()),
        changes: Vec::new(),
    }
}

/// The names of receivers.
pub fn to(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
