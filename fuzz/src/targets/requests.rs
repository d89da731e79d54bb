//! What arrives over HTTP, and SQL.

use super::support::{bounded, choice, folder_of, wait};
use crate::sample;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode, Uri};
use hitrate::api::{self, ApiState, Bodies};
use hitrate::config::Config;
use hitrate::mcp::{self, Source, Tools};
use hitrate::pipeline::{DataDir, open_store};
use hitrate::prepared::Purpose;
use hitrate::private::{Telemetry, reduce_telemetry};
use hitrate::request_log::{FileContext, ReadOptions, read_bytes};
use hitrate::serve;
use hitrate::snapshot::Current;
use hitrate::store::{QueryLimits, Store};
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tower::ServiceExt;

/// No answer is larger than this, whatever is requested of the sample.
const MOST_BYTES: usize = 16 << 20;
/// Limit of the receiver in these executions, bytes.
const MOST_TELEMETRY: usize = 1 << 20;

/// The documented limit of an answer to SQL, bytes; JSON adds quotation marks and escapes.
const MOST_SQL_BYTES: usize = 24 << 20;

/// A request of OpenTelemetry; the first byte chooses traces or logs, protobuf or JSON, and gzip. What is kept is then read
/// as the import reads it.
pub fn otlp(input: &[u8]) {
    let (form, body) = choice(input);
    let form = Telemetry { is_logs: form & 1 != 0, is_protobuf: form & 2 != 0, is_gzip: form & 4 != 0 };
    let Ok(lines) = reduce_telemetry(form, body, MOST_TELEMETRY) else { return };
    let size: usize = lines.iter().map(String::len).sum();
    assert!(size <= 64 * MOST_TELEMETRY, "{size} bytes are kept");
    if !form.is_gzip {
        bounded("what is kept", size, body.len(), 64);
    }
    let spooled = lines.join("\n");
    _ = read_bytes(spooled.as_bytes(), FileContext::default(), &ReadOptions::default());
}

fn api_router() -> &'static Router {
    static API: OnceLock<Router> = OnceLock::new();
    API.get_or_init(|| {
        let now = Arc::new(|| sample::as_of() + chrono::Duration::minutes(20));
        let bodies = Arc::new(Bodies::made_for(Purpose::Files));
        api::router(ApiState { current: Arc::new(Current::new(Some(sample::snapshot()))), bodies, now })
    })
}

async fn read(response: Response<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, MOST_BYTES).await.expect("an answer within the limit");
    (head.status, head.headers, body)
}

/// A message of the Model Context Protocol.
pub fn mcp(input: &[u8]) {
    static MCP: OnceLock<Router> = OnceLock::new();
    let router = MCP.get_or_init(|| mcp::router(Tools::new(Source::routes(api_router().clone())), ""));
    let request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(Body::from(input.to_vec()))
        .expect("a request");
    let (status, _, body) = wait(async {
        let response = router.clone().oneshot(request).await.expect("routers do not fail");
        read(response).await
    });
    assert!(!status.is_server_error(), "{status}: {}", String::from_utf8_lossy(&body));
}

/// Paths of the API that take parameters.
const API: [&str; 14] = [
    "/api/v1/changes",
    "/api/v1/cost",
    "/api/v1/cost/zephyr/quill-large",
    "/api/v1/endpoints",
    "/api/v1/models",
    "/api/v1/models/zephyr/quill-large",
    "/api/v1/preferences/zephyr/quill-large",
    "/api/v1/preferences/zephyr/quill-large/litellm",
    "/api/v1/preferences",
    "/api/v1/preferences/changes",
    "/api/v1/share",
    "/api/v1/tiers",
    "/api/v1/history/zephyr/quill-large",
    "/api/v1/readings",
];

/// Paths of the site that take parameters, and files.
const PAGES: [&str; 14] = [
    "/",
    "/explore",
    "/cost",
    "/changes",
    "/changes.atom",
    "/changes.feed.json",
    "/compare",
    "/search",
    "/suggest.json",
    "/models",
    "/models/zephyr/quill-large",
    "/providers/lumen",
    "/badge/lumen.svg",
    "/share",
];

/// The path of an input: one of a list followed by a query, or all of it as it is. `None` if it is not an address.
fn address(input: &[u8], paths: &[&str]) -> Option<Uri> {
    let (which, rest) = choice(input);
    let rest = std::str::from_utf8(rest).ok()?;
    let text = match paths.get(which % (paths.len() + 1)) {
        Some(path) => format!("{path}?{rest}"),
        None => format!("/{rest}"),
    };
    text.parse().ok()
}

/// A request to the API. It is answered, with JSON where it says so.
pub fn api(input: &[u8]) {
    let Some(uri) = address(input, &API) else { return };
    let request = Request::get(&uri).body(Body::empty()).expect("a request");
    let (status, headers, body) = wait(async {
        let response = api_router().clone().oneshot(request).await.expect("routers do not fail");
        read(response).await
    });
    answered(&uri, status, &headers, &body);
}

/// A request to the site. A page has the policy that keeps scripts of others out.
pub fn pages(input: &[u8]) {
    static SITE: OnceLock<hitrate::site::Aliased> = OnceLock::new();
    let site = SITE.get_or_init(|| {
        let now = sample::as_of() + chrono::Duration::minutes(20);
        serve::for_files(Arc::new(sample::snapshot()), now, "https://tiers.example.org")
    });
    let Some(uri) = address(input, &PAGES) else { return };
    let request = Request::get(&uri).body(Body::empty()).expect("a request");
    let (status, headers, body) = wait(async {
        let response = site.clone().oneshot(request).await.expect("routers do not fail");
        read(response).await
    });
    answered(&uri, status, &headers, &body);
    if headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        assert!(headers.contains_key("content-security-policy"), "{uri}");
        let text = String::from_utf8_lossy(&body).to_lowercase();
        let scripts = text.matches("<script").count();
        let own = text.matches("<script src=\"/assets/").count()
            + text.matches("<script defer src=\"/assets/").count();
        let data = text.matches("<script type=\"application/").count();
        assert!(scripts <= own + data, "{uri}: a script that is not one of the site");
    }
}

fn answered(uri: &Uri, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
    assert!(!status.is_server_error(), "{uri}: {status}: {}", String::from_utf8_lossy(body));
    let kind = headers.get("content-type").map_or(&b""[..], |kind| kind.as_bytes());
    if kind.windows(4).any(|part| part == b"json") {
        assert!(serde_json::from_slice::<Value>(body).is_ok(), "{uri} is not answered with JSON");
    }
    for (name, value) in headers {
        let is_line = value.as_bytes().iter().all(|byte| *byte >= b' ' || *byte == b'\t');
        assert!(is_line, "{uri}: the header {name} has control characters");
    }
}

/// SQL over the views, in an empty record. It is answered or refused, changes nothing and reads no file.
pub fn sql(input: &[u8]) {
    static STORE: OnceLock<Store> = OnceLock::new();
    let store = STORE.get_or_init(|| {
        let config = Config::parse("", Path::new("hitrate.toml")).expect("the defaults are valid");
        open_store(&config, &DataDir::new(folder_of("sql"))).expect("a new store")
    });
    let Ok(text) = std::str::from_utf8(input) else { return };
    let limits = QueryLimits { rows: 50, seconds: 2 };
    match store.query(text, limits) {
        Ok(answer) => {
            assert!(answer.rows.len() <= limits.rows, "{} rows", answer.rows.len());
            let size = serde_json::to_vec(&answer).expect("an answer can be written").len();
            assert!(size <= 2 * MOST_SQL_BYTES, "{size} bytes");
        }
        Err(error) => bounded("the error", error.to_string().len(), text.len(), 8),
    }
}
