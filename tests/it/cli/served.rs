//! A running server, and the verbs that find it through their data folder.

use super::{filled, rfc};
use crate::binary::{Server, hitrate};
use crate::rig::folder;
use crate::upstream::{Fault, Upstream, collect, day, hundredth, nobody, pipeline};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_answers_announces_itself_and_stops_when_told() {
    let (data, _) = filled().await;
    let server = Server::of(data.path());
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    assert_eq!(server.ask("GET", "/livez").0, 200);
    let (status, body) = server.ask("GET", "/api/v1/tiers?lens=cache");
    let tiers: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, tiers["data"]["lens"].as_str()), (200, Some("cache")));
    assert_eq!(server.ask("GET", "/").0, 200);
    let announced = data.path().join("server.json");
    assert!(announced.exists());

    let well = hitrate(data.path(), &["healthcheck"]);
    assert_eq!((well.code, well.out.trim()), (0, "ok"), "{well:?}");
    assert_eq!(server.terminate(), Some(0));
    assert!(!announced.exists(), "the announcement is removed");
    let ill = hitrate(data.path(), &["healthcheck", "--url", &nobody()]);
    assert_eq!((ill.code, ill.out.as_str()), (1, ""), "{ill:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verbs_that_need_the_store_ask_the_server_that_holds_it() {
    let (data, _) = filled().await;
    let (from, to, past) = (rfc(day(0)), rfc(day(20)), day(11).date_naive().to_string());
    let export = ["export", "readings", "--from", from.as_str(), "--to", to.as_str()];
    let as_of = ["tiers", "--json", "--as-of", past.as_str()];
    let (exported, list) = (hitrate(data.path(), &export), hitrate(data.path(), &as_of));
    assert_eq!((exported.code, list.code), (0, 0));

    let hourly = ["export", "hourly", "--from", from.as_str(), "--to", to.as_str(), "--format", "json"];
    let hours = hitrate(data.path(), &hourly);
    assert!(hours.code == 0 && !hours.json().as_array().expect("an array").is_empty(), "{}", hours.err);

    let past_day = ["export", "days", "--from", past.as_str(), "--to", past.as_str(), "--format", "json"];
    let (all_days, one_day) = (hitrate(data.path(), &["export", "days"]), hitrate(data.path(), &past_day));
    assert_eq!((all_days.code, one_day.code), (0, 0), "{}", one_day.err);
    let rows = one_day.json();
    let rows = rows.as_array().expect("an array");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["day"] == past.as_str()), "one day was requested");

    let recommended = ["export", "recommendations", "--format", "json"];
    let recommendations = hitrate(data.path(), &recommended);
    assert!(recommendations.code == 0 && recommendations.json().is_array(), "{}", recommendations.err);

    // The newest run of the record is at noon, so no day of it can be charged.
    let by_hour = ["backtest", "--decide", "hourly", "--json"];
    let tested = hitrate(data.path(), &by_hour);
    assert_eq!((tested.code, tested.out.as_str()), (1, ""), "{tested:?}");
    assert!(tested.err.contains("nothing to test on these days"), "{}", tested.err);

    let effects = ["study", "sensitivity", "--json"];
    let measured = hitrate(data.path(), &effects);
    assert_eq!(measured.code, 0, "{}", measured.err);

    let server = Server::of(data.path());
    assert_eq!(hitrate(data.path(), &by_hour).err, tested.err, "the server tests the same");
    assert_eq!(hitrate(data.path(), &effects).json(), measured.json(), "and measures the same");
    let through = hitrate(data.path(), &export);
    assert_eq!(through.code, 0, "{}", through.err);
    assert!(through.out == exported.out, "the export through the server is the same");
    assert!(hitrate(data.path(), &hourly).out == hours.out, "so are the hours");
    assert!(hitrate(data.path(), &past_day).out == one_day.out, "and a day");
    assert!(hitrate(data.path(), &["export", "days"]).out == all_days.out, "and all days");
    assert_eq!(hitrate(data.path(), &recommended).out, recommendations.out);
    assert_eq!(hitrate(data.path(), &as_of).json(), list.json());
    assert_eq!(std::fs::read_dir(data.path().join("work")).expect("there").count(), 0);
    // The local routes reject callers who cannot read the data folder.
    assert_eq!(server.ask("GET", &format!("/local/snapshot?as_of={past}&token=guess")).0, 404);
    let announced = std::fs::read(data.path().join("server.json")).expect("there");
    let announced: Value = serde_json::from_slice(&announced).expect("JSON");
    let token = announced["token"].as_str().expect("a token");
    assert_eq!(
        server.ask("GET", &format!("/local/snapshot?as_of={past}&token={token}")).0,
        200,
        "deprecated"
    );

    for verb in [&["collect"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let locked = hitrate(data.path(), verb);
        assert_eq!((locked.code, locked.out.as_str()), (8, ""), "{verb:?}: {locked:?}");
        assert!(
            locked.err.contains(&server.pid().to_string()),
            "the error names the process that holds the store: {}",
            locked.err
        );
    }
    assert_eq!(server.ask("GET", "/livez").0, 200, "the server keeps running");
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(hitrate(data.path(), &as_of).json(), list.json(), "and the store is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspect_run_is_accepted_through_the_server_that_holds_the_store() {
    let (data, upstream) = (folder(), Upstream::serve().await);
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    upstream.set_faults(&[("effective-pricing", Fault::Change(hundredth))]);
    let report = collect(&pipeline, &upstream, day(11) + chrono::Duration::hours(1)).await;
    assert_eq!(report.status.as_str(), "suspect", "{report:?}");
    pipeline.publish().expect("published");
    drop(pipeline);

    let server = Server::of(data.path());
    let banner = |server: &Server| {
        let page = String::from_utf8(server.ask("GET", "/").1).expect("UTF-8");
        page.contains("The newest run is not published.")
    };
    assert!(banner(&server), "the pages state that a run is held back");
    let wrong = hitrate(data.path(), &["accept", &report.run_id, "--field", "models"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""), "{wrong:?}");
    assert!(
        wrong.err.contains("effective_pricing.cacheHitRate"),
        "the error lists the fields: {}",
        wrong.err
    );
    // Without the token, the route does not exist, whatever the method.
    let guessed = format!("/local/accept?run={}&token=guess", report.run_id);
    assert_eq!((server.ask("POST", &guessed).0, server.ask("GET", &guessed).0), (404, 404));
    assert!(banner(&server), "nothing was accepted");

    let accepted = hitrate(data.path(), &["accept", &report.run_id, "--all", "--json"]);
    assert_eq!(accepted.code, 0, "{accepted:?}");
    assert_eq!(
        (accepted.json()["status"].as_str(), accepted.json()["open"].as_array()),
        (Some("ok"), Some(&vec![]))
    );
    assert!(!banner(&server), "the accepted run is published at once");
    let again = hitrate(data.path(), &["accept", &report.run_id, "--all"]);
    assert_eq!(again.code, 1, "the run is no longer suspect: {again:?}");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_leaves_a_folder_that_works() {
    let (data, _) = filled().await;
    drop(Server::of(data.path()));
    assert!(data.path().join("server.json").exists(), "the killed server could not remove its announcement");
    assert_eq!(hitrate(data.path(), &["healthcheck"]).code, 1);
    let (from, to) = (rfc(day(0)), rfc(day(20)));
    let ran = hitrate(data.path(), &["export", "readings", "--from", &from, "--to", &to]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let server = Server::of(data.path());
    assert_eq!(hitrate(data.path(), &["healthcheck"]).code, 0);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_new_installation_is_served_before_its_first_run() {
    let data = folder();
    let server = Server::of(data.path());
    assert_eq!(server.ask("GET", "/livez").0, 200);
    assert_ne!(server.ask("GET", "/api/v1/tiers").0, 200, "no data is not an empty list");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_served_and_repaired() {
    let (data, _) = filled().await;
    std::fs::write(data.path().join("hitrate.duckdb"), vec![7; 20_000]).expect("written");
    let server = Server::of(data.path());
    let (status, body) = server.ask("GET", "/api/v1/tiers?lens=cache");
    let tiers: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, tiers["meta"].is_object()), (200, true));
    assert_eq!(server.terminate(), Some(0));
    let collected = hitrate(data.path(), &["collect", "--upstream", &nobody()]);
    assert_eq!(
        collected.code, 4,
        "the store is whole again, and only the upstream is gone: {}",
        collected.err
    );
    assert_eq!(hitrate(data.path(), &["check", "numbers"]).code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_calls_are_priced_by_the_record_of_the_server_that_holds_it() {
    let (data, model) = filled().await;
    let line = |id: &str, seconds: i64| {
        let usage =
            serde_json::json!({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100});
        let created = day(11).timestamp() + seconds;
        serde_json::json!({
            "id": id, "object": "chat.completion", "created": created, "model": model, "usage": usage,
            "choices": [{"index": 0, "finish_reason": "stop"}],
        })
        .to_string()
    };
    let log = data.path().join("log.jsonl");
    std::fs::write(&log, [line("a", 0), line("b", 60)].join("\n")).expect("written");
    let imported = hitrate(data.path(), &["traffic", "import", &log.display().to_string()]);
    assert_eq!(imported.code, 0, "{imported:?}");
    let costs = ["traffic", "costs", "--json"];
    let of_the_day = |found: &Value| {
        let host = &found["models"][0]["hosts"][0];
        (host["tag"].clone(), host["turns_at_prices_of_the_day"].clone(), found["followed"]["notes"].clone())
    };
    let alone = of_the_day(&hitrate(data.path(), &costs).json());
    assert_eq!(alone.1, 2, "the record covers the day");
    let server = Server::of(data.path());
    assert_eq!(of_the_day(&hitrate(data.path(), &costs).json()), alone, "the server knows the same");
    assert_eq!(server.terminate(), Some(0));
}
