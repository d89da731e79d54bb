//! Familiar addresses that do not exist lead to those that do.

use crate::sample;
use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{Request, StatusCode};
use hitrate::serve::for_files;
use hitrate::site::FAMILIAR;
use std::sync::Arc;
use tower::ServiceExt;

/// Status and target of an answer of the whole service.
async fn ask(address: &str) -> (StatusCode, Option<String>) {
    let service = for_files(Arc::new(sample::snapshot()), sample::as_of(), "");
    let request = Request::get(address).body(Body::empty()).expect("a request");
    let answer = service.oneshot(request).await.expect("routers do not fail");
    let target = answer.headers().get(LOCATION).map(|target| target.to_str().expect("ascii").to_owned());
    (answer.status(), target)
}

#[tokio::test]
async fn familiar_addresses_lead_to_what_exists() {
    for (address, target) in FAMILIAR {
        let permanent = StatusCode::PERMANENT_REDIRECT;
        assert_eq!(ask(address).await, (permanent, Some(target.to_owned())), "{address}");
        assert_eq!(ask(target).await, (StatusCode::OK, None), "{address}: {target}");
    }
    for wanted in [
        "/docs",
        "/api/docs",
        "/feed.xml",
        "/rss",
        "/atom.xml",
        "/openapi.json",
        "/swagger.json",
        "/health",
        "/healthz",
        "/ping",
    ] {
        assert!(FAMILIAR.iter().any(|(address, _)| *address == wanted), "{wanted}");
    }
}

#[tokio::test]
async fn names_in_other_letters_lead_to_their_page() {
    for (address, target) in [
        ("/northwind/atlas-3", "/models/northwind/atlas-3"),
        ("/Northwind/Atlas-3:FREE", "/models/northwind/atlas-3:free"),
        ("/northwind%2Fatlas-3", "/models/northwind/atlas-3"),
        ("/models/NorthWind/Atlas-3", "/models/northwind/atlas-3"),
        ("/models/northwind/atlas-3/", "/models/northwind/atlas-3"),
        ("/providers/Quarry", "/providers/quarry"),
        ("/providers/quarry/", "/providers/quarry"),
        ("/Models", "/models"),
        ("/models/", "/models"),
        ("/STATUS", "/status"),
    ] {
        let expected = (StatusCode::PERMANENT_REDIRECT, Some(target.to_owned()));
        assert_eq!(ask(address).await, expected, "{address}");
        assert_eq!(ask(target).await.0, StatusCode::OK, "{target}");
    }
}

#[tokio::test]
async fn what_exists_nowhere_is_not_found_and_no_redirect_leaves_the_site() {
    for address in [
        "/northwind/nothing",
        "/models/northwind/nothing",
        "/providers/nobody",
        "//evil.test/northwind/atlas-3",
        "/nothing",
        "/%FF",
        "/docs/x",
    ] {
        assert_eq!(ask(address).await, (StatusCode::NOT_FOUND, None), "{address}");
    }
}

#[tokio::test]
async fn names_with_shortcuts_and_presets_lead_to_the_page_of_the_model() {
    for name in ["northwind/atlas-3:nitro", "northwind/atlas-3:floor", "northwind/atlas-3@preset/mine"] {
        let expected = (StatusCode::TEMPORARY_REDIRECT, Some("/models/northwind/atlas-3".to_owned()));
        assert_eq!(ask(&format!("/models/{name}")).await, expected, "{name}");
    }
}
