//! The whole service, over a socket: prepared answers, limits, counters.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use hitrate::clock::FixedClock;
use hitrate::pipeline::DataDir;
use hitrate::serve::{Content, Server, outbox};
use hitrate::snapshot::{Current, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::rig::{config, folder};
use crate::sample;

/// A response: status, headers by lower-case name, body.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("utf-8")
    }
}

/// A service over a snapshot, in this process.
struct Service {
    address: String,
    current: Arc<Current>,
    cancel: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Service {
    async fn start(settings: &str) -> Self {
        let folder = folder();
        let current = Arc::new(Current::new(Some(sample::snapshot())));
        let clock = Arc::new(FixedClock(sample::as_of()));
        let (data, settings) = (DataDir::new(folder.path()), config(settings));
        let content = Content {
            data: data.clone(),
            current: current.clone(),
            pipeline: None,
            outbox: Some(outbox(&settings, &data, clock.clone())),
            settings: settings.serve,
        };
        let server = Server::bind(content, clock, ([127, 0, 0, 1], 0).into()).await.expect("it listens");
        let address = server.url().strip_prefix("http://").expect("http").to_owned();
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let ended = tokio::spawn(async move { server.run(stop).await.expect("it stops") });
        Self { address, current, cancel, ended, _folder: folder }
    }

    async fn get(&self, path: &str, headers: &str) -> Answer {
        self.ask("GET", path, headers).await
    }

    async fn head(&self, path: &str) -> u16 {
        self.ask("HEAD", path, "").await.status
    }

    async fn ask(&self, method: &'static str, path: &str, headers: &str) -> Answer {
        let (address, path, headers) = (self.address.clone(), path.to_owned(), headers.to_owned());
        let asked = tokio::task::spawn_blocking(move || ask(&address, method, &path, &headers));
        asked.await.expect("asked")
    }

    /// Publishes as a run does, outside the async workers.
    async fn publish(&self, snapshot: Snapshot) {
        let current = self.current.clone();
        let published = tokio::task::spawn_blocking(move || current.set(Arc::new(snapshot)));
        published.await.expect("published");
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.ended.await.expect("ended");
    }
}

fn ask(address: &str, method: &str, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
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

/// The value of a counter line that contains all words.
fn counted(metrics: &str, words: &[&str]) -> f64 {
    let mut lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let line = lines.find(|line| words.iter().all(|word| line.contains(word)));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_coding_is_prepared_with_its_own_etag() {
    let service = Service::start("").await;
    for path in ["/", "/api/v1/tiers", "/api/v1/models/northwind/atlas-3"] {
        let mut etags = Vec::new();
        for coding in ["identity", "gzip", "br", "zstd"] {
            let accept = format!("Accept-Encoding: {coding}\r\n");
            let answer = service.get(path, &accept).await;
            assert_eq!(answer.status, 200, "{path}");
            let expected = if coding == "identity" { "" } else { coding };
            assert_eq!(answer.header("content-encoding"), expected, "{path}");
            let etag = answer.header("etag").to_owned();
            assert!(etag.starts_with('"') && !etags.contains(&etag), "strong and its own: {etag}");
            let again = service.get(path, &format!("{accept}If-None-Match: {etag}\r\n")).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{path} {coding}");
            assert_eq!(again.header("etag"), etag);
            etags.push(etag);
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_is_prepared_before_it_is_shown_and_shown_at_once() {
    let service = Service::start("").await;
    let before = service.get("/", "").await;
    let mut next = sample::snapshot();
    next.id = "next".to_owned();
    next.models[0].name = "A model of the next snapshot".to_owned();
    let path = format!("/models/{}", next.models[0].model_id);
    service.publish(next).await;
    let model = service.get(&path, "").await;
    assert!(model.text().contains("A model of the next snapshot"));
    let json = service.get("/api/v1/tiers", "").await;
    assert!(json.text().contains("\"snapshot\":\"next\""));
    assert_eq!(service.get("/", "").await.status, before.status);
    let metrics = service.get("/metrics", "").await.text();
    let kept = |area: &str| counted(&metrics, &["http_responses_total", area, "origin=\"kept\"", "200"]);
    assert_eq!(kept("area=\"api\""), 1.0, "prepared by the publication, not by the request:\n{metrics}");
    assert!(kept("area=\"site\"") >= 2.0, "{metrics}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_on_request_is_limited_and_what_is_prepared_is_not() {
    let service = Service::start("[serve]\nrequests_per_minute = 3\n").await;
    service.publish(Snapshot { id: "prepared".to_owned(), ..sample::snapshot() }).await;
    for left in [2, 1, 0] {
        let answer = service.get(&format!("/search?q=zzz{left}"), "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"requests\";q=3;w=60");
        let told = answer.header("ratelimit");
        assert!(told.starts_with(&format!("\"requests\";r={left};t=")), "{told}");
    }
    let refused = service.get("/api/v1/models?q=nimbus", "").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=60).contains(&seconds)));
    assert!(refused.header("ratelimit").starts_with("\"requests\";r=0;t="));
    assert!(
        refused.text().contains("/problems/too-many-requests") && refused.text().contains("/api/v1/models")
    );
    for path in ["/", "/api/v1/tiers", "/models", "/livez", "/metrics", "/robots.txt"] {
        assert_eq!(service.get(path, "").await.status, 200, "{path}");
    }
    // Answers to HEAD are not cached: they are made each time; prepared paths are still not limited.
    assert_eq!([service.head("/models").await, service.head("/search?q=zzz").await], [200, 429]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_policy_whoever_made_it() {
    let service = Service::start("[serve]\nrequests_per_minute = 12\n").await;
    let mut statuses = BTreeSet::new();
    for path in [
        "/",
        "/assets/nothing.css",
        "/badge/lumen.svg",
        "/changes.atom",
        "/explore?hit=lots",
        "/api",
        "/api/v1/tiers",
        "/api/v1/nothing",
        "/local/query",
        "/livez",
        "/metrics",
        "/nothing",
        "/search?q=1",
        "/search?q=2",
        "/search?q=3",
        "/search?q=4",
        "/search?q=5",
        "/search?q=6",
        "/search?q=7",
    ] {
        let answer = service.get(path, "").await;
        statuses.insert(answer.status);
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
    assert!([200, 400, 404, 429].iter().all(|status| statuses.contains(status)), "{statuses:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_with_the_host_of_a_client_reaches_no_other_client() {
    let service = Service::start("").await;
    let own = format!("http://{}", service.address);
    for path in ["/api", "/api/v1/openapi.json", "/llms.txt", "/sitemap.xml"] {
        for _ in 0..2 {
            let forwarded = "X-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: https\r\n";
            let answer = service.get(path, forwarded).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.header("cache-control").contains("no-store"), "{path}");
            let text = answer.text();
            assert!(text.contains(&own) && !text.contains("evil.test"), "{path}");
        }
    }
    let document: serde_json::Value =
        serde_json::from_str(&service.get("/api/v1/openapi.json", "").await.text()).expect("JSON");
    assert_eq!(document["servers"], serde_json::json!([{ "url": own }]));
    let packed = service.get("/api/v1/openapi.json", "Accept-Encoding: gzip\r\n").await;
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "Accept-Encoding"));
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut unpacked).expect("gzip");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&unpacked).expect("JSON"), document);
    service.stop().await;
    let behind = Service::start("[serve]\nclient_header = \"X-Forwarded-For\"\n").await;
    let forwarded = "X-Forwarded-Host: tiers.test\r\nX-Forwarded-Proto: https\r\n";
    let text = behind.get("/api/v1/openapi.json", forwarded).await.text();
    assert!(text.contains("\"url\": \"https://tiers.test\""));
    for _ in 0..2 {
        let map = behind.get("/sitemap.xml", forwarded).await;
        assert!(map.header("cache-control").contains("no-store"));
        let map = map.text();
        assert!(map.contains("<loc>https://tiers.test/") && !map.contains(&behind.address), "{map}");
        let own = behind.get("/sitemap.xml", "").await.text();
        assert!(own.contains(&format!("<loc>http://{}/", behind.address)) && !own.contains("tiers.test"));
    }
    assert!(behind.get("/api", "").await.text().contains(&format!("http://{}/api/v1/tiers", behind.address)));
    behind.stop().await;
    let public = Service::start("[serve]\npublic_url = \"https://public.test\"\n").await;
    for path in ["/api", "/api/v1/openapi.json"] {
        let answer = public.get(path, "").await;
        assert!(answer.header("cache-control").starts_with("public"), "{path}");
        let text = answer.text();
        assert!(text.contains("https://public.test") && !text.contains(&public.address), "{path}");
        let held = format!("If-None-Match: {}\r\n", answer.header("etag"));
        assert_eq!(public.get(path, &held).await.status, 304, "{path}");
    }
    public.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_writes_parquet_and_keeps_it() {
    let service = Service::start("").await;
    for path in ["/api/v1/endpoints.parquet", "/explore.parquet", "/api/v1/history/northwind/atlas-3.parquet"]
    {
        let answer = service.get(path, "").await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/vnd.apache.parquet"),
            "{path}"
        );
        assert_eq!((&answer.body[..4], answer.header("content-encoding")), (&b"PAR1"[..], ""), "{path}");
        let held = format!("If-None-Match: {}\r\n", answer.header("etag"));
        assert_eq!(service.get(path, &held).await.status, 304, "{path}");
    }
    // The first request for an address may want a part; the next one gets the whole.
    let path = "/api/v1/readings.parquet";
    let part = service.get(path, "Range: bytes=0-3\r\n").await;
    assert_eq!((part.status, part.body.as_slice()), (206, &b"PAR1"[..]));
    let whole = service.get(path, "").await;
    assert_eq!((whole.status, whole.header("content-range")), (200, ""));
    let length = whole.body.len();
    assert_eq!(part.header("content-range"), format!("bytes 0-3/{length}"));
    let end = service.get(path, "Range: bytes=-4\r\n").await;
    assert_eq!((end.status, end.body.as_slice()), (206, &whole.body[length - 4..]));
    assert_eq!(service.get(path, &format!("Range: bytes={length}-\r\n")).await.status, 416);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_tell_of_the_data_and_of_the_answers() {
    let service = Service::start("").await;
    assert_eq!(service.get("/no-such-page", "").await.status, 404);
    let answer = service.get("/metrics", "").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let snapshot = sample::snapshot();
    assert_eq!(counted(&text, &["hitrate_endpoints "]), snapshot.summary.endpoints as f64);
    assert_eq!(counted(&text, &["hitrate_data_age_seconds "]), 0.0);
    assert_eq!(counted(&text, &["http_responses_total", "area=\"site\"", "status=\"404\""]), 1.0);
    assert!(text.contains(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")), "{text}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_asset_counts_against_the_limit_and_a_real_one_does_not() {
    let service = Service::start("[serve]\nrequests_per_minute = 5\n").await;
    let front = service.get("/", "").await.text();
    let mut targets = front.split("href=\"").filter_map(|part| part.split('"').next());
    let style = targets.find(|target| target.starts_with("/assets/")).expect("a style").to_owned();
    for _ in 0..20 {
        assert_eq!(service.get(&style, "").await.status, 200);
    }
    let mut statuses = BTreeSet::new();
    for _ in 0..6 {
        statuses.insert(service.get("/assets/nothing.css", "").await.status);
    }
    assert_eq!(statuses, BTreeSet::from([404, 429]));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_behind_a_proxy_that_states_ports_do_not_share_a_limit() {
    let settings = "[serve]\nrequests_per_minute = 2\nclient_header = \"X-Forwarded-For\"\n";
    let service = Service::start(settings).await;
    for client in ["198.51.100.7:4001", "198.51.100.8:4001", "[2001:db8::7]:4001", "203.0.113.1, unknown7"] {
        let statuses = [
            service.get("/search?q=zzz1", &format!("X-Forwarded-For: {client}\r\n")).await.status,
            service.get("/search?q=zzz2", &format!("X-Forwarded-For: {client}\r\n")).await.status,
            service.get("/search?q=zzz3", &format!("X-Forwarded-For: {client}\r\n")).await.status,
        ];
        assert_eq!(statuses, [200, 200, 429], "{client}");
    }
    // Another port is the same client.
    assert_eq!(service.get("/search?q=zzz4", "X-Forwarded-For: 198.51.100.7:9\r\n").await.status, 429);
    service.stop().await;
}
