//! Tables: sorted by any column, as CSV, and under the paths of the pages.

use super::{Answer, api, data, get, ids, problem, send};
use crate::sample;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hitrate::site::with_aliases;
use hitrate::snapshot::{ListWindow, Prices};
use serde_json::Value;
use tower::ServiceExt;

/// The fields of a CSV as RFC 4180 reads them.
fn fields(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'), "lines end in CRLF");
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            letter => field.push(letter),
        }
    }
    assert!(row.is_empty() && field.is_empty(), "the last line ends in CRLF too");
    rows
}

fn table(address: &str) -> Vec<Vec<String>> {
    let answer = get(&api(), address);
    assert_eq!(answer.status, StatusCode::OK, "{address}: {}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header(CONTENT_TYPE), "text/csv; charset=utf-8; header=present", "{address}");
    let rows = fields(&String::from_utf8(answer.body).expect("UTF-8"));
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{address}");
    rows
}

/// A column of a table under its header.
fn column(rows: &[Vec<String>], name: &str) -> Vec<String> {
    let at = rows[0].iter().position(|column| column == name).unwrap_or_else(|| panic!("no {name}"));
    rows[1..].iter().map(|row| row[at].clone()).collect()
}

const TABLES: [&str; 7] = [
    "/api/v1/tiers",
    "/api/v1/models",
    "/api/v1/models/northwind/atlas-3",
    "/api/v1/providers",
    "/api/v1/providers/quarry",
    "/api/v1/readings",
    "/api/v1/changes",
];

#[test]
fn tables_hold_what_the_json_holds() {
    let snapshot = sample::snapshot();
    let counts = [
        snapshot.tier_list(hitrate::domain::tier::Lens::Cost, None).expect("a list").providers.len(),
        snapshot.models.len(),
        snapshot.model("northwind/atlas-3").expect("there").endpoints.len(),
        snapshot.providers.len(),
        snapshot.endpoints_of("quarry").count(),
        snapshot.readings.len(),
        snapshot.changes.len(),
    ];
    for (address, count) in TABLES.into_iter().zip(counts) {
        assert_eq!(table(&format!("{address}?format=csv")).len(), count + 1, "{address}");
    }
    let models = table("/api/v1/models?format=csv");
    let json = data(&api(), "/api/v1/models");
    assert_eq!(column(&models, "model_id"), ids(&json));
    let rates: Vec<Option<f64>> = column(&models, "hit_rate").iter().map(|text| text.parse().ok()).collect();
    let told: Vec<Option<f64>> =
        json.as_array().expect("a list").iter().map(|model| model["hit_rate"].as_f64()).collect();
    assert_eq!(rates, told);
    assert_eq!(table("/api/v1/readings?format=csv&limit=3").len(), 4);
    assert_eq!(get(&api(), "/api/v1/models?format=json").body, get(&api(), "/api/v1/models").body);
}

#[test]
fn new_columns_of_endpoints_are_at_the_end() {
    let mut snapshot = sample::snapshot();
    let quarry = &mut snapshot.models[0].endpoints[0];
    quarry.session_cost_now.insert("coding-agent".to_owned(), 0.125);
    (quarry.hit_rate_used, quarry.written_share) = (Some(0.75), Some(0.5));
    let usual = Prices { input: Some(0.5), cache_read: Some(0.25), ..Prices::default() };
    quarry.list_window = Some(ListWindow { usual, moves: 7, ..ListWindow::default() });
    let api = super::api_of(Some(snapshot));
    for address in ["/api/v1/models/northwind/atlas-3?format=csv", "/api/v1/endpoints?format=csv&q=atlas-3"] {
        let rows = fields(&String::from_utf8(get(&api, address).body).expect("UTF-8"));
        assert_eq!(rows[0].len(), 39, "{address}");
        assert_eq!((rows[0][21].as_str(), rows[0][25].as_str()), ("flags", "created_at"));
        let added = [
            ("session_cost_now", "0.125"),
            ("hit_rate_used", "0.75"),
            ("written_share", "0.5"),
            ("tokens_per_request", "9400"),
            ("usual_input", "0.5"),
            ("usual_cache_read", "0.25"),
            ("usual_cache_write", ""),
            ("usual_cache_write_1h", ""),
            ("usual_output", ""),
            ("list_moves", "7"),
            ("variant", "standard"),
        ];
        let of_quarry = rows.iter().find(|row| row[3] == "quarry/fp8").expect("a row");
        for (at, (name, value)) in added.into_iter().enumerate() {
            assert_eq!((rows[0][26 + at].as_str(), of_quarry[26 + at].as_str()), (name, value), "{address}");
        }
    }
}

#[test]
fn hostile_names_run_nothing_in_a_spreadsheet() {
    let mut snapshot = sample::snapshot();
    snapshot.models[0].name = "=HYPERLINK(\"https://x.example\",\"a\")".to_owned();
    snapshot.providers[0].name = "@SUM(1+1)*cmd|' /C calc'!A0".to_owned();
    let api = super::api_of(Some(snapshot));
    let read = |address: &str| fields(&String::from_utf8(get(&api, address).body).expect("UTF-8"));
    let names = column(&read("/api/v1/models?format=csv"), "name");
    assert_eq!(names[0], "'=HYPERLINK(\"https://x.example\",\"a\")");
    assert!(
        column(&read("/api/v1/providers?format=csv"), "name").iter().any(|name| name.starts_with("'@SUM"))
    );
    // Negative numbers stay numbers.
    let effects = column(&read("/api/v1/tiers?format=csv&lens=cost"), "adjusted");
    assert!(effects.iter().any(|effect| effect.starts_with('-')), "{effects:?}");
}

#[test]
fn every_column_sorts_both_ways_with_absent_values_last() {
    let document = get(&api(), "/api/v1/openapi.json").json();
    for address in TABLES.into_iter().filter(|address| !address.ends_with("changes")) {
        let header = table(&format!("{address}?format=csv")).remove(0);
        for name in &header {
            let up = column(&table(&format!("{address}?format=csv&sort={name}")), name);
            let down = column(&table(&format!("{address}?format=csv&sort=-{name}")), name);
            let told =
                |values: &[String]| values.iter().filter(|v| !v.is_empty()).cloned().collect::<Vec<_>>();
            let (mut from_above, from_below) = (told(&down), told(&up));
            from_above.reverse();
            assert_eq!(from_above.len(), from_below.len(), "{address} {name}");
            let key = |text: &String| text.trim_start_matches('\'').to_lowercase();
            assert_eq!(
                from_above.iter().map(key).collect::<Vec<_>>(),
                from_below.iter().map(key).collect::<Vec<_>>(),
                "{address} {name}"
            );
            for values in [&up, &down] {
                let first_absent = values.iter().position(String::is_empty).unwrap_or(values.len());
                assert!(values[first_absent..].iter().all(String::is_empty), "{address} {name}: {values:?}");
            }
        }
        let wrong = problem(&api(), &format!("{address}?sort=beauty"), 400);
        let detail = wrong["detail"].as_str().expect("a detail");
        assert!(header.iter().all(|name| detail.contains(name.as_str())), "{address}: {detail}");
        problem(&api(), &format!("{address}?format=xml"), 400);
    }
    let sort = |path: &str| {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().expect("parameters").clone();
        parameters.into_iter().find(|one| one["name"] == "sort").expect("sort")["schema"]["enum"].clone()
    };
    let columns = sort("/api/v1/models");
    assert!(columns.as_array().is_some_and(|all| all.contains(&"-tokens_per_day".into())), "{columns}");
}

#[test]
fn sorted_json_keeps_its_pages() {
    let api = api();
    let by_name = data(&api, "/api/v1/models?sort=model_id");
    let mut expected = ids(&by_name);
    expected.sort_unstable();
    assert_eq!(ids(&by_name), expected);
    let first = get(&api, "/api/v1/models?sort=model_id&limit=1").json();
    let cursor = first["meta"]["next_cursor"].as_str().expect("more");
    let rest = data(&api, &format!("/api/v1/models?sort=model_id&cursor={cursor}"));
    assert_eq!(ids(&rest), expected[1..]);
    let tags = |address: &str| -> Vec<Value> {
        let model = data(&api, address);
        model["endpoints"].as_array().expect("a list").iter().map(|one| one["tag"].clone()).collect()
    };
    let mut sorted = tags("/api/v1/models/northwind/atlas-3?sort=-tag");
    sorted.reverse();
    assert_eq!(sorted, tags("/api/v1/models/northwind/atlas-3?sort=tag"));
    let tiers = data(&api, "/api/v1/tiers?sort=name");
    let plain = data(&api, "/api/v1/tiers");
    assert_eq!(tiers["providers"].as_array().map(Vec::len), plain["providers"].as_array().map(Vec::len));
    assert_ne!(tiers["providers"], plain["providers"]);
}

#[test]
fn changes_are_filtered_and_paged() {
    let api = api();
    let all = data(&api, "/api/v1/changes");
    let events = sample::snapshot().changes;
    assert_eq!(all, serde_json::to_value(&events).expect("JSON"));
    let one = &events[0];
    let same_kind = data(&api, &format!("/api/v1/changes?kind={}", one.kind));
    assert_eq!(
        same_kind.as_array().map(Vec::len),
        Some(events.iter().filter(|e| e.kind == one.kind).count())
    );
    let wrong = problem(&api, "/api/v1/changes?kind=weather", 400);
    assert!(wrong["detail"].as_str().is_some_and(|detail| detail.contains("price_changed")), "{wrong}");
    problem(&api, "/api/v1/changes?model=northwind/atlas", 404);
    problem(&api, "/api/v1/changes?provider=nobody", 404);
    problem(&api, "/api/v1/changes?endpoint=no/where", 404);
    let count = |query: &str| data(&api, &format!("/api/v1/changes?{query}")).as_array().map_or(0, Vec::len);
    let at = one.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(count(&format!("from={at}&to={at}")), 1);
    assert_eq!(count(&format!("to={}", one.at.date_naive().pred_opt().expect("a day"))), 0);
    assert_eq!(count(&format!("to={}", one.at.date_naive())), events.len(), "the whole day");
    assert_eq!(count("min_percent=0"), 0, "an appearance has no percentage");
    assert_eq!(count("endpoint=sprout/turbo"), 1);
    assert_eq!(count("provider=sprout"), 1);
    for wrong in ["from=2026-10-06&to=2026-10-05", "min_percent=-1", "min_percent=NaN", "to=soon"] {
        problem(&api, &format!("/api/v1/changes?{wrong}"), 400);
    }
}

#[test]
fn endpoints_are_filtered_and_paged() {
    let api = api();
    let all = data(&api, "/api/v1/endpoints?variants=all&sort=hit&dir=asc");
    let all = all.as_array().expect("a list");
    assert_eq!(all.len(), sample::snapshot().summary.endpoints);
    assert!(all.iter().all(|one| one["model_id"].is_string() && one.get("days").is_none()));
    let first = get(&api, "/api/v1/endpoints?variants=all&sort=hit&dir=asc&limit=2").json();
    let cursor = first["meta"]["next_cursor"].as_str().expect("more");
    let rest = format!("/api/v1/endpoints?variants=all&sort=hit&dir=asc&cursor={cursor}");
    assert_eq!(data(&api, &rest).as_array().expect("a list"), &all[2..]);
    assert_eq!(table("/api/v1/endpoints?variants=all&format=csv").len(), all.len() + 1);
    let cached = data(&api, "/api/v1/endpoints?price=&hit=60%20%25&context=1k");
    assert!(cached.as_array().expect("a list").iter().all(|one| one["hit_rate"].as_f64() >= Some(0.6)));
    for wrong in [
        "hit=120",
        "price=cheap",
        "sort=beauty",
        "dir=up",
        "data=x",
        "variants=x",
        "page=2",
        "context=%C2%A0",
        "hit=50%20",
    ] {
        problem(&api, &format!("/api/v1/endpoints?{wrong}"), 400);
    }
}

#[test]
fn pages_answer_under_their_json_and_csv_names() {
    let service = with_aliases(api());
    let ask = |address: &str| -> Answer {
        let request = Request::get(address).body(Body::empty()).expect("a request");
        super::runtime().block_on(async {
            let response: Response = service.clone().oneshot(request).await.expect("routers do not fail");
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, 64 << 20).await.expect("a body").to_vec();
            Answer { status: parts.status, headers: parts.headers, body }
        })
    };
    for (page, address) in [
        ("/tiers.json?lens=cache", "/api/v1/tiers?lens=cache"),
        ("/models.json", "/api/v1/models"),
        ("/models/northwind/atlas-3:free.json", "/api/v1/models/northwind/atlas-3:free"),
        ("/models/northwind/atlas-3.csv", "/api/v1/models/northwind/atlas-3?format=csv"),
        ("/providers/quarry.json", "/api/v1/providers/quarry"),
        ("/api/v1/readings.csv", "/api/v1/readings?format=csv"),
        ("/explore.json?hit=50&sort=hit", "/api/v1/endpoints?hit=50&sort=hit"),
        ("/explore.csv", "/api/v1/endpoints?format=csv"),
        // A form sends a field that is not chosen as an empty one.
        ("/explore.json?q=&data=&sort=&dir=&quant=", "/api/v1/endpoints"),
        ("/status.json", "/api/v1/status"),
        ("/changes.csv", "/api/v1/changes?format=csv"),
        ("/cost.json?model=northwind%2Fatlas-3", "/api/v1/cost/northwind/atlas-3"),
    ] {
        let (twin, own) =
            (ask(page), send(&api(), Request::get(address).body(Body::empty()).expect("a request")));
        assert_eq!((twin.status, &twin.body), (StatusCode::OK, &own.body), "{page}");
        assert_eq!(twin.header(ETAG), own.header(ETAG), "{page}");
    }
    assert_eq!(ask("/models/northwind/nothing.json").status, StatusCode::NOT_FOUND);
}
