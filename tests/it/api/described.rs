//! Compares the description of the API with the code, and checks the page that shows it.

use super::{get, runtime};
use crate::sample;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use hitrate::api::openapi;
use hitrate::prepared::Origin;
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
    let (status, _, text) = asked("/api", snapshot, Origin::default(), &[]);
    (status, text)
}

/// Status, cache policy and text of a page of the reference.
fn asked(
    path: &str,
    snapshot: Option<Snapshot>,
    origin: Origin,
    headers: &[(&str, &str)],
) -> (StatusCode, String, String) {
    let document: &'static Value = Box::leak(Box::new(serde_json::to_value(openapi()).expect("JSON")));
    let markdown = include_str!("../../../docs/api.md");
    let state = SiteState {
        current: Arc::new(Current::new(snapshot)),
        now: Arc::new(sample::as_of),
        pages: Arc::default(),
        method_markdown: "",
        public_url: "".into(),
        origin,
    };
    let api = super::api_of(state.current.get().map(|snapshot| Snapshot::clone(&snapshot)));
    let router: Router = reference(state, Described { document, markdown }, api);
    runtime().block_on(async {
        let request =
            headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        let answer = router.oneshot(request.body(Body::empty()).expect("a request")).await;
        let (parts, body) = answer.expect("routers do not fail").into_parts();
        let body = to_bytes(body, 64 << 20).await.expect("a body").to_vec();
        assert!(parts.headers.contains_key("content-security-policy"));
        let policy =
            parts.headers.get("cache-control").map(|policy| policy.to_str().expect("ascii").to_owned());
        (parts.status, policy.unwrap_or_default(), String::from_utf8(body).expect("UTF-8"))
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

/// The text of an escaped one.
fn plain(escaped: &str) -> String {
    let pairs =
        [("&#38;", "&"), ("&amp;", "&"), ("&#39;", "'"), ("&#x27;", "'"), ("&#34;", "\""), ("&quot;", "\"")];
    pairs.iter().fold(escaped.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

#[test]
fn three_lines_of_python_read_tables_that_exist() {
    let (_, html) = page(Some(sample::snapshot()));
    let start =
        html.split("id=\"start\"").nth(1).expect("the section").split("</section>").next().expect("its end");
    let samples: Vec<String> = start.split("<pre data-copy tabindex=\"0\">").skip(1).map(plain).collect();
    assert_eq!(samples.len(), 3, "{start}");
    let service = hitrate::site::with_aliases(super::api());
    for sample in samples {
        let code = sample.split("</pre>").next().expect("its end");
        assert_eq!(code.lines().count(), 3, "{code}");
        let address =
            code.split("read_csv(\"http://127.0.0.1:8080").nth(1).and_then(|rest| rest.split('"').next());
        let request = Request::get(address.expect("an address")).body(Body::empty()).expect("a request");
        let answer = runtime().block_on(service.clone().oneshot(request)).expect("routers do not fail");
        assert_eq!(answer.status(), StatusCode::OK, "{code}");
        let kind = answer.headers()["content-type"].to_str().expect("ascii");
        assert!(kind.starts_with("text/csv"), "{code}: {kind}");
    }
}

#[test]
fn every_route_has_samples_and_the_beginning_of_a_real_answer() {
    let (_, html) = page(Some(sample::snapshot()));
    for article in html.split("<article>").skip(1).filter(|article| article.contains("GET /api/v1")) {
        let article = plain(article.split("</article>").next().expect("its end"));
        let name = article.lines().nth(1).unwrap_or_default().to_owned();
        assert!(article.contains("urllib.request.urlopen(\"http://127.0.0.1:8080/api/v1/"), "{name}");
        assert!(article.contains("await (await fetch(\"http://127.0.0.1:8080/api/v1/"), "{name}");
        assert!(article.contains("The beginning of the answer:"), "{name}");
    }
    let (status, html) = page(Some(hostile()));
    assert_eq!(status, StatusCode::OK);
    assert!(!html.contains("<script>alert") && !html.contains('\u{202e}'));
}

/// The sample with names that break out of HTML and change the direction of texts.
fn hostile() -> Snapshot {
    let mut snapshot = sample::snapshot();
    snapshot.models[0].name = format!("\u{202e}{}", sample::HOSTILE_NAME);
    snapshot.providers[0].name = "</pre><script>alert(1)</script>".to_owned();
    snapshot
}

#[test]
fn the_address_of_the_request_is_for_that_client_alone() {
    let ask = |path: &str, origin: Origin, headers: &[(&str, &str)]| {
        asked(path, Some(sample::snapshot()), origin, headers)
    };
    for path in ["/api", "/llms.txt"] {
        let (status, policy, text) = ask(path, Origin::default(), &[("host", "tiers.test:8090")]);
        assert_eq!((status, policy.as_str()), (StatusCode::OK, "private, no-store"), "{path}");
        assert!(
            text.contains("http://tiers.test:8090/api/v1/tiers") && !text.contains("127.0.0.1:8080"),
            "{path}"
        );
        let (_, _, text) = ask(path, Origin::default(), &[("host", "a\"><script>")]);
        assert!(!text.contains("a\"><script>"), "{path}");
        let public = Origin::new("https://public.test", false);
        let (_, policy, text) = ask(path, public, &[("host", "other.test")]);
        assert!(policy.starts_with("public"), "{path}: {policy}");
        assert!(!text.contains("other.test"), "{path}");
    }
    let (_, _, text) = ask("/llms.txt", Origin::new("https://public.test", false), &[]);
    assert!(
        text.starts_with("# hitrate\n\n> ") && text.contains("https://public.test/api/v1/tiers"),
        "{text}"
    );
    let document = serde_json::to_value(openapi()).expect("JSON");
    for path in document["paths"].as_object().expect("paths").keys() {
        assert!(text.contains(path.as_str()), "{path}");
    }
    assert_eq!(asked("/llms.txt", None, Origin::default(), &[]).0, StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn the_examples_of_the_reference_answer() {
    let (_, html) = page(Some(sample::snapshot()));
    let api = super::api();
    let mut asked = 0;
    for example in html.split("<pre tabindex=\"0\"><code>curl -s ").skip(1) {
        let example = plain(example.split("</code>").next().expect("its end"));
        let address = example.split('\'').nth(1).expect("a quoted address");
        let address = address.strip_prefix("http://127.0.0.1:8080").unwrap_or_else(|| panic!("{address}"));
        assert_eq!(get(&api, address).status, StatusCode::OK, "{address}");
        asked += 1;
    }
    assert_eq!(asked, openapi().paths.paths.len());
    assert_eq!(page(None).0, StatusCode::SERVICE_UNAVAILABLE);
}
