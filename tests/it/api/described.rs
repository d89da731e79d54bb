//! Compares the description of the API with the code, and checks the page that shows it.

use super::{get, runtime};
use crate::sample;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use hitrate::api::openapi;
use hitrate::site::{Described, SiteState, reference};
use hitrate::snapshot::{Current, Snapshot};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt;

#[test]
fn the_kept_openapi_document_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let text = openapi().to_pretty_json().expect("JSON") + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &text).expect("docs/openapi.json can be written");
    }
    let kept = std::fs::read_to_string(&path).expect("docs/openapi.json");
    let differs = kept.lines().zip(text.lines()).find(|(kept, made)| kept != made);
    assert!(
        kept == text,
        "docs/openapi.json does not match the code, first at {differs:?}. If the change keeps the promise of docs/api.md, \
         run UPDATE_OPENAPI=1 cargo test --test it openapi"
    );
    let served = get(&super::api(), "/api/v1/openapi.json");
    assert_eq!(String::from_utf8_lossy(&served.body), text.trim_end());
}

#[test]
fn closed_lists_are_in_the_openapi_document() {
    let document = serde_json::to_value(openapi()).expect("JSON");
    let schema = |path: &str, name: &str| -> Value {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().expect("parameters");
        parameters.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{path}: {name}"))["schema"].clone()
    };
    for (path, name) in [
        ("/api/v1/preferences", "target"),
        ("/api/v1/preferences", "quant_floor"),
        ("/api/v1/tiers", "format"),
        ("/api/v1/changes", "kind"),
    ] {
        assert!(schema(path, name)["enum"].as_array().is_some_and(|names| names.len() > 1), "{path}: {name}");
    }
    assert!(schema("/api/v1/models", "cursor")["pattern"].is_string());
    for (path, item) in document["paths"].as_object().expect("paths") {
        let names = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        if names.iter().any(|one| one["name"] == "sort") {
            let first = schema(path, "sort")["enum"].as_array().map_or(0, Vec::len);
            assert!(first > 4, "{path}: add its columns to src/api/constraints.rs");
        }
    }
}

/// A form sends fields that are not chosen as empty ones; some parameters allow it, and the description says which.
#[test]
fn an_empty_value_is_accepted_exactly_if_the_description_allows_it() {
    let document = serde_json::to_value(openapi()).expect("JSON");
    let api = super::api();
    let (mut accepted, mut refused) = (0, 0);
    for (path, item) in document["paths"].as_object().expect("paths") {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        // Routes that need more than one parameter are refused for what is missing.
        if path.contains('{') || parameters.iter().any(|one| one["in"] == "query" && one["required"] == true)
        {
            continue;
        }
        for parameter in parameters {
            let (name, schema) = (parameter["name"].as_str().expect("a name"), &parameter["schema"]);
            let is_allowed = match (schema["enum"].as_array(), schema["pattern"].as_str()) {
                (Some(values), _) => values.contains(&"".into()),
                (_, Some(pattern)) => pattern.ends_with(")?$"),
                _ => continue,
            };
            let status = get(&api, &format!("{path}?{name}=")).status;
            assert_eq!(status == StatusCode::OK, is_allowed, "{path}?{name}= is answered with {status}");
            *(if is_allowed { &mut accepted } else { &mut refused }) += 1;
        }
    }
    assert!(accepted > 5 && refused > 5, "{accepted} accepted, {refused} refused");
}

fn page(snapshot: Option<Snapshot>) -> (StatusCode, String) {
    let document: &'static Value = Box::leak(Box::new(serde_json::to_value(openapi()).expect("JSON")));
    let markdown = include_str!("../../../docs/api.md");
    let state = SiteState {
        current: Arc::new(Current::new(snapshot)),
        now: Arc::new(sample::as_of),
        pages: Arc::default(),
        method_markdown: "",
        public_url: "".into(),
    };
    let router: Router = reference(state, Described { document, markdown });
    runtime().block_on(async {
        let answer = router.oneshot(Request::get("/api").body(Body::empty()).expect("a request")).await;
        let (parts, body) = answer.expect("routers do not fail").into_parts();
        let body = to_bytes(body, 64 << 20).await.expect("a body").to_vec();
        assert!(parts.headers.contains_key("content-security-policy"));
        (parts.status, String::from_utf8(body).expect("UTF-8"))
    })
}

#[test]
fn the_reference_shows_every_route_parameter_and_type() {
    let (status, html) = page(Some(sample::snapshot()));
    assert_eq!(status, StatusCode::OK);
    let document = serde_json::to_value(openapi()).expect("JSON");
    for (path, item) in document["paths"].as_object().expect("paths") {
        assert!(html.contains(&format!("<code>GET {path}</code>")), "{path}");
        for one in item["get"]["parameters"].as_array().into_iter().flatten() {
            let name = one["name"].as_str().expect("a name");
            assert!(html.contains(&format!("<code>{name}</code>")), "{path}: {name}");
        }
    }
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(name.starts_with("Envelope_") || html.contains(&format!("id=\"t-{name}\"")), "{name}");
    }
    assert!(html.contains("id=\"m-what-may-change\"") && !html.contains("<script>"));
}

#[test]
fn the_examples_of_the_reference_answer() {
    let (_, html) = page(Some(sample::snapshot()));
    let api = super::api();
    let mut asked = 0;
    for example in html.split("<pre tabindex=\"0\"><code>curl -s ").skip(1) {
        let example =
            example.split("</code>").next().expect("its end").replace("&#38;", "&").replace("&amp;", "&");
        let address = example.replace("&#39;", "").replace("&#x27;", "").replace('\'', "");
        let address = address.strip_prefix("http://127.0.0.1:8080").unwrap_or_else(|| panic!("{address}"));
        assert_eq!(get(&api, address).status, StatusCode::OK, "{address}");
        asked += 1;
    }
    assert_eq!(asked, openapi().paths.paths.len());
    assert_eq!(page(None).0, StatusCode::SERVICE_UNAVAILABLE);
}
