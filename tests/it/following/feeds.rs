//! Feeds against the rules of their formats: Atom (RFC 4287) and JSON Feed 1.1.

use super::{change, get, get_with, outage, price, schedule, shift, site, subject, with};
use axum::http::{StatusCode, header};
use chrono::{DateTime, Duration};
use hitrate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use hitrate::domain::ids::Tag;
use hitrate::site::endpoint_page;
use hitrate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

const OWN: &str = "https://tiers.example";

/// The elements of an XML text with their depth, checked for being well-formed: tags are nested, attributes are quoted and
/// unique, and `&` begins a reference.
fn well_formed(xml: &str) -> Vec<(usize, String)> {
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"utf-8\"?>").expect("a declaration");
    let (mut open, mut seen): (Vec<String>, _) = (Vec::new(), Vec::new());
    let mut rest = body;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>'), "a bare `>`: {text}");
        references(text);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "nested");
            continue;
        }
        let (inner, is_empty) = tag.strip_suffix('/').map_or((tag, false), |inner| (inner, true));
        let (name, mut attributes) = inner.split_once(' ').unwrap_or((inner, ""));
        let mut names = BTreeSet::new();
        while !attributes.trim().is_empty() {
            let (key, quoted) = attributes.trim_start().split_once("=\"").expect("a quoted value");
            let (value, after) = quoted.split_once('"').expect("the value ends");
            assert!(names.insert(key.to_owned()) && !value.contains('<'), "{tag}");
            references(value);
            attributes = after;
        }
        seen.push((open.len(), name.to_owned()));
        if !is_empty {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    let is_allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    assert!(xml.chars().all(is_allowed), "characters that XML does not allow");
    seen
}

fn references(text: &str) {
    for reference in text.split('&').skip(1) {
        let (name, _) = reference.split_once(';').expect("a reference ends");
        assert!(name.starts_with('#') || ["amp", "lt", "gt", "quot", "apos"].contains(&name), "{name}");
    }
}

fn texts<'a>(xml: &'a str, element: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
}

fn is_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok()
}

/// Checks an Atom feed, and returns the ids of its entries.
fn atom(xml: &str, own: &str) -> Vec<String> {
    let elements = well_formed(xml);
    let count = |depth, name: &str| elements.iter().filter(|(at, own)| *at == depth && own == name).count();
    assert_eq!((count(0, "feed"), count(1, "id"), count(1, "title"), count(1, "updated")), (1, 1, 1, 1));
    assert_eq!(count(1, "author"), 1, "entries without an author need that of the feed");
    let entries = count(1, "entry");
    for required in ["id", "title", "updated", "content"] {
        assert_eq!(count(2, required), entries, "{required}");
    }
    assert!(entries <= 100);
    assert!(
        xml.contains(&format!("<link rel=\"self\" type=\"application/atom+xml\" href=\"{own}\"/>")),
        "{xml}"
    );
    assert!(texts(xml, "updated").into_iter().chain(texts(xml, "published")).all(is_time));
    let ids: Vec<String> = texts(xml, "id").into_iter().map(str::to_owned).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "ids are unique");
    assert!(ids.iter().all(|id| id.starts_with("urn:uuid:")));
    ids[1..].to_vec()
}

/// Checks a JSON Feed, and returns the ids of its items.
fn json(text: &str, own: &str) -> Vec<String> {
    let feed: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert!(feed["title"].as_str().is_some_and(|title| !title.is_empty()));
    assert_eq!(feed["feed_url"], own);
    assert!(feed["home_page_url"].as_str().is_some_and(|url| url.starts_with("http")));
    assert!(feed["authors"].as_array().is_some_and(|authors| !authors.is_empty()));
    let items = feed["items"].as_array().expect("items");
    assert!(items.len() <= 100);
    let ids: Vec<String> = items
        .iter()
        .map(|item| {
            assert!(item["content_text"].as_str().is_some_and(|text| !text.is_empty()), "{item}");
            assert!(item["url"].as_str().is_some_and(|url| url.starts_with("http")), "{item}");
            for date in ["date_published", "date_modified"] {
                assert!(item[date].as_str().is_some_and(is_time), "{item}");
            }
            assert!(item["tags"].is_array() && item["_hitrate"].is_array(), "{item}");
            item["id"].as_str().expect("an id is a string").to_owned()
        })
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "ids are unique");
    ids
}

fn planted(snapshot: &Snapshot) -> Vec<Change> {
    let mut elsewhere = change(snapshot, ChangeKind::EndpointGone, 9);
    elsewhere.model_id = Some("other/model".to_owned());
    elsewhere.model = None;
    elsewhere.endpoint_id = None;
    elsewhere.provider = None;
    elsewhere.tag = Some(Tag::new("gone-host"));
    let mut hostile = change(snapshot, ChangeKind::StatusChanged, 6);
    hostile.why = "<b>&\u{0}\u{b}\u{fffe}\u{202e}]]>".to_owned();
    vec![
        price(snapshot, ChangedField::ListInput, 30.0, 1),
        price(snapshot, ChangedField::ListOutput, 20.0, 1),
        shift(snapshot, -14.0, 3),
        outage(snapshot, 5, None),
        schedule(snapshot, 4),
        change(snapshot, ChangeKind::RecommendationChanged, 7),
        hostile,
        elsewhere,
    ]
}

#[tokio::test]
async fn all_feeds_follow_their_formats_and_hold_what_they_are_about() {
    let snapshot = with(planted);
    let (model, endpoint) = subject(&snapshot);
    let page = endpoint_page(model, endpoint);
    let provider = format!("/providers/{}", endpoint.provider);
    let site = site(snapshot.clone(), OWN);
    // Input and output of one run are one entry; recommendations are not part of the feed of all.
    for (path, count) in
        [("", 6), ("/models/northwind/atlas-3", 6), (provider.as_str(), 6), (page.as_str(), 6)]
    {
        let (status, headers, xml) = get(&site, &format!("{path}/changes.atom")).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/atom+xml; charset=utf-8");
        let from_atom = atom(&xml, &format!("{OWN}{path}/changes.atom"));
        let (status, headers, text) = get(&site, &format!("{path}/changes.feed.json")).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/feed+json; charset=utf-8");
        assert_eq!(json(&text, &format!("{OWN}{path}/changes.feed.json")), from_atom, "{path}");
        assert_eq!(from_atom.len(), count, "{path}: {xml}");
        assert_eq!(xml.contains("gone-host"), path.is_empty(), "{path}");
    }
    for unknown in ["/models/no/model/changes.atom", "/providers/nobody/changes.feed.json"] {
        assert_eq!(get(&site, unknown).await.0, StatusCode::NOT_FOUND, "{unknown}");
    }
    let (_, _, html) = get(&site, "/models/northwind/atlas-3").await;
    let head = html.split("</head>").next().expect("a head");
    for feed in [
        "/models/northwind/atlas-3/changes.atom",
        "/models/northwind/atlas-3/changes.feed.json",
        "/changes.atom",
    ] {
        assert!(head.contains(&format!("href=\"{feed}\"")), "{feed}: {head}");
    }
}

#[tokio::test]
async fn a_filter_is_a_feed_and_an_invalid_one_is_an_error() {
    let site = site(with(planted), OWN);
    let own = format!("{OWN}/changes.atom?group=prices&#38;costs_more=true");
    let (_, _, xml) = get(&site, "/changes.atom?group=prices&costs_more=true").await;
    assert_eq!(atom(&xml, &own).len(), 1, "{xml}");
    let (_, _, text) = get(&site, "/changes.feed.json?group=caching").await;
    assert_eq!(json(&text, &format!("{OWN}/changes.feed.json?group=caching")).len(), 1);
    for path in ["/changes.atom?group=prices", "/changes.feed.json?group=prices"] {
        let (_, headers, body) = get(&site, path).await;
        let tag = headers[header::ETAG].to_str().expect("ASCII");
        let (status, _, again) = get_with(&site, path, Some(tag)).await;
        assert_eq!((status, again.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        let (status, _, whole) = get_with(&site, path, Some("\"other\"")).await;
        assert!(status == StatusCode::OK && whole == body, "{path}");
    }
    let (status, _, why) = get(&site, "/changes.atom?group=weather").await;
    assert!(status == StatusCode::BAD_REQUEST && why.contains("weather"), "{why}");
}

#[tokio::test]
async fn ids_are_stable_over_snapshots_and_an_end_updates_its_entry() {
    let first = with(planted);
    let mut later = first.clone();
    later.as_of += Duration::hours(2);
    let ended = later.as_of - Duration::hours(1);
    for change in &mut later.changes {
        match change.kind {
            ChangeKind::Outage => change.until = Some(ended),
            // A later reading corrects the size and the time within the day, and the schedule moves on.
            ChangeKind::HitRateShift => change.percent = Some(-15.0),
            ChangeKind::PriceSchedule => change.at += Duration::hours(1),
            _ => {}
        }
    }
    later.changes.insert(0, change(&later, ChangeKind::EndpointChanged, 0));
    let (_, _, before) = get(&site(first, OWN), "/changes.atom").await;
    let (_, _, after) = get(&site(later, "https://moved.example"), "/changes.atom").await;
    let before_ids = atom(&before, &format!("{OWN}/changes.atom"));
    let after_ids = atom(&after, "https://moved.example/changes.atom");
    assert_eq!(after_ids.len(), before_ids.len() + 1);
    assert!(before_ids.iter().all(|id| after_ids.contains(id)), "{before_ids:?} {after_ids:?}");
    let end = ended.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert!(after.contains(&format!("<updated>{end}</updated>")), "{after}");
}

#[tokio::test]
async fn without_a_public_address_json_names_that_of_the_client() {
    let site = site(with(planted), "");
    let (_, headers, text) = get(&site, "/changes.feed.json").await;
    assert_eq!(
        headers[header::CACHE_CONTROL],
        "private, no-cache",
        "one client's address is for no one else"
    );
    json(&text, "http://tiers.test/changes.feed.json");
    let (_, _, xml) = get(&site, "/changes.atom").await;
    atom(&xml, "/changes.atom");
}

#[tokio::test]
async fn titles_say_what_changed_and_the_facts_of_one_run_are_one_entry() {
    let many = with(|s| {
        let text = |text: &str| Some(ChangeValue::Text(text.to_owned()));
        let fact = |field, from, to| Change {
            field: Some(field),
            before: text(from),
            after: text(to),
            ..change(s, ChangeKind::EndpointChanged, 4)
        };
        let facts = [fact(ChangedField::Quantization, "fp8", "fp4"), fact(ChangedField::Region, "us", "eu")];
        let recommended = Change {
            field: Some(ChangedField::Recommendation),
            before: Some(ChangeValue::List(vec!["quarry".to_owned()])),
            after: Some(ChangeValue::List(vec!["lumen".to_owned()])),
            endpoint_id: None,
            tag: None,
            provider: None,
            ..change(s, ChangeKind::RecommendationChanged, 5)
        };
        facts.into_iter().chain([recommended, shift(s, -14.0, 6)]).collect()
    });
    let site = site(many, OWN);
    let (_, _, xml) = get(&site, "/models/northwind/atlas-3/changes.atom").await;
    assert_eq!(atom(&xml, &format!("{OWN}/models/northwind/atlas-3/changes.atom")).len(), 3, "{xml}");
    for title in [
        ": quantization fp8 → fp4; region us → eu</title>",
        "<title>Recommendation for northwind/atlas-3 changed: quarry → lumen</title>",
        " fell 14 points: 80.0 % → 66.0 %</title>",
    ] {
        assert!(xml.contains(title), "{title}: {xml}");
    }
}

#[tokio::test]
async fn a_feed_is_limited_to_the_newest_entries() {
    let many = with(|s| (0..150).map(|n| change(s, ChangeKind::StatusChanged, n)).collect());
    let (_, _, xml) = get(&site(many, OWN), "/changes.atom").await;
    assert_eq!(atom(&xml, &format!("{OWN}/changes.atom")).len(), 100);
    assert!(xml.contains("planted 0<") && !xml.contains("planted 149<"), "{xml}");
}
