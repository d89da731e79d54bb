//! Preferences as files at their own address.

use super::{api, api_of, data, get, problem, send};
use crate::sample;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{Request, StatusCode};
use hitrate::snapshot::Snapshot;

const QUILL: &str = "/api/v1/preferences/zephyr/quill-large";

#[test]
fn every_target_has_a_file_with_the_text_of_its_answer() {
    let api = api();
    let targets = data(&api, "/api/v1/targets");
    let mut written = 0;
    for target in targets.as_array().expect("a list") {
        let (name, file) =
            (target["name"].as_str().expect("a name"), target["file"].as_str().expect("a file"));
        let (stem, ending) = file.rsplit_once('.').expect("an extension");
        assert_eq!(stem, name);
        let answer = data(&api, &format!("{QUILL}?target={name}"));
        let address = format!("{QUILL}/{file}");
        let Some(text) = answer["rendered"]["files"][0]["text"].as_str() else {
            let none = problem(&api, &address, 404);
            assert_eq!(none["type"], "/problems/no-preference", "{file}");
            let note = answer["rendered"]["notes"][0].as_str().expect("a note");
            assert!(none["detail"].as_str().is_some_and(|detail| detail.contains(note)), "{none}");
            continue;
        };
        let served = get(&api, &address);
        assert_eq!(served.status, StatusCode::OK, "{file}");
        assert_eq!(String::from_utf8_lossy(&served.body), text, "{file}");
        assert_eq!(served.header(CONTENT_DISPOSITION), format!("attachment; filename=\"{file}\""));
        let kind = match ending {
            "json" => "application/json",
            "yaml" => "application/yaml",
            "toml" => "application/toml",
            _ => "text/plain; charset=utf-8",
        };
        assert_eq!(served.header(CONTENT_TYPE), kind, "{file}");
        assert!(served.header(CACHE_CONTROL).contains("max-age"), "{file}");
        let request = Request::get(&address).header(IF_NONE_MATCH, served.header(ETAG));
        let again = send(&api, request.body(Body::empty()).expect("a request"));
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{file}");
        written += 1;
    }
    assert!(written > 10, "{written}");
}

#[test]
fn a_file_depends_on_mode_and_limits_and_is_the_same_while_the_text_is() {
    let api = api();
    let of = |query: &str| get(&api, &format!("{QUILL}/opencode.json{query}"));
    assert_ne!(of("?mode=pin").body, of("?mode=shortlist").body);
    assert_eq!(of("").body, of("?mode=shortlist").body);
    let limited = of("?mode=shortlist&max_input=5");
    assert_eq!(limited.status, StatusCode::OK);
    assert!(String::from_utf8_lossy(&limited.body).contains("max_price"));
    let next = api_of(Some(Snapshot { id: "another".to_owned(), ..sample::snapshot() }));
    let same = get(&next, &format!("{QUILL}/opencode.json"));
    assert_eq!(same.header(ETAG), of("").header(ETAG), "the text names no snapshot");
}

#[test]
fn what_is_withheld_is_an_error_and_never_a_file() {
    let mut snapshot = sample::snapshot();
    // The cheapest endpoint has most of the traffic, but is too new to be named.
    let quill = &mut snapshot.models[1].endpoints;
    quill[0].tokens_per_day = Some(1e9);
    quill[0].first_seen = sample::as_of() - chrono::Duration::hours(5);
    let lossy = api_of(Some(snapshot));
    // With a limit, the JSON answer has a text with the limit alone; it is not the requested preference.
    for address in
        [format!("{QUILL}/opencode.json?mode=pin"), format!("{QUILL}/opencode.json?mode=pin&max_input=5")]
    {
        let none = problem(&lossy, &address, 404);
        assert_eq!(none["type"], "/problems/no-preference", "{address}");
        assert!(none["detail"].as_str().is_some_and(|detail| detail.contains("withheld")), "{none}");
    }
    let free = problem(&api(), "/api/v1/preferences/northwind/atlas-3:free/curl.sh?mode=pin", 404);
    assert!(free["detail"].as_str().is_some_and(|detail| detail.contains("free")), "{free}");
}

#[test]
fn a_wrong_file_or_parameter_is_refused_with_what_is_accepted() {
    let api = api();
    for file in ["opencode.yaml", "opencode", "telex.json", "OPENCODE.json", ".json"] {
        let refused = problem(&api, &format!("{QUILL}/{file}"), 400);
        assert!(
            refused["detail"].as_str().is_some_and(|detail| detail.contains("opencode.json")),
            "{refused}"
        );
    }
    let refused = problem(&api, &format!("{QUILL}/opencode.json?target=zed"), 400);
    let detail = refused["detail"].as_str().expect("a detail");
    assert!(detail.contains("unknown parameter `target`") && detail.contains("`mode`"), "{detail}");
    let refused = problem(&api, &format!("{QUILL}/opencode.json?mode=best"), 400);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("shortlist")), "{refused}");
    for model in ["zephyr/quill", "zephyr/quill-large/.."] {
        let unknown = problem(
            &api,
            &format!("/api/v1/preferences/{}/opencode.json", model.replace("/..", "%2F..")),
            404,
        );
        assert_eq!(unknown["type"], "/problems/unknown-model", "{model}");
    }
    problem(&api_of(None), &format!("{QUILL}/opencode.json"), 503);
}
