//! The calculator of monthly bills: from a bill at one host to the month at every other, and to the setting.

use super::{attribute, get, named, sample, site, site_over, tags};
use axum::http::StatusCode;
use chrono::Duration;
use hitrate::cost::{BillError, Month, PaidAt, compare};
use hitrate::domain::ids::Tag;
use hitrate::snapshot::{ListWindow, Prices, Snapshot};

const QUILL: &str = "zephyr/quill-large";

fn monthly(
    snapshot: &Snapshot,
    month: Month,
    at: Option<&str>,
) -> Result<hitrate::cost::MonthlyCost, BillError> {
    let model = snapshot.model(QUILL).expect("a model");
    let workload = snapshot.workload("coding-agent").expect("a workload");
    compare(snapshot, model, workload).monthly(model, month, at)
}

#[test]
fn a_bill_becomes_the_same_sessions_at_every_host() {
    let snapshot = sample::snapshot();
    let month = monthly(&snapshot, Month::Usd(300.0), Some("quarry")).expect("priced");
    assert_eq!((month.paid_at, month.at.as_slice()), (Some(PaidAt::Endpoint), &[Tag::new("quarry")][..]));
    let model = snapshot.model(QUILL).expect("a model");
    let workload = snapshot.workload("coding-agent").expect("a workload");
    let sessions = compare(&snapshot, model, workload);
    let cost = |tag: &str| {
        sessions
            .endpoints
            .iter()
            .find(|row| row.tag.as_str() == tag)
            .and_then(|row| row.cost)
            .expect("a cost")
    };
    assert_eq!(month.endpoints.len(), 4);
    for row in &month.endpoints {
        let expected = 300.0 * cost(row.tag.as_str()) / cost("quarry");
        assert!((row.usd - expected).abs() < 1e-9, "{row:?}");
        assert!((row.change.expect("a bill") - (row.usd / 300.0 - 1.0)).abs() < 1e-12, "{row:?}");
        assert_eq!(row.is_present, row.tag.as_str() == "quarry");
        if let Some((low, high)) = row.low.zip(row.high) {
            assert!(low <= row.usd && row.usd <= high, "{row:?}");
        }
    }
    assert!(month.endpoints.is_sorted_by_key(|row| (row.usd * 1e6) as i64), "cheapest first");
    let own = month.endpoints.iter().find(|row| row.is_present).expect("quarry");
    assert_eq!((own.usd, own.low, own.high, own.change), (300.0, Some(300.0), Some(300.0), Some(0.0)));
    assert!((month.sessions * cost("quarry") - 300.0).abs() < 1e-9);
}

#[test]
fn an_interval_combines_both_ends_conservatively() {
    let mut snapshot = sample::snapshot();
    for endpoint in &mut snapshot.models[1].endpoints {
        let basis = &mut endpoint.cost_basis;
        let retention = basis.retention.unwrap_or(0.5);
        (basis.retention_low, basis.retention_high) =
            (Some(retention * 0.8), Some((retention * 1.1).min(1.0)));
    }
    let model = snapshot.model(QUILL).expect("a model");
    let workload = snapshot.workload("coding-agent").expect("a workload");
    let sessions = compare(&snapshot, model, workload);
    let month = monthly(&snapshot, Month::Usd(100.0), Some("quarry")).expect("priced");
    let ends = |tag: &str| {
        let row = sessions.endpoints.iter().find(|row| row.tag.as_str() == tag).expect("a row");
        row.low.zip(row.high).expect("an interval")
    };
    for row in month.endpoints.iter().filter(|row| !row.is_present) {
        let ((low, high), (base_low, base_high)) = (ends(row.tag.as_str()), ends("quarry"));
        assert!((row.low.expect("low") - 100.0 * low / base_high).abs() < 1e-9, "{row:?}");
        assert!((row.high.expect("high") - 100.0 * high / base_low).abs() < 1e-9, "{row:?}");
    }
    // Without a host, the endpoint itself is part of the average and is at the same end on both sides.
    let average = monthly(&snapshot, Month::Usd(100.0), None).expect("priced");
    assert_eq!((average.paid_at, average.at.len()), (Some(PaidAt::Traffic), 4));
    for row in &average.endpoints {
        let (low, high) = row.low.zip(row.high).expect("an interval");
        assert!(low < row.usd && row.usd < high && !row.is_present, "{row:?}");
    }
    // Without an interval of the host, none is known for the others.
    for endpoint in &mut snapshot.models[1].endpoints {
        if endpoint.tag.as_str() == "quarry" {
            (endpoint.cost_basis.retention_low, endpoint.cost_basis.retention_high) = (None, None);
        }
    }
    let unknown = monthly(&snapshot, Month::Usd(100.0), Some("quarry")).expect("priced");
    assert!(unknown.endpoints.iter().all(|row| row.is_present || row.low.is_none()), "{unknown:?}");
}

#[test]
fn tokens_need_no_host_and_unknown_hosts_are_named() {
    let mut snapshot = sample::snapshot();
    let month = monthly(&snapshot, Month::Tokens(2e8), None).expect("priced");
    assert_eq!((month.bill, month.paid_at, month.session_cost, month.tokens), (None, None, None, 2e8));
    assert!(month.endpoints.iter().all(|row| row.change.is_none() && !row.is_present), "{month:?}");
    assert_eq!(monthly(&snapshot, Month::Tokens(2e8), Some("quarry")), Err(BillError::HostWithoutBill));
    let unknown = monthly(&snapshot, Month::Usd(9.0), Some("nobody")).expect_err("no such host");
    assert!(unknown.to_string().contains("`lumen/bf16`, `quarry`"), "{unknown}");
    snapshot.models[1].endpoints[1].cost_basis.retention = None;
    let idle = monthly(&snapshot, Month::Usd(9.0), Some("quarry")).expect_err("no cost");
    assert!(matches!(&idle, BillError::NoCost { at, .. } if at == "quarry"), "{idle:?}");
    // A quarter of the traffic has no cost now.
    assert_eq!(monthly(&snapshot, Month::Usd(9.0), None), Err(BillError::NoAverage));
}

#[test]
fn several_endpoints_of_a_provider_count_by_their_traffic() {
    let mut snapshot = sample::snapshot();
    let endpoints = &mut snapshot.models[1].endpoints;
    endpoints[3].provider = endpoints[1].provider.clone();
    (endpoints[1].tokens_per_day, endpoints[3].tokens_per_day) = (Some(3e7), Some(1e7));
    // By name: the slug is also the tag of one of the two.
    endpoints[3].name = endpoints[1].name.clone();
    let name = endpoints[1].name.clone();
    let month = monthly(&snapshot, Month::Usd(100.0), Some(&name)).expect("priced");
    assert_eq!((month.paid_at, month.at.len()), (Some(PaidAt::Provider), 2));
    let usd = |tag: &str| month.endpoints.iter().find(|row| row.tag.as_str() == tag).expect("a row").usd;
    assert!((0.75 * usd("quarry") + 0.25 * usd("mirage") - 100.0).abs() < 1e-9, "{month:?}");
}

#[tokio::test]
async fn two_fields_lead_from_a_bill_to_the_month_at_every_host() {
    let site = site();
    let form = get(&site, "/cost").await.body;
    let navigation =
        form.split("<nav").nth(1).and_then(|rest| rest.split("</nav>").next()).expect("a navigation");
    assert!(navigation.contains("href=\"/cost\" aria-current=\"page\""), "{navigation}");
    assert!(!form.contains("name=\"at\"") && form.contains("name=\"bill\""), "{form}");
    let example = form.split("An example: <a href=\"").nth(1).and_then(|rest| rest.split("</a>").next());
    let example = example.expect("an example");
    let snapshot = sample::snapshot();
    let model = snapshot.models.iter().find(|model| example.contains(&format!("<bdi>{}</bdi>", model.name)));
    let address = format!("/cost?model={}", model.expect("a model").model_id.replace('/', "%2F"));
    assert!(example.starts_with(&address) && example.contains("$300 a month on"), "{example}");
    for typed in ["quill large at quarry", "Quill Large at Quarry Compute", "zephyr/quill-large@quarry"] {
        let path = format!("/cost?model={}&bill=%24300", typed.replace(' ', "+").replace('@', "%40"));
        let answer = get(&site, &path).await;
        assert_eq!(answer.status, StatusCode::OK, "{typed}");
        let tags = tags(&path, &answer.body);
        assert!(answer.body.contains("$300.00 at quarry is about"), "{typed}: {}", answer.body);
        assert!(answer.body.contains("The cheapest is lumen/bf16: $"), "{typed}: {}", answer.body);
        assert!(answer.body.contains("<option value=\"quarry\" selected>"), "{typed}: {}", answer.body);
        assert!(answer.body.contains("your bill") && answer.body.contains("recommended"), "{typed}");
        let pins: Vec<String> = named(&tags, "a")
            .iter()
            .filter_map(|a| attribute(a, "href"))
            .filter(|href| href.ends_with("#pin"))
            .collect();
        assert_eq!(pins.len(), 4, "{typed}");
        let pin =
            pins.iter().find(|pin| pin.contains("pin=lumen%2Fbf16")).expect("the cheapest can be pinned");
        let pinned = get(&site, pin.trim_end_matches("#pin")).await.body;
        assert!(pinned.contains("&#34;only&#34;: [\n      &#34;lumen/bf16&#34;"), "{pinned}");
        assert!(pinned.contains("$300.00 at quarry is about"), "the bill stays: {pinned}");
    }
}

#[tokio::test]
async fn a_typed_host_wins_over_the_selection_and_a_selection_for_another_model_is_dropped() {
    let site = site();
    // The form of a result also sends the host that was selected for it.
    let typed = get(&site, "/cost?model=quill+large+at+quarry&bill=300&at=lumen/bf16").await;
    assert_eq!(typed.status, StatusCode::OK, "{}", typed.body);
    assert!(typed.body.contains("$300.00 at quarry is about"), "{}", typed.body);
    assert!(typed.body.contains("<option value=\"quarry\" selected>"), "{}", typed.body);
    for foreign in ["north-cloud/eu-west", "nobody", "%3Cscript%3E"] {
        let other = get(&site, &format!("/cost?model=zephyr/quill-large&bill=300&at={foreign}")).await;
        assert_eq!(other.status, StatusCode::OK, "{foreign}: {}", other.body);
        assert!(other.body.contains("A month at each host"), "{foreign}: {}", other.body);
        assert!(!other.body.contains(foreign) && !other.body.contains("<script>"), "{foreign}");
    }
    let unknown = get(&site, "/cost?model=quill+large+at+nobody&bill=300&at=quarry").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST, "{}", unknown.body);
    assert!(unknown.body.contains("no host <code>nobody</code>"), "{}", unknown.body);
}

#[tokio::test]
async fn amounts_that_could_mean_something_else_are_refused_by_the_name_of_their_field() {
    let site = site();
    for (bill, said) in [
        ("300,50", "cents after a point"),
        ("-300", "expected dollars"),
        ("NaN", "expected dollars"),
        ("1e400", "expected dollars"),
        ("99999999999999", "expected 0.01 to 1000000000 USD"),
        ("3k", "write $3k or 300k tokens"),
        ("%3Cscript%3E", "expected dollars"),
    ] {
        let answer = get(&site, &format!("/cost?model=zephyr/quill-large&bill={bill}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bill}");
        assert!(
            answer.body.contains("“Monthly bill”") && answer.body.contains(said),
            "{bill}: {}",
            answer.body
        );
        assert!(!answer.body.contains("<script>"), "{bill}");
        assert!(!answer.body.contains("30,050") && !answer.body.contains("30050"), "{bill}");
    }
    let nothing = get(&site, "/cost?bill=300&model=").await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    assert!(nothing.body.contains("“Model” is empty"), "{}", nothing.body);
    let host = get(&site, "/cost?model=zephyr/quill-large+at+nobody&bill=300").await;
    assert_eq!(host.status, StatusCode::BAD_REQUEST);
    assert!(host.body.contains("no host <code>nobody</code>") && !host.body.contains('`'), "{}", host.body);
    let hostile = get(&site, "/cost?model=zephyr/quill-large+at+%3Cscript%3E%60&bill=300").await.body;
    assert!(hostile.contains("&lt;script&gt;") && !hostile.contains("<script>"), "{hostile}");
    let several = get(&site, "/cost?model=l&bill=300").await;
    assert_eq!(several.status, StatusCode::BAD_REQUEST);
    assert!(several.body.contains("does not name one model"), "{}", several.body);
}

#[tokio::test]
async fn a_price_that_is_unusual_now_is_stated_beside_the_month() {
    let mut snapshot = sample::snapshot();
    let plain =
        get(&site_over(Some(snapshot.clone()), Duration::zero()), "/cost?model=zephyr/quill-large&bill=300")
            .await;
    assert!(!plain.body.contains("<small>now $"), "{}", plain.body);
    let lumen = &mut snapshot.models[1].endpoints[0];
    let times = |price: Option<f64>, factor: f64| price.map(|price| price * factor);
    let prices = |factor: f64| Prices {
        input: times(lumen.list.input, factor),
        output: times(lumen.list.output, factor),
        cache_read: times(lumen.list.cache_read, factor),
        ..Prices::default()
    };
    let [usual, lowest, highest] = [2.0, 1.0, 2.5].map(prices);
    lumen.list_window = Some(ListWindow { usual, lowest, highest, moves: 4, returns: 2 });
    let month = monthly(&snapshot, Month::Usd(300.0), Some("quarry")).expect("priced");
    let row = month.endpoints.iter().find(|row| row.tag.as_str() == "lumen/bf16").expect("lumen");
    assert!((row.usd_now.expect("a price now") / row.usd - 0.5).abs() < 1e-9, "{row:?}");
    let site = site_over(Some(snapshot), Duration::zero());
    let page = get(&site, "/cost?model=zephyr/quill-large&bill=300&at=quarry").await.body;
    let table = page.split("<table").nth(1).and_then(|rest| rest.split("</table>").next()).expect("a table");
    assert_eq!(table.matches("<small>now $").count(), 1, "{table}");
}

#[tokio::test]
async fn a_model_without_costs_has_a_reason_instead_of_a_month() {
    let answer = get(&site(), "/cost?model=tinker/solo-1&bill=300").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("can be compared by cost"), "{}", answer.body);
    assert!(!answer.body.contains("$0"), "absent is not zero: {}", answer.body);
}

#[tokio::test]
async fn a_tag_that_two_endpoints_share_cannot_be_pinned_and_siblings_are_excluded() {
    let mut snapshot = sample::snapshot();
    let site = site_over(Some(snapshot.clone()), Duration::zero());
    let page = get(&site, "/cost?model=northwind/atlas-3&bill=300&pin=north-cloud").await.body;
    assert!(page.contains("&#34;north-cloud/eu-west&#34;") && page.contains("&#34;ignore&#34;"), "{page}");
    snapshot.models[1].endpoints[3].tag = Tag::new("quarry");
    let site = site_over(Some(snapshot), Duration::zero());
    let page = get(&site, "/cost?model=zephyr/quill-large&bill=300&pin=quarry").await.body;
    assert!(
        page.contains("cannot be pinned alone") && page.contains("it would also match “quarry”"),
        "{page}"
    );
    // The same setting and warnings as on the page of the endpoint.
    let phantom = get(&site, "/cost?model=northwind/atlas-3&bill=300&pin=mirage/fp4").await.body;
    assert!(phantom.contains("hitrate does not recommend it") && phantom.contains("a single endpoint:"));
}
