//! Who serves the traffic, and what follows the clock: the flaw of shares is stated on every page that shows them.

use super::evidence::section;
use super::{get, sample, site, site_over, tags};
use crate::seasons::with_peak;
use axum::http::StatusCode;
use chrono::Duration;
use hitrate::domain::season::{RateSeason, SeasonPart, SeasonRate, Seasons};
use hitrate::domain::share::{CAUTION, TrafficShare};

#[tokio::test]
async fn the_page_states_the_flaw_the_shares_and_the_marked_days() {
    let site = site();
    let page = get(&site, "/share").await;
    assert_eq!(page.status, StatusCode::OK);
    tags("/share", &page.body);
    assert!(
        page.body.contains("<h1>Who serves the traffic</h1>") && page.body.contains(CAUTION),
        "{}",
        page.body
    );
    let providers = section(&page.body, "providers");
    assert!(
        providers.contains("Herfindahl-Hirschman index") && providers.contains("href=\"/providers/"),
        "{providers}"
    );
    assert!(section(&page.body, "models").contains("/models/northwind/atlas-3#share"), "{}", page.body);
    assert!(section(&page.body, "jumps").contains("likely one customer"), "{}", page.body);
    let model = get(&site, "/models/northwind/atlas-3").await.body;
    let shares = section(&model, "share");
    assert!(shares.contains("to the next") && shares.contains("likely one customer."), "{shares}");
    for (path, link) in [("/models/northwind/atlas-3", "All models"), ("/providers/quarry", "All providers")]
    {
        let body = get(&site, path).await.body;
        tags(path, &body);
        let shares = section(&body, "share");
        assert!(
            shares.contains(CAUTION) && shares.contains(&format!("<a href=\"/share\">{link}</a>")),
            "{path}: {shares}"
        );
    }
    let mut empty = sample::snapshot();
    empty.share = TrafficShare::default();
    let site = site_over(Some(empty), Duration::zero());
    let page = get(&site, "/share").await.body;
    tags("/share", &page);
    assert!(page.contains("No traffic is recorded yet") && page.contains("No model has traffic"), "{page}");
    assert!(!get(&site, "/models/northwind/atlas-3").await.body.contains("Who serves its traffic"));
}

/// With one reading a day no day is complete; shares are shares all the same.
#[tokio::test]
async fn days_that_are_not_complete_have_shares_and_are_named() {
    let mut snapshot = sample::snapshot();
    snapshot.share.days.iter_mut().for_each(|day| day.complete = false);
    let site = site_over(Some(snapshot), Duration::zero());
    let page = get(&site, "/share").await.body;
    tags("/share", &page);
    let providers = section(&page, "providers");
    assert!(
        providers.contains("No day is recorded to its end") && providers.contains("Herfindahl"),
        "{providers}"
    );
    assert!(
        providers.contains("chart-share") && providers.contains("each up to its last reading"),
        "{providers}"
    );
    assert!(!providers.contains("Tokens a day<") && !page.contains("complete days,"), "{providers}");
    let model = get(&site, "/models/northwind/atlas-3").await.body;
    assert!(section(&model, "share").contains("No day is recorded to its end"), "{model}");
}

#[tokio::test]
async fn an_endpoint_shows_what_follows_the_clock_and_nothing_else() {
    let (mut snapshot, at) = with_peak();
    let endpoint = &mut snapshot.models[0].endpoints[at];
    let rate = |place: u32| SeasonRate { place, hit_rate: 0.5, low: Some(0.4), high: Some(0.6), days: 14 };
    let season = RateSeason {
        profile: (0..24).map(rate).collect(),
        high: SeasonPart { from: 22, until: 4, hit_rate: 0.82 },
        low: SeasonPart { from: 10, until: 16, hit_rate: 0.71 },
        effect: 0.11,
        days: 14,
        p_value: 0.0001,
        q_value: 0.0123,
    };
    let prices = endpoint.seasons.take().and_then(|seasons| seasons.price_by_time);
    endpoint.seasons = Some(Seasons { by_hour: Some(season), by_weekday: None, price_by_time: prices });
    let path = hitrate::site::endpoint_pages(&snapshot)[at].clone();
    let other = hitrate::site::endpoint_pages(&snapshot)[if at == 0 { 1 } else { 0 }].clone();
    let site = site_over(Some(snapshot), Duration::zero());
    let page = get(&site, &path).await.body;
    tags(&path, &page);
    let clock = section(&page, "clock").replace(['\u{a0}', '\u{202f}'], " ");
    let sentence =
        "82 % from 22:00 to 04:00 UTC, 71 % from 10:00 to 16:00 UTC (14 days, false discovery rate 0.012)";
    assert!(clock.contains(sentence), "{clock}");
    assert!(
        clock.contains("Mon to Fri 12:00 to 18:00 UTC") && clock.contains("publishes these prices"),
        "{clock}"
    );
    assert_eq!(clock.matches("<small>now</small>").count(), 1, "{clock}");
    assert!(
        page.contains("A session costs $") && page.contains("href=\"#clock\""),
        "on the first screen: {page}"
    );
    let other_page = get(&site, &other).await.body;
    assert!(
        !other_page.contains("By hour and weekday") && !other_page.contains("A session costs"),
        "{other}"
    );
    let model = path.split("/endpoints/").next().expect("the page of its model");
    let prices = get(&site, model).await.body;
    assert!(section(&prices, "prices").contains("The hit rate follows the hour of the day"), "{model}");
}
