//! The door for upstreams, proved with a second one of another shape: collected, archived, stored, replayed and shown
//! under its own name.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::get;
use chrono::{DateTime, Duration, Utc};
use hitrate::archive::Archive;
use hitrate::clock::SystemClock;
use hitrate::pipeline::{CollectReport, DataDir, Pipeline, PipelineError};
use hitrate::prepared::Origin;
use hitrate::site::{SiteState, router};
use hitrate::snapshot::{Current, Snapshot};
use tower::ServiceExt;

use crate::rig::{at, config, folder, rows};
use crate::upstream::{self as simulated, collect_from};

#[path = "listing/upstream.rs"]
mod upstream;

use upstream::{Listing, NAME};

const OFFERS: &str = r#"{"models": [
    {"id": "wren/lark-2", "offers": [
        {"provider": "heron", "usd_per_mtok_in": "0.25", "usd_per_mtok_out": "1", "first_token_seconds": 0.4,
         "tokens_per_second": 80, "uptime_percent": 99.5},
        {"provider": "crane", "usd_per_mtok_in": "0.2", "usd_per_mtok_out": "0.9", "first_token_seconds": null}]},
    {"id": "wren/finch", "offers": [
        {"provider": "heron", "usd_per_mtok_in": "3", "usd_per_mtok_out": "15", "uptime_percent": 98}]}]}"#;

/// Serves one text under the path of the list; returns the base address.
async fn serve(body: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let router = Router::new().route("/offers.json", get(move || async move { body }));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
    format!("http://{address}")
}

fn open(folder: &Path) -> Result<Pipeline, PipelineError> {
    let listing = Arc::new(Listing { base_url: simulated::nobody() });
    Pipeline::open_with(listing, config(""), DataDir::new(folder), Arc::new(SystemClock))
}

fn noon() -> DateTime<Utc> {
    at("2026-08-07T12:57:00Z")
}

async fn collect(pipeline: &Pipeline, body: &'static str, time: DateTime<Utc>) -> CollectReport {
    collect_from(pipeline, &serve(body).await, time).await
}

async fn page(snapshot: &Snapshot, path: &str) -> String {
    let now = snapshot.as_of + Duration::minutes(5);
    let site = router(SiteState {
        pages: Arc::default(),
        current: Arc::new(Current::new(Some(snapshot.clone()))),
        now: Arc::new(move || now),
        method_markdown: "# The method\n",
        public_url: "".into(),
        origin: Origin::default(),
    });
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let answer = site.oneshot(request).await.expect("the router never fails");
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_upstream_is_collected_stored_replayed_and_shown_under_its_own_name() {
    let (data, again) = (folder(), folder());
    let snapshot = {
        let pipeline = open(data.path()).expect("opened");
        for time in [noon(), noon() + Duration::hours(1)] {
            let report = collect(&pipeline, OFFERS, time).await;
            assert_eq!(
                (report.status.as_str(), report.endpoints, report.readings),
                ("ok", 3, 0),
                "{report:?}"
            );
            assert_eq!((report.requests, report.documents), (1, 1));
        }
        pipeline.publish().expect("published")
    };
    let archive = Archive::open(data.path().join("archive"));
    for path in archive.manifests().expect("listed") {
        let manifest = Archive::read_manifest(&path).expect("read");
        assert_eq!(manifest.header.upstream_name.as_deref(), Some(NAME));
        assert_eq!(manifest.entries[0].request.kind.as_str(), "offers");
    }
    for table in ["run", "endpoint"] {
        let names = rows(data.path(), &format!("SELECT DISTINCT upstream_name FROM {table}"));
        assert!(names.len() == 1 && names[0].contains(NAME), "{table}: {names:?}");
    }
    assert_eq!(snapshot.upstream(), NAME);
    assert_eq!(
        snapshot.status.sources.iter().map(|source| source.source.as_str()).collect::<Vec<_>>(),
        [NAME]
    );
    let lark = snapshot.model("wren/lark-2").expect("published");
    let heron = lark.endpoints.iter().find(|one| one.tag.as_str() == "heron").expect("published");
    assert_eq!((heron.latency_ms, heron.throughput, heron.uptime_1d), (Some(400.0), Some(80.0), Some(0.995)));
    assert_eq!(heron.hit_rate, None);
    for path in ["/", "/status"] {
        let page = page(&snapshot, path).await;
        assert!(page.contains("Data: listing’s public pages"), "{path}");
    }
    let replayed = open(again.path()).expect("opened").replay(&archive, |_, _| {}).expect("replayed");
    assert_eq!((replayed.stored, replayed.set_aside.len()), (2, 0));
    assert_eq!(replayed.snapshot.as_deref(), Some(snapshot.id.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_cannot_be_read_is_a_failed_run() {
    let data = folder();
    let pipeline = open(data.path()).expect("opened");
    let report = collect(&pipeline, "<html>", noon()).await;
    assert_eq!(report.status.as_str(), "failed");
    assert!(report.failures[0].starts_with("offers at $:"), "{:?}", report.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_holds_the_runs_of_one_upstream() {
    let (data, other) = (folder(), folder());
    collect(&open(data.path()).expect("opened"), OFFERS, noon()).await;
    let refused = Pipeline::open(config(""), DataDir::new(data.path()), Arc::new(SystemClock));
    let refused = refused.err().expect("the record is of another upstream").to_string();
    assert!(refused.contains("`listing`") && refused.contains("`openrouter`"), "{refused}");
    let (archive, first) = (Archive::open(data.path().join("archive")), simulated::Upstream::serve().await);
    let replayed = simulated::pipeline(other.path()).replay(&archive, |_, _| {}).expect("replayed");
    assert_eq!((replayed.stored, replayed.set_aside.len()), (0, 1));
    assert!(replayed.set_aside[0].reason.contains("`listing`"), "{:?}", replayed.set_aside);
    let pipeline = simulated::pipeline(other.path());
    simulated::collect(&pipeline, &first, simulated::day(11)).await;
    let manifests = pipeline.archive.manifests().expect("listed");
    let header = Archive::read_manifest(&manifests[0]).expect("read").header;
    assert_eq!(header.upstream_name, None, "the manifests of the first upstream are as they were");
    assert_eq!(pipeline.publish().expect("published").upstream(), "OpenRouter");
}
