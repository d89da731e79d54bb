//! The fetcher against a small server on loopback that misbehaves on request.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri, header};
use chrono::{DateTime, Utc};
use hitrate::clock::FixedClock;
use hitrate::fetch::{
    FetchConfig, FetchError, FetchOutcome, FetchRequest, Fetcher, MOST_REFUSALS, SkipReason, SweepReport,
    get_json_once,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The requests that the server has received.
#[derive(Default)]
struct Seen {
    hits: Mutex<BTreeMap<String, usize>>,
    agents: Mutex<Vec<String>>,
    away: Mutex<String>,
    in_flight: AtomicUsize,
    peak: AtomicUsize,
}

impl Seen {
    fn hits(&self, path: &str) -> usize {
        self.hits.lock().expect("not poisoned").get(path).copied().unwrap_or(0)
    }

    fn total(&self) -> usize {
        self.hits.lock().expect("not poisoned").values().sum()
    }
}

/// The path selects the behaviour: `/ok/…`, `/slow/…`, `/status/503`, `/flaky/2` (fails twice), `/busy/1/2`
/// (once 429 with `Retry-After: 2`), `/down/1/2` (the same with 503), `/late/403` (after a while), `/zip/BYTES`,
/// `/to/PATH` (redirects within the server), `/loop/N` (redirects to itself), `/dated/NAME` (with a `Date` header).
/// `/away` redirects to [`Seen::away`].
async fn answer(State(seen): State<Arc<Seen>>, uri: Uri, headers: HeaderMap) -> Response<Body> {
    let path = uri.path().to_owned();
    let hit = {
        let mut hits = seen.hits.lock().expect("not poisoned");
        let hit = hits.entry(path.clone()).or_default();
        *hit += 1;
        *hit
    };
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    seen.agents.lock().expect("not poisoned").push(agent.unwrap_or_default().to_owned());
    let flying = seen.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
    seen.peak.fetch_max(flying, Ordering::SeqCst);
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let number = |index: usize| parts.get(index).and_then(|part| part.parse::<usize>().ok()).unwrap_or(0);
    let response = match parts.first().copied().unwrap_or_default() {
        "slow" => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            plain(200, "{}")
        }
        "hang" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            plain(200, "{}")
        }
        "status" => plain(u16::try_from(number(1)).expect("a status"), "said"),
        "flaky" if hit <= number(1) => plain(503, "later"),
        "late" => {
            tokio::time::sleep(Duration::from_millis(50)).await;
            plain(u16::try_from(number(1)).expect("a status"), "said")
        }
        "to" => redirected(302, &path["/to".len()..]),
        "away" => redirected(307, &seen.away.lock().expect("not poisoned")),
        "loop" => redirected(301, &format!("/loop/{}", number(1) + 1)),
        "dated" => {
            let mut response = plain(u16::try_from(number(2).max(200)).expect("a status"), "{}");
            let date = header::HeaderValue::from_static(dated(parts[1]));
            response.headers_mut().insert(header::DATE, date);
            response
        }
        "busy" | "down" if hit <= number(1) => {
            let mut response = plain(if parts[0] == "busy" { 429 } else { 503 }, "slow down");
            if let Some(wait) = parts.get(2) {
                let wait = wait.parse().expect("a header value");
                response.headers_mut().insert(header::RETRY_AFTER, wait);
            }
            response
        }
        "html" => plain(200, "<html>not json</html>"),
        "zip" => zipped(number(1)),
        _ => plain(200, "{\"data\":1}"),
    };
    seen.in_flight.fetch_sub(1, Ordering::SeqCst);
    response
}

fn plain(status: u16, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

fn redirected(status: u16, target: &str) -> Response<Body> {
    let mut response = plain(status, "moved");
    response.headers_mut().insert(header::LOCATION, target.parse().expect("a header value"));
    response
}

/// The `Date` headers of `/dated/NAME`; the server sets its own only if there is none.
fn dated(name: &str) -> &'static str {
    match name {
        "now" => "Mon, 10 Aug 2026 10:57:30 GMT",
        "old" => "Monday, 10-Aug-26 10:57:30 GMT",
        _ => "yesterday",
    }
}

fn zipped(bytes: usize) -> Response<Body> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![b'7'; bytes]).expect("writes to memory");
    let mut response = Response::new(Body::from(encoder.finish().expect("writes to memory")));
    let gzip = header::HeaderValue::from_static("gzip");
    response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
    response
}

struct Upstream {
    base: String,
    seen: Arc<Seen>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    (listener, base)
}

async fn upstream() -> Upstream {
    let (listener, base) = listen().await;
    let seen = Arc::new(Seen::default());
    let router = Router::new().fallback(answer).with_state(seen.clone());
    let server = tokio::spawn(async move {
        axum::serve(listener, router).await.expect("the test server runs");
    });
    Upstream { base, seen, server }
}

/// A server that accepts each connection, reads the request, sends `raw` and closes the connection; it counts
/// connections.
async fn raw_upstream(raw: &'static [u8]) -> Upstream {
    let (listener, base) = listen().await;
    let seen = Arc::new(Seen::default());
    let count = seen.clone();
    let server = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count
                .hits
                .lock()
                .expect("not poisoned")
                .entry("raw".to_owned())
                .and_modify(|hits| *hits += 1)
                .or_insert(1);
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(raw).await;
        }
    });
    Upstream { base, seen, server }
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_785_000_000, 0).expect("a valid time")
}

fn quick() -> FetchConfig {
    FetchConfig {
        user_agent: "hitrate-test/1 (+http://127.0.0.1/contact)".to_owned(),
        rate_per_second: None,
        backoff_base: Duration::from_millis(5),
        backoff_max: Duration::from_millis(20),
        timeout: Duration::from_secs(10),
        ..FetchConfig::default()
    }
}

fn fetcher(config: FetchConfig) -> Fetcher {
    Fetcher::new(config, Arc::new(FixedClock(noon()))).expect("a client")
}

type Outcomes = BTreeMap<String, FetchOutcome<usize>>;

async fn sweep(config: FetchConfig, base: &str, paths: &[&str]) -> (Outcomes, SweepReport) {
    let requests =
        paths.iter().enumerate().map(|(key, path)| FetchRequest { url: format!("{base}{path}"), key });
    let mut outcomes = Outcomes::new();
    let report = fetcher(config)
        .fetch_all_until(&CancellationToken::new(), requests.collect(), |outcome| {
            let path = outcome.url.trim_start_matches(base).to_owned();
            assert!(outcomes.insert(path, outcome).is_none(), "two outcomes for one request");
        })
        .await;
    assert_eq!(outcomes.len(), paths.len(), "every request has an outcome");
    (outcomes, report)
}

fn one_by_one(config: FetchConfig) -> FetchConfig {
    FetchConfig { max_connections: 1, ..config }
}

fn skipped(outcome: &FetchOutcome<usize>) -> Option<SkipReason> {
    match outcome.error {
        Some(FetchError::Skipped { reason, .. }) => Some(reason),
        _ => None,
    }
}

#[tokio::test]
async fn answers_come_whole_with_key_time_and_user_agent() {
    let upstream = upstream().await;
    let (outcomes, report) =
        sweep(quick(), &upstream.base, &["/ok", "/html", "/status/404", "/status/410"]).await;
    let ok = &outcomes["/ok"];
    assert_eq!((ok.status, ok.attempts, ok.key, ok.fetched_at), (Some(200), 1, 0, noon()));
    assert_eq!(ok.body, b"{\"data\":1}");
    assert_eq!(outcomes["/html"].body, b"<html>not json</html>");
    for path in ["/status/404", "/status/410"] {
        assert_eq!((outcomes[path].attempts, &outcomes[path].error), (1, &None), "{path}");
        assert_eq!(outcomes[path].body, b"said");
    }
    assert_eq!(report, SweepReport { attempts: 4, stopped: None });
    let agents = upstream.seen.agents.lock().expect("not poisoned").clone();
    assert!(agents.iter().all(|agent| agent == "hitrate-test/1 (+http://127.0.0.1/contact)"), "{agents:?}");
}

#[tokio::test]
async fn a_server_error_is_tried_again_and_a_client_error_is_not() {
    let upstream = upstream().await;
    let (outcomes, report) =
        sweep(quick(), &upstream.base, &["/flaky/2", "/status/500", "/status/400"]).await;
    assert_eq!((outcomes["/flaky/2"].status, outcomes["/flaky/2"].attempts), (Some(200), 3));
    let url = format!("{}/status/500", upstream.base);
    assert_eq!(
        outcomes["/status/500"].error,
        Some(FetchError::Status { url: url.clone(), attempts: 4, status: 500 })
    );
    let words = outcomes["/status/500"].error.as_ref().expect("an error").to_string();
    assert!(words.contains(&url) && words.contains("500") && words.contains("4 attempts"), "{words}");
    assert_eq!((outcomes["/status/400"].status, outcomes["/status/400"].attempts), (Some(400), 1));
    assert!(outcomes["/status/400"].error.is_some());
    assert_eq!(report, SweepReport { attempts: 8, stopped: None });
}

#[tokio::test]
async fn retry_after_holds_back_the_whole_sweep() {
    let upstream = upstream().await;
    let begun = Instant::now();
    let (outcomes, report) = sweep(one_by_one(quick()), &upstream.base, &["/busy/1/1", "/ok"]).await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "did not honour Retry-After");
    assert_eq!((outcomes["/busy/1/1"].status, outcomes["/busy/1/1"].attempts), (Some(200), 2));
    assert_eq!(report.stopped, None);

    // With two workers, the second one must wait as well after it finishes its slow request.
    let begun = Instant::now();
    let config = FetchConfig { max_connections: 2, ..quick() };
    let mut last = Duration::ZERO;
    // The first request is sent alone.
    let urls = ["/ok/first", "/busy/1/01", "/slow/1", "/ok/after"];
    let requests =
        urls.iter().map(|path| FetchRequest { url: format!("{}{path}", upstream.base), key: *path });
    fetcher(config)
        .fetch_all_until(&CancellationToken::new(), requests.collect(), |outcome| {
            if outcome.key == "/ok/after" {
                last = begun.elapsed();
            }
        })
        .await;
    assert!(last >= Duration::from_secs(1), "the other worker went on after {last:?}");
}

fn refused(outcome: &FetchOutcome<usize>) -> bool {
    matches!(outcome.error, Some(FetchError::Refused { .. }))
}

const REFUSED: Option<SkipReason> = Some(SkipReason::Refused);

#[tokio::test]
async fn a_wait_beyond_the_cap_stops_the_sweep_wherever_it_comes() {
    for (path, status) in [("/busy/9/3600", 429), ("/down/9/3600", 503)] {
        for before in [&[][..], &["/ok/1", "/ok/2"]] {
            let upstream = upstream().await;
            let paths = [before, &[path, "/ok/after"]].concat();
            let (outcomes, report) = sweep(one_by_one(quick()), &upstream.base, &paths).await;
            assert_eq!((outcomes[path].attempts, outcomes[path].status), (1, Some(status)));
            let words = outcomes[path].error.as_ref().expect("an error").to_string();
            assert!(words.contains("3600 s") && words.contains("120 s"), "{words}");
            assert_eq!(skipped(&outcomes["/ok/after"]), REFUSED);
            let attempts = u32::try_from(before.len()).expect("few") + 1;
            assert_eq!(report, SweepReport { attempts, stopped: REFUSED });
            assert_eq!(upstream.seen.hits("/ok/after"), 0, "a request was sent in spite of Retry-After");
        }
    }
}

#[tokio::test]
async fn a_wait_that_is_a_date_counts_from_the_upstreams_clock() {
    // The date in the header is far from this fetcher's own time, and three minutes after the response's date.
    let raw = b"HTTP/1.1 429 Too Many Requests\r\ndate: Mon, 10 Aug 2026 10:57:00 GMT\r\n\
        retry-after: Mon, 10 Aug 2026 11:00:00 GMT\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let upstream = raw_upstream(raw).await;
    let (outcomes, _) = sweep(quick(), &upstream.base, &["/x"]).await;
    let words = outcomes["/x"].error.as_ref().expect("an error").to_string();
    assert!(words.contains("is 180 s"), "{words}");
}

#[tokio::test]
async fn a_first_answer_that_refuses_stops_the_sweep() {
    for (path, attempts) in [("/status/401", 1), ("/status/403", 1), ("/status/451", 1), ("/busy/9", 4)] {
        let upstream = upstream().await;
        let config = FetchConfig { max_connections: 8, ..quick() };
        let paths = [path, "/ok/1", "/ok/2", "/ok/3"];
        let (outcomes, report) = sweep(config, &upstream.base, &paths).await;
        assert!(refused(&outcomes[path]), "{:?}", outcomes[path].error);
        assert!(paths[1..].iter().all(|path| skipped(&outcomes[*path]) == REFUSED));
        assert_eq!(report, SweepReport { attempts, stopped: REFUSED });
        assert_eq!(
            upstream.seen.total(),
            attempts as usize,
            "even with eight connections there is no other request"
        );
    }
}

#[tokio::test]
async fn a_document_that_is_refused_is_its_own_failure() {
    for path in ["/status/401", "/status/403", "/status/451", "/busy/9", "/busy/9/0"] {
        let upstream = upstream().await;
        let paths = ["/ok/1", path, "/ok/2", "/ok/3"];
        let (outcomes, report) = sweep(one_by_one(quick()), &upstream.base, &paths).await;
        assert!(refused(&outcomes[path]), "{:?}", outcomes[path].error);
        assert!(!outcomes[path].body.is_empty(), "the body of the refusal is kept");
        for path in ["/ok/1", "/ok/2", "/ok/3"] {
            assert_eq!(outcomes[path].error, None);
        }
        assert_eq!(report.stopped, None, "{path}");
    }
}

#[tokio::test]
async fn a_refusal_that_is_faster_than_the_first_document_is_not_the_first_answer() {
    let upstream = upstream().await;
    let config = FetchConfig { max_connections: 8, ..quick() };
    let (outcomes, report) = sweep(config, &upstream.base, &["/late/200", "/status/403", "/ok"]).await;
    assert!(refused(&outcomes["/status/403"]));
    assert_eq!((&outcomes["/ok"].error, report.stopped), (&None, None));
}

#[tokio::test]
async fn several_refusals_in_a_row_stop_the_sweep() {
    let upstream = upstream().await;
    let most = usize::try_from(MOST_REFUSALS).expect("few");
    let names: Vec<String> = (0..=most).map(|number| format!("/status/403/{number}")).collect();
    let row: Vec<&str> = names.iter().map(String::as_str).collect();
    let paths = [&["/ok/1"], &row[..most - 1], &["/ok/2"], &row[most - 1..], &["/busy/9", "/ok/3"]].concat();
    let (outcomes, report) = sweep(one_by_one(quick()), &upstream.base, &paths).await;
    assert_eq!(outcomes["/ok/2"].error, None, "one refusal fewer than the limit: the sweep continues");
    // Two of the other kind, and a lasting 429 is the third.
    assert!(row.iter().chain(&["/busy/9"]).all(|path| refused(&outcomes[*path])), "{outcomes:?}");
    assert_eq!((skipped(&outcomes["/ok/3"]), report.stopped), (REFUSED, REFUSED));

    // A request without a response is not consent.
    let config = FetchConfig { timeout: Duration::from_millis(80), max_attempts: 1, ..one_by_one(quick()) };
    let paths = ["/ok/1", row[0], row[1], "/hang", row[2], "/ok/3"];
    let (outcomes, report) = sweep(config, &upstream.base, &paths).await;
    assert!(matches!(outcomes["/hang"].error, Some(FetchError::Timeout { .. })));
    assert_eq!((skipped(&outcomes["/ok/3"]), report.stopped), (REFUSED, REFUSED));
}

#[tokio::test]
async fn a_later_sweep_of_a_fetcher_knows_what_the_first_was_answered() {
    let upstream = upstream().await;
    let fetcher = fetcher(one_by_one(quick()));
    let sweep = async |paths: &[&str]| {
        let requests =
            paths.iter().map(|path| FetchRequest { url: format!("{}{path}", upstream.base), key: () });
        fetcher.fetch_all_until(&CancellationToken::new(), requests.collect(), |_| {}).await
    };
    assert_eq!(sweep(&["/ok/1", "/status/403/1"]).await.stopped, None);
    assert_eq!(sweep(&["/status/403/2", "/ok/2"]).await.stopped, None, "not the first answer of the fetcher");
    assert_eq!(sweep(&["/status/403/3", "/status/403/4"]).await.stopped, None);
    assert_eq!(sweep(&["/status/403/5", "/ok/3"]).await.stopped, REFUSED, "the count continues");

    // `Retry-After` also applies to later documents, although the document that received it has failed.
    let config = FetchConfig { max_attempts: 1, ..one_by_one(quick()) };
    let fetcher = Fetcher::new(config, Arc::new(FixedClock(noon()))).expect("a client");
    let sweep = async |paths: &[&str]| {
        let requests =
            paths.iter().map(|path| FetchRequest { url: format!("{}{path}", upstream.base), key: () });
        fetcher.fetch_all_until(&CancellationToken::new(), requests.collect(), |_| {}).await
    };
    sweep(&["/ok/4", "/busy/9/1"]).await;
    let begun = Instant::now();
    assert_eq!(sweep(&["/ok/5"]).await.stopped, None);
    assert!(begun.elapsed() >= Duration::from_millis(900), "requested again after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_same_origin_only() {
    let (first, other) = (upstream().await, upstream().await);
    let (outcomes, _) = sweep(quick(), &first.base, &["/to/ok/moved", "/to/to/ok/again"]).await;
    for path in ["/to/ok/moved", "/to/to/ok/again"] {
        assert_eq!((outcomes[path].status, &outcomes[path].error), (Some(200), &None));
    }
    let port = first.base.rsplit(':').next().expect("a port");
    for target in [
        format!("{}/ok/elsewhere", other.base),
        format!("//localhost:{port}/ok"),
        format!("https://127.0.0.1:{port}/ok"),
    ] {
        *first.seen.away.lock().expect("not poisoned") = target.clone();
        let (outcomes, report) = sweep(quick(), &first.base, &["/away", "/ok"]).await;
        assert_eq!((outcomes["/away"].status, outcomes["/away"].attempts), (Some(307), 1));
        let words = outcomes["/away"].error.as_ref().expect("an error").to_string();
        let named = target.trim_start_matches("//");
        assert!(words.contains(named) && words.contains("not the same scheme, host and port"), "{words}");
        assert_eq!((&outcomes["/ok"].error, report.stopped), (&None, None));
    }
    assert_eq!(other.seen.total(), 0, "the other server gets no request");
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_a_failure_and_not_nothing_here() {
    let upstream = upstream().await;
    let paths = ["/to/status/404", "/to/to/status/410", "/loop/1", "/to/status/403", "/ok"];
    let (outcomes, report) = sweep(one_by_one(quick()), &upstream.base, &paths).await;
    let words = |path: &str| outcomes[path].error.as_ref().expect("an error").to_string();
    let to = |path: &str| format!("redirected to {}{path}, ", upstream.base);
    assert!(words("/to/status/404").ends_with(&format!("{}which answered 404", to("/status/404"))));
    assert!(words("/to/to/status/410").ends_with(&format!("{}which answered 410", to("/status/410"))));
    assert!(
        words("/loop/1").ends_with(&format!("{}one redirect too many", to("/loop/5"))),
        "{}",
        words("/loop/1")
    );
    assert!(refused(&outcomes["/to/status/403"]), "a refusal after a redirect is still a refusal");
    assert_eq!((&outcomes["/ok"].error, report.stopped), (&None, None));
}

#[tokio::test]
async fn an_outcome_carries_the_upstreams_clock() {
    let upstream = upstream().await;
    let paths = ["/dated/now", "/dated/old", "/dated/odd", "/dated/now/404", "/dated/now/403"];
    let config = FetchConfig { max_attempts: 1, ..one_by_one(quick()) };
    let (outcomes, _) = sweep(config.clone(), &upstream.base, &paths).await;
    let time = DateTime::parse_from_rfc3339("2026-08-10T10:57:30Z").expect("a time").to_utc();
    for path in paths {
        let expected = (path != "/dated/odd").then_some(time);
        assert_eq!((outcomes[path].served_at, outcomes[path].fetched_at), (expected, noon()), "{path}");
    }
    let large = FetchConfig { max_body_bytes: 1, ..config };
    let (outcomes, _) = sweep(large, &upstream.base, &["/dated/now"]).await;
    assert!(matches!(outcomes["/dated/now"].error, Some(FetchError::TooLarge { .. })));
    assert_eq!(outcomes["/dated/now"].served_at, Some(time));

    let silent = raw_upstream(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
    let (outcomes, _) = sweep(quick(), &silent.base, &["/x"]).await;
    assert_eq!((outcomes["/x"].status, outcomes["/x"].served_at), (Some(200), None));
    let (listener, base) = listen().await;
    drop(listener);
    let (outcomes, _) = sweep(quick(), &base, &["/x"]).await;
    assert_eq!(outcomes["/x"].served_at, None);
}

#[tokio::test]
async fn gzip_is_unpacked_and_a_bomb_is_stopped_by_its_unpacked_size() {
    let upstream = upstream().await;
    let config = FetchConfig { max_body_bytes: 100_000, ..quick() };
    let (outcomes, report) =
        sweep(config, &upstream.base, &["/zip/100000", "/zip/100001", "/zip/50000000"]).await;
    assert_eq!(outcomes["/zip/100000"].body, vec![b'7'; 100_000]);
    for path in ["/zip/100001", "/zip/50000000"] {
        let limit = 100_000;
        let url = format!("{}{path}", upstream.base);
        assert_eq!(outcomes[path].error, Some(FetchError::TooLarge { url, limit }));
        assert!(outcomes[path].body.is_empty());
    }
    assert_eq!(report.attempts, 3);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_tried_again_and_never_taken_for_whole() {
    let broken: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"data\":",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"dat",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ];
    for raw in broken {
        let upstream = raw_upstream(raw).await;
        let (outcomes, _) = sweep(quick(), &upstream.base, &["/x"]).await;
        let outcome = &outcomes["/x"];
        assert!(
            matches!(outcome.error, Some(FetchError::Truncated { attempts: 4, .. })),
            "{:?}",
            outcome.error
        );
        assert!(outcome.body.is_empty());
        assert_eq!(upstream.seen.hits("raw"), 4);
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_a_timeout() {
    let upstream = upstream().await;
    let config = FetchConfig { timeout: Duration::from_millis(50), max_attempts: 2, ..quick() };
    let (outcomes, _) = sweep(config, &upstream.base, &["/hang"]).await;
    assert!(matches!(outcomes["/hang"].error, Some(FetchError::Timeout { attempts: 2, .. })));
    assert_eq!(upstream.seen.hits("/hang"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_the_allowed_requests_and_connections_at_a_time() {
    let (listener, base) = listen().await;
    let seen = Arc::new(Seen::default());
    let router = Router::new().fallback(answer).with_state(seen.clone());
    let open = Arc::new(AtomicUsize::new(0));
    let peak_open = Arc::new(AtomicUsize::new(0));
    let counted = Counted { listener, open, peak: peak_open.clone() };
    let server = tokio::spawn(async move { axum::serve(counted, router).await });
    let paths: Vec<String> = (0..120).map(|number| format!("/slow/{number}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let config = FetchConfig { max_connections: 6, ..quick() };
    let (outcomes, _) = sweep(config, &base, &paths).await;
    server.abort();
    assert!(outcomes.values().all(|outcome| outcome.error.is_none()));
    assert_eq!(seen.peak.load(Ordering::SeqCst), 6, "requests in flight");
    assert_eq!(peak_open.load(Ordering::SeqCst), 6, "connections");
}

/// A listener that counts the connections it has ever taken.
struct Counted {
    listener: TcpListener,
    open: Arc<AtomicUsize>,
    peak: Arc<AtomicUsize>,
}

impl axum::serve::Listener for Counted {
    type Io = tokio::net::TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let taken = axum::serve::Listener::accept(&mut self.listener).await;
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(open, Ordering::SeqCst);
        taken
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

#[tokio::test]
async fn the_budget_counts_attempts_and_the_rest_is_skipped() {
    let upstream = upstream().await;
    let config = FetchConfig { budget: 5, ..one_by_one(quick()) };
    let paths = ["/flaky/2", "/ok/1", "/ok/2", "/ok/3", "/ok/4"];
    let (outcomes, report) = sweep(config, &upstream.base, &paths).await;
    assert_eq!(outcomes["/flaky/2"].attempts, 3);
    assert_eq!(skipped(&outcomes["/ok/3"]), Some(SkipReason::Budget));
    assert_eq!(skipped(&outcomes["/ok/4"]), Some(SkipReason::Budget));
    assert_eq!(report, SweepReport { attempts: 5, stopped: Some(SkipReason::Budget) });
    assert_eq!(upstream.seen.total(), 5);
}

#[tokio::test]
async fn an_upstream_that_is_down_is_given_up_after_a_few_requests() {
    let (listener, base) = listen().await;
    drop(listener);
    let paths: Vec<String> = (0..300).map(|number| format!("/{number}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let (outcomes, report) = sweep(one_by_one(quick()), &base, &paths).await;
    assert_eq!(report, SweepReport { attempts: 20, stopped: Some(SkipReason::Unavailable) });
    let tried = outcomes
        .values()
        .filter(|outcome| matches!(outcome.error, Some(FetchError::Connect { attempts: 4, .. })));
    assert_eq!(tried.count(), 5);
    let rest = outcomes
        .values()
        .filter(|outcome| skipped(outcome) == Some(SkipReason::Unavailable) && outcome.attempts == 0);
    assert_eq!(rest.count(), 295);
}

#[tokio::test]
async fn an_upstream_that_has_never_answered_is_given_up_when_its_time_is_over() {
    let (listener, base) = listen().await;
    drop(listener);
    let config = FetchConfig { give_up_within: Duration::ZERO, ..one_by_one(quick()) };
    let (_, report) = sweep(config, &base, &["/1", "/2"]).await;
    assert_eq!(report, SweepReport { attempts: 1, stopped: Some(SkipReason::Unavailable) });
}

#[tokio::test]
async fn an_upstream_that_only_fails_is_given_up() {
    let upstream = upstream().await;
    let paths: Vec<String> = (0..40).map(|number| format!("/status/500/{number}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let config = FetchConfig { max_attempts: 1, ..one_by_one(quick()) };
    let (_, report) = sweep(config, &upstream.base, &paths).await;
    assert_eq!(report, SweepReport { attempts: 15, stopped: Some(SkipReason::Unavailable) });
}

#[tokio::test]
async fn a_cancelled_sweep_ends_and_accounts_for_every_request() {
    let upstream = upstream().await;
    let cancel = CancellationToken::new();
    let paths = ["/ok", "/hang/1", "/hang/2"];
    let requests = paths.map(|path| FetchRequest { url: format!("{}{path}", upstream.base), key: path });
    let mut done = BTreeMap::new();
    let report = fetcher(one_by_one(quick()))
        .fetch_all_until(&cancel, requests.to_vec(), |outcome| {
            cancel.cancel();
            done.insert(outcome.key, outcome.error);
        })
        .await;
    assert_eq!(done["/ok"], None);
    for path in ["/hang/1", "/hang/2"] {
        assert!(matches!(done[path], Some(FetchError::Skipped { reason: SkipReason::Cancelled, .. })));
    }
    assert_eq!(report.stopped, Some(SkipReason::Cancelled));
}

#[tokio::test]
async fn a_url_of_no_use_is_reported_and_the_rest_goes_on() {
    let upstream = upstream().await;
    let mut errors = BTreeMap::new();
    let urls = ["not a url".to_owned(), "ftp://127.0.0.1/x".to_owned(), format!("{}/ok", upstream.base)];
    let requests = urls.into_iter().enumerate().map(|(key, url)| FetchRequest { url, key });
    fetcher(quick())
        .fetch_all_until(&CancellationToken::new(), requests.collect(), |outcome| {
            errors.insert(outcome.key, outcome.error);
        })
        .await;
    assert!(matches!(errors[&0], Some(FetchError::BadUrl { .. })));
    assert!(matches!(errors[&1], Some(FetchError::BadUrl { .. })));
    assert_eq!(errors[&2], None);
}

#[tokio::test]
async fn a_single_get_asks_only_this_machine() {
    let upstream = upstream().await;
    let wait = Duration::from_secs(10);
    let answer =
        get_json_once(&format!("{}/status/503", upstream.base), None, wait).await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_slice()), (503, b"said".as_slice()));
    for url in ["http://192.0.2.1/x", "https://127.0.0.1/x", "nonsense"] {
        assert!(matches!(get_json_once(url, None, wait).await, Err(FetchError::BadUrl { .. })), "{url}");
    }
    let hang = get_json_once(&format!("{}/hang", upstream.base), None, Duration::from_millis(50)).await;
    assert!(matches!(hang, Err(FetchError::Timeout { .. })));
    let (listener, base) = listen().await;
    drop(listener);
    assert!(matches!(get_json_once(&base, None, wait).await, Err(FetchError::Connect { .. })));
}
