//! The page of an endpoint: its address, its figures and charts, and the config to use or avoid it.

use super::evidence::section;
use super::{attribute, get, named, sample, site, site_over, tags};
use axum::Router;
use axum::http::{StatusCode, header};
use chrono::Duration;
use hitrate::domain::change::ChangeKind;
use hitrate::domain::ids::Tag;
use hitrate::site::endpoint_pages;
use hitrate::snapshot::Snapshot;

const FP8: &str = "/models/northwind/atlas-3/endpoints/quarry/fp8";

fn site_of(snapshot: Snapshot) -> Router {
    site_over(Some(snapshot), Duration::zero())
}

#[tokio::test]
async fn every_endpoint_has_a_page_that_others_link_to() {
    let snapshot = sample::snapshot();
    let all = endpoint_pages(&snapshot);
    assert_eq!(all.len(), snapshot.models.iter().map(|model| model.endpoints.len()).sum::<usize>());
    let site = site();
    for path in &all {
        let page = get(&site, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        tags(path, &page.body);
        assert!(page.body.contains(&format!("<link rel=\"canonical\" href=\"{path}\">")), "{path}");
    }
    let map = get(&site, "/sitemap.xml").await.body;
    for (from, text) in [
        ("the model", get(&site, "/models/northwind/atlas-3").await.body),
        ("the explorer", get(&site, "/explore").await.body),
    ] {
        assert!(text.contains(&format!("href=\"{FP8}\"")), "{from}: {text}");
    }
    assert!(map.contains(&format!("{FP8}</loc>")), "{map}");
}

#[tokio::test]
async fn the_page_has_figures_flags_days_changes_and_a_badge() {
    let mut snapshot = sample::snapshot();
    let event = |tag: &str, why: &str| {
        sample::change(ChangeKind::StatusChanged, Some("northwind/atlas-3"), Some(tag), 3, why)
    };
    snapshot.changes = vec![event("mirage/fp4", "its own change"), event("lumen", "of another")];
    let path = "/models/northwind/atlas-3/endpoints/mirage/fp4";
    let page = get(&site_of(snapshot), path).await.body;
    assert!(page.contains("66\u{202f}%") && page.contains("hit rate, 7 days"), "{page}");
    assert!(page.contains("id=\"flag-phantom\"") && page.contains("hit rate over 7 days"), "{page}");
    let days = section(&page, "days");
    for chart in ["chart-hit-rate", "chart-price", "chart-uptime", "chart-speed", "chart-first-token"] {
        assert!(days.contains(&format!("<figcaption id=\"{chart}\">")), "{chart}: {days}");
    }
    assert!(
        days.contains("<bdi>paid after caching</bdi>") && days.contains("<bdi>list price</bdi>"),
        "{days}"
    );
    assert!(days.contains("?days=7#days") && days.contains("?days=30#days"), "{days}");
    let changes = section(&page, "changes");
    assert!(changes.contains("its own change") && !changes.contains("of another"), "{changes}");
    assert!(changes.contains(&format!("href=\"{path}/changes.atom\"")), "{changes}");
    let images = tags(path, &page);
    let badge = named(&images, "img").into_iter().find_map(|img| attribute(img, "src")).expect("a badge");
    assert_eq!(badge, "/badge/model/northwind/atlas-3/endpoints/mirage/fp4.svg");
    let file = get(&site(), &badge).await;
    assert!(file.body.contains("mirage/fp4") && file.body.contains("hits"), "{}", file.body);
    assert!(page.contains("href=\"/providers/mirage\""), "{page}");
}

#[tokio::test]
async fn it_can_be_used_alone_or_avoided_in_the_words_of_any_tool() {
    let site = site();
    // A bare tag also matches its sibling, so a pin needs both lists and the tag cannot be avoided alone.
    let path = "/models/northwind/atlas-3/endpoints/north-cloud";
    let pin = get(&site, path).await.body;
    assert!(pin.contains("Use this host") && pin.contains("&#34;north-cloud/eu-west&#34;"), "{pin}");
    let avoid = get(&site, &format!("{path}?mode=avoid")).await.body;
    assert!(
        avoid.contains("No config for") && avoid.contains("it would also match “north-cloud/eu-west”"),
        "{avoid}"
    );
    let avoid = get(&site, &format!("{FP8}?mode=avoid&tool=opencode")).await.body;
    assert!(avoid.contains("Block this host") && avoid.contains("&#34;ignore&#34;"), "{avoid}");
    let phantom = get(&site, "/models/northwind/atlas-3/endpoints/mirage/fp4").await.body;
    assert!(phantom.contains("hitrate does not recommend it"), "{phantom}");
    let wrong = get(&site, &format!("{FP8}?tool=hammer&days=9")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("unknown target “hammer”") && wrong.body.contains("“days” is “9”"));
}

#[tokio::test]
async fn other_names_lead_to_the_address_and_unknown_ones_to_the_nearest() {
    let site = site();
    let id = sample::snapshot().models[0].endpoints[0].endpoint_id;
    for other in [
        format!("/models/northwind/atlas-3/endpoints/{id}"),
        "/models/northwind/atlas-3-20260901/endpoints/quarry/fp8".to_owned(),
    ] {
        let answer = get(&site, &other).await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT, "{other}");
        assert_eq!(answer.headers[header::LOCATION], FP8, "{other}");
    }
    let same = get(&site, "/models/northwind/atlas-3/endpoints/quarry%2Ffp8").await;
    assert_eq!(same.status, StatusCode::OK);
    let long = "x".repeat(4_000);
    for tag in ["nobody", "%3Cscript%3E", "quarry/fp8/", &long] {
        let answer = get(&site, &format!("/models/northwind/atlas-3/endpoints/{tag}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{tag}");
        assert!(
            answer.body.contains("No such endpoint") && answer.body.contains(FP8),
            "{tag}: {}",
            answer.body
        );
        assert!(!answer.body.contains("<script>") && answer.body.len() < 30_000, "{tag}");
    }
    for path in ["/models/no/body/endpoints/quarry/fp8", "/models/northwind/atlas-3/endpoints"] {
        assert_eq!(get(&site, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn tags_that_addresses_cannot_carry_have_pages_by_id() {
    for tag in ["../../status", "a//b", "x.json", "x.parquet", &"long".repeat(100), "quarry/fp8"] {
        let mut snapshot = sample::snapshot();
        // The last one is the tag of another endpoint of the model.
        snapshot.models[0].endpoints[1].tag = Tag::new(tag);
        let id = snapshot.models[0].endpoints[1].endpoint_id;
        let path = format!("/models/northwind/atlas-3/endpoints/{id}");
        assert!(endpoint_pages(&snapshot).contains(&path), "{tag}");
        let site = site_of(snapshot);
        let page = get(&site, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{tag}");
        let badge = named(&tags(&path, &page.body), "img").into_iter().find_map(|img| attribute(img, "src"));
        assert_eq!(get(&site, &badge.expect("a badge")).await.status, StatusCode::OK, "{tag}");
        // Every page with a link to the endpoint links to this page, also if another endpoint has the same tag.
        let provider = sample::snapshot().models[0].endpoints[1].provider.clone();
        let link = format!("href=\"{path}\"");
        let model = get(&site, "/models/northwind/atlas-3").await.body;
        assert!(model.matches(&link).count() >= 4, "{tag}: {model}");
        for from in [
            "/explore".to_owned(),
            format!("/providers/{provider}"),
            "/cost?model=northwind/atlas-3".to_owned(),
        ] {
            assert!(get(&site, &from).await.body.contains(&link), "{tag}: {from}");
        }
    }
}
