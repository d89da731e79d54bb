//! The transfer size of the front page.

use super::{attribute, named, sample, site_over, tags};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use chrono::Duration;
use hitrate::domain::ids::ProviderSlug;
use hitrate::snapshot::Snapshot;
use tower::ServiceExt;

/// Size budget for page, style sheet and scripts, compressed.
const BUDGET: usize = 40 * 1024;
/// Somewhat more providers than the live upstream has.
const PROVIDERS: usize = 90;

/// The name of the copy of a provider with an index.
fn of_index(provider: &ProviderSlug, index: usize) -> ProviderSlug {
    ProviderSlug::new(format!("{}-{index}", provider.as_str()))
}

/// The sample with [`PROVIDERS`] rated providers, each with a row of evidence.
fn crowded() -> Snapshot {
    let mut snapshot = sample::snapshot();
    for list in &mut snapshot.tier_lists {
        let rated = list.providers.clone();
        list.providers = (0..PROVIDERS)
            .map(|index| {
                let mut row = rated[index % 4].clone();
                row.provider = of_index(&row.provider, index);
                row.name = format!("{} {index}", row.name);
                row.traffic_mean = row.traffic_mean.map(|mean| mean - 0.001 * index as f64);
                row.adjusted = row.adjusted.map(|value| value - 0.0007 * index as f64);
                (row.low, row.high) = (row.adjusted.map(|v| v - 0.031), row.adjusted.map(|v| v + 0.029));
                row
            })
            .collect();
    }
    let entries = snapshot.providers.clone();
    for index in 0..PROVIDERS {
        snapshot.providers.extend(entries.iter().map(|entry| {
            let mut copy = entry.clone();
            copy.provider = of_index(&entry.provider, index);
            copy
        }));
    }
    snapshot
}

async fn size(site: &axum::Router, path: &str, coding: &str) -> (usize, Vec<u8>) {
    let request =
        Request::get(path).header(header::ACCEPT_ENCODING, coding).body(Body::empty()).expect("a request");
    let response = site.clone().oneshot(request).await.expect("the router never fails");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec();
    (body.len(), body)
}

#[tokio::test]
async fn the_front_page_with_all_it_needs_stays_within_its_budget() {
    let site = site_over(Some(crowded()), Duration::minutes(24));
    let (_, plain) = size(&site, "/", "identity").await;
    let page = String::from_utf8(plain).expect("text");
    let tags = tags("/", &page);
    let sheet =
        named(&tags, "link").into_iter().find(|tag| tag.contains("stylesheet")).expect("a style sheet");
    let scripts = named(&tags, "script").into_iter().filter_map(|tag| attribute(tag, "src"));
    let icon = "/favicon.svg".to_owned();
    let needed: Vec<String> =
        ["/".to_owned(), icon].into_iter().chain(attribute(sheet, "href")).chain(scripts).collect();
    for coding in ["gzip", "br", "zstd"] {
        let mut total = 0;
        for path in &needed {
            total += size(&site, path, coding).await.0;
        }
        assert!(total <= BUDGET, "{total} bytes with {coding}");
        assert!(total > 5_000, "{total} bytes with {coding} are too few to be all");
    }
}
