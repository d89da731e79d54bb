//! The routes of session costs.

use super::{api, data, get, problem};
use axum::http::StatusCode;

#[test]
fn a_models_costs_come_under_a_workload_or_numbers_of_ones_own() {
    let api = api();
    let named = data(&api, "/api/v1/cost/northwind/atlas-3?workload=chat");
    assert_eq!(named["workload"]["name"], "chat");
    let rows = named["endpoints"].as_array().expect("rows");
    assert_eq!(rows.len(), 6);
    assert_eq!((&rows[0]["cheapest"], &rows[0]["to_win"]["verdict"]), (&true.into(), &"cheapest".into()));
    let parts = rows[0]["parts"].as_object().expect("parts");
    let sum: f64 = parts.values().filter_map(serde_json::Value::as_f64).sum();
    assert!((sum - rows[0]["cost"].as_f64().expect("a cost")).abs() < 1e-12);
    assert_eq!(data(&api, "/api/v1/cost/northwind%2Fatlas-3?workload=chat"), named);
    let list = &named["by_list"];
    assert_eq!(
        (&list["hosts"], &list["verdict"], &list["tag"]),
        (&1.into(), &"right".into(), &named["cheapest"])
    );
    assert_eq!(list["most"], rows[0]["cost"]);
    let own = data(&api, "/api/v1/cost/northwind/atlas-3?workload=chat&turns=16&output_cached=false");
    assert_eq!((&own["workload"]["name"], &own["workload"]["turns"]), (&"own".into(), &16.into()));
    assert!(own["endpoints"][0]["cost"].as_f64() > rows[0]["cost"].as_f64());
    let hour = data(&api, "/api/v1/cost/northwind/atlas-3?workload=chat&cache_ttl=1h");
    assert_eq!(
        (&hour["workload"]["cache_ttl"], &named["workload"]["cache_ttl"]),
        (&"1h".into(), &"5m".into())
    );
    assert_eq!(data(&api, "/api/v1/cost?cache_ttl=1h&limit=1")["workload"]["cache_ttl"], "1h");
}

#[test]
fn the_ranking_takes_limits_and_says_what_it_left_out() {
    let api = api();
    let all = data(&api, "/api/v1/cost?workload=chat");
    let best = data(&api, "/api/v1/cost?workload=chat&best=true&limit=1&parameters=tools,temperature");
    assert_eq!((best["rows"].as_array().map(Vec::len), &best["found"]), (Some(1), &2.into()));
    assert_eq!(best["rows"][0], all["rows"][0]);
    let none = data(&api, "/api/v1/cost?authors=nobody");
    assert_eq!(none["rows"], serde_json::json!([]));
    assert!(none["left_out"]["author"].as_u64() > Some(5), "{none}");
}

#[test]
fn what_is_not_understood_is_refused() {
    let api = api();
    for query in [
        "turns=0",
        "turns=2001",
        "turns=x",
        "output=-1",
        "output=nan",
        "workload=nonsense",
        "what=1",
        "cache_ttl=2h",
    ] {
        problem(&api, &format!("/api/v1/cost/northwind/atlas-3?{query}"), 400);
    }
    for query in ["limit=0", "limit=1001", "first_prompt=0&new_input=0"] {
        problem(&api, &format!("/api/v1/cost?{query}"), 400);
    }
    problem(&api, "/api/v1/cost/northwind/nothing", 404);
    assert_eq!(get(&api, "/api/v1/cost/northwind/atlas-3?turns=2000").status, StatusCode::OK);
}

#[test]
fn a_bill_becomes_a_month_at_every_endpoint() {
    let api = api();
    let address = "/api/v1/cost/zephyr/quill-large";
    assert_eq!(data(&api, address)["monthly"], serde_json::Value::Null);
    let month = &data(&api, &format!("{address}?bill=300&at=quarry"))["monthly"];
    assert_eq!(
        (&month["bill"], &month["paid_at"], &month["at"]),
        (&300.0.into(), &"endpoint".into(), &serde_json::json!(["quarry"]))
    );
    let rows = month["endpoints"].as_array().expect("rows");
    let own = rows.iter().find(|row| row["tag"] == "quarry").expect("the host");
    assert_eq!((&own["usd"], &own["change"], &own["is_present"]), (&300.0.into(), &0.0.into(), &true.into()));
    assert!(rows[0]["usd"].as_f64() < Some(300.0) && rows[0]["change"].as_f64() < Some(0.0), "{month}");
    assert_eq!(data(&api, &format!("{address}?bill=%24300&at=quarry"))["monthly"], *month);
    let average = &data(&api, &format!("{address}?bill=300"))["monthly"];
    assert_eq!((&average["paid_at"], average["at"].as_array().map(Vec::len)), (&"traffic".into(), Some(4)));
    let tokens = &data(&api, &format!("{address}?bill=200M"))["monthly"];
    assert_eq!((&tokens["bill"], &tokens["tokens"]), (&serde_json::Value::Null, &2e8.into()));
}

#[test]
fn a_bill_that_is_not_understood_names_its_parameter() {
    let api = api();
    let address = "/api/v1/cost/zephyr/quill-large";
    for bill in ["300,50", "-1", "NaN", "inf", "0", "1e9", "3k", "99999999999", ""] {
        let refused = problem(&api, &format!("{address}?bill={bill}"), 400);
        let detail = refused["detail"].as_str().expect("a detail");
        assert!(detail.starts_with("invalid `bill` "), "{bill}: {detail}");
    }
    for query in ["at=quarry", "bill=300&at=nobody", "bill=200M&at=quarry"] {
        let refused = problem(&api, &format!("{address}?{query}"), 400);
        assert!(
            refused["detail"].as_str().is_some_and(|detail| detail.starts_with("invalid `at`")),
            "{refused}"
        );
    }
    problem(&api, "/api/v1/cost/tinker/solo-1?bill=300", 404);
}
