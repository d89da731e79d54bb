//! The private listener and its receiver of OpenTelemetry, over a socket.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use hitrate::clock::SystemClock;
use hitrate::pipeline::DataDir;
use hitrate::private::{Added, Destination, Failure, Own, OwnStore, Private, PrivateError};
use hitrate::request_log::Format;
use hitrate::snapshot::Current;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::rig::{config, files, folder};

const TOKEN: &str = "token-of-the-tests-0123456789abcdef";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// The text of a prompt, which must reach no file.
const MARKER: &str = "marker-prompt-51ab";

/// A store that keeps what it gets, or refuses it.
#[derive(Default)]
struct Kept {
    lines: Mutex<Vec<String>>,
    failure: Mutex<Option<Failure>>,
}

impl Kept {
    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("not poisoned").clone()
    }

    fn fail(&self, failure: Option<Failure>) {
        *self.failure.lock().expect("not poisoned") = failure;
    }
}

impl Destination for Kept {
    fn import(&self, lines: &[u8], _format: &'static Format) -> Result<Added, Failure> {
        if let Some(failure) = self.failure.lock().expect("not poisoned").clone() {
            return Err(failure);
        }
        let text = String::from_utf8(lines.to_vec()).expect("utf-8");
        let mut kept = self.lines.lock().expect("not poisoned");
        kept.extend(text.lines().map(str::to_owned));
        Ok(Added { calls: text.lines().count() as u64, duplicates: 0 })
    }
}

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }
}

/// A listener in this process.
struct Service {
    address: String,
    cancel: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

fn own(folder: &Path, settings: &str) -> Own {
    let settings = format!("[private]\nimport_seconds = 1\n{settings}");
    Own {
        config: Arc::new(config(&settings)),
        data: DataDir::new(folder),
        current: Arc::new(Current::new(None)),
        pipeline: None,
        clock: Arc::new(SystemClock),
        public_url: String::new(),
    }
}

impl Service {
    async fn start(folder: &Path, settings: &str, store: Arc<Kept>) -> Self {
        let listen = ([127, 0, 0, 1], 0).into();
        let private = Private::bind(own(folder, settings), store, listen, Some(TOKEN.to_owned())).await;
        let private = private.expect("it listens");
        assert_eq!(private.token_place(), "HITRATE_PRIVATE_TOKEN");
        let address = private.url().strip_prefix("http://").expect("http").to_owned();
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let ended = tokio::spawn(async move { private.run(stop).await.expect("it stops") });
        Self { address, cancel, ended }
    }

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let host = format!("Host: {}\r\n", self.address);
        self.ask_as(method, path, &format!("{host}{headers}"), body).await
    }

    async fn ask_as(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        let (address, body) = (self.address.clone(), body.to_vec());
        tokio::task::spawn_blocking(move || ask(&address, &head, &body)).await.expect("asked")
    }

    /// Sends telemetry with the token.
    async fn send(&self, path: &str, content_type: &str, extra: &str, body: &[u8]) -> Answer {
        let headers = format!("Authorization: Bearer {TOKEN}\r\nContent-Type: {content_type}\r\n{extra}");
        self.ask("POST", path, &headers, body).await
    }

    async fn status(&self) -> Value {
        let answer =
            self.ask("GET", "/own/v1/status", &format!("Authorization: Bearer {TOKEN}\r\n"), b"").await;
        assert_eq!(answer.status, 200);
        answer.json()
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.ended.await.expect("ended");
    }
}

fn ask(address: &str, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(head.as_bytes()).expect("sent");
    // A server that refuses a large body may close before all of it is sent.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let pair = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer { status, headers: lines.map(pair).collect(), body: answer.split_off(end + 4) }
}

fn text(key: &str, text: &str) -> KeyValue {
    let value = Some(any_value::Value::StringValue(text.to_owned()));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

fn count(key: &str, count: i64) -> KeyValue {
    let value = Some(any_value::Value::IntValue(count));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

fn span(number: u8, prompt: i64) -> Span {
    Span {
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        name: "chat maple-2".to_owned(),
        start_time_unix_nano: 1_796_000_000_000_000_000,
        end_time_unix_nano: 1_796_000_001_000_000_000,
        attributes: vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.request.model", "maple-2"),
            text("gen_ai.input.messages", MARKER),
            count("gen_ai.usage.input_tokens", prompt),
        ],
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> Vec<u8> {
    let scope = ScopeSpans { spans, ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

fn json_request(trace: &str, prompt: u64) -> Value {
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
        "traceId": trace, "spanId": "00f067aa0ba902b7", "name": "chat maple-2",
        "startTimeUnixNano": "1796000000000000000", "endTimeUnixNano": "1796000001000000000",
        "attributes": [
            { "key": "gen_ai.operation.name", "value": { "stringValue": "chat" } },
            { "key": "gen_ai.output.messages", "value": { "stringValue": MARKER } },
            { "key": "gen_ai.usage.input_tokens", "value": { "intValue": prompt } },
        ],
    }] }] }] })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

/// All files below a folder, with their content.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| (path.display().to_string(), std::fs::read(&path).unwrap_or_default());
    files(folder).into_iter().map(read).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what} does not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protobuf_and_json_gzip_and_plain_are_durable_before_the_answer_and_hold_no_contents() {
    let (folder, store) = (folder(), Arc::new(Kept::default()));
    // The store is not available, so that everything stays in the spool.
    store.fail(Some(Failure::Store("in use".to_owned())));
    let service = Service::start(folder.path(), "", store.clone()).await;
    let protobuf = request(vec![span(1, 10), span(2, 20)]);
    let accepted = service.send("/otlp/v1/traces", PROTOBUF, "", &protobuf).await;
    assert_eq!((accepted.status, accepted.header("content-type")), (200, PROTOBUF));
    let answer = ExportTraceServiceResponse::decode(accepted.body.as_slice()).expect("an answer");
    assert_eq!(answer.partial_success, None);
    let spooled = || contents(&folder.path().join("traffic-spool"));
    let lines = |spooled: &[(String, Vec<u8>)]| -> usize {
        spooled.iter().map(|(_, bytes)| bytes.iter().filter(|byte| **byte == b'\n').count()).sum()
    };
    assert_eq!(lines(&spooled()), 1, "on disk before the answer");
    let zipped = gzip(&request(vec![span(3, 30)]));
    let coding = "Content-Encoding: gzip\r\n";
    assert_eq!(service.send("/otlp/v1/traces", PROTOBUF, coding, &zipped).await.status, 200);
    let body = json_request("4bf92f3577b34da6a3ce929d0e0e4736", 40).to_string();
    let accepted =
        service.send("/otlp/v1/traces", "application/json; charset=utf-8", "", body.as_bytes()).await;
    assert_eq!((accepted.status, accepted.json()), (200, json!({})));
    let body = gzip(json_request("5bf92f3577b34da6a3ce929d0e0e4736", 50).to_string().as_bytes());
    assert_eq!(service.send("/otlp/v1/traces", JSON, coding, &body).await.status, 200);
    let spooled_now = spooled();
    assert_eq!(lines(&spooled_now), 4);
    for (path, bytes) in spooled_now {
        assert!(!contains(&bytes, MARKER), "{path} has the text of a prompt");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{path} is private");
        }
    }
    let status = service.status().await;
    assert_eq!((&status["accepted"], &status["accepted_requests"]), (&json!(5), &json!(4)));
    assert!(status["queued_bytes"].as_u64() > Some(0), "{status}");
    store.fail(None);
    service.stop().await;
    let kept = store.lines().join("\n");
    for prompt in ["\"10\"", "\"20\"", "\"30\"", "\"40\"", "\"50\""] {
        assert!(kept.contains(prompt), "{prompt} in {kept}");
    }
    assert_eq!(contents(&folder.path().join("traffic-spool")).len(), 0, "imported segments are deleted");
}

#[test]
fn a_call_that_no_database_can_hold_does_not_stop_those_beside_it() {
    let folder = folder();
    let row = |id: &str, time: &str, tokens: u64| {
        json!({
            "request_id": id, "call_type": "acompletion", "spend": 0.002, "model": "wren/lark-2",
            "total_tokens": tokens + 50, "prompt_tokens": tokens, "completion_tokens": 50, "startTime": time,
            "endTime": time, "custom_llm_provider": "openrouter", "status": "success"
        })
        .to_string()
    };
    let lines = [
        row("a", "+12346-08-10T10:00:00", 1_000),
        row("b", "2026-08-10T10:00:00", 1_000),
        row("c", "2026-08-10T10:00:01", 1_000_000_000_000),
    ];
    let store = OwnStore::new(&own(folder.path(), ""));
    let format = hitrate::request_log::format("litellm-spend-logs").expect("a format");
    let added = store.import(lines.join("\n").as_bytes(), format).expect("imported");
    assert_eq!(added, Added { calls: 1, duplicates: 0 });
    let nothing = store.import(b"no log", format).expect("lines without calls are no failure of the store");
    assert_eq!(nothing, Added { calls: 0, duplicates: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_spool_of_a_crash_is_imported_at_the_next_start() {
    let (folder, store) = (folder(), Arc::new(Kept::default()));
    let spool = folder.path().join("traffic-spool");
    std::fs::create_dir_all(&spool).expect("a folder");
    let whole = json_request("4bf92f3577b34da6a3ce929d0e0e4736", 10);
    // The second line was cut off by the crash; it was never acknowledged.
    std::fs::write(spool.join("0000000003.open"), format!("{whole}\n{{\"resourceSp")).expect("written");
    let service = Service::start(folder.path(), "", store.clone()).await;
    until("the import", || store.lines().len() == 1).await;
    assert_eq!(store.lines(), [whole.to_string()]);
    until("the deletion", || contents(&spool).is_empty()).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_imported_is_quarantined_with_its_reason_and_the_rest_goes_on() {
    let (folder, store) = (folder(), Arc::new(Kept::default()));
    let spool = folder.path().join("traffic-spool");
    std::fs::create_dir_all(&spool).expect("a folder");
    let whole = json_request("4bf92f3577b34da6a3ce929d0e0e4736", 10);
    std::fs::write(spool.join("0000000001.jsonl"), format!("damaged\n{whole}\n")).expect("written");
    let service = Service::start(folder.path(), "", store.clone()).await;
    until("the import", || store.lines().len() == 1).await;
    until("the quarantine", || spool.join("quarantine/0000000001.reason.txt").exists()).await;
    let set_aside = std::fs::read_to_string(spool.join("quarantine/0000000001.jsonl")).expect("set aside");
    assert_eq!(set_aside, "damaged\n");
    until("the deletion", || !spool.join("0000000001.jsonl").exists()).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_reported_in_the_format_of_the_request() {
    let (folder, store) = (folder(), Arc::new(Kept::default()));
    let service = Service::start(folder.path(), "", store).await;
    let mut broken = span(2, 20);
    broken.trace_id = vec![1, 2];
    let partly = service.send("/otlp/v1/traces", PROTOBUF, "", &request(vec![span(1, 10), broken])).await;
    let answer = ExportTraceServiceResponse::decode(partly.body.as_slice()).expect("an answer");
    let partial = answer.partial_success.expect("a partial success");
    assert_eq!((partly.status, partial.rejected_spans), (200, 1));
    assert!(partial.error_message.contains("traceId"), "{}", partial.error_message);
    let body = json_request("short", 1).to_string();
    let partly = service.send("/otlp/v1/traces", JSON, "", body.as_bytes()).await;
    assert_eq!(partly.json()["partialSuccess"]["rejectedSpans"], "1");
    let empty = service.send("/otlp/v1/logs", PROTOBUF, "", b"").await;
    assert_eq!(empty.status, 200);
    ExportLogsServiceResponse::decode(empty.body.as_slice()).expect("an answer");
    for (content_type, body) in
        [(PROTOBUF, &b"\xff\xff"[..]), (JSON, b"{\"resourceSpans\": "), (JSON, b"[]"), (JSON, b"{\"x\": 1}")]
    {
        let refused = service.send("/otlp/v1/traces", content_type, "", body).await;
        assert_eq!((refused.status, refused.header("content-type")), (400, content_type));
        assert!(!refused.body.is_empty(), "the reason is stated");
    }
    let refused = service.send("/otlp/v1/traces", JSON, "", b"{\"resourceSpans\": 3}").await;
    let message = refused.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("`resourceSpans`"), "{message}");
    let torn = gzip(&request(vec![span(1, 10)]));
    let coding = "Content-Encoding: gzip\r\n";
    assert_eq!(service.send("/otlp/v1/traces", PROTOBUF, coding, &torn[..torn.len() - 6]).await.status, 400);
    assert_eq!(service.send("/otlp/v1/traces", "text/plain", "", b"x").await.status, 415);
    assert_eq!(service.send("/otlp/v1/traces", JSON, "Content-Encoding: br\r\n", b"x").await.status, 415);
    let metrics = service.send("/otlp/v1/metrics", JSON, "", b"{}").await;
    assert_eq!(metrics.status, 404);
    assert!(metrics.json()["message"].as_str().is_some_and(|text| text.contains("OTEL_METRICS_EXPORTER")));
    let rejected = &service.status().await["rejected"];
    assert_eq!((&rejected["malformed"], &rejected["unknown_type"]), (&json!(6), &json!(2)), "{rejected}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sizes_rates_and_the_spool_are_limited() {
    let (folder, store) = (folder(), Arc::new(Kept::default()));
    store.fail(Some(Failure::Store("in use".to_owned())));
    let settings = "max_body_mib = 1\nrequests_per_second = 4\nmax_spool_mib = 1\n";
    let service = Service::start(folder.path(), settings, store).await;
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(service.send("/otlp/v1/traces", JSON, "", &large).await.status, 413);
    // A small body that is large after decompression.
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(service.send("/otlp/v1/traces", JSON, "Content-Encoding: gzip\r\n", &bomb).await.status, 413);
    let mut limited = None;
    for _ in 0..12 {
        let answer = service.send("/otlp/v1/traces", PROTOBUF, "", &request(vec![span(1, 10)])).await;
        if answer.status == 429 {
            limited = Some(answer.header("retry-after").to_owned());
            break;
        }
    }
    let wait: u64 = limited.expect("the rate is limited").parse().expect("seconds");
    assert!((1..60).contains(&wait), "{wait}");
    service.stop().await;
    // The spool is full.
    let spool = folder.path().join("traffic-spool");
    let whole = json_request("4bf92f3577b34da6a3ce929d0e0e4736", 10).to_string();
    std::fs::write(spool.join("0000000900.jsonl"), format!("{whole}{}\n", " ".repeat(1 << 20)))
        .expect("written");
    let store = Arc::new(Kept::default());
    store.fail(Some(Failure::Store("in use".to_owned())));
    let service = Service::start(folder.path(), settings, store).await;
    let full = service.send("/otlp/v1/traces", PROTOBUF, "", &request(vec![span(1, 10)])).await;
    assert_eq!(full.status, 503);
    assert!(!full.header("retry-after").is_empty());
    assert_eq!(service.status().await["rejected"]["spool_full"], 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_needed_for_everything() {
    let (folder, store) = (folder(), Arc::new(Kept::default()));
    let service = Service::start(folder.path(), "", store).await;
    let body = request(vec![span(1, 10)]);
    let typed = format!("Content-Type: {PROTOBUF}\r\n");
    for header in ["", "Authorization: Bearer wrong\r\n", "Authorization: Basic dG9rZW4=\r\n"] {
        let refused = service.ask("POST", "/otlp/v1/traces", &format!("{header}{typed}"), &body).await;
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Bearer"), "{header}");
        assert_eq!(service.ask("GET", "/own/v1/status", header, b"").await.status, 401, "{header}");
        assert_eq!(service.ask("GET", "/", header, b"").await.status, 401, "{header}");
    }
    assert_eq!(service.status().await["accepted"], 0);
    // A page whose name was made to point here, and a page of another site or port.
    let authorized = format!("Authorization: Bearer {TOKEN}\r\n");
    let rebound = service.ask_as("GET", "/", &format!("Host: rebound.example\r\n{authorized}"), b"").await;
    assert_eq!(rebound.status, 403);
    for origin in ["https://evil.example", "http://127.0.0.1:1", "null"] {
        let headers = format!("{authorized}Origin: {origin}\r\n");
        assert_eq!(service.ask("GET", "/", &headers, b"").await.status, 403, "{origin}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_logs_in_once_and_its_cookie_sends_no_telemetry() {
    let (folder, store) = (folder(), Arc::new(Kept::default()));
    let service = Service::start(folder.path(), "", store).await;
    let form = service.ask("GET", "/", "", b"").await;
    let page = String::from_utf8(form.body.clone()).expect("utf-8");
    assert!(page.contains("<form") && page.contains("HITRATE_PRIVATE_TOKEN") && !page.contains(TOKEN));
    let origin = format!("Origin: http://{}\r\n", service.address);
    let wrong = service.ask("POST", "/login", &origin, b"token=wrong").await;
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, ""));
    let right = service.ask("POST", "/login", &origin, format!("token={TOKEN}").as_bytes()).await;
    assert_eq!((right.status, right.header("location")), (303, "/"));
    let exchanged = service.ask("GET", &format!("/sessions?token={TOKEN}&model=x"), "", b"").await;
    assert_eq!((exchanged.status, exchanged.header("location")), (303, "/sessions?model=x"));
    for answer in [&right, &exchanged] {
        let set = answer.header("set-cookie");
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && !set.contains(TOKEN), "{set}");
    }
    let cookie = format!("Cookie: {}\r\n", right.header("set-cookie").split(';').next().unwrap_or_default());
    let page = service.ask("GET", "/", &cookie, b"").await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
    assert_eq!(page.header("x-robots-tag"), "noindex, nofollow");
    assert_eq!(service.ask("GET", "/own/v1/status", &cookie, b"").await.status, 200);
    let headers = format!("{cookie}Content-Type: {PROTOBUF}\r\n");
    assert_eq!(
        service.ask("POST", "/otlp/v1/traces", &headers, &request(vec![span(1, 1)])).await.status,
        401
    );
    let other = cookie.replace("=", "=0");
    assert_eq!(service.ask("GET", "/own/v1/status", &other, b"").await.status, 401);
    service.stop().await;
}

#[tokio::test]
async fn other_machines_need_a_token_of_enough_length() {
    let folder = folder();
    let listen = ([0, 0, 0, 0], 0).into();
    let store = Arc::new(Kept::default());
    let short = Some("0123456789abcdef".to_owned());
    let refused = Private::bind(own(folder.path(), ""), store, listen, short).await;
    assert!(matches!(refused, Err(PrivateError::Token(_))));
}
