//! The search: what opens at once, what a list shows, and the names for suggestions.

use super::{get, sample, site, site_over, tags};
use axum::http::{StatusCode, header};
use chrono::Duration;

#[tokio::test]
async fn a_single_match_opens_and_punctuation_does_not_matter() {
    let site = site();
    for (query, target) in [
        ("atlas%203", "/models/northwind/atlas-3"),
        ("Quill-Large", "/models/zephyr/quill-large"),
        ("quill.large", "/models/zephyr/quill-large"),
        ("zephyr", "/models/zephyr/quill-large"),
        ("mirag", "/providers/mirage"),
    ] {
        let answer = get(&site, &format!("/search?q={query}")).await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT, "{query}");
        assert_eq!(answer.headers[header::LOCATION], target, "{query}");
    }
}

#[tokio::test]
async fn a_list_shows_host_rate_and_tier_and_how_many_match() {
    let page = get(&site(), "/search?q=atlas").await.body;
    tags("/search?q=atlas", &page);
    assert!(page.contains("2 models match “<bdi>atlas</bdi>”."), "{page}");
    assert!(page.contains("cheapest at Quarry Compute") && page.contains("71\u{202f}% hits"), "{page}");
    assert!(page.contains("class=\"t S\""), "{page}");
    let nothing = get(&site(), "/search?q=zzqqxx").await.body;
    assert!(
        nothing.contains("No match for “<bdi>zzqqxx</bdi>”.") && !nothing.contains("Did you mean"),
        "{nothing}"
    );
}

#[tokio::test]
async fn a_wrong_address_gets_suggestions_only_if_they_are_alike() {
    let site = site();
    for path in ["/nope", "/documents", "/healthy"] {
        let page = get(&site, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!page.body.contains("Did you mean"), "{path}: {}", page.body);
    }
    let near = get(&site, "/models/northwind/atlas-4").await.body;
    assert!(near.contains("Did you mean") && near.contains("cheapest at Quarry Compute"), "{near}");
}

#[tokio::test]
async fn the_names_for_suggestions_are_plain_json_and_kept() {
    let mut snapshot = sample::snapshot();
    snapshot.models[0].name = "</script><b>\u{202e}".to_owned();
    let count = snapshot.models.len() + snapshot.offering().count();
    let site = site_over(Some(snapshot), Duration::zero());
    let answer = get(&site, "/suggest.json").await;
    assert_eq!(
        (answer.status, &answer.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"application/json".parse().expect("a value"))
    );
    assert!(answer.headers.contains_key(header::ETAG));
    let rows: Vec<(String, String)> = serde_json::from_str(&answer.body).expect("pairs of id and name");
    assert_eq!(rows.len(), count);
    assert_eq!(rows[0], ("northwind/atlas-3".to_owned(), "</script><b>\u{202e}".to_owned()));
    assert!(rows.iter().any(|(id, name)| id == "quarry" && name == "Quarry Compute"));
    let page = get(&site, "/").await.body;
    assert!(page.contains("data-suggest"), "the field of the header asks for suggestions: {page}");
}
