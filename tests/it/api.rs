//! The JSON API over the sample snapshot.

use crate::json_schema::violations;
use crate::sample;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_LENGTH,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER,
};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use hitrate::api::{ApiState, Bodies, router};
use hitrate::preferences::Mode;
use hitrate::snapshot::{Current, Snapshot};
use hitrate::store::ParquetWriter;
use proptest::prelude::*;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;

#[path = "api/cost.rs"]
mod cost;
#[path = "api/described.rs"]
mod described;
#[path = "api/history.rs"]
mod history;
#[path = "api/preference_files.rs"]
mod preference_files;
#[path = "api/share.rs"]
mod share;
#[path = "api/tables.rs"]
mod tables;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
    fn header(&self, name: axum::http::HeaderName) -> &str {
        self.headers.get(&name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("ascii")
    }
}

fn api_of(snapshot: Option<Snapshot>) -> Router {
    let now = Arc::new(|| sample::as_of() + chrono::Duration::minutes(20));
    router(ApiState { current: Arc::new(Current::new(snapshot)), bodies: Arc::new(bodies()), now })
}

/// Bodies with a writer of Parquet, as the service has it.
fn bodies() -> Bodies {
    let writer = ParquetWriter::new(std::env::temp_dir());
    Bodies::default()
        .with_parquet(Arc::new(move |columns| writer.write(columns).map_err(|error| error.to_string())))
}

fn api() -> Router {
    api_of(Some(sample::snapshot()))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn send(api: &Router, request: Request<Body>) -> Answer {
    runtime().block_on(async {
        let response = api.clone().oneshot(request).await.expect("routers do not fail");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 64 << 20).await.expect("a body").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    })
}

fn ask(api: &Router, method: Method, address: &str) -> Answer {
    let request = Request::builder().method(method).uri(address).body(Body::empty()).expect("a request");
    send(api, request)
}

fn get(api: &Router, address: &str) -> Answer {
    ask(api, Method::GET, address)
}

fn data(api: &Router, address: &str) -> Value {
    let answer = get(api, address);
    assert_eq!(answer.status, StatusCode::OK, "{address}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()["data"].take()
}

fn problem(api: &Router, address: &str, status: u16) -> Value {
    let answer = get(api, address);
    let body = answer.json();
    assert_eq!(answer.status.as_u16(), status, "{address}: {body}");
    assert_eq!(answer.header(CONTENT_TYPE), "application/problem+json", "{address}");
    assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*", "{address}");
    assert_eq!(body["status"], status, "{address}");
    assert_eq!(body["instance"], address.split('?').next().expect("a path"), "{address}");
    for field in ["type", "title", "detail"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{address}: {field}");
    }
    body
}

/// Every documented path, with names from the sample for its variable parts.
fn addresses(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let filled = |path: &str| {
        let slug = if path.contains("providers") { "quarry" } else { "atlas-3" };
        // A preference of the first model of the sample may be withheld.
        let author = if path.contains("{file}") { "zephyr" } else { "northwind" };
        let slug = if path.contains("{file}") { "quill-large" } else { slug };
        let id = sample::snapshot().models[0].endpoints[0].endpoint_id.to_string();
        path.replace("{author}", author)
            .replace("{slug}", slug)
            .replace("{id}", &id)
            .replace("{tag}", "quarry/fp8")
            .replace("{file}", "opencode.json")
    };
    paths.iter().map(|(path, item)| (filled(path) + &required(&item["get"]), item["get"].clone())).collect()
}

/// The query with the required parameters of an operation, using the examples from the document.
fn required(operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let pairs = parameters.filter(|one| one["in"] == "query" && one["required"] == true).map(|one| {
        let example = one["example"].as_str().unwrap_or_else(|| panic!("no example of {}", one["name"]));
        format!("{}={example}", one["name"].as_str().expect("a name"))
    });
    let pairs: Vec<String> = pairs.collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

#[test]
fn every_documented_route_answers_as_documented() {
    let api = api();
    let document = get(&api, "/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let addresses = addresses(&document);
    assert!(addresses.len() >= 22, "{addresses:?}");
    for (address, operation) in addresses {
        let answer = get(&api, &address);
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        assert_eq!(answer.header(CONTENT_TYPE), "application/json", "{address}");
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        // These are not in the envelope.
        if address.ends_with("openapi.json") || address.ends_with("opencode.json") {
            continue;
        }
        assert!(schema.is_object(), "{address}: no schema");
        assert_eq!(violations(&document, schema, &answer.json()), Vec::<String>::new(), "{address}");
        assert_eq!(answer.json()["meta"]["snapshot"], sample::snapshot().id, "{address}");
    }
}

#[test]
fn the_schemas_refuse_what_is_not_so() {
    let document = get(&api(), "/api/v1/openapi.json").json();
    let schema = &document["paths"]["/api/v1/models/{author}/{slug}"]["get"]["responses"]["200"]["content"];
    let schema = &schema["application/json"]["schema"];
    let mut body = get(&api(), "/api/v1/models/northwind/atlas-3").json();
    body["data"]["endpoints"][0]["tier"] = "Z".into();
    body["data"]["endpoints"][1]["tag"] = 7.into();
    assert!(violations(&document, schema, &body).len() >= 2);
}

#[test]
fn answers_can_be_revalidated_and_read_from_other_origins() {
    let api = api();
    let document = get(&api, "/api/v1/openapi.json").json();
    for (address, _) in addresses(&document) {
        let full = get(&api, &address);
        assert_eq!(full.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*", "{address}");
        assert!(full.header(CACHE_CONTROL).contains("max-age"), "{address}");
        let request = Request::builder().uri(&address).header(IF_NONE_MATCH, full.header(ETAG));
        let again = send(&api, request.body(Body::empty()).expect("a request"));
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{address}");
        assert_eq!(again.header(ETAG), full.header(ETAG), "{address}");
        assert_eq!(again.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*", "{address}");
        let head = ask(&api, Method::HEAD, &address);
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{address}");
        assert_eq!(head.header(ETAG), full.header(ETAG), "{address}");
        assert_eq!(head.header(CONTENT_LENGTH), full.body.len().to_string(), "{address}");
        let preflight = ask(&api, Method::OPTIONS, &address);
        assert_eq!(preflight.status, StatusCode::NO_CONTENT, "{address}");
        assert!(preflight.header(ACCESS_CONTROL_ALLOW_METHODS).contains("GET"), "{address}");
        let refused = ask(&api, Method::POST, &address);
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{address}");
        assert_eq!(refused.header(ALLOW), "GET, HEAD, OPTIONS", "{address}");
        assert_eq!(refused.json()["status"], 405, "{address}");
    }
}

#[test]
fn a_new_snapshot_changes_the_answers() {
    let current = Arc::new(Current::new(Some(sample::snapshot())));
    let api = router(ApiState {
        current: Arc::clone(&current),
        bodies: Arc::default(),
        now: Arc::new(sample::as_of),
    });
    let before = get(&api, "/api/v1/status");
    let next = Snapshot { id: "another".to_owned(), ..sample::snapshot() };
    current.set(Arc::new(next));
    let after = get(&api, "/api/v1/status");
    assert_eq!(after.json()["meta"]["snapshot"], "another");
    assert_ne!(before.header(ETAG), after.header(ETAG));
}

#[test]
fn tier_lists_by_lens_and_workload() {
    let api = api();
    let list = data(&api, "/api/v1/tiers?lens=cost&workload=rag");
    assert_eq!((&list["lens"], &list["workload"]), (&"cost".into(), &"rag".into()));
    assert_eq!(list["providers"][0]["tier"], "S");
    assert_eq!(data(&api, "/api/v1/tiers")["workload"], "coding-agent");
    assert_eq!(data(&api, "/api/v1/tiers?lens=cache&workload=rag")["workload"], Value::Null);
    let wrong = problem(&api, "/api/v1/tiers?lens=price", 400);
    assert!(wrong["detail"].as_str().is_some_and(|d| d.contains("cache, cost, reliability, speed, overall")));
    let wrong = problem(&api, "/api/v1/tiers?workload=chess", 400);
    assert!(wrong["detail"].as_str().is_some_and(|d| d.contains("coding-agent, chat, rag, batch")));
    let wrong = problem(&api, "/api/v1/tiers?lense=cost", 400);
    assert!(wrong["detail"].as_str().is_some_and(|d| d.contains("`lens`")), "{wrong}");
    problem(&api, "/api/v1/tiers?lens=cost&lens=cache", 400);
    let mut bare = sample::snapshot();
    bare.tier_lists.clear();
    problem(&api_of(Some(bare)), "/api/v1/tiers", 404);
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|m| m["model_id"].as_str().expect("an id")).collect()
}

#[test]
fn models_are_found_by_filter_id_variant_and_slug() {
    let api = api();
    assert_eq!(data(&api, "/api/v1/models").as_array().map(Vec::len), Some(4));
    assert_eq!(ids(&data(&api, "/api/v1/models?author=zephyr")), ["zephyr/quill-large"]);
    assert_eq!(ids(&data(&api, "/api/v1/models?variant=free")), ["northwind/atlas-3:free"]);
    let of_quarry = data(&api, "/api/v1/models?provider=quarry&q=LARGE+zephyr");
    assert_eq!(ids(&of_quarry), ["zephyr/quill-large"]);
    assert_eq!(data(&api, "/api/v1/models?q=script")[0]["name"], sample::HOSTILE_NAME);
    for (address, id) in [
        ("northwind/atlas-3", "northwind/atlas-3"),
        ("northwind/atlas-3:free", "northwind/atlas-3:free"),
        ("northwind/atlas-3%3Afree", "northwind/atlas-3:free"),
        ("northwind%2Fatlas-3", "northwind/atlas-3"),
        ("northwind/atlas-3-20260901", "northwind/atlas-3"),
    ] {
        assert_eq!(data(&api, &format!("/api/v1/models/{address}"))["model_id"], id, "{address}");
    }
    let unknown = problem(&api, "/api/v1/models/northwind/atlas", 404);
    assert_eq!(unknown["nearest"][0], "northwind/atlas-3");
    assert_eq!(unknown["type"], "/problems/unknown-model");
}

#[test]
fn providers_come_with_their_tiers_and_endpoints() {
    let api = api();
    let list = data(&api, "/api/v1/providers");
    assert_eq!(list.as_array().map(Vec::len), Some(5));
    let quarry = data(&api, "/api/v1/providers/quarry");
    assert_eq!(quarry["tiers"]["cost"]["tier"], "S");
    let served: Vec<&str> =
        quarry["serves"].as_array().expect("a list").iter().filter_map(|e| e["tag"].as_str()).collect();
    assert_eq!(served, ["quarry/fp8", "quarry"]);
    assert_eq!(problem(&api, "/api/v1/providers/quary", 404)["nearest"][0], "quarry");
}

#[test]
fn pages_of_readings_put_together_are_all_of_them() {
    let api = api();
    let all = sample::snapshot().readings;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = get(&api, &format!("/api/v1/readings?limit=7{cursor}"));
        assert_eq!(answer.status, StatusCode::OK);
        let body = answer.json();
        seen.extend(body["data"].as_array().expect("a list").clone());
        match body["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        assert!(seen.len() <= all.len(), "the pages do not end");
    }
    let wanted = serde_json::to_value(&all).expect("JSON");
    assert_eq!(Value::Array(seen), wanted);
}

#[test]
fn hours_come_with_their_bounds_and_say_that_they_are_approximate() {
    let api = api();
    let all = data(&api, "/api/v1/hourly/northwind/atlas-3");
    assert_eq!((&all["approximate"], &all["model_id"]), (&true.into(), &"northwind/atlas-3".into()));
    let endpoints = all["endpoints"].as_array().expect("a list");
    let snapshot = sample::snapshot();
    assert_eq!(endpoints.len(), snapshot.model("northwind/atlas-3").expect("there").endpoints.len());
    let hours = endpoints[0]["hours"].as_array().expect("a list");
    assert_eq!(hours.len(), 3);
    assert_eq!(hours[2]["end"], "2026-10-05T15:57:12Z");
    assert_eq!(hours[2]["start"], "2026-10-05T14:57:12Z");
    assert_eq!((hours[2]["hit_rate"].as_f64(), hours[2]["tokens"].as_i64()), (Some(0.61), Some(3_000_000)));
    let one = data(&api, "/api/v1/hourly/northwind/atlas-3?provider=lumen");
    let of: Vec<&str> =
        one["endpoints"].as_array().expect("a list").iter().filter_map(|e| e["provider"].as_str()).collect();
    assert!(!of.is_empty() && of.iter().all(|provider| *provider == "lumen"), "{of:?}");
    assert!(problem(&api, "/api/v1/hourly/zephyr/quil-large", 404)["nearest"].is_array());
    problem(&api, "/api/v1/hourly/northwind/atlas-3?provider=nobody", 404);
    assert_eq!(data(&api, "/api/v1/hourly/northwind%2Fatlas-3"), all);
    problem(&api, "/api/v1/hourly/northwind/atlas-3?day=1", 400);
}

#[test]
fn readings_are_filtered_half_open() {
    let api = api();
    let count = |query: &str| data(&api, &format!("/api/v1/readings?{query}")).as_array().map(Vec::len);
    assert_eq!(count("from=2026-10-05T14:57:12Z&to=2026-10-05T15:57:12Z"), Some(12));
    assert_eq!(count("from=2026-10-05T16:57:12+01:00"), Some(12));
    assert_eq!(count("to=2026-10-05T13:57:12Z"), Some(0));
    assert_eq!(count("model=northwind/atlas-3:free"), Some(3));
    assert_eq!(count("model=zephyr/quill-large&provider=quarry"), Some(3));
    assert!(problem(&api, "/api/v1/readings?model=zephyr/quil-large", 404)["nearest"].is_array());
    for query in
        ["from=yesterday", "to=", "from=2026-10-05T15:57:12Z&to=2026-10-05T15:57:12Z", "from=2026-10-05"]
    {
        problem(&api, &format!("/api/v1/readings?{query}"), 400);
    }
}

#[test]
fn preferences_are_answered_with_their_evidence() {
    let api = api();
    let preference = data(&api, "/api/v1/preferences/zephyr/quill-large?mode=shortlist&target=openrouter");
    assert_eq!(preference["provider"]["only"][0], "lumen/bf16");
    assert_eq!(preference["mode"], "shortlist");
    assert_eq!(data(&api, "/api/v1/preferences/zephyr/quill-large")["mode"], Mode::DEFAULT.as_str());
    let all = data(&api, "/api/v1/preferences");
    assert!(
        all["preferences"].as_array().is_some_and(|all| all.iter().all(|one| one["mode"] == "shortlist"))
    );
    let none = data(&api, "/api/v1/preferences/northwind/atlas-3:free?mode=pin");
    assert_eq!(none["provider"], Value::Null);
    assert!(none["why"].as_str().is_some_and(|why| why.contains("free")));
    let wrong = problem(&api, "/api/v1/preferences/zephyr/quill-large?mode=best", 400);
    assert!(wrong["detail"].as_str().is_some_and(|d| d.contains("avoid, shortlist, pin")));
    let wrong = problem(&api, "/api/v1/preferences/zephyr/quill-large?target=telex", 400);
    assert!(wrong["detail"].as_str().is_some_and(|d| d.contains("openrouter")));
    problem(&api, "/api/v1/preferences/zephyr/quill-large?workload=chess", 400);
    problem(&api, "/api/v1/preferences/zephyr/quill?mode=pin", 404);
}

#[test]
fn a_preference_that_expects_a_loss_is_null_in_every_answer() {
    let mut snapshot = sample::snapshot();
    // The cheapest endpoint has most of the traffic, but is too new to be named.
    let quill = &mut snapshot.models[1].endpoints;
    quill[0].tokens_per_day = Some(1e9);
    quill[0].first_seen = sample::as_of() - chrono::Duration::hours(5);
    let api = api_of(Some(snapshot));
    let one = data(&api, "/api/v1/preferences/zephyr/quill-large?mode=pin");
    assert_eq!((&one["provider"], &one["evidence"]), (&Value::Null, &serde_json::json!([])));
    let why = one["why"].as_str().expect("a reason");
    assert!(why.starts_with("withheld: expected to cost 22 % more than the traffic pays"), "{why}");
    assert_eq!(
        (&one["rendered"]["files"], &one["rendered"]["notes"][0]),
        (&serde_json::json!([]), &one["why"])
    );
    let all = data(&api, "/api/v1/preferences?mode=pin");
    assert_eq!(all["preferences"][1]["why"], one["why"]);
}

#[test]
fn a_preference_comes_with_its_text_for_the_target() {
    let api = api();
    let known = data(&api, "/api/v1/targets");
    let names: Vec<&str> =
        known.as_array().expect("a list").iter().filter_map(|target| target["name"].as_str()).collect();
    assert_eq!(names, hitrate::preferences::targets::Target::names().collect::<Vec<_>>());
    assert_eq!((&known[0]["names"], &known[3]["prices"]), (&"many".into(), &true.into()));
    for name in names {
        let address = format!("/api/v1/preferences/zephyr/quill-large?mode=shortlist&target={name}");
        let answer = data(&api, &address);
        assert_eq!((&answer["target"], &answer["rendered"]["target"]), (&name.into(), &name.into()));
        let mode = if name == "roo" { "pin" } else { "shortlist" };
        assert_eq!(answer["mode"], mode, "{name}: one name needs the judgement of one");
        let files = answer["rendered"]["files"].as_array().expect("a list");
        // The sample's providers have no counterpart at Vercel's gateway.
        assert_eq!(files.len(), usize::from(name != "vercel-ai-gateway"), "{answer}");
        assert!(!files.is_empty() || !answer["rendered"]["notes"][0].is_null(), "{answer}");
        assert!(files.iter().all(|file| file["text"].as_str().is_some_and(|text| text.ends_with('\n'))));
    }
}

#[test]
fn before_the_first_snapshot_it_says_when_to_come_back() {
    let api = api_of(None);
    problem(&api, "/api/v1/tiers", 503);
    assert_eq!(get(&api, "/api/v1/models/a/b").header(RETRY_AFTER), "30");
    assert_eq!(get(&api, "/api/v1/openapi.json").status, StatusCode::OK);
    assert_eq!(get(&api, "/livez").status, StatusCode::OK);
    assert_eq!(get(&api, "/readyz").status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&self::api(), "/readyz").status, StatusCode::OK);
}

#[test]
fn what_is_not_understood_is_a_problem() {
    let api = api();
    for address in ["/api/", "/api/v1", "/api/v1/", "/api/v2/models", "/api/v1/models/a/b/c", "/api/v1/x%FFy"]
    {
        problem(&api, address, 404);
    }
    for query in
        ["limit=0", "limit=501", "limit=99999999999999999999", "limit=-1", "limit=ten", "cursor=zz", "page=2"]
    {
        problem(&api, &format!("/api/v1/models?{query}"), 400);
    }
    for (address, words) in [
        (
            "/api/v1/models?limit=ten",
            "invalid `limit`: invalid digit found in string; expected an integer from 1 to 500",
        ),
        ("/api/v1/models?page=2", "unknown parameter `page`; expected one of `author`"),
        ("/api/v1/status?verbose=1", "unknown parameter `verbose`; expected"),
        ("/api/v1/cost/northwind/atlas-3?output_cached=maybe", "`output_cached`"),
        ("/api/v1/preferences?min_availability=high", "expected a number from 0 to 1"),
        ("/api/v1/preferences/changes", "missing field `since`"),
    ] {
        let refused = problem(&api, address, 400);
        let detail = refused["detail"].as_str().expect("a detail");
        assert!(detail.contains(words), "{address}: {detail}");
    }
    problem(&api, "/api/v1/models/%FF/%C3%28", 400);
    problem(&api, "/api/v1/status?verbose=1", 400);
    let other = Router::new().fallback(|| async { "the site" }).merge(self::api());
    assert_eq!(get(&other, "/anything").body, b"the site");
    problem(&other, "/api/v1/nothing", 404);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_address_makes_it_fall_over(
        route in prop::sample::select(vec!["models", "models/", "readings", "tiers", "providers/", "preferences/a/", "status"]),
        path in "([a-z:]|%[0-9A-F]{2}|/){0,12}",
        query in "((limit|cursor|q|from|lens|mode|model|author)=([a-z0-9+:.-]|%[0-9A-F]{2}|&){0,16}){0,3}",
    ) {
        let path = if route.ends_with('/') { path } else { String::new() };
        let answer = get(&api(), &format!("/api/v1/{route}{path}?{query}"));
        prop_assert!([200, 400, 404].contains(&answer.status.as_u16()), "{}", answer.status);
        prop_assert!(answer.json().is_object());
    }
}

#[test]
fn the_backtest_is_served_and_a_young_record_has_none() {
    let tested = data(&api(), "/api/v1/backtest");
    assert_eq!(tested["policies"][5]["name"], "hitrate");
    assert_eq!(tested["reported_on"]["model_days"], 1200);
    let young = Snapshot { backtest: None, ..sample::snapshot() };
    problem(&api_of(Some(young)), "/api/v1/backtest", 404);
}
