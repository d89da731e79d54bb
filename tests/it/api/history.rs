//! Histories of endpoints and models, and tables as Parquet.

use super::{api, api_of, data, get, problem};
use crate::sample;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use hitrate::snapshot::Endpoint;
use serde_json::Value;

const MODEL: &str = "/api/v1/history/northwind/atlas-3";
const BY_TAG: &str = "/api/v1/endpoints/northwind/atlas-3/quarry/fp8/history";

fn quarry() -> Endpoint {
    let snapshot = sample::snapshot();
    let model = snapshot.model("northwind/atlas-3").expect("there");
    model.endpoints.iter().find(|one| one.tag.as_str() == "quarry/fp8").expect("there").clone()
}

fn points(answer: &Value) -> &Vec<Value> {
    answer["points"].as_array().expect("points")
}

fn starts(answer: &Value) -> Vec<&str> {
    points(answer).iter().map(|point| point["start"].as_str().expect("a time")).collect()
}

#[test]
fn an_endpoint_is_found_by_its_id_and_by_its_tag() {
    let (api, endpoint) = (api(), quarry());
    let by_tag = data(&api, BY_TAG);
    assert_eq!((&by_tag["tag"], &by_tag["every"]), (&"quarry/fp8".into(), &"day".into()));
    assert_eq!(by_tag["endpoint_id"], endpoint.endpoint_id.to_string());
    for same in [
        format!("/api/v1/endpoints/{}/history", endpoint.endpoint_id),
        "/api/v1/endpoints/northwind/atlas-3/quarry%2Ffp8/history".to_owned(),
        "/api/v1/endpoints/northwind%2Fatlas-3/quarry%2Ffp8/history".to_owned(),
        "/api/v1/endpoints/northwind%2Fatlas-3%2Fquarry%2Ffp8/history".to_owned(),
        "/api/v1/endpoints/northwind/atlas-3-20260901/quarry/fp8/history?every=day&format=json".to_owned(),
    ] {
        assert_eq!(data(&api, &same), by_tag, "{same}");
    }
    let days = points(&by_tag);
    assert_eq!(days.len(), endpoint.days.len());
    for (point, day) in days.iter().zip(&endpoint.days) {
        assert_eq!(point["start"], format!("{}T00:00:00Z", day.day));
        assert_eq!(point["end"], format!("{}T00:00:00Z", day.day.succ_opt().expect("a day")));
        assert_eq!(point["hit_rate"].as_f64(), day.hit_rate);
        assert_eq!(point["tokens"].as_i64(), day.tokens, "absent is not zero");
        for (field, value) in [
            ("effective_input", day.effective_input),
            ("effective_output", day.effective_output),
            ("coverage", day.coverage),
            ("list_input", day.list_input),
            ("uptime", day.uptime),
            ("throughput", day.throughput),
            ("latency_ms", day.latency_ms),
        ] {
            assert_eq!(point[field].as_f64(), value, "{field} of {}", day.day);
        }
    }
    assert!(days.iter().any(|point| point["hit_rate"].is_null() && point["basis"].is_null()));
    assert!(days.iter().any(|point| point["basis"] == "derived" && point["tokens"].is_null()));
}

#[test]
fn hours_are_those_of_the_hourly_route() {
    let api = api();
    let history = data(&api, &format!("{BY_TAG}?every=hour"));
    let hourly = data(&api, "/api/v1/hourly/northwind/atlas-3?tag=quarry%2Ffp8");
    assert_eq!(hourly["endpoints"].as_array().map(Vec::len), Some(1));
    let hours = hourly["endpoints"][0]["hours"].as_array().expect("hours");
    assert_eq!(points(&history).len(), hours.len());
    assert!(!hours.is_empty());
    for (point, hour) in points(&history).iter().zip(hours) {
        for field in ["start", "end", "hit_rate", "tokens"] {
            assert_eq!(point[field], hour[field], "{field}");
        }
        let of_days =
            ["basis", "coverage", "effective_input", "list_input", "uptime", "throughput", "latency_ms"];
        assert!(of_days.iter().all(|name| point[*name].is_null()));
    }
    let unknown = problem(&api, "/api/v1/hourly/northwind/atlas-3?tag=quarry%2Ffp16", 404);
    assert!(
        unknown["nearest"].as_array().is_some_and(|tags| tags.contains(&"quarry/fp8".into())),
        "{unknown}"
    );
}

#[test]
fn a_part_is_half_open_and_states_its_bounds() {
    let api = api();
    let part = data(&api, &format!("{BY_TAG}?from=2026-10-02&to=2026-10-04"));
    assert_eq!(starts(&part), ["2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z"]);
    assert_eq!(
        (&part["from"], &part["to"]),
        (&"2026-10-02T00:00:00Z".into(), &"2026-10-04T00:00:00Z".into())
    );
    // A day belongs to the part in which it begins; a plus sign may arrive as a space.
    let part = data(&api, &format!("{BY_TAG}?from=2026-10-02T00:00:01Z&to=2026-10-03T02:00:00+02:00"));
    assert_eq!(starts(&part), [""; 0]);
    let open = data(&api, &format!("{BY_TAG}?from=2020-01-01&to=2030-01-01"));
    assert_eq!(points(&open).len(), 10);
    assert_eq!(
        (&open["from"], &open["to"]),
        (&"2026-09-26T00:00:00Z".into(), &"2026-10-06T00:00:00Z".into())
    );
    let hours = data(&api, &format!("{MODEL}?every=hour&tag=quarry%2Ffp8&from=2026-10-05T14:00:00Z"));
    assert_eq!(points(&hours["endpoints"][0]).len(), 1);
}

#[test]
fn a_model_has_the_history_of_all_its_endpoints() {
    let api = api();
    let all = data(&api, MODEL);
    let snapshot = sample::snapshot();
    let model = snapshot.model("northwind/atlas-3").expect("there");
    let of = |answer: &Value, field: &str| -> Vec<String> {
        let endpoints = answer["endpoints"].as_array().expect("a list").iter();
        endpoints.map(|one| one[field].as_str().expect("a text").to_owned()).collect()
    };
    let busiest: Vec<String> = model.busiest().iter().map(|one| one.tag.to_string()).collect();
    assert_eq!(of(&all, "tag"), busiest);
    assert_eq!(of(&data(&api, &format!("{MODEL}?provider=north-cloud")), "provider"), ["north-cloud"; 2]);
    assert_eq!(of(&data(&api, &format!("{MODEL}?tag=lumen")), "tag"), ["lumen"]);
    assert_eq!(of(&data(&api, &format!("{MODEL}?tag=lumen&provider=quarry")), "tag"), [""; 0]);
    assert_eq!(data(&api, "/api/v1/history/northwind%2Fatlas-3"), all);
    let table = get(&api, &format!("{MODEL}?format=csv"));
    assert_eq!(table.header(CONTENT_TYPE), "text/csv; charset=utf-8; header=present");
    let text = String::from_utf8(table.body).expect("UTF-8");
    let days: usize = model.endpoints.iter().map(|one| one.days.len()).sum();
    assert_eq!(text.lines().count(), days + 1);
    let header = "model_id,endpoint_id,provider,tag,start,end,source,hit_rate,basis,tokens,effective_input,effective_output,coverage,list_input,uptime,throughput,latency_ms";
    assert_eq!(text.lines().next(), Some(header));
    let first = format!("northwind/atlas-3,{},", model.busiest()[0].endpoint_id);
    assert!(text.lines().nth(1).is_some_and(|line| line.starts_with(&first)), "{text}");
}

#[test]
fn a_wrong_request_is_refused_with_its_parameter_and_what_is_accepted() {
    let api = api();
    for (query, words) in [
        ("every=week", vec!["`every`", "`week`", "hour, day"]),
        ("every=", vec!["`every`", "hour, day"]),
        ("from=yesterday", vec!["`from`", "`yesterday`", "2026-08-08"]),
        ("to=2026-02-30", vec!["`to`", "RFC 3339"]),
        ("to=2026-10-02%20", vec!["`to`"]),
        ("from=2026-10-04&to=2026-10-02", vec!["`from`", "`to`", "before"]),
        ("from=2026-10-04&to=2026-10-04", vec!["`from`", "`to`", "before"]),
        ("format=xml", vec!["`format`", "json, csv, parquet"]),
        ("limit=5", vec!["`limit`", "`from`", "`every`"]),
    ] {
        for address in [BY_TAG, MODEL] {
            let refused = problem(&api, &format!("{address}?{query}"), 400);
            let detail = refused["detail"].as_str().expect("a detail");
            assert!(words.iter().all(|word| detail.contains(word)), "{query}: {detail}");
        }
    }
    for (query, words) in [
        ("to=2026-09-01", ["`to`", "2026-09-26T00:00:00Z"]),
        ("from=2026-10-06", ["`from`", "2026-10-06T00:00:00Z"]),
        ("every=hour&to=2026-09-28", ["hour", "hitrate export hourly"]),
    ] {
        let none = problem(&api, &format!("{BY_TAG}?{query}"), 404);
        assert_eq!(none["type"], "/problems/not-published");
        let detail = none["detail"].as_str().expect("a detail");
        assert!(words.iter().all(|word| detail.contains(word)), "{query}: {detail}");
    }
    for (address, status, kind) in [
        ("/api/v1/endpoints/northwind/atlas-3/quarry/fp16/history", 404, "/problems/unknown-endpoint"),
        ("/api/v1/endpoints/018f0000-0000-7000-8000-000000000000/history", 404, "/problems/unknown-endpoint"),
        ("/api/v1/endpoints/quarry/history", 400, "/problems/bad-request"),
        ("/api/v1/endpoints/018f00000000700080000000000000000/history", 400, "/problems/bad-request"),
        ("/api/v1/endpoints/northwind/atlas-3/history", 400, "/problems/bad-request"),
        ("/api/v1/endpoints/northwind/nothing/quarry/history", 404, "/problems/unknown-model"),
        ("/api/v1/endpoints/northwind/atlas-3/quarry/fp8", 404, "/problems/no-such-route"),
        ("/api/v1/endpoints/quarry", 404, "/problems/no-such-route"),
        ("/api/v1/history", 404, "/problems/no-such-route"),
        ("/api/v1/history/northwind/nothing", 404, "/problems/unknown-model"),
        ("/api/v1/history/northwind/atlas-3?provider=nobody", 404, "/problems/unknown-provider"),
        ("/api/v1/history/northwind/atlas-3?tag=nothing", 404, "/problems/unknown-endpoint"),
    ] {
        assert_eq!(problem(&api, address, status)["type"], kind, "{address}");
    }
    let tags = problem(&api, "/api/v1/endpoints/northwind/atlas-3/quarry/fp16/history", 404);
    assert!(tags["detail"].as_str().is_some_and(|detail| detail.contains("quarry/fp8")), "{tags}");
}

#[test]
fn an_endpoint_without_days_has_an_empty_history() {
    let mut snapshot = sample::snapshot();
    snapshot.models[0].endpoints[0].days.clear();
    let tag = snapshot.models[0].endpoints[0].tag.clone();
    let api = api_of(Some(snapshot));
    let none = data(&api, &format!("/api/v1/endpoints/northwind/atlas-3/{tag}/history"));
    assert_eq!(points(&none).len(), 0);
    let table = get(&api, &format!("/api/v1/endpoints/northwind/atlas-3/{tag}/history?format=csv"));
    assert_eq!(String::from_utf8_lossy(&table.body).lines().count(), 1);
}

/// What DuckDB reads from a Parquet file: the texts of the first column of a query over `FILE`.
#[allow(clippy::disallowed_methods)]
fn read(body: &[u8], sql: &str) -> Vec<String> {
    let folder = crate::rig::folder();
    let file = folder.path().join("a.parquet");
    std::fs::write(&file, body).expect("written");
    let connection = duckdb::Connection::open_in_memory().expect("it opens");
    let sql = sql.replace("FILE", &format!("read_parquet('{}')", file.display()));
    let mut statement = connection.prepare(&sql).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
    rows.collect::<Result<_, _>>().expect("texts")
}

const TABLES: [&str; 9] = [
    "/api/v1/tiers",
    "/api/v1/models",
    "/api/v1/models/northwind/atlas-3",
    "/api/v1/endpoints?variants=all",
    "/api/v1/providers",
    "/api/v1/providers/quarry",
    "/api/v1/readings",
    "/api/v1/changes",
    MODEL,
];

#[test]
fn every_table_is_available_as_parquet_with_types() {
    let api = api();
    for address in TABLES {
        let mark = if address.contains('?') { '&' } else { '?' };
        let table = get(&api, &format!("{address}{mark}format=parquet"));
        assert_eq!(table.status, StatusCode::OK, "{address}: {}", String::from_utf8_lossy(&table.body));
        assert_eq!(table.header(CONTENT_TYPE), "application/vnd.apache.parquet", "{address}");
        let csv = get(&api, &format!("{address}{mark}format=csv"));
        let csv = String::from_utf8(csv.body).expect("UTF-8");
        let names = read(&table.body, "SELECT column_name FROM (DESCRIBE SELECT * FROM FILE)");
        assert_eq!(names.join(","), csv.lines().next().expect("a header"), "{address}");
        let rows = read(&table.body, "SELECT CAST(count(*) AS VARCHAR) FROM FILE");
        let quoted = csv.matches("\r\n").count() - 1;
        assert_eq!(rows, [quoted.to_string()], "{address}");
    }
    let of = |address: &str, name: &str| {
        let kinds = "SELECT column_type FROM (DESCRIBE SELECT * FROM FILE) WHERE column_name = 'NAME'";
        read(&get(&api, address).body, &kinds.replace("NAME", name)).join("")
    };
    let endpoints = "/api/v1/endpoints?format=parquet";
    assert_eq!(of(endpoints, "hit_rate"), "DOUBLE");
    assert_eq!(of(endpoints, "context_length"), "BIGINT");
    assert_eq!(of(endpoints, "trains_on_prompts"), "BOOLEAN");
    assert_eq!(of(endpoints, "created_at"), "TIMESTAMP WITH TIME ZONE");
    assert_eq!(of(endpoints, "model_id"), "VARCHAR");
    // A table without rows has the same types.
    let none = "/api/v1/endpoints?q=nothing-of-this-name&format=parquet";
    assert_eq!(of(none, "hit_rate"), "DOUBLE");
    assert_eq!(read(&get(&api, none).body, "SELECT CAST(count(*) AS VARCHAR) FROM FILE"), ["0"]);
}

#[test]
fn values_of_a_parquet_table_are_those_of_the_json_and_names_are_unchanged() {
    let mut snapshot = sample::snapshot();
    snapshot.models[0].name = "=HYPERLINK(\"x\")\n\u{202e}'; DROP TABLE one".to_owned();
    let api = api_of(Some(snapshot.clone()));
    let names = read(&get(&api, "/api/v1/models?format=parquet").body, "SELECT name FROM FILE");
    assert!(names.contains(&snapshot.models[0].name), "{names:?}");
    let history = get(&api, &format!("{BY_TAG}?format=parquet")).body;
    let rates = read(
        &history,
        "SELECT CAST(hit_rate AS VARCHAR) FROM FILE WHERE hit_rate IS NOT NULL ORDER BY start",
    );
    let rates: Vec<f64> = rates.iter().map(|rate| rate.parse().expect("a number")).collect();
    let told: Vec<f64> = quarry().days.iter().filter_map(|day| day.hit_rate).collect();
    assert_eq!(rates, told);
    let absent = read(&history, "SELECT CAST(count(*) AS VARCHAR) FROM FILE WHERE tokens IS NULL");
    let days = quarry().days.iter().filter(|day| day.tokens.is_none()).count();
    assert_eq!(absent, [days.to_string()]);
    let first = read(&history, "SELECT CAST(epoch_us(start) AS VARCHAR) FROM FILE ORDER BY start LIMIT 1");
    let midnight = quarry().days[0].day.and_time(chrono::NaiveTime::MIN).and_utc();
    assert_eq!(first, [midnight.timestamp_micros().to_string()]);
}

#[test]
fn a_service_without_a_writer_says_so() {
    use hitrate::api::{ApiState, router};
    use hitrate::snapshot::Current;
    use std::sync::Arc;
    let current = Arc::new(Current::new(Some(sample::snapshot())));
    let api = router(ApiState { current, bodies: Arc::default(), now: Arc::new(sample::as_of) });
    let refused = problem(&api, "/api/v1/endpoints?format=parquet", 400);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("json or csv")), "{refused}");
}
