//! The page of a model: the answer and its config, limits, charts, and what it says when there is no answer.

use super::evidence::section;
use super::{get, named, sample, site, site_over, tags};
use axum::Router;
use axum::http::{StatusCode, header};
use chrono::{Duration, NaiveDate};
use hitrate::api::{ApiState, router};
use hitrate::domain::flag::FlagKind;
use hitrate::preferences::targets::TARGETS;
use hitrate::preferences::{Mode, preference};
use hitrate::snapshot::{Current, RecommendationRecord, Snapshot};
use serde_json::Value;
use std::sync::Arc;

const QUILL: &str = "/models/zephyr/quill-large";

/// The sample, in which the host with the most expensive session has the lowest list price, so that every mode saves.
fn misled() -> Snapshot {
    let mut snapshot = sample::snapshot();
    let last = snapshot.models[1].endpoints.last_mut().expect("an endpoint");
    (last.list.input, last.list.output) = (Some(0.01), Some(0.04));
    snapshot
}

fn site_of(snapshot: Snapshot) -> Router {
    site_over(Some(snapshot), Duration::zero())
}

/// The first text of a page that can be copied, as it would be copied.
fn config(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<pre data-copy tabindex=\"0\">")?;
    let text = rest.split("</pre>").next()?;
    let marks = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    Some(marks.iter().fold(text.to_owned(), |text, (mark, plain)| text.replace(mark, plain)))
}

#[tokio::test]
async fn the_config_is_the_text_of_the_api_in_every_mode_for_every_tool() {
    let (mut copied, mut withheld) = (0, 0);
    for snapshot in [sample::snapshot(), misled()] {
        let site = site_of(snapshot.clone());
        let current = Arc::new(Current::new(Some(snapshot)));
        let api = router(ApiState { current, bodies: Arc::default(), now: Arc::new(sample::as_of) });
        for (mode, target) in
            ["shortlist", "pin", "avoid"].into_iter().flat_map(|m| TARGETS.iter().map(move |t| (m, t)))
        {
            let path = format!("{QUILL}?mode={mode}&tool={}", target.name);
            let page = get(&site, &path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            let query = format!("mode={mode}&target={}", target.name);
            let answer = get(&api, &format!("/api/v1/preferences/zephyr/quill-large?{query}")).await.body;
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            let text = answer["data"]["rendered"]["files"][0]["text"].as_str();
            match text {
                Some(text) => {
                    assert_eq!(config(&page.body).as_deref(), Some(text), "{path}");
                    copied += 1;
                }
                None => {
                    assert_eq!(config(&page.body), None, "{path}");
                    assert!(page.body.contains("No config for"), "{path}: {}", page.body);
                    withheld += 1;
                }
            }
        }
    }
    assert!(copied > TARGETS.len() && withheld > 0, "{copied} copied, {withheld} without");
}

#[tokio::test]
async fn the_answer_names_hosts_saving_and_every_tool() {
    let site = site_of(misled());
    let page = get(&site, QUILL).await.body;
    let answer =
        page.split("<section class=\"answer\"").nth(1).and_then(|rest| rest.split("</section>").next());
    let answer = answer.expect("an answer");
    for part in [
        "Use these hosts",
        "href=\"/models/zephyr/quill-large/endpoints/lumen/bf16\"",
        "</b> a session",
        "hits, 7 days",
        "fp8 · 262k context · prompts not kept",
        "compared with what its traffic pays on average",
        "instead of",
        "First token",
        "aria-current=\"true\">shortlist</a>",
        "skips that step for requests that name specific providers",
        "The same as JSON",
    ] {
        let lower = answer.to_lowercase();
        assert!(answer.contains(part) || lower.contains(&part.to_lowercase()), "{part}: {answer}");
    }
    let at = |mode: &str| answer.find(&format!(">{mode}</a>")).unwrap_or_else(|| panic!("{mode}: {answer}"));
    assert!(at("shortlist") < at("pin"), "{answer}");
    for target in TARGETS.iter().skip(1) {
        assert!(answer.contains(&format!("?tool={}#answer\"", target.name)), "{}: {answer}", target.name);
    }
    let tool = get(&site, &format!("{QUILL}?tool=opencode&mode=pin")).await.body;
    assert!(tool.contains("<b>pin</b>: <code>") && tool.contains("Use this host"), "{tool}");
    assert!(
        tool.contains("?days=7&#38;mode=pin&#38;tool=opencode#days"),
        "other links keep the choice: {tool}"
    );
    tags(QUILL, &tool);
}

#[tokio::test]
async fn the_page_recommends_what_the_api_recommends_also_if_the_lowest_list_price_costs_less() {
    // The host with the lowest list price also has the cheapest session, so a second host only costs.
    let page = get(&site(), QUILL).await.body;
    assert!(page.contains("aria-current=\"true\">shortlist</a>") && !page.contains("Not offered"), "{page}");
    assert!(page.contains("more than always taking the lowest list price"), "{page}");
    let snapshot = sample::snapshot();
    let model = snapshot.model("zephyr/quill-large").expect("quill");
    let advice = preference(&snapshot, model, Mode::DEFAULT, snapshot.default_workload(), sample::as_of());
    let named = advice.provider.and_then(|provider| provider.only).expect("a shortlist");
    let text = config(&page).expect("a config");
    assert!(named.len() > 1 && named.iter().all(|tag| text.contains(tag.as_str())), "{text}");
    // The chart and the calculator recommend the same hosts.
    assert!(page.contains(" (recommended)</bdi>"), "{page}");
    let months = get(&site(), "/cost?model=zephyr/quill-large&bill=300").await.body;
    assert_eq!(
        months.matches("<span class=\"flag good\">recommended</span>").count(),
        named.len(),
        "{months}"
    );
}

#[tokio::test]
async fn an_invalid_limit_withholds_the_config() {
    for wrong in ["zdr=on", "context=128k", "min_availability=99%25"] {
        let page = get(&site(), &format!("{QUILL}?{wrong}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(config(&page.body).is_none() && page.body.contains("No recommendation"), "{}", page.body);
    }
}

#[tokio::test]
async fn without_a_recommendation_the_page_says_why() {
    let free = get(&site(), "/models/northwind/atlas-3:free").await;
    assert_eq!(free.status, StatusCode::OK);
    assert!(free.body.contains("No recommendation") && free.body.contains("cached tokens are not billed"));
    assert!(config(&free.body).is_none());
    let stale = get(&site_over(Some(misled()), Duration::hours(30)), QUILL).await.body;
    assert!(stale.contains("the data are stale") && config(&stale).is_none(), "{stale}");
    let mut snapshot = sample::snapshot();
    let quill = &mut snapshot.models[1].endpoints;
    quill[0].tokens_per_day = Some(1e9);
    quill[0].first_seen = sample::as_of() - Duration::hours(5);
    let page = get(&site_of(snapshot), QUILL).await.body;
    assert!(page.contains("withheld: expected to cost 22"), "{page}");
    let mut empty = sample::snapshot();
    empty.models[1].endpoints.clear();
    let page = get(&site_of(empty), QUILL).await;
    assert!(page.status == StatusCode::OK && page.body.contains("found no endpoint of this model"));
    tags(QUILL, &page.body);
}

#[tokio::test]
async fn limits_are_a_form_with_the_names_of_the_api() {
    let site = site_of(misled());
    let page = get(&site, &format!("{QUILL}?no_training=true&quant_floor=fp8&context=1000&tool=curl")).await;
    assert_eq!(page.status, StatusCode::OK);
    let text = config(&page.body).expect("a config");
    assert!(text.contains("\"data_collection\"") && text.contains("\"quantizations\""), "{text}");
    for part in [
        "<details class=\"limits\" open>",
        "<input type=\"hidden\" name=\"tool\" value=\"curl\">",
        "<option selected>fp8</option>",
        "name=\"no_training\" value=\"true\" checked",
        "name=\"context\" inputmode=\"numeric\" value=\"1000\"",
        "target=curl&#38;mode=shortlist&#38;quant_floor=fp8&#38;no_training=true&#38;context=1000",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let current = Arc::new(Current::new(Some(misled())));
    let api = router(ApiState { current, bodies: Arc::default(), now: Arc::new(sample::as_of) });
    for limits in
        ["parameters=tools,max_tokens", "zdr=true&max_input=5", "min_availability=0.9&no_retention=true"]
    {
        let page = get(&site, &format!("{QUILL}?mode=pin&{limits}")).await.body;
        let answer =
            get(&api, &format!("/api/v1/preferences/zephyr/quill-large?mode=pin&{limits}")).await.body;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let text = answer["data"]["rendered"]["files"][0]["text"].as_str();
        assert_eq!(config(&page).as_deref(), text, "{limits}");
    }
    let mut down = misled();
    for endpoint in &mut down.models[1].endpoints {
        endpoint.flags = vec![sample::flag(FlagKind::Down)];
        endpoint.status = Some(-5);
    }
    let only = get(&site_of(down), &format!("{QUILL}?quant_floor=fp8")).await.body;
    assert!(only.contains("This config has only your limits:"), "{only}");
    assert!(config(&only).is_some_and(|text| !text.contains("\"only\"")), "{only}");
    let none = get(&site, &format!("{QUILL}?quant_floor=fp32")).await;
    assert_eq!(none.status, StatusCode::OK);
    assert!(none.body.contains("No recommendation") && config(&none.body).is_none(), "{}", none.body);
}

#[tokio::test]
async fn wrong_values_are_named_and_the_page_stays() {
    let query =
        "context=lots&quant_floor=fp9&zdr=maybe&region=%3Cscript%3E&mode=fast&tool=hammer&days=8&line=nobody";
    let page = get(&site(), &format!("{QUILL}?{query}")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    for part in [
        "“context” is “lots”: expected a number of tokens",
        "“quant_floor” is “fp9”",
        "“zdr” is “maybe”: expected true or false",
        "unknown mode “fast”: one of",
        "unknown target “hammer”: one of",
        "“days” is “8”: expected one of 7, 14, 30",
        "has the tag “nobody”",
        "value=\"lots\"",
        "value=\"&#60;script&#62;\"",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(named(&tags(QUILL, &page.body), "script").iter().all(|tag| tag.contains(" src=")));
    assert!(page.body.contains("<h2 id=\"endpoints\">"), "the rest of the page is there");
    let long = "x".repeat(3_000);
    let page = get(&site(), &format!("{QUILL}?tool={long}&line={long}&context={long}")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(!page.body.contains(&"x".repeat(201)), "long values are cut");
}

#[tokio::test]
async fn how_often_the_recommendation_changed_is_said_beside_it_alone() {
    let mut snapshot = misled();
    let since = NaiveDate::from_ymd_opt(2026, 9, 3).expect("a day");
    snapshot.models[1].recommendation = Some(RecommendationRecord { changes: 3, days: 21, since });
    let site = site_of(snapshot.clone());
    let sentence = "This recommendation changed 3 times on the 21 days of the last 30 with a recommendation; the \
                    present one dates from 3 Sep.";
    assert!(get(&site, QUILL).await.body.contains(sentence));
    for other in ["mode=pin", "context=1000"] {
        assert!(
            !get(&site, &format!("{QUILL}?{other}")).await.body.contains("This recommendation"),
            "{other}"
        );
    }
    snapshot.models[1].recommendation = Some(RecommendationRecord { changes: 0, days: 2, since });
    let page = get(&site_of(snapshot), QUILL).await.body;
    let sentence = "This recommendation did not change on the 2 days of the last 30 with a recommendation.";
    assert!(page.contains(sentence), "{page}");
    assert!(
        !get(&site_of(misled()), QUILL).await.body.contains("This recommendation"),
        "nothing is recorded"
    );
}

#[tokio::test]
async fn charts_draw_the_recommended_host_and_the_lines_that_are_chosen() {
    let site = site_of(misled());
    let page = get(&site, QUILL).await.body;
    let days = section(&page, "days");
    assert!(days.contains("<i></i><bdi>lumen/bf16 (recommended)</bdi>"), "{days}");
    assert!(
        days.contains("class=\"day\" tabindex=\"0\" role=\"img\"><title>5 Oct: lumen/bf16 (recommended) 90"),
        "{days}"
    );
    assert!(days.contains("aria-current=\"true\">14 days</a>") && days.contains("as a table</summary>"));
    assert!(page.contains("<details class=\"fold\">\n<summary><h2 id=\"days\">"), "folded: {page}");
    let page = get(&site, &format!("{QUILL}?line=mirage&line=quarry&days=7")).await.body;
    let days = section(&page, "days");
    assert!(page.contains("<details class=\"fold\" open>\n<summary><h2 id=\"days\">"), "open: {page}");
    assert!(days.contains("<i></i><bdi>mirage</bdi>") && !days.contains("<i></i><bdi>lumen"), "{days}");
    assert!(days.contains("aria-current=\"true\">7 days</a>") && days.contains("29 Sep"), "{days}");
    assert!(!days.contains("<time datetime=\"2026-09-28\">"), "seven days: {days}");
    assert!(days.contains("name=\"line\" value=\"mirage\" checked"), "{days}");
}

#[tokio::test]
async fn the_table_has_one_window_a_row_and_no_empty_column() {
    let page = get(&site(), QUILL).await.body;
    let table = section(&page, "endpoints");
    for head in [
        "Hit rate<small>7 days</small>",
        "Price paid<small>input, 7 days</small>",
        "Hit rate<small>now</small>",
    ] {
        assert!(table.contains(head), "{head}: {table}");
    }
    assert!(table.contains("class=\"n wide now\"") && table.contains("select two to six"), "{table}");
    assert!(table.contains("href=\"/models/zephyr/quill-large/endpoints/north-cloud/us-east\""), "{table}");
    let prices = section(&page, "prices");
    assert!(!prices.contains(">Cache write<") && prices.contains("cache write (for 1 h, list)"), "{prices}");
}

#[tokio::test]
async fn only_the_page_without_a_choice_is_kept() {
    let site = site_of(misled());
    let plain = get(&site, QUILL).await;
    assert!(plain.headers.contains_key(header::ETAG));
    for same in ["?utm_source=x", "?days=14&mode=", "?tool=openrouter&no_training=false"] {
        let page = get(&site, &format!("{QUILL}{same}")).await;
        assert_eq!(page.headers.get(header::ETAG), plain.headers.get(header::ETAG), "{same}");
    }
    let chosen = get(&site, &format!("{QUILL}?mode=pin")).await;
    assert_eq!(chosen.headers[header::CACHE_CONTROL], "no-store");
}
