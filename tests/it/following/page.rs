//! The page of changes and its filter.

use super::{change, get, outage, price, schedule, shift, site, with};
use axum::http::StatusCode;
use chrono::Duration;
use hitrate::domain::change::{Change, ChangeKind, ChangedField};
use hitrate::domain::ids::Tag;

/// Number of changes that a page lists.
fn listed(page: &str) -> usize {
    page.matches("<li data-group=").count()
}

#[tokio::test]
async fn each_condition_of_the_address_filters_and_the_form_shows_it() {
    let site = site(
        with(|s| {
            vec![
                price(s, ChangedField::ListInput, 30.0, 1),
                price(s, ChangedField::ListOutput, -10.0, 40),
                shift(s, -14.0, 3),
                change(s, ChangeKind::EndpointAppeared, 80),
            ]
        }),
        "",
    );
    for (query, count) in [
        ("", 4),
        ("?group=prices", 2),
        ("?kind=hit_rate_shift", 1),
        ("?model=northwind/*", 4),
        ("?model=northwind%2Fatlas-3", 4),
        ("?model=nobody", 0),
        ("?min_percent=12", 2),
        ("?costs_more=true", 1),
        ("?from=2026-10-05", 2),
        ("?to=2026-10-04", 2),
        ("?group=prices&costs_more=true&min_percent=30", 1),
        ("?page=7", 4),
    ] {
        let (status, _, page) = get(&site, &format!("/changes{query}")).await;
        assert_eq!((status, listed(&page)), (StatusCode::OK, count), "{query}");
    }
    let (_, _, page) = get(&site, "/changes?group=prices&model=northwind/*&from=2026-10-01").await;
    for part in [
        "<option value=\"prices\" selected>",
        "value=\"northwind/*\"",
        "href=\"/changes.atom?group=prices&#38;model=northwind%2F%2A&#38;from=2026-10-01\"",
        "href=\"/changes.feed.json?group=prices&#38;model=northwind%2F%2A&#38;from=2026-10-01\"",
        "<h2>5 October 2026</h2>",
        "A coding-agent session costs $1.30 instead of $1.00 (+30.0",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn prices_of_one_run_are_one_row_and_a_schedule_folds_its_moves() {
    let site = site(
        with(|s| {
            let input = price(s, ChangedField::ListInput, 30.0, 1);
            let output = price(s, ChangedField::ListOutput, 20.0, 1);
            let over = s.as_of - Duration::hours(2);
            vec![input, output, schedule(s, 7), outage(s, 5, Some(over))]
        }),
        "",
    );
    let (_, _, page) = get(&site, "/changes").await;
    assert_eq!(listed(&page), 3, "{page}");
    assert!(page.contains("<summary>7 moves</summary>") && page.contains("$1.00 → $0.50"), "{page}");
    assert!(page.contains("(3 hours)"), "the length of the outage: {page}");
}

#[tokio::test]
async fn the_heaviest_change_of_a_run_comes_first_and_recommendations_are_folded() {
    let planted = with(|s| {
        let named = |tag: &str, change: Change| Change {
            tag: Some(Tag::new(tag)),
            endpoint_id: None,
            why: format!("why {tag}"),
            ..change
        };
        // In the order in which the record lists them.
        vec![
            named("a-small", price(s, ChangedField::ListInput, 2.0, 3)),
            named("b-large", price(s, ChangedField::ListInput, -60.0, 3)),
            named("c-larger", price(s, ChangedField::ListInput, 80.0, 3)),
            named("d-gone", change(s, ChangeKind::EndpointGone, 3)),
            named("e-shift", shift(s, -14.0, 3)),
            named("f-advice", change(s, ChangeKind::RecommendationChanged, 3)),
            named("g-tier", change(s, ChangeKind::TierChanged, 3)),
            named("h-newer", change(s, ChangeKind::TierChanged, 1)),
        ]
    });
    let site = site(planted, "");
    let (status, _, page) = get(&site, "/changes").await;
    assert_eq!((status, listed(&page)), (StatusCode::OK, 8), "{page}");
    let order = ["h-newer", "c-larger", "b-large", "e-shift", "a-small", "d-gone", "g-tier", "f-advice"];
    let places: Vec<usize> = order.iter().filter_map(|tag| page.find(tag)).collect();
    assert!(places.len() == order.len() && places.is_sorted(), "{places:?} {page}");
    let folded = page.find("<summary>Changed recommendations</summary>").expect("folded");
    assert!(places[6] < folded && folded < places[7], "{page}");
    let (_, _, asked) = get(&site, "/changes?group=recommendations").await;
    assert!(listed(&asked) == 1 && !asked.contains("Changed recommendations"), "{asked}");
}

#[tokio::test]
async fn long_lists_have_pages_that_keep_the_filter() {
    let site = site(with(|s| (0..230).map(|n| change(s, ChangeKind::StatusChanged, n)).collect()), "");
    let (_, _, first) = get(&site, "/changes?group=reliability").await;
    assert_eq!(listed(&first), 100);
    assert!(first.contains("href=\"/changes?group=reliability&#38;page=3\""), "{first}");
    let (_, _, last) = get(&site, "/changes?group=reliability&page=3").await;
    assert_eq!(listed(&last), 30);
}

#[tokio::test]
async fn an_empty_list_says_why() {
    let (_, _, none) = get(&site(with(|_| Vec::new()), ""), "/changes").await;
    assert!(none.contains("No change is recorded in the last 90 days."), "{none}");
    let site = site(with(|s| vec![shift(s, -14.0, 3)]), "");
    let (status, _, empty) = get(&site, "/changes?group=tiers&provider=quarry").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        empty.contains("No change matches this filter: tiers, provider quarry.")
            && empty.contains("Changes are known since"),
        "{empty}"
    );
}

#[tokio::test]
async fn hostile_values_are_reported_without_effect() {
    let site = site(
        with(|s| {
            let mut hostile = change(s, ChangeKind::EndpointChanged, 1);
            hostile.tag = Some(Tag::new("x\"><script>alert(1)</script>\u{202e}"));
            hostile.why = "<img src=x onerror=alert(2)> \u{0} & more".to_owned();
            vec![hostile]
        }),
        "",
    );
    for query in [
        "?group=%3Cscript%3E",
        "?min_percent=NaN",
        "?from=2026-13-01",
        "?to=0000",
        "?costs_more=1",
        "?page=-1",
        "?from=2026-10-06&to=2026-10-05",
    ] {
        let (status, _, page) = get(&site, &format!("/changes{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(page.contains("role=\"alert\"") && !page.contains("<script>alert"), "{query}");
    }
    let long = "y".repeat(3000);
    let (_, _, page) =
        get(&site, &format!("/changes?model=%22%3E%3Cscript%3Ealert(3)%3C/script%3E{long}")).await;
    assert!(!page.contains("<script>alert") && !page.contains(&long), "{page}");
    let (_, _, page) = get(&site, "/changes").await;
    assert!(
        !page.contains("<script>alert") && !page.contains("<img src=x") && !page.contains('\0'),
        "{page}"
    );
}
