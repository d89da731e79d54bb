//! Tests the feed of preferences: one model, many models, changes, and how long each may be cached.

use crate::sample;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Duration, Utc};
use hitrate::api::{ApiState, router};
use hitrate::domain::flag::FlagKind;
use hitrate::domain::tier::Tier;
use hitrate::snapshot::{Current, Snapshot};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

/// An API whose snapshot and time the test sets.
struct Feed {
    current: Arc<Current>,
    now: Arc<Mutex<DateTime<Utc>>>,
    api: Router,
    runtime: tokio::runtime::Runtime,
}

impl Feed {
    fn of(snapshot: Snapshot) -> Self {
        let now = Arc::new(Mutex::new(snapshot.as_of + Duration::minutes(20)));
        let current = Arc::new(Current::new(Some(snapshot)));
        let clock = now.clone();
        let now_of = Arc::new(move || *clock.lock().expect("not poisoned"));
        let api = router(ApiState { current: current.clone(), bodies: Arc::default(), now: now_of });
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Self { current, now, api, runtime }
    }

    fn ask(&self, address: &str, held: Option<&str>) -> (StatusCode, HeaderMap, Value) {
        let mut request = Request::builder().uri(address);
        if let Some(etag) = held {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let request = request.body(Body::empty()).expect("a request");
        self.runtime.block_on(async {
            let response = self.api.clone().oneshot(request).await.expect("routers do not fail");
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 64 << 20).await.expect("a body");
            let value =
                if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") };
            (parts.status, parts.headers, value)
        })
    }

    fn data(&self, address: &str) -> Value {
        let (status, _, mut body) = self.ask(address, None);
        assert_eq!(status, StatusCode::OK, "{address}: {body}");
        body["data"].take()
    }

    fn max_age(&self, address: &str) -> i64 {
        let (_, headers, _) = self.ask(address, None);
        let policy = headers[CACHE_CONTROL].to_str().expect("ascii").to_owned();
        assert!(policy.starts_with("public, max-age=") && policy.ends_with(", must-revalidate"), "{policy}");
        policy.split(['=', ',']).nth(2).and_then(|age| age.parse().ok()).expect("seconds")
    }

    fn wait(&self, hours: i64) {
        *self.now.lock().expect("not poisoned") += Duration::hours(hours);
    }
}

/// The sample as if from a real upstream: sweeps an hour apart.
fn real() -> Snapshot {
    Snapshot { simulated: false, ..sample::snapshot() }
}

/// The snapshot an hour later, with changed tiers.
fn later(change: impl Fn(&mut Snapshot)) -> Arc<Snapshot> {
    let mut snapshot = real();
    snapshot.id = "01999999-0000-7000-8000-000000000101-1a7e".to_owned();
    snapshot.as_of += Duration::hours(1);
    change(&mut snapshot);
    Arc::new(snapshot)
}

const QUILL: &str = "/api/v1/preferences/zephyr/quill-large?mode=shortlist";

#[test]
fn an_answer_is_held_until_the_next_sweep_and_revalidated_by_its_etag() {
    let feed = Feed::of(real());
    for address in [QUILL, "/api/v1/preferences", "/api/v1/preferences/changes?since=nothing"] {
        let (status, headers, _) = feed.ask(address, None);
        let etag = headers[ETAG].to_str().expect("ascii").to_owned();
        assert_eq!(status, StatusCode::OK);
        assert!(etag.starts_with('"'), "strong: {etag}");
        let (status, _, body) = feed.ask(address, Some(&etag));
        assert_eq!((status, body), (StatusCode::NOT_MODIFIED, Value::Null), "{address}");
    }
    // Sweeps were an hour apart; the last one took five seconds and was 20 minutes ago.
    assert_eq!(feed.max_age(QUILL), 2400 + 65);
    feed.wait(2);
    assert_eq!(feed.max_age(QUILL), 30, "the next sweep is late: poll again soon");
    let simulated = Feed::of(sample::snapshot());
    assert_eq!(simulated.max_age(QUILL), 5, "simulated hours pass in seconds");
}

#[test]
fn stale_data_are_an_answer_without_a_preference() {
    let feed = Feed::of(real());
    let (_, fresh, _) = feed.ask(QUILL, None);
    feed.wait(5);
    let old = feed.data(QUILL);
    assert!(old["provider"].is_object(), "{old}");
    assert!(old["warnings"].to_string().contains("the data are old"), "{old}");
    feed.wait(24);
    let (status, headers, body) = feed.ask(QUILL, Some(fresh[ETAG].to_str().expect("ascii")));
    assert_eq!(status, StatusCode::OK, "the cached preference is no longer valid");
    assert!(headers[CACHE_CONTROL].to_str().expect("ascii").contains("max-age=30,"));
    assert_eq!(body["data"]["provider"], Value::Null);
    assert!(body["data"]["why"].as_str().is_some_and(|why| why.contains("stale")), "{body}");
    assert!(body["data"]["saving"]["against_cheapest_list"]["why"].is_string());
    assert_eq!(body["data"]["rendered"]["files"], json!([]));
}

#[test]
fn many_models_come_in_one_answer_or_in_pages() {
    let feed = Feed::of(real());
    let all = feed.data("/api/v1/preferences?mode=pin");
    let models: Vec<&str> = all["preferences"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["model"].as_str())
        .collect();
    let expected: Vec<String> = real().models.into_iter().map(|model| model.model_id).collect();
    assert_eq!(models, expected);
    let one = feed.data("/api/v1/preferences/zephyr/quill-large?mode=pin");
    assert_eq!(all["preferences"][1], one, "the same as when requested alone");
    let two =
        feed.data("/api/v1/preferences?models=zephyr/quill-large-20260714,%20zephyr/quil&target=litellm");
    assert_eq!(two["preferences"].as_array().map(Vec::len), Some(1));
    assert_eq!(two["preferences"][0]["rendered"]["target"], "litellm");
    let unknown = json!([{"model": "zephyr/quil", "nearest": two["unknown"][0]["nearest"]}]);
    assert_eq!(two["unknown"], unknown);
    assert!(two["unknown"][0]["nearest"].to_string().contains("zephyr/quill-large"), "{two}");
    let (_, _, first) = feed.ask("/api/v1/preferences?limit=3", None);
    let cursor = first["meta"]["next_cursor"].as_str().expect("there is more");
    let (_, _, rest) = feed.ask(&format!("/api/v1/preferences?limit=3&cursor={cursor}"), None);
    assert_eq!(rest["data"]["preferences"][0]["model"], expected[3]);
    assert_eq!(rest["meta"].get("next_cursor"), None);
    assert_eq!(feed.data("/api/v1/preferences?models=")["preferences"], json!([]));
}

#[test]
fn limits_of_the_address_hold() {
    let feed = Feed::of(real());
    let address =
        format!("{QUILL}&quant_floor=fp8&no_training=true&parameters=tools,temperature&max_input=0.6");
    let made = feed.data(&address);
    assert_eq!(made["limits"]["parameters"], json!(["temperature", "tools"]));
    assert_eq!(made["provider"]["max_price"], json!({"prompt": "0.6"}));
    assert_eq!(made["provider"]["only"], json!(["lumen/bf16", "quarry"]), "the third costs 0.615");
    assert_eq!(made["router_limits"]["data_collection"], "deny");
    for (query, told) in [
        ("quant_floor=fp9", "unknown quantization `fp9`"),
        ("min_availability=99", "0.99 is 99 %"),
        ("max_input=-1", "`max_input` is -1"),
        ("context=0", "`context` is 0"),
        ("zdr=perhaps", "zdr"),
        ("mode=best", "avoid, shortlist, pin, order"),
        ("workload=chess", "coding-agent"),
        ("zrd=true", "zrd"),
    ] {
        for path in ["/api/v1/preferences/zephyr/quill-large", "/api/v1/preferences"] {
            let (status, _, body) = feed.ask(&format!("{path}?{query}"), None);
            assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
            assert!(body["detail"].as_str().is_some_and(|detail| detail.contains(told)), "{query}: {body}");
        }
    }
}

#[test]
fn limits_that_no_endpoint_meets_are_a_problem_of_one_model_and_an_entry_among_many() {
    let feed = Feed::of(real());
    let query = "quant_floor=fp32&max_input=0.000001";
    let (status, _, body) = feed.ask(&format!("{QUILL}&{query}&target=codex"), None);
    assert_eq!((status, &body["type"]), (StatusCode::NOT_FOUND, &json!("/problems/no-endpoint")), "{body}");
    assert!(
        body["detail"].as_str().is_some_and(|detail| detail.contains("every request would fail")),
        "{body}"
    );
    let many = feed.data(&format!("/api/v1/preferences?target=preset&{query}"));
    for one in many["preferences"].as_array().expect("a list") {
        assert_eq!((&one["provider"], &one["rendered"]["files"]), (&Value::Null, &json!([])), "{one}");
        assert!(
            one["rendered"]["notes"][0].as_str().is_some_and(|note| note.contains("no endpoint")),
            "{one}"
        );
    }
}

#[test]
fn a_name_with_shortcuts_is_understood_in_the_address_and_in_a_list() {
    let feed = Feed::of(real());
    let plain = feed.data(QUILL);
    let written = feed.data("/api/v1/preferences/zephyr/quill-large:exacto@preset%2Fmine?mode=shortlist");
    assert_eq!((&written["model"], &written["provider"]), (&plain["model"], &plain["provider"]));
    for part in ["`:exacto`", "preset `mine`"] {
        assert!(written["warnings"].to_string().contains(part), "{written}");
        assert!(!plain["warnings"].to_string().contains(part), "{plain}");
    }
    let listed = feed.data("/api/v1/preferences?models=zephyr/quill-large:floor,zephyr/none:floor");
    assert_eq!(listed["preferences"][0]["model"], "zephyr/quill-large");
    assert!(listed["preferences"][0]["warnings"].to_string().contains("`:floor`"), "{listed}");
    assert_eq!(listed["unknown"][0]["model"], "zephyr/none:floor");
    let aliased = Feed::of({
        let mut snapshot = real();
        let quill = snapshot.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large");
        quill.expect("a model of the sample").aliases = vec!["~zephyr/quill-latest".to_owned()];
        snapshot
    });
    let answer = aliased.data("/api/v1/preferences/~zephyr/quill-latest?mode=shortlist");
    assert_eq!(answer["model"], "zephyr/quill-large");
    assert!(answer["warnings"].to_string().contains("is an alias"), "{answer}");
}

#[test]
fn what_changed_between_two_snapshots_is_told_and_nothing_else() {
    let feed = Feed::of(real());
    let since = real().id;
    let address = format!("/api/v1/preferences/changes?mode=pin&since={since}");
    let before = feed.data(&address);
    assert_eq!((before["changed"].clone(), before["complete"].clone()), (json!([]), json!(false)));
    assert_eq!((before["unchanged"].clone(), before["gone"].clone()), (json!(4), json!([])));
    let after = later(|snapshot| {
        let quill = &mut snapshot.models[1].endpoints[0];
        quill.flags = vec![sample::flag(FlagKind::Phantom)];
        snapshot.models[0].endpoints[0].hit_rate = Some(0.5);
        snapshot.models.retain(|model| model.model_id != "tinker/solo-1");
        let mut new = snapshot.models[0].clone();
        new.model_id = "northwind/atlas-4".to_owned();
        snapshot.models.push(new);
    });
    feed.current.set(after.clone());
    feed.wait(1);
    let changes = feed.data(&address);
    let changed: Vec<&str> = changes["changed"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["model"].as_str())
        .collect();
    assert_eq!(changed, ["zephyr/quill-large", "northwind/atlas-4"]);
    assert_eq!(changes["changed"][0]["provider"]["only"], json!(["quarry"]));
    assert_eq!(changes["gone"], json!(["tinker/solo-1"]));
    assert_eq!((changes["unchanged"].clone(), changes["until"].clone()), (json!(2), json!(after.id)));
    assert_eq!(changes["valid_until"], json!(after.as_of + Duration::hours(3)));
    // The same for some models; one that is gone is reported only if it was requested.
    let some = feed.data(&format!("{address}&models=northwind/atlas-3,tinker/solo-1"));
    assert_eq!((some["changed"].clone(), some["gone"].clone()), (json!([]), json!(["tinker/solo-1"])));
    // If the snapshot is not kept, for example from before a restart, the answer is complete.
    let whole = feed.data("/api/v1/preferences/changes?mode=pin&since=20260101T000000Z-00000000");
    assert_eq!(whole["complete"], true);
    assert_eq!(whole["changed"].as_array().map(Vec::len), Some(4));
}

/// Applying the changes to the cached preferences gives the same result as a fresh answer.
#[test]
fn a_router_that_follows_the_changes_holds_what_it_would_be_given() {
    let feed = Feed::of(real());
    let held_of = |bulk: &Value| -> std::collections::BTreeMap<String, Value> {
        let list = bulk.as_array().expect("a list").iter();
        list.map(|one| (one["model"].as_str().expect("a name").to_owned(), one["provider"].clone())).collect()
    };
    let bulk = "/api/v1/preferences?mode=avoid&quant_floor=fp8";
    let mut held = held_of(&feed.data(bulk)["preferences"]);
    let mut since = real().id;
    for round in 0..30_i64 {
        let next = later(|snapshot| {
            snapshot.id = format!("round-{round}");
            snapshot.as_of += Duration::hours(round);
            let count = snapshot.models.len() as i64;
            let model = &mut snapshot.models[usize::try_from(round % count).expect("small")];
            let at = usize::try_from(round * 7).expect("small") % model.endpoints.len();
            model.endpoints[at].tier = Tier::F;
            if round % 5 == 4 {
                snapshot.models.remove(0);
            }
        });
        feed.current.set(next);
        feed.wait(1);
        // Some rounds are missed.
        if round % 3 == 1 {
            continue;
        }
        let changes =
            feed.data(&format!("/api/v1/preferences/changes?mode=avoid&quant_floor=fp8&since={since}"));
        assert_eq!(changes["complete"], false, "{since} is kept");
        held.extend(held_of(&changes["changed"]));
        changes["gone"].as_array().expect("a list").iter().filter_map(Value::as_str).for_each(|name| {
            held.remove(name);
        });
        since = changes["until"].as_str().expect("an id").to_owned();
        assert_eq!(held, held_of(&feed.data(bulk)["preferences"]), "{round}");
    }
    let forgotten = feed.data(&format!("/api/v1/preferences/changes?since={}", real().id));
    assert_eq!(forgotten["complete"], true, "only one day of snapshots is kept");
}
