//! The site as a browser sees it: every page over the sample snapshot, before the first one, and with awkward names.

use super::sample;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::Duration;
use hitrate::domain::document::RouteAnswer;
use hitrate::domain::finding::{Check, Finding};
use hitrate::domain::tier::Lens;
use hitrate::domain::window::Basis;
use hitrate::prepared::Origin;
use hitrate::site::{SiteState, router};
use hitrate::snapshot::{Current, EndpointDay, Snapshot, SuspectRun};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use tower::ServiceExt;

const METHOD: &str =
    "# The method\n\n## Tiers\n\nWhat they *mean*.\n\n## Tiers\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";

#[path = "site/cost.rs"]
mod cost;
#[path = "site/endpoint.rs"]
mod endpoint;
#[path = "site/evidence.rs"]
mod evidence;
#[path = "site/front.rs"]
mod front;
#[path = "site/hostile.rs"]
mod hostile;
#[path = "site/model.rs"]
mod model;
#[path = "site/money.rs"]
mod money;
#[path = "site/provider.rs"]
mod provider;
#[path = "site/search.rs"]
mod search;
#[path = "site/share.rs"]
mod share;
#[path = "site/status.rs"]
mod status;
#[path = "site/weight.rs"]
mod weight;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

fn site_over(snapshot: Option<Snapshot>, age: Duration) -> Router {
    let now = sample::as_of() + age;
    router(SiteState {
        pages: Arc::default(),
        current: Arc::new(Current::new(snapshot)),
        now: Arc::new(move || now),
        method_markdown: METHOD,
        public_url: "".into(),
        origin: Origin::default(),
    })
}

fn site() -> Router {
    site_over(Some(sample::snapshot()), Duration::minutes(24))
}

async fn ask(site: &Router, request: Request<Body>) -> Answer {
    let response = site.clone().oneshot(request).await.expect("the router never fails");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| "not text".to_owned()),
    }
}

async fn get(site: &Router, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    ask(site, request).await
}

/// Every kind of page, the lenses and workloads, a variant, and a model with a hostile name.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> =
        ["/", "/models", "/providers", "/method", "/status", "/search?q=atlas", "/cost"]
            .map(str::to_owned)
            .to_vec();
    pages.extend(
        [
            "/changes",
            "/explore",
            "/explore?q=atlas&hit=50&sort=hit&dir=asc",
            "/explore?price=0.0000001",
            "/compare",
            "/compare?e=quarry&e=north-cloud&e=sprout",
            "/compare?e=northwind/atlas-3@quarry/fp8&e=northwind/atlas-3@lumen",
        ]
        .map(str::to_owned),
    );
    pages.extend(Lens::ALL.map(|lens| format!("/?lens={lens}")));
    pages.extend(["chat", "rag", "batch"].map(|w| format!("/?lens=overall&workload={w}")));
    pages.extend(
        ["northwind/atlas-3", "northwind/atlas-3:free", "tinker/solo-1"].map(|m| format!("/models/{m}")),
    );
    pages.extend(["lumen", "sprout"].map(|p| format!("/providers/{p}")));
    pages.extend(
        [
            "/models/zephyr/quill-large?mode=pin&tool=opencode&days=7&quant_floor=fp8",
            "/models/zephyr/quill-large/endpoints/quarry",
            "/models/zephyr/quill-large/endpoints/quarry?mode=avoid&days=30",
        ]
        .map(str::to_owned),
    );
    pages
}

const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];

/// Parses the tags of a page and checks that all are closed in order, ids are unique and no attribute is cut short.
/// Returns the tags.
fn tags(path: &str, html: &str) -> Vec<String> {
    let (mut open, mut ids, mut all): (Vec<String>, BTreeSet<String>, Vec<String>) = Default::default();
    for piece in html.split('<').skip(1) {
        let (tag, text) =
            piece.split_once('>').unwrap_or_else(|| panic!("{path}: `<{piece}` is never closed"));
        assert!(!text.contains('>'), "{path}: a stray `>` after `<{tag}>`");
        if tag.starts_with("!doctype") {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{path}: </{name}> closes something else");
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{path}: quotes of <{tag}>");
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        if let Some(id) = attribute(tag, "id") {
            assert!(ids.insert(id.clone()), "{path}: the id `{id}` twice");
        }
        if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name.to_owned());
        }
        all.push(tag.to_owned());
    }
    assert!(open.is_empty(), "{path}: never closed: {open:?}");
    all
}

/// The names of a tag's attributes: the text outside its quotes.
fn attribute_names(tag: &str) -> Vec<&str> {
    let outside = tag.split('"').step_by(2);
    outside.flat_map(str::split_whitespace).map(|word| word.trim_end_matches('=')).collect()
}

fn has_handler(tag: &str) -> bool {
    attribute_names(tag).iter().any(|name| name.starts_with("on"))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(|value| value.replace("&#38;", "&").replace("&amp;", "&"))
}

fn named<'a>(tags: &'a [String], name: &str) -> Vec<&'a String> {
    tags.iter().filter(|tag| tag.split(' ').next() == Some(name)).collect()
}

#[tokio::test]
async fn every_page_is_whole_and_can_be_found_ones_way_in() {
    let site = site();
    for path in pages() {
        let page = get(&site, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let tags = tags(&path, &page.body);
        for (name, count) in [("h1", 1), ("main", 1), ("header", 1), ("footer", 1)] {
            assert_eq!(named(&tags, name).len(), count, "{path}: <{name}>");
        }
        assert!(
            named(&tags, "th").iter().all(|th| attribute(th, "scope").is_some()),
            "{path}: th without scope"
        );
        assert!(tags.iter().all(|tag| attribute(tag, "style").is_none()), "{path}: an inline style");
        assert!(!tags.iter().any(|tag| has_handler(tag)), "{path}: an inline handler");
        assert!(
            named(&tags, "script").iter().all(|s| attribute(s, "src").is_some()),
            "{path}: an inline script"
        );
        assert_eq!(page.body.matches(" · hitrate</title>").count(), 1, "{path}");
        assert!(page.body.contains("Skip to the content"), "{path}");
        assert!(page.body.contains("not affiliated with OpenRouter"), "{path}");
        assert!(page.body.contains("01999999-0000-7000-8000-000000000100-5eed"), "{path}: the snapshot's id");
    }
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let site = site();
    let (mut seen, mut queue) = (BTreeSet::from(["/".to_owned()]), VecDeque::from(["/".to_owned()]));
    while let Some(path) = queue.pop_front() {
        let page = get(&site, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        if !page.headers[header::CONTENT_TYPE].to_str().expect("ascii").starts_with("text/html") {
            continue;
        }
        for tag in tags(&path, &page.body) {
            let Some(target) = attribute(&tag, "href").or_else(|| attribute(&tag, "src")) else { continue };
            // A place on another page does not make another page.
            let target = match target.split_once('#') {
                Some((page, _)) if !page.is_empty() => page.to_owned(),
                _ => target,
            };
            // Another router serves the API; it has its own tests.
            let is_api = target == "/api" || target.starts_with("/api/");
            let is_ours = target.starts_with('/') && !is_api;
            let is_known_elsewhere = is_api
                || target.starts_with('#')
                || (target.starts_with("https://") && tag.contains("rel=\"nofollow noopener\""));
            assert!(is_ours || is_known_elsewhere, "{path} links to {target}: <{tag}>");
            // The choices of a page multiply: those that differ from the default in one field are enough.
            let is_choice = |address: &str| address.starts_with("/models/") && address.contains('?');
            let is_combined = is_choice(&path) && is_choice(&target);
            if is_ours && !is_combined && seen.insert(target.clone()) {
                queue.push_back(target);
            }
        }
    }
    for path in
        ["/models/northwind/atlas-3:free", "/providers/mirage", "/?lens=cost&workload=chat", "/method"]
    {
        assert!(seen.contains(path), "nothing links to {path}: {seen:?}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let (site, empty) = (site(), site_over(None, Duration::zero()));
    let mut paths = pages();
    paths.extend(
        ["/robots.txt", "/favicon.svg", "/nothing", "/models/no/such", "/assets/x.css"].map(str::to_owned),
    );
    for path in paths {
        for router in [&site, &empty] {
            let answer = get(router, &path).await;
            let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("ascii");
            assert!(
                policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
                "{path}: {policy}"
            );
            assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
            assert!(answer.headers.contains_key(header::REFERRER_POLICY), "{path}");
        }
    }
}

#[tokio::test]
async fn a_query_that_is_markup_is_shown_as_text() {
    let scripts = named(&tags("status", &get(&site(), "/status").await.body), "script").len();
    let page = get(&site(), "/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(named(&tags("search", &page.body), "script").len(), scripts);
    let page = get(&site(), "/models/%3Cscript%3E/%22onx=%22").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(named(&tags("model", &page.body), "script").len(), scripts);
}

#[tokio::test]
async fn a_suspect_run_is_announced_on_every_page() {
    let mut held = sample::snapshot();
    held.status.suspect = Some(SuspectRun {
        run_id: "20260807T165700Z".into(),
        observed_at: held.as_of + Duration::hours(1),
        findings: vec![Finding {
            field: "effective_pricing.cacheHitRate".into(),
            check: Check::Shifted,
            before: Some(0.4),
            after: Some(0.004),
            detail: "the median of 900 <values> is 0.01 times the last one".into(),
        }],
    });
    let site = site_over(Some(held), Duration::hours(1));
    for page in ["/", "/models", "/models/northwind/atlas-3", "/status"] {
        let body = get(&site, page).await.body;
        tags(page, &body);
        assert!(body.contains("The newest run is not published."), "{page}");
        assert!(body.contains("effective_pricing.cacheHitRate"), "{page}");
    }
    let status = get(&site, "/status").await.body;
    assert!(status.contains("hitrate accept 20260807T165700Z --field NAME"));
    assert!(status.contains("900 &#60;values&#62;") || status.contains("900 &lt;values&gt;"), "escaped");
    assert!(
        !get(&site_over(Some(sample::snapshot()), Duration::hours(1)), "/")
            .await
            .body
            .contains("run is not published")
    );
}

#[tokio::test]
async fn old_data_is_announced_from_the_third_hour_on() {
    let snapshot = || Some(sample::snapshot());
    let fresh = get(&site_over(snapshot(), Duration::minutes(179)), "/models").await.body;
    let stale = get(&site_over(snapshot(), Duration::hours(3)), "/models").await.body;
    assert!(!fresh.contains("The newest data is"));
    assert!(stale.contains("The newest data is 3 hours old"));
    let before = get(&site_over(snapshot(), Duration::hours(-2)), "/").await.body;
    assert!(before.contains("less than an hour ago") && !before.contains("The newest data is"));
}

#[tokio::test]
async fn simulated_data_is_marked_on_every_page() {
    let mut real = sample::snapshot();
    real.simulated = false;
    let (simulated, real) = (site(), site_over(Some(real), Duration::minutes(24)));
    for path in pages().into_iter().chain(["/nowhere".to_owned()]) {
        assert!(get(&simulated, &path).await.body.contains("Simulated data."), "{path}");
        assert!(!get(&real, &path).await.body.contains("Simulated data."), "{path}");
    }
}

#[tokio::test]
async fn before_the_first_snapshot_every_page_says_so_and_reloads() {
    let empty = site_over(None, Duration::zero());
    for path in pages().into_iter().chain(["/nowhere".to_owned()]) {
        let page = get(&empty, &path).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(page.headers.contains_key(header::RETRY_AFTER), "{path}");
        assert!(page.body.contains("http-equiv=\"refresh\"") && page.body.contains("under way"), "{path}");
        tags(&path, &page.body);
    }
    for path in ["/changes.atom", "/sitemap.xml", "/badge/lumen.svg", "/og/site.png"] {
        assert_eq!(get(&empty, path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    assert_eq!(get(&empty, "/robots.txt").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_published_snapshot_replaces_the_kept_pages() {
    let current = Arc::new(Current::new(Some(sample::snapshot())));
    let now = sample::as_of();
    let site = router(SiteState {
        current: current.clone(),
        pages: Arc::default(),
        now: Arc::new(move || now),
        method_markdown: METHOD,
        public_url: "".into(),
        origin: Origin::default(),
    });
    let before = get(&site, "/models").await.body;
    assert_eq!(get(&site, "/models").await.body, before);
    let mut next = sample::snapshot();
    next.id = "next-snapshot".to_owned();
    next.models[0].name = "Renamed".to_owned();
    current.set(Arc::new(next));
    let after = get(&site, "/models").await.body;
    assert!(after.contains("Renamed") && after.contains("next-snapshot"));
}

#[tokio::test]
async fn a_wrong_name_is_answered_with_the_nearest() {
    let site = site();
    let model = get(&site, "/models/northwind/atlas-4").await;
    assert_eq!(model.status, StatusCode::NOT_FOUND);
    assert!(model.body.contains("href=\"/models/northwind/atlas-3\""), "{}", model.body);
    let provider = get(&site, "/providers/mirrage").await;
    assert_eq!(provider.status, StatusCode::NOT_FOUND);
    assert!(provider.body.contains("href=\"/providers/mirage\""), "{}", provider.body);
    for path in ["/?lens=price", "/?lens=cost&workload=gaming", "/modelz/", "/assets/hitrate-0.css"] {
        assert_eq!(get(&site, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn search_finds_parts_and_goes_straight_to_exact_names() {
    let site = site();
    for (query, target) in [
        ("northwind/atlas-3", "/models/northwind/atlas-3"),
        ("northwind/atlas-3:free", "/models/northwind/atlas-3:free"),
        ("Quarry%20compute", "/providers/quarry"),
    ] {
        let answer = get(&site, &format!("/search?q={query}")).await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT, "{query}");
        assert_eq!(answer.headers[header::LOCATION], target, "{query}");
    }
    let found = get(&site, "/search?q=atlas").await.body;
    assert!(found.contains("href=\"/models/northwind/atlas-3:free\""));
    assert!(get(&site, "/search?q=quilt").await.body.contains("Did you mean"));
    assert_eq!(get(&site, "/search").await.status, StatusCode::OK);
    let slug = get(&site, "/models/northwind/atlas-3-20260901").await;
    assert_eq!(slug.headers[header::LOCATION], "/models/northwind/atlas-3");
}

#[tokio::test]
async fn a_page_that_is_held_already_is_not_sent_again() {
    let site = site();
    let first = get(&site, "/").await;
    let etag = first.headers[header::ETAG].clone();
    let again = Request::get("/").header(header::IF_NONE_MATCH, etag).body(Body::empty()).expect("a request");
    let answer = ask(&site, again).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert!(answer.headers.contains_key(header::CONTENT_SECURITY_POLICY));
}

#[tokio::test]
async fn assets_are_named_by_content_small_and_kept_for_ever() {
    let site = site();
    let page = get(&site, "/").await.body;
    let tags = tags("/", &page);
    let style = named(&tags, "link").into_iter().find(|l| l.contains("stylesheet")).expect("a style sheet");
    let scripts = named(&tags, "script").into_iter().map(|script| attribute(script, "src"));
    let paths: Vec<_> = scripts.chain([attribute(style, "href")]).collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for path in paths.into_iter().map(|path| path.expect("an address")) {
        let asset = get(&site, &path).await;
        assert_eq!(asset.status, StatusCode::OK);
        let policy = asset.headers[header::CACHE_CONTROL].to_str().expect("ascii");
        assert!(policy.contains("immutable"), "{path}: {policy}");
        assert!(path.ends_with(".css") || asset.body.len() < 10_000, "{path}: {} bytes", asset.body.len());
    }
}

#[tokio::test]
async fn the_status_page_tells_of_days_and_hours_and_of_a_new_window() {
    let page = get(&site(), "/status").await.body;
    assert!(page.contains("The newest day with a closing value is 2026-10-04."), "{page}");
    assert!(page.contains("under a million tokens in between: 7"));
    let mut snapshot = sample::snapshot();
    snapshot.status.comparison.as_mut().expect("asked for").answer = RouteAnswer::NotOffered;
    snapshot.changes[0].kind = hitrate::domain::change::ChangeKind::WindowChanged;
    snapshot.changes[0].why = "usage covered `hour` before".to_owned();
    let page = get(&site_over(Some(snapshot), Duration::zero()), "/status").await.body;
    assert!(page.contains("Not offered by the upstream") && page.contains("window changed"), "{page}");
    let mut young = sample::snapshot();
    young.status.comparison = None;
    let page = get(&site_over(Some(young), Duration::zero()), "/status").await.body;
    assert!(page.contains("not requested yet"));
}

#[tokio::test]
async fn absent_and_derived_are_said_in_words() {
    let site = site();
    let solo = get(&site, "/models/tinker/solo-1").await.body;
    assert!(solo.contains("no traffic") && solo.contains("not published, or no traffic"));
    let solo = get(&site, "/models/tinker/solo-1/endpoints/sprout/fp16").await.body;
    assert!(
        solo.contains("no traffic") && solo.contains("too little traffic") && solo.contains("not priced")
    );
    let atlas = get(&site, "/models/northwind/atlas-3").await.body;
    assert!(atlas.contains("(derived)") && atlas.contains("no data"));
    assert!(
        atlas.contains("come from the last reading of the day") && atlas.contains("derived from the day")
    );
    assert!(atlas.contains("the discount is not given"), "the flag is explained");
    assert!(
        atlas.contains("</code></bdi>: 66\u{202f}% hit rate over 7 days")
            && atlas.contains("id=\"flag-phantom\""),
        "and its numbers are shown"
    );
    assert!(atlas.contains("prompts over 128k tokens"), "price tiers are shown");
    let sprout = get(&site, "/providers/sprout").await.body;
    assert!(sprout.contains("shares only 1 model with other hosts; 3 are needed"));
}

#[tokio::test]
async fn where_the_list_misleads_the_page_says_what_it_costs() {
    let mut snapshot = sample::snapshot();
    // The host with the most expensive session gets the lowest list price.
    let last = snapshot.models[1].endpoints.last_mut().expect("an endpoint");
    (last.list.input, last.list.output) = (Some(0.01), Some(0.04));
    let site = site_over(Some(snapshot), Duration::zero());
    let model = get(&site, "/models/zephyr/quill-large").await.body;
    assert!(
        model.contains("The price list misleads here.") && model.contains("<b>567\u{202f}%</b>"),
        "{model}"
    );
    let method = get(&site, "/method").await.body;
    assert!(method.contains("<b>1 of 2</b>"), "{method}");
}

#[tokio::test]
async fn hosts_that_share_the_lowest_list_price_are_counted() {
    let mut snapshot = sample::snapshot();
    // All four hosts list the same price, and one of them has the cheapest session.
    for endpoint in &mut snapshot.models[1].endpoints {
        (endpoint.list.input, endpoint.list.output) = (Some(0.5), Some(2.0));
    }
    let site = site_over(Some(snapshot), Duration::zero());
    let model = get(&site, "/models/zephyr/quill-large").await.body;
    assert!(model.contains("The price list does not decide here."), "{model}");
    assert!(model.contains("is one of 4 hosts at the lowest list price and has the cheapest"), "{model}");
    assert!(model.contains("At the most expensive host with that list price it costs"), "{model}");
    let models = get(&site, "/models").await.body;
    assert!(models.contains("one of 4 hosts at the lowest list price"), "{models}");
}

#[tokio::test]
async fn a_small_or_uncertain_difference_is_not_called_misleading() {
    let with = |change: fn(&mut hitrate::snapshot::Endpoint)| {
        let mut snapshot = sample::snapshot();
        let quill = &mut snapshot.models[1].endpoints;
        // The second host has the lowest list price.
        (quill[1].list.input, quill[1].list.output) = (Some(0.01), Some(0.04));
        change(&mut quill[1]);
        site_over(Some(snapshot), Duration::zero())
    };
    let close = with(|one| {
        one.session_cost.insert("coding-agent".to_owned(), 0.215);
    });
    let model = get(&close, "/models/zephyr/quill-large").await.body;
    assert!(model.contains("The price list is nearly right here.") && !model.contains("misleads"), "{model}");
    let unknown = with(|one| one.cost_basis.retention_low = None);
    let model = get(&unknown, "/models/zephyr/quill-large").await.body;
    assert!(
        model.contains("The price list may be wrong here.") && !model.contains("nearly right"),
        "{model}"
    );
    assert!(model.contains("so the difference is uncertain.") && !model.contains("misleads"), "{model}");
    let method = get(&unknown, "/method").await.body;
    assert!(!method.contains("the price list misleads"), "{method}");
}

/// The sample with a fortnight of days for every endpoint: `then` in the first week, `now` in the second.
fn fortnight(then: f64, now: f64) -> Snapshot {
    let mut snapshot = sample::snapshot();
    let today = snapshot.as_of.date_naive();
    for endpoint in snapshot.models.iter_mut().flat_map(|m| &mut m.endpoints) {
        let Some(day) = endpoint.days.last().cloned() else { continue };
        let moves = endpoint.provider.as_str() == "quarry";
        let rate = |back: i64| if moves && back < 7 { now } else { then };
        endpoint.days = (0..14)
            .rev()
            .map(|back| EndpointDay {
                day: today - Duration::days(back),
                hit_rate: Some(rate(back)),
                basis: Some(Basis::Observed),
                tokens: Some(80_000_000),
                ..day.clone()
            })
            .collect();
    }
    snapshot
}

#[tokio::test]
async fn movers_are_those_who_moved_and_the_page_says_when_nobody_can_be_compared() {
    let page = get(&site_over(Some(fortnight(0.4, 0.7)), Duration::zero()), "/").await.body;
    assert!(page.contains("<b class=\"up\">+30</b>") && page.contains("40\u{202f}% → 70\u{202f}%"), "{page}");
    let fell = get(&site_over(Some(fortnight(0.7, 0.4)), Duration::zero()), "/").await.body;
    assert!(fell.contains("<b class=\"down\">−30</b>"), "{fell}");
    let calm = get(&site_over(Some(fortnight(0.7, 0.71)), Duration::zero()), "/").await.body;
    assert!(calm.contains("No provider moved by 2 points or more."), "{calm}");
    let young = get(&site(), "/").await.body;
    assert!(young.contains("needs observed days in two weeks"), "{young}");
}

#[tokio::test]
async fn facts_of_endpoints_are_on_the_pages() {
    let mut snapshot = sample::snapshot();
    let quill =
        snapshot.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large").expect("quill");
    let one = &mut quill.endpoints[0];
    one.facts.max_prompt_tokens = Some(99_000);
    one.facts.deprecation_date = Some("2026-11-30T13:00:00Z".parse().expect("a time"));
    one.facts.created_at = Some("2026-03-04T05:06:07Z".parse().expect("a time"));
    one.list.cache_write_1h = Some(4.56);
    let key = |one: &hitrate::snapshot::Endpoint| {
        format!("e=zephyr%2Fquill-large%40{}", one.tag.as_str().replace('/', "%2F"))
    };
    let keys: Vec<String> = quill.endpoints[..2].iter().map(key).collect();
    let site = site_over(Some(snapshot), Duration::zero());
    let model = get(&site, "/models/zephyr/quill-large").await.body;
    for said in [
        "99k",
        "stops offering it on",
        "2026-11-30 13:00 UTC",
        "2026-03-04 05:06 UTC",
        "$4.56",
        "for 1 h, list",
    ] {
        assert!(model.contains(said), "{said}");
    }
    let compared = get(&site, &format!("/compare?{}", keys.join("&"))).await.body;
    for said in ["Longest prompt", "99k", "Deprecated", "no date set", "Offered since", "$4.56"] {
        assert!(compared.contains(said), "{said}: {compared}");
    }
}

/// Decimals of the amounts in dollars of a table, by column of numbers. A cell may hold two amounts: a cost and its interval.
fn decimals_by_column(table: &str) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut columns: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for row in table.split("<tr").skip(1) {
        for (nth, cell) in row.split("<td").skip(1).enumerate() {
            if !cell.starts_with(" class=\"n") {
                continue;
            }
            for amount in cell.split('$').skip(1) {
                let number: String = amount.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
                let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                columns.entry(nth).or_default().insert(decimals);
            }
        }
    }
    columns
}

#[tokio::test]
async fn amounts_of_a_column_have_the_same_decimals() {
    let uneven = decimals_by_column(
        "<tr><td class=\"n\">$1.20<td class=\"n\">$3.4<tr><td class=\"n best\">$1.234<small>$1.2 to $2.3</small>",
    );
    assert_eq!([&uneven[&0], &uneven[&1]].map(BTreeSet::len), [3, 1], "{uneven:?}");
    let site = site_over(Some(sample::snapshot()), Duration::zero());
    let mut columns = 0;
    for page in pages() {
        let is_table =
            ["/models", "/providers/", "/cost", "/explore"].iter().any(|start| page.starts_with(start));
        if !is_table || page.contains('.') {
            continue;
        }
        let body = get(&site, &page).await.body;
        for table in body.split("<table").skip(1) {
            let table = table.split("</table>").next().unwrap_or_default();
            for (nth, decimals) in decimals_by_column(table) {
                assert_eq!(decimals.len(), 1, "{page}: column {nth} has {decimals:?} decimals: {table}");
                columns += 1;
            }
        }
    }
    assert!(columns > 30, "{columns} columns");
}
