//! What accompanies the pages: the explorer's data, comparisons, charts, badges, previews, feed and site map.

use super::sample;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::Duration;
use hitrate::api::{self, ApiState};
use hitrate::prepared::Origin;
use hitrate::site::{SiteState, router};
use hitrate::snapshot::{Current, Snapshot};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

fn site_at(snapshot: Snapshot, public_url: &str) -> Router {
    let now = snapshot.as_of + Duration::minutes(24);
    let current = Arc::new(Current::new(Some(snapshot)));
    let site = SiteState {
        current: current.clone(),
        now: Arc::new(move || now),
        pages: Arc::default(),
        method_markdown: "# The method\n",
        public_url: public_url.into(),
        origin: Origin::new(public_url, false),
    };
    let api = ApiState { current, bodies: Arc::default(), now: Arc::new(move || now) };
    api::router(api).merge(router(site))
}

fn site() -> Router {
    site_at(sample::snapshot(), "")
}

async fn bytes(site: &Router, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request =
        Request::get(path).header(header::HOST, "tiers.test").body(Body::empty()).expect("a request");
    let (parts, body) = site.clone().oneshot(request).await.expect("the router never fails").into_parts();
    (parts.status, parts.headers, to_bytes(body, usize::MAX).await.expect("a body").to_vec())
}

async fn get(site: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    let (status, headers, body) = bytes(site, path).await;
    (status, headers, String::from_utf8(body).expect("text"))
}

async fn found(site: &Router, query: &str) -> Vec<Value> {
    let (status, _, body) = get(site, &format!("/api/v1/endpoints?limit=500&{query}")).await;
    assert_eq!(status, StatusCode::OK, "{query}: {body}");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    answer["data"].as_array().expect("rows").clone()
}

#[tokio::test]
async fn every_condition_of_the_explorer_holds_and_leaves_out_what_does_not_tell() {
    let site = site();
    let all = found(&site, "variants=all").await;
    assert_eq!(all.len(), sample::snapshot().summary.endpoints);
    type Holds = fn(&Value) -> bool;
    let conditions: [(&str, Holds); 8] = [
        ("hit=70", |e| e["hit_rate"].as_f64().is_some_and(|rate| rate >= 0.7)),
        ("price=0.2", |e| e["effective"]["input"].as_f64().is_some_and(|price| price <= 0.2)),
        ("list=0.5", |e| e["list"]["input"].as_f64().is_some_and(|price| price <= 0.5)),
        ("quant=fp4", |e| e["quantization"] == "fp4"),
        ("provider=quarry", |e| e["provider"] == "quarry"),
        ("q=atlas", |e| e["model_id"].as_str().is_some_and(|id| id.contains("atlas"))),
        ("param=tools", |e| e["parameters"].as_array().is_some_and(|all| all.contains(&"tools".into()))),
        ("data=not-kept", |e| e["trains_on_prompts"] == false && e["retains_prompts"] == false),
    ];
    for (query, holds) in conditions {
        let rows = found(&site, &format!("variants=all&{query}")).await;
        assert!(!rows.is_empty() && rows.iter().all(holds), "{query}: {rows:?}");
        assert_eq!(rows.len(), all.iter().filter(|row| holds(row)).count(), "{query}");
    }
    assert!(found(&site, "context=300k").await.is_empty());
    assert!(
        found(&site, "").await.iter().all(|e| e["model_id"] != "northwind/atlas-3:free"),
        "variants apart"
    );
}

#[tokio::test]
async fn the_explorer_orders_and_puts_what_is_absent_last() {
    let site = site();
    for (query, falling) in [("sort=hit", true), ("sort=hit&dir=asc", false)] {
        let rows = found(&site, query).await;
        let rates: Vec<Option<f64>> = rows.iter().map(|e| e["hit_rate"].as_f64()).collect();
        let known: Vec<f64> = rates.iter().map_while(|rate| *rate).collect();
        assert!(rates[known.len()..].iter().all(Option::is_none) && known.len() < rates.len(), "{rates:?}");
        assert!(known.windows(2).all(|w| if falling { w[0] >= w[1] } else { w[0] <= w[1] }), "{known:?}");
    }
}

#[tokio::test]
async fn the_explorer_says_what_it_does_not_understand() {
    let site = site();
    let (status, _, page) = get(&site, "/explore?hit=lots&price=0.5").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        page.contains("“lots” in the field “hit” is not a percentage") && page.contains("value=\"0.5\""),
        "{page}"
    );
    for path in ["/api/v1/endpoints?hit=lots", "/api/v1/endpoints?sort=beauty&format=csv"] {
        let (status, headers, body) = get(&site, path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON")["status"], 400);
    }
    let (status, _, nothing) = get(&site, "/explore?price=0.0000001").await;
    assert!(status == StatusCode::OK && nothing.contains("No endpoint matches these filters."));
}

#[tokio::test]
async fn the_csv_has_a_row_for_every_endpoint_found_and_the_same_fields_in_each() {
    let (status, headers, text) = get(&site(), "/api/v1/endpoints?provider=quarry&format=csv").await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers[header::CONTENT_TYPE].to_str().expect("ascii").starts_with("text/csv"));
    let rows: Vec<&str> = text.split_terminator("\r\n").collect();
    assert!(rows.len() > 1 && rows[0].starts_with("model_id,provider,"), "{text}");
    let fields = rows[0].split(',').count();
    assert!(rows.iter().all(|row| row.split(',').count() == fields), "{text}");
}

#[tokio::test]
async fn comparisons_set_off_the_best_and_say_what_is_wrong_with_names() {
    let site = site();
    let two = "/compare?e=northwind/atlas-3@quarry/fp8&e=northwind/atlas-3@lumen";
    let (status, _, page) = get(&site, two).await;
    assert!(status == StatusCode::OK && page.contains("All serve the same model."), "{page}");
    assert!(page.contains("class=\"n best\"") && page.contains("Effective input price by day"), "{page}");
    let (status, _, page) = get(&site, "/compare?e=Quarry%20Compute&e=lumen").await;
    assert!(status == StatusCode::OK && page.contains("Models that all of them serve"), "{page}");
    for (query, status, words) in [
        ("", StatusCode::OK, "What to compare"),
        ("e=&e=&e=", StatusCode::OK, "What to compare"),
        ("e=lumen", StatusCode::BAD_REQUEST, "name a second"),
        ("e=lumen&e=lumen", StatusCode::BAD_REQUEST, "name a second"),
        ("e=a&e=b&e=c&e=d&e=f&e=g&e=h", StatusCode::BAD_REQUEST, "7 are too many"),
        ("e=lumen&e=northwind/atlas-3@lumen", StatusCode::BAD_REQUEST, "cannot be compared with each other"),
        ("e=lumen&e=mirrage", StatusCode::NOT_FOUND, "href=\"/providers/mirage\""),
        ("e=lumen&e=northwind/atlas-3@nobody", StatusCode::NOT_FOUND, "href=\"/models/northwind/atlas-3\""),
    ] {
        let (answered, _, page) = get(&site, &format!("/compare?{query}")).await;
        assert_eq!(answered, status, "{query}");
        assert!(page.contains(words), "{query}: {page}");
    }
}

#[tokio::test]
async fn a_comparison_keeps_what_was_picked_when_one_pick_is_wrong() {
    let site = site();
    let (status, _, page) = get(&site, "/compare?e=lumen&e=nobody-at-all&e=quarry&e=lumen&e=%3Cb%3E").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("Models that all of them serve"), "the others are compared: {page}");
    for kept in ["lumen", "nobody-at-all", "quarry", "&#60;b&#62;"] {
        let field = format!("<input name=\"e\" value=\"{kept}\"");
        assert_eq!(page.matches(&field).count(), 1, "{kept}: {page}");
    }
    let picks = ["quarry/fp8", "lumen", "north-cloud", "sprout/turbo", "mirage/fp4", "north-cloud/eu-west"];
    let six: Vec<String> = picks.iter().map(|tag| format!("e=northwind/atlas-3@{tag}")).collect();
    let (status, _, page) = get(&site, &format!("/compare?{}&e=quarry", six.join("&"))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("7 are too many: the first 6 are compared. Remove 1"), "{page}");
    assert!(
        page.contains("All serve the same model.") && page.contains("<input name=\"e\" value=\"quarry\""),
        "{page}"
    );
    assert!(page.contains("href=\"/models/northwind/atlas-3/endpoints/north-cloud/eu-west\""), "{page}");
    let (status, _, one) = get(&site, "/compare?e=northwind/atlas-3@quarry/fp8").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(one.contains("has a page of its own") && one.contains("/endpoints/quarry/fp8\""), "{one}");
    let (_, _, mixed) =
        get(&site, "/compare?e=northwind/atlas-3@lumen&e=zephyr/quill-large@lumen/bf16").await;
    for line in ["<bdi>lumen · northwind/atlas-3</bdi>", "<bdi>lumen/bf16 · zephyr/quill-large</bdi>"] {
        assert!(mixed.contains(line), "{line}: {mixed}");
    }
}

#[tokio::test]
async fn a_comparison_does_not_blame_the_traffic_for_what_nobody_publishes() {
    let mut snapshot = sample::snapshot();
    for endpoint in snapshot.models.iter_mut().flat_map(|model| &mut model.endpoints) {
        (endpoint.uptime_30m, endpoint.uptime_1d) = (None, None);
    }
    let path = "/compare?e=northwind/atlas-3@quarry/fp8&e=northwind/atlas-3@lumen";
    let (_, _, page) = get(&site_at(snapshot, ""), path).await;
    assert!(!page.contains("too little traffic") && page.contains("not published"), "{page}");
    let mut one = sample::snapshot();
    one.models[0].endpoints[0].uptime_1d = None;
    let (_, _, page) = get(&site_at(one, ""), path).await;
    assert!(page.contains("too little traffic"), "{page}");
}

#[tokio::test]
async fn charts_and_badges_are_pictures_with_everything_in_them() {
    let site = site();
    for path in [
        "/chart/model/northwind/atlas-3/effective-price.svg",
        "/chart/model/northwind/atlas-3/hit-rate.svg",
        "/chart/provider/lumen/hit-rate.svg",
        "/badge/lumen.svg",
        "/badge/lumen.svg?lens=cache",
        "/badge/model/northwind/atlas-3.svg",
        "/badge/model/northwind/atlas-3:free.svg?lens=speed",
        "/badge/model/northwind/atlas-3/endpoints/quarry/fp8.svg",
    ] {
        let (status, headers, text) = get(&site, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "image/svg+xml", "{path}");
        assert!(
            text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && text.contains("<title"),
            "{path}"
        );
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("ascii");
        assert!(policy.contains("style-src 'sha256-") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(!text.contains("href=") && !text.contains("url("), "{path} needs nothing from elsewhere");
    }
    let (_, _, badge) = get(&site, "/badge/quarry.svg?lens=cache").await;
    assert!(badge.contains("simulated cache tier") && badge.contains("S  +22.0 points"), "{badge}");
    for path in [
        "/badge/nobody.svg",
        "/badge/lumen.svg?lens=beauty",
        "/badge/lumen",
        "/badge/model/northwind/atlas-3/endpoints/nobody.svg",
        "/badge/model/nobody/none/endpoints/quarry/fp8.svg",
        "/chart/model/northwind/atlas-3/colour.svg",
        "/chart/model/tinker/solo-1/hit-rate.svg",
        "/chart/provider/nobody/hit-rate.svg",
        "/og/provider/nobody.png",
        "/og/model/northwind/atlas-9.png",
    ] {
        assert_eq!(get(&site, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn previews_are_png_files_of_the_size_that_pages_name() {
    let site = site_at(sample::snapshot(), "https://tiers.example");
    for path in [
        "/og/site.png",
        "/og/provider/lumen.png",
        "/og/model/northwind/atlas-3.png",
        "/og/model/tinker/solo-1.png",
    ] {
        let (status, headers, body) = bytes(&site, path).await;
        assert_eq!(
            (status, &headers[header::CONTENT_TYPE]),
            (StatusCode::OK, &"image/png".parse().expect("a value")),
            "{path}"
        );
        assert_eq!(&body[..8], b"\x89PNG\r\n\x1a\n", "{path}");
        assert_eq!(
            (&body[16..20], &body[20..24]),
            (&1200u32.to_be_bytes()[..], &630u32.to_be_bytes()[..]),
            "{path}"
        );
        assert!(body.len() < 120_000, "{path}: {} bytes", body.len());
    }
    let (_, _, page) = get(&site, "/providers/lumen").await;
    assert!(
        page.contains("property=\"og:image\" content=\"https://tiers.example/og/provider/lumen.png\""),
        "{page}"
    );
    assert!(page.contains("rel=\"canonical\" href=\"https://tiers.example/providers/lumen\""), "{page}");
}

#[tokio::test]
async fn every_page_names_its_own_address_and_a_default_list_has_one_only() {
    let site = site();
    for (path, canonical) in [
        ("/", "/"),
        ("/?lens=cost&workload=coding-agent", "/"),
        ("/?lens=cache", "/?lens=cache"),
        ("/explore?q=atlas", "/explore"),
        ("/compare?e=lumen&e=quarry", "/compare"),
        ("/models/northwind/atlas-3", "/models/northwind/atlas-3"),
        ("/changes", "/changes"),
        ("/search?q=atlas", "/search"),
    ] {
        let (_, _, page) = get(&site, path).await;
        assert!(page.contains(&format!("<link rel=\"canonical\" href=\"{canonical}\">")), "{path}");
        assert!(
            !page.contains("og:image"),
            "{path}: without a public address there is no absolute picture address"
        );
    }
}

/// The texts of an element.
fn texts<'a>(xml: &'a str, element: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
}

#[tokio::test]
async fn the_feed_keeps_the_ids_of_its_entries_and_escapes_what_others_wrote() {
    let event = |why: &str, minute: i64| hitrate::domain::change::Change {
        at: sample::as_of() - Duration::minutes(minute),
        ..sample::change(
            hitrate::domain::change::ChangeKind::PriceChanged,
            Some("northwind/atlas-3"),
            Some("lumen"),
            0,
            why,
        )
    };
    let mut first = sample::snapshot();
    first.changes = vec![event("<b>&\u{0}\u{202e}", 5), event("second", 9)];
    first
        .changes
        .push(hitrate::domain::change::Change { source: Some("a log".to_owned()), ..event("second", 9) });
    let mut later = first.clone();
    later.changes.insert(0, event("third", 1));
    let (_, headers, before) = get(&site_at(first, ""), "/changes.atom").await;
    let (_, _, after) = get(&site_at(later, "https://tiers.example"), "/changes.atom").await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/atom+xml; charset=utf-8");
    assert!(!before.contains('\0') && before.contains("&#60;b&#62;&#38;"), "{before}");
    let (before_ids, after_ids) = (texts(&before, "id"), texts(&after, "id"));
    assert_eq!(
        (before_ids.len(), after_ids.len()),
        (3, 4),
        "the feed's id and one per event; duplicates count once"
    );
    assert_eq!(after_ids.iter().collect::<BTreeSet<_>>().len(), 4, "all differ");
    assert!(
        before_ids.iter().all(|id| after_ids.contains(id) && id.starts_with("urn:uuid:")),
        "{after_ids:?}"
    );
    assert!(after.contains("href=\"https://tiers.example/models/northwind/atlas-3\""), "{after}");
    assert_eq!(texts(&after, "updated")[0], "2026-10-05T15:56:12Z", "the newest entry's");
}

#[tokio::test]
async fn the_site_map_names_every_page_absolutely() {
    for (public, base) in [("", "http://tiers.test"), ("https://tiers.example", "https://tiers.example")] {
        let site = site_at(sample::snapshot(), public);
        let (status, _, map) = get(&site, "/sitemap.xml").await;
        assert_eq!(status, StatusCode::OK);
        let places = texts(&map, "loc");
        assert!(places.iter().all(|place| place.starts_with(base)), "{places:?}");
        assert!(places.contains(&format!("{base}/models/northwind/atlas-3:free").as_str()), "{places:?}");
        for place in places {
            let path = place.strip_prefix(base).expect("checked").replace("&#38;", "&");
            assert_eq!(get(&site, &path).await.0, StatusCode::OK, "{path}");
        }
        let (_, _, robots) = get(&site, "/robots.txt").await;
        assert_eq!(
            robots.contains("Sitemap: https://tiers.example/sitemap.xml"),
            !public.is_empty(),
            "{robots}"
        );
    }
}
