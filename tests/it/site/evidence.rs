//! Hourly maps, session bars and tier changes on the pages of models and providers and on the front page.

use super::{get, named, sample, site, site_over, tags};
use axum::http::StatusCode;
use chrono::{Duration, NaiveDate};
use hitrate::domain::hourly::Stretch;
use hitrate::domain::ids::Variant;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::domain::tier_list::{Reliability, Span};
use hitrate::snapshot::{HourlyRate, Snapshot};

const ATLAS: &str = "/models/northwind/atlas-3";
const QUILL: &str = "/models/zephyr/quill-large";

/// The sample with these stretches for every endpoint that has hourly rates: start and end in hours since the first
/// midnight, and the hit rate.
fn with_hours(stretches: &[(f64, f64, f64)]) -> Snapshot {
    let mut snapshot = sample::snapshot();
    let from = snapshot.hourly.from;
    let at = |hours: f64| from + Duration::seconds((hours * 3600.0) as i64);
    let rate = |(start, end, hit_rate): &(f64, f64, f64)| {
        HourlyRate::new(
            from,
            &Stretch { start: at(*start), end: at(*end), hit_rate: *hit_rate, tokens: 5_000_000 },
        )
    };
    for rates in snapshot.hourly.endpoints.values_mut() {
        *rates = stretches.iter().map(rate).collect();
    }
    snapshot
}

/// The section of a page under the heading with this id.
pub(super) fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let rest = page.split(&format!("<h2 id=\"{id}\"")).nth(1).unwrap_or_else(|| panic!("no section {id}"));
    rest.split("</section>").next().unwrap_or(rest)
}

#[tokio::test]
async fn hours_are_drawn_where_they_were_and_gaps_stay_gaps() {
    let hours = [(0.0, 0.95, 0.31), (0.95, 1.95, 0.38), (49.95, 51.95, 0.97)];
    let site = site_over(Some(with_hours(&hours)), Duration::zero());
    let page = get(&site, ATLAS).await.body;
    let part = section(&page, "hours");
    assert_eq!(part.matches("<svg class=\"heat\"").count(), 6, "one per endpoint");
    assert!(
        part.contains("class=\"h3\" d=\"M46.0 6h11.4v15H46.0zM57.4 6h12.0v15H57.4z\""),
        "one path per step: {part}"
    );
    assert!(
        part.contains("class=\"h9\" d=\"M69.4 36h24.0v15H69.4z\""),
        "two hours wide, in the row of its day"
    );
    for words in [
        "3 rates over 8 days: 31\u{202f}% to 97\u{202f}%",
        "no rate",
        "to come",
        "pproximate",
        "<td class=\"n\">97",
    ] {
        assert!(part.contains(words), "{words}");
    }
    assert_eq!(
        part.matches("<td class=\"n\">97\u{202f}%</td>").count(),
        2 * 6,
        "both hours it covers, in each map"
    );
    tags(ATLAS, &page);
}

#[tokio::test]
async fn a_map_has_an_address_of_its_own() {
    let site = site_over(Some(with_hours(&[(0.0, 1.0, 0.31), (1.0, 2.0, 0.38)])), Duration::zero());
    for tag in ["quarry/fp8", "quarry%2Ffp8", "lumen", "north-cloud/eu-west"] {
        let path = format!("/chart/model/northwind/atlas-3/{tag}/hours.svg");
        let file = get(&site, &path).await;
        assert_eq!(
            (file.status, &file.headers["content-type"]),
            (StatusCode::OK, &"image/svg+xml".parse().expect("a value")),
            "{path}"
        );
        assert!(
            file.body.starts_with("<svg xmlns=")
                && file.body.contains("class=\"h3\"")
                && file.body.contains("prefers-color-scheme")
        );
        assert!(
            !file.body.contains("url(") && !file.body.contains("href="),
            "{path} needs nothing from elsewhere"
        );
        tags(&path, &file.body);
    }
    for path in [
        "northwind/atlas-3/nobody/hours.svg",
        "northwind/atlas-9/lumen/hours.svg",
        "northwind/atlas-3/hours.svg",
        "tinker/solo-1/sprout/fp16/hours.svg",
    ] {
        assert_eq!(get(&site, &format!("/chart/model/{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn one_reading_a_day_is_said_and_not_drawn_as_hours() {
    let daily = site_over(Some(with_hours(&[(0.0, 15.9, 0.5), (24.0, 40.0, 0.6)])), Duration::zero());
    let page = get(&daily, ATLAS).await.body;
    assert!(section(&page, "hours").contains("There was one usable reading a day"), "{page}");
    assert!(!page.contains("<svg class=\"heat\""));
    assert_eq!(
        get(&daily, "/chart/model/northwind/atlas-3/lumen/hours.svg").await.status,
        StatusCode::NOT_FOUND
    );
    let solo = get(&site(), "/models/tinker/solo-1").await.body;
    assert!(section(&solo, "hours").contains("No reading of the last days yields an hourly rate"));
}

#[tokio::test]
async fn every_workload_has_bars_with_the_lists_choice_and_its_interval() {
    let mut snapshot = sample::snapshot();
    let workloads = snapshot.workloads.len();
    let last = snapshot.models[1].endpoints.last_mut().expect("an endpoint");
    (last.list.input, last.list.output) = (Some(0.2), Some(0.8));
    let site = site_over(Some(snapshot), Duration::zero());
    let page = get(&site, QUILL).await.body;
    let part = section(&page, "sessions");
    assert_eq!(part.matches("<svg class=\"sessions\"").count(), workloads);
    assert!(
        part.contains("class=\"mark\" dx=\"7\">cheapest by list</tspan>")
            && part.contains("class=\"whisker\""),
        "{part}"
    );
    assert!(part.contains("The price list misleads here."), "{part}");
    assert!(part.contains("At mirage, the host with the lowest list price, a session costs"), "{part}");
    assert!(
        part.contains("/cost?model=zephyr%2Fquill-large&#38;workload=chat"),
        "it leads to the calculator: {part}"
    );
    let file = get(&site, "/chart/model/zephyr/quill-large/session-coding-agent.svg").await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.body.contains("USD per session") && file.body.contains("prefers-color-scheme"));
    tags("session", &file.body);
    for path in ["zephyr/quill-large/session-gaming.svg", "tinker/solo-1/session-chat.svg"] {
        assert_eq!(get(&site, &format!("/chart/model/{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let solo = get(&site, "/models/tinker/solo-1").await.body;
    assert!(section(&solo, "sessions").contains("No session can be priced yet"));
}

/// A model that forty endpoints serve; the last one is the cheapest on paper.
fn crowded() -> Snapshot {
    let mut snapshot = sample::snapshot();
    let slug = "northwind/atlas-3-20260901";
    let hours = snapshot.hourly.endpoints.values().next().expect("hours").clone();
    snapshot.models[0].endpoints = (0..40)
        .map(|n| {
            let cost = 0.2 + 0.02 * f64::from(n);
            let mut one =
                sample::endpoint(slug, &Variant::standard(), &format!("lumen/v{n}"), Tier::B, cost, 0.8);
            one.tokens_per_day = Some(f64::from(n) * 1e6 + 1e6);
            if n == 39 {
                (one.list.input, one.list.output) = (Some(0.29), Some(1.16));
                one.cost_basis.retention = Some(0.0);
                (one.cost_basis.retention_low, one.cost_basis.retention_high) = (Some(0.0), Some(0.0));
            }
            snapshot.hourly.endpoints.insert(one.endpoint_id, hours.clone());
            one
        })
        .collect();
    snapshot
}

#[tokio::test]
async fn forty_endpoints_are_all_there_and_the_drawings_stay_readable() {
    let page = get(&site_over(Some(crowded()), Duration::zero()), ATLAS).await.body;
    tags(ATLAS, &page);
    let sessions = section(&page, "sessions");
    let first = sessions
        .split("<svg class=\"sessions\"")
        .nth(1)
        .and_then(|rest| rest.split("</svg>").next())
        .expect("bars");
    assert_eq!(first.matches("<rect").count(), 11, "ten, and the one that the price list favours");
    assert!(first.contains("cheapest by list") && sessions.contains("29 more in the table."));
    assert_eq!(sessions.matches("<th scope=\"row\">").count(), 40);
    let hours = section(&page, "hours");
    assert_eq!((hours.matches("<svg class=\"heat\"").count(), hours.matches("\">lumen/v").count()), (6, 34));
    assert!(page.len() < 400_000, "{} bytes", page.len());
}

#[tokio::test]
async fn a_providers_record_has_its_tier_changes() {
    let mut snapshot = sample::snapshot();
    let event = |provider: &str, why: &str| hitrate::domain::change::Change {
        provider: Some(hitrate::domain::ids::ProviderSlug::new(provider)),
        ..sample::change(hitrate::domain::change::ChangeKind::TierChanged, None, None, 48, why)
    };
    snapshot.changes.push(event("quarry", "Quarry Compute: cache tier A → S"));
    snapshot.changes.push(event("lumen", "Lumen AI: cache tier B → C"));
    let site = site_over(Some(snapshot), Duration::zero());
    let quarry = get(&site, "/providers/quarry").await.body;
    let record = section(&quarry, "changes");
    assert!(record.contains("cache tier A → S") && !record.contains("Lumen AI"), "{record}");
    assert!(section(&quarry, "standings").contains("since 3 August 2026 (was A)"));
    assert!(
        get(&site, "/changes").await.body.contains("<a href=\"/providers/lumen\">Lumen AI: cache tier B → C")
    );
    assert!(
        get(&site, "/changes.atom").await.body.contains("/providers/quarry"),
        "the feed leads to the provider"
    );
}

/// The sample, in which the first provider of each list has held its tier since `since` and had `previous` before.
fn moved(since: NaiveDate, previous: Tier) -> Snapshot {
    let mut snapshot = sample::snapshot();
    for list in &mut snapshot.tier_lists {
        let first = &mut list.providers[0];
        (first.since, first.previous) = (Some(since), Some(previous));
    }
    snapshot
}

#[tokio::test]
async fn the_front_page_tells_whose_tier_changed_in_the_last_week() {
    let today = sample::as_of().date_naive();
    let page =
        get(&site_over(Some(moved(today - Duration::days(6), Tier::C)), Duration::zero()), "/").await.body;
    let week = section(&page, "week");
    assert!(week.contains("up from C on 29 Sep") && week.contains("No provider moved down."), "{week}");
    let page =
        get(&site_over(Some(moved(today - Duration::days(7), Tier::C)), Duration::zero()), "/?lens=cache")
            .await
            .body;
    let week = section(&page, "week");
    assert!(
        week.contains("Tiers that changed, by cache")
            && week.contains("None in the last 7 days; the record of tiers starts on 3 Aug."),
        "{week}"
    );
    assert!(section(&page, "evidence").contains("<small>S since 28 Sep</small>"), "{page}");
}

#[tokio::test]
async fn a_run_without_any_uptime_does_not_blame_the_traffic() {
    let mut snapshot = sample::snapshot();
    for endpoint in snapshot.models.iter_mut().flat_map(|model| &mut model.endpoints) {
        (endpoint.uptime_30m, endpoint.uptime_1d) = (None, None);
    }
    let page = get(&site_over(Some(snapshot), Duration::zero()), ATLAS).await.body;
    assert!(section(&page, "service").contains("not published"));
    assert!(!page.contains("too little traffic</td>"), "{page}");
}

#[tokio::test]
async fn badges_and_pages_show_the_tier_that_is_held() {
    let mut snapshot = sample::snapshot();
    for list in &mut snapshot.tier_lists {
        let row = list.providers.iter_mut().find(|row| row.provider.as_str() == "lumen").expect("lumen");
        (row.tier, row.naive, row.span) = (Tier::B, Tier::C, Span::between(Tier::A, Tier::D));
        (row.adjusted, row.measured) = (Some(-0.03), Some(-0.042));
    }
    for endpoint in &mut snapshot.models[0].endpoints {
        let verdict = endpoint.verdicts.get_mut(&Lens::Cost).expect("a verdict");
        (verdict.since, verdict.previous) = (NaiveDate::from_ymd_opt(2026, 9, 2), Some(Tier::B));
    }
    let site = site_over(Some(snapshot), Duration::zero());
    let badge = get(&site, "/badge/lumen.svg?lens=cache").await.body;
    assert!(badge.contains("class=\"B\"") && badge.contains(">B  −3.0 points<"), "{badge}");
    let page = get(&site, "/providers/lumen").await.body;
    let standings = section(&page, "standings");
    for said in ["since 3 August 2026; heading for C", "held at the edge; measured −4.2"] {
        assert!(standings.contains(&format!("<p class=\"sub\">{said}")), "{said}: {standings}");
    }
    assert!(page.contains("between A and D") && !page.contains("A–D"), "a badge has one letter: {page}");
    let atlas = get(&site, ATLAS).await.body;
    assert!(section(&atlas, "endpoints").contains("<small>since 2 Sep (was B)</small>"), "{atlas}");
    assert!(!named(&tags(ATLAS, &atlas), "table").is_empty());
}

#[tokio::test]
async fn the_list_has_one_letter_a_provider_and_a_line_for_its_interval() {
    let mut snapshot = sample::snapshot();
    let plain = get(&site_over(Some(snapshot.clone()), Duration::minutes(24)), "/").await.body;
    assert!(!plain.contains("class=\"reach\"") && !plain.contains("held at the edge"), "{plain}");
    for row in snapshot.tier_lists.iter_mut().flat_map(|list| &mut list.providers) {
        if row.tier == Tier::B {
            row.span = Span::between(Tier::S, Tier::C);
            (row.naive, row.measured) = (Tier::A, row.adjusted.map(|value| value + 0.001));
        }
    }
    let page = get(&site_over(Some(snapshot), Duration::minutes(24)), "/").await.body;
    assert!(
        page.contains("<path d=\"M0 1H24\"/></svg><span class=\"vh\">, between S and C</span>"),
        "{page}"
    );
    assert!(page.contains("The line beside a figure"), "the line is explained");
    assert!(section(&page, "evidence").contains("held at the edge; measured"), "{page}");
    assert!(!page.contains("heading for"), "{page}");
}

#[tokio::test]
async fn the_measure_of_reliability_is_named_once_in_the_heading() {
    for (measure, heading) in
        [(Reliability::Availability, "availability"), (Reliability::Uptime, "published uptime")]
    {
        let mut snapshot = sample::snapshot();
        let lists = snapshot.tier_lists.iter_mut().filter(|list| list.lens == Lens::Reliability);
        for row in lists.flat_map(|list| &mut list.providers).filter(|row| row.tier != Tier::Unrated) {
            row.reason = Some(measure.to_string());
        }
        let site = site_over(Some(snapshot), Duration::zero());
        let page = get(&site, "/").await.body;
        assert!(page.contains(&format!("Answered<small>{heading}</small>")), "{page}");
        let page = get(&site, "/?lens=reliability").await.body;
        assert!(!section(&page, "evidence").contains(measure.as_str()), "{page}");
    }
}
