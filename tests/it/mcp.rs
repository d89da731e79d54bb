//! The tools of the Model Context Protocol over the sample snapshot: their answers are those of the API, shortened.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use hitrate::api::{self, ApiState, Bodies};
use hitrate::domain::change::Change;
use hitrate::domain::format;
use hitrate::domain::ids::Tag;
use hitrate::mcp::{Source, ToolName, Tools, router};
use hitrate::preferences::Mode;
use hitrate::prepared::Purpose;
use hitrate::snapshot::{Current, Snapshot};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::sample;

#[path = "mcp/over_http.rs"]
mod over_http;

const ATLAS: &str = "northwind/atlas-3";
const QUILL: &str = "zephyr/quill-large";
const PUBLIC: &str = "https://tiers.example.org";

/// The API over the sample, shared by the tests of this file.
static API: LazyLock<Router> = LazyLock::new(|| api_of(Some(snapshot())));

/// The API over a snapshot; nothing is compressed.
fn api_of(snapshot: Option<Snapshot>) -> Router {
    let now = Arc::new(|| sample::as_of() + chrono::Duration::minutes(20));
    let bodies = Arc::new(Bodies::made_for(Purpose::Files));
    api::router(ApiState { current: Arc::new(Current::new(snapshot)), bodies, now })
}

/// The sample with a few more changes.
fn snapshot() -> Snapshot {
    let mut snapshot = sample::snapshot();
    let first = snapshot.changes[0].clone();
    for (hours, tag) in [(6, "lumen"), (6, "mirage/fp4"), (30, "quarry/fp8")] {
        let at = first.at - chrono::Duration::hours(hours);
        snapshot.changes.push(Change { at, tag: Some(Tag::new(tag)), ..first.clone() });
    }
    snapshot
}

fn tools() -> Tools {
    Tools::new(Source::routes(API.clone()))
}

/// The body of the API's answer.
async fn answer(address: &str) -> Value {
    let request = Request::get(address).body(Body::empty()).expect("a request");
    let response = API.clone().oneshot(request).await.expect("routers do not fail");
    assert_eq!(response.status(), StatusCode::OK, "{address}");
    let body = to_bytes(response.into_body(), 64 << 20).await.expect("a body");
    serde_json::from_slice(&body).expect("JSON")
}

async fn data(address: &str) -> Value {
    answer(address).await["data"].take()
}

/// The result of a call as it is sent.
async fn result(tools: &Tools, tool: ToolName, arguments: Value) -> Value {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    serde_json::to_value(tools.call(tool, arguments).await).expect("JSON")
}

/// The structured answer of a call that succeeds; its text is the same.
async fn called(tools: &Tools, tool: ToolName, arguments: Value) -> Value {
    let mut result = result(tools, tool, arguments).await;
    assert_eq!(result["isError"], false, "{result}");
    let text: Value =
        serde_json::from_str(result["content"][0]["text"].as_str().expect("a text")).expect("JSON");
    let structured = result["structuredContent"].take();
    assert_eq!(text, structured);
    structured
}

/// The message of a call that fails.
async fn failed(tools: &Tools, tool: ToolName, arguments: Value) -> String {
    let result = result(tools, tool, arguments).await;
    assert_eq!(result["isError"], true, "{result}");
    assert!(result.get("structuredContent").is_none(), "{result}");
    result["content"][0]["text"].as_str().expect("a text").to_owned()
}

fn entries<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap_or_else(|| panic!("`{field}` of {value}"))
}

/// Asserts that every field of an object has the same value in another one.
fn assert_part(part: &Value, whole: &Value) {
    for (field, value) in part.as_object().expect("an object") {
        assert_eq!(Some(value), whole.get(field), "{field}");
    }
}

#[tokio::test]
async fn every_tool_is_described_briefly_and_is_read_only() {
    let sent = post(&http(), "", &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).await;
    assert!(sent.1.to_string().len() < 20_000, "the list is small: {} bytes", sent.1.to_string().len());
    let list = entries(&sent.1["result"], "tools");
    let names: Vec<&str> = list.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ToolName::ALL.map(ToolName::as_str));
    for tool in list {
        let about = tool["description"].as_str().expect("a description");
        assert!(about.len() < 300 && about.ends_with('.'), "{about}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        let input = &tool["inputSchema"];
        assert_eq!((&input["type"], &input["additionalProperties"]), (&"object".into(), &false.into()));
        for (name, property) in input["properties"].as_object().expect("properties") {
            assert!(property["description"].is_string(), "{tool}: {name}");
        }
        assert_eq!(tool["outputSchema"]["type"], "object");
    }
}

#[test]
fn every_tool_is_in_the_document() {
    let text = include_str!("../../docs/mcp.md");
    let section = text.split("\n## The tools").nth(1).and_then(|rest| rest.split("\nAn answer is").next());
    let rows =
        section.expect("the tools").lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), ToolName::ALL.map(ToolName::as_str));
}

#[tokio::test]
async fn models_are_found_by_words_and_what_is_left_off_is_counted() {
    let tools = tools();
    let all = data("/api/v1/models?q=northwind").await;
    let found = called(&tools, ToolName::FindModel, json!({"query": "northwind"})).await;
    assert_eq!((&found["data"], &found["left_off"]), (&all, &json!({})));
    assert_eq!(found["meta"], answer("/api/v1/models?q=northwind").await["meta"]);
    let one = called(&tools, ToolName::FindModel, json!({"query": "northwind", "limit": 1})).await;
    let many = all.as_array().expect("a list").len();
    assert!(many > 1);
    assert_eq!(one["data"], json!([all[0]]));
    assert_eq!(one["left_off"]["models"], many - 1);
    assert_eq!(one["api"], "/api/v1/models?q=northwind");

    let none = failed(&tools, ToolName::FindModel, json!({"query": "northwind/atlas-4"})).await;
    assert!(none.contains(ATLAS), "the nearest names: {none}");
    assert!(failed(&tools, ToolName::FindModel, json!({"query": " "})).await.contains("`query` is empty"));
}

#[tokio::test]
async fn a_recommendation_is_the_preference_of_the_api_and_never_only_the_limits() {
    let tools = tools();
    let limits = [json!({}), json!({"quant_floor": "fp8"}), json!({"quant_floor": "fp32", "region": "eu"})];
    let (mut given, mut withheld, mut impossible, mut limits_only, mut preset, mut limited, mut avoided) =
        (0, 0, 0, 0, 0, 0, 0);
    // Targets that can express all fields, some of them, only names, and only the name of a preset.
    let kinds = ["openrouter", "opencode", "zed", "hermes", "roo", "cline"];
    for model in [ATLAS, QUILL, "northwind/atlas-3:free"] {
        for (mode, target) in Mode::ALL.into_iter().flat_map(|mode| kinds.map(move |kind| (mode, kind))) {
            for limits in &limits {
                let mut arguments = json!({"model": model, "mode": mode.as_str(), "target": target});
                let own = arguments.as_object_mut().expect("an object");
                own.extend(limits.as_object().expect("an object").clone());
                let answer = result(&tools, ToolName::RecommendHost, arguments.clone()).await;
                if answer["isError"] == true {
                    assert!(!limits.as_object().expect("an object").is_empty(), "{answer}");
                    let message = answer["content"][0]["text"].as_str().expect("a text");
                    assert!(message.contains("no endpoint is known to meet all of your limits"), "{message}");
                    impossible += 1;
                    continue;
                }
                let reply = called(&tools, ToolName::RecommendHost, arguments).await;
                let api = data(reply["api"].as_str().expect("an address")).await;
                let data = &reply["data"];
                for field in
                    ["model", "target", "mode", "workload", "limits", "provider", "saving", "speed", "why"]
                {
                    assert_eq!(data[field], api[field], "{field}");
                }
                assert!(data.get("router_limits").is_none() && data.get("evidence").is_none());
                let is_avoid = api["mode"] == "avoid";
                let (hosts, other) = if is_avoid { ("avoid", "hosts") } else { ("hosts", "avoid") };
                assert_eq!(data[hosts], api["evidence"]);
                assert!(data.get(other).is_none(), "{data}");
                let files = entries(&data["rendered"], "files");
                if api["provider"].is_null() {
                    withheld += 1;
                    let why = api["why"].as_str().expect("a reason");
                    assert!(files.is_empty() && reply["summary"].as_str().expect("a text").contains(why));
                    assert_eq!(data["rendered"]["notes"], json!([why]));
                    limits_only += usize::from(!entries(&api["rendered"], "files").is_empty());
                    continue;
                }
                given += 1;
                avoided += usize::from(is_avoid && !entries(&api, "evidence").is_empty());
                assert_eq!(data["rendered"], api["rendered"]);
                let is_limited = !limits.as_object().expect("an object").is_empty();
                limited += usize::from(is_limited && !files.is_empty());
                preset += usize::from(is_limited && target == "cline" && !files.is_empty());
            }
        }
    }
    let counts = [
        ("withheld", withheld),
        ("limits alone", limits_only),
        ("a preset with limits", preset),
        ("limited", limited),
        ("avoided", avoided),
    ];
    for (what, count) in [("given", given), ("impossible", impossible)].into_iter().chain(counts) {
        assert!(count > 0, "no case is {what}");
    }
    let unknown = failed(&tools, ToolName::RecommendHost, json!({"model": "northwind/atlas-4"})).await;
    assert!(unknown.contains(ATLAS) && unknown.contains("find_model"), "{unknown}");
    let target = json!({"model": ATLAS, "target": "abacus"});
    assert!(
        failed(&tools, ToolName::RecommendHost, target).await.contains("unknown target `abacus`: one of")
    );
}

#[tokio::test]
async fn endpoints_are_compared_by_the_cost_of_a_session() {
    let tools = tools();
    let (model, costs) =
        (data("/api/v1/models/northwind/atlas-3").await, data("/api/v1/cost/northwind/atlas-3").await);
    let compared = called(&tools, ToolName::CompareEndpoints, json!({"model": ATLAS, "limit": 4})).await;
    let rows = entries(&compared["data"], "endpoints");
    assert_eq!((rows.len(), &compared["left_off"]), (4, &json!({"endpoints": 2})));
    for (row, session) in rows.iter().zip(entries(&costs, "endpoints")) {
        assert_eq!(row["tag"], session["tag"], "the order of the costs");
        assert_part(&row["session"], session);
        let endpoint = entries(&model, "endpoints").iter().find(|one| one["tag"] == row["tag"]);
        let mut row = row.clone();
        let own = row.as_object_mut().expect("an object");
        let (flags, _) = (own.remove("flags"), own.remove("session"));
        assert_part(&row, endpoint.expect("the endpoint"));
        let flags = flags.expect("flags");
        assert_eq!(
            flags.as_array().map(Vec::len),
            endpoint.expect("the endpoint")["flags"].as_array().map(Vec::len)
        );
    }
    let two = json!({"model": ATLAS, "endpoints": ["lumen", "quarry/fp8"], "workload": "chat"});
    let two = called(&tools, ToolName::CompareEndpoints, two).await;
    assert_eq!((entries(&two["data"], "endpoints").len(), &two["data"]["workload"]), (2, &"chat".into()));
    let wrong = json!({"model": ATLAS, "endpoints": ["lumen", "nowhere"]});
    let wrong = failed(&tools, ToolName::CompareEndpoints, wrong).await;
    assert!(wrong.contains("no endpoint `nowhere`") && wrong.contains("quarry/fp8"), "{wrong}");
    let many = failed(&tools, ToolName::CompareEndpoints, json!({"model": ATLAS, "limit": 51})).await;
    assert_eq!(many, "`limit` is 51; expected 1 to 50");
}

#[tokio::test]
async fn a_history_has_days_or_hours_of_an_endpoint() {
    let tools = tools();
    let model = data("/api/v1/models/northwind/atlas-3").await;
    let arguments = json!({"model": ATLAS, "endpoint": "quarry/fp8", "last": 4});
    let days = called(&tools, ToolName::History, arguments).await;
    let row = &entries(&days["data"], "endpoints")[0];
    let endpoint = entries(&model, "endpoints").iter().find(|one| one["tag"] == "quarry/fp8");
    let all = entries(endpoint.expect("the endpoint"), "days");
    assert_eq!(entries(row, "days"), &all[all.len() - 4..], "the newest ones");
    assert_eq!(days["left_off"], json!({"days": all.len() - 4}));
    assert_part(row, &{
        let mut whole = endpoint.expect("the endpoint").clone();
        whole["days"] = row["days"].clone();
        whole
    });
    let of_model = called(&tools, ToolName::History, json!({"model": ATLAS})).await;
    assert_eq!(entries(&of_model["data"], "endpoints").len(), 3);
    assert_eq!(of_model["left_off"]["endpoints"], 3);

    let hourly = data("/api/v1/hourly/northwind/atlas-3").await;
    let busy = entries(&hourly, "endpoints").iter().find(|one| !entries(one, "hours").is_empty());
    let busy = busy.expect("an endpoint with hourly rates");
    let arguments = json!({"model": ATLAS, "endpoint": busy["tag"], "every": "hour", "last": 200});
    let hours = called(&tools, ToolName::History, arguments).await;
    let row = &entries(&hours["data"], "endpoints")[0];
    assert_eq!(row["hours"], busy["hours"]);
    let readings = data("/api/v1/readings?limit=500").await;
    let id = &busy["endpoint_id"];
    let own: Vec<&Value> =
        readings.as_array().expect("a list").iter().rev().filter(|one| one["endpoint_id"] == *id).collect();
    assert_eq!(entries(row, "readings").len(), own.len());
    for (part, whole) in entries(row, "readings").iter().zip(own) {
        assert_part(part, whole);
    }
    let wrong = failed(&tools, ToolName::History, json!({"model": ATLAS, "endpoint": "nowhere"})).await;
    assert!(wrong.contains("its endpoints are"), "{wrong}");
    let wrong = failed(&tools, ToolName::History, json!({"model": ATLAS, "every": "week"})).await;
    assert!(wrong.contains("invalid arguments of history") && wrong.contains("`hour`"), "{wrong}");
}

#[tokio::test]
async fn a_session_is_priced_for_a_workload_or_own_numbers() {
    let tools = tools();
    let address = "/api/v1/cost/zephyr%2Fquill%2Dlarge?turns=3&first_prompt=9000";
    let costs = data(address).await;
    let arguments = json!({"model": QUILL, "turns": 3, "first_prompt": 9000, "limit": 2});
    let priced = called(&tools, ToolName::SessionCost, arguments).await;
    assert_eq!(priced["left_off"], json!({"endpoints": 2}));
    let best =
        entries(&costs, "endpoints").iter().find(|one| one["cheapest"] == true).expect("one is cheapest");
    let dollars = |field: &str| format::usd(best[field].as_f64().expect("a cost"));
    let is_at = format!(") is {} at {} (", dollars("cost"), best["tag"].as_str().expect("a tag"));
    let summary = priced["summary"].as_str().expect("a text");
    assert!(summary.contains(&is_at) && !summary.contains("USD"), "{summary}");
    let mut rest = priced["data"].clone();
    let rows = rest.as_object_mut().expect("an object").remove("endpoints").expect("endpoints");
    assert_part(&rest, &costs);
    for (row, whole) in rows.as_array().expect("a list").iter().zip(entries(&costs, "endpoints")) {
        assert_part(row, whole);
    }
    let wrong = failed(&tools, ToolName::SessionCost, json!({"model": QUILL, "workload": "nothing"})).await;
    assert!(wrong.contains("nothing") && wrong.contains("coding-agent"), "{wrong}");
    let wrong = failed(&tools, ToolName::SessionCost, json!({"model": QUILL, "trains": 3})).await;
    assert!(wrong.contains("unknown field `trains`"), "{wrong}");
}

#[tokio::test]
async fn changes_are_those_of_the_api_since_a_time() {
    let tools = tools();
    let all = data("/api/v1/changes").await;
    let all = all.as_array().expect("a list");
    assert!(all.len() > 1);
    let changed = called(&tools, ToolName::WhatChanged, json!({"limit": 1})).await;
    assert_eq!(
        (&changed["data"], &changed["left_off"]),
        (&json!([all[0]]), &json!({"changes": all.len() - 1}))
    );
    let since = called(&tools, ToolName::WhatChanged, json!({"since": all[1]["at"]})).await;
    let newer = all.iter().filter(|event| event["at"].as_str() >= all[1]["at"].as_str()).count();
    assert_eq!(since["data"].as_array().map(Vec::len), Some(newer));
    assert!(newer < all.len());
    let day = &all[0]["at"].as_str().expect("a time")[..10];
    let of_day = called(&tools, ToolName::WhatChanged, json!({"since": day, "limit": 100})).await;
    let newer = all.iter().filter(|event| event["at"].as_str() >= Some(day)).count();
    assert_eq!(of_day["data"].as_array().map(Vec::len), Some(newer), "from the start of {day}");
    let never = called(&tools, ToolName::WhatChanged, json!({"since": "2999-01-01T00:00:00Z"})).await;
    assert_eq!((&never["data"], &never["summary"]), (&json!([]), &"no changes".into()));
    for (arguments, part) in [
        (json!({"since": "yesterday"}), "`since` is `yesterday`; expected an RFC 3339 time"),
        (json!({"kind": "weather"}), "price_changed"),
        (json!({"model": "northwind/atlas-4"}), ATLAS),
        (json!({"provider": "quary"}), "quarry"),
    ] {
        let wrong = failed(&tools, ToolName::WhatChanged, arguments).await;
        assert!(wrong.contains(part), "{wrong}");
    }
}

#[tokio::test]
async fn odd_names_and_a_missing_snapshot_are_errors_that_say_what_to_do() {
    let tools = tools();
    for name in ["", "..", "../../livez", "a/b?x=1", "a b", "\u{202e}x", "%2e%2e"] {
        let wrong = failed(&tools, ToolName::SessionCost, json!({"model": name})).await;
        assert!(wrong.contains("model"), "{name}: {wrong}");
    }
    let long = failed(&tools, ToolName::SessionCost, json!({"model": "x".repeat(9_000)})).await;
    assert_eq!(long, "the arguments are too long");
    let empty = Tools::new(Source::routes(api_of(None)));
    let none = failed(&empty, ToolName::WhatChanged, json!({})).await;
    assert!(none.contains("nothing is published yet"), "{none}");
    let other = Tools::new(Source::routes(Router::new()));
    let none = failed(&other, ToolName::WhatChanged, json!({})).await;
    assert!(none.contains("not one of the hitrate API"), "{none}");
}

fn http() -> Router {
    router(tools(), PUBLIC)
}

/// Sends a message; the status and the body, null if it is not JSON.
async fn post(router: &Router, headers: &str, message: &Value) -> (StatusCode, Value) {
    let mut request = Request::post("/mcp")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json");
    for (name, value) in headers.lines().filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    if !headers.contains("host: ") {
        request = request.header("host", "127.0.0.1:8080");
    }
    let request = request.body(Body::from(message.to_string())).expect("a request");
    let response = router.clone().oneshot(request).await.expect("routers do not fail");
    let status = response.status();
    assert!(response.headers().get("access-control-allow-origin").is_none(), "no other site may read it");
    let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
