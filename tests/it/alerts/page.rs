//! The alerts on the status page and in the API.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use hitrate::alerts::notice::Severity;
use hitrate::api::{self, ApiState, Bodies};
use hitrate::domain::delivery::AlertsSource;
use hitrate::prepared::Origin;
use hitrate::site::{self, Pages, SiteState};
use hitrate::snapshot::Current;
use tower::ServiceExt;

use super::{Mock, Rig, notice, to, webhook};
use crate::sample;

/// The text of a route of site and API over the sample, with the alerts of a rig.
async fn text(rig: &Rig, path: &str) -> String {
    let outbox = rig.outbox();
    let source: AlertsSource = Arc::new(move || outbox.public_status());
    let current = Arc::new(Current::new(Some(sample::snapshot())));
    let now: Arc<dyn Fn() -> chrono::DateTime<chrono::Utc> + Send + Sync> = Arc::new(sample::as_of);
    let site = SiteState {
        current: current.clone(),
        now: now.clone(),
        pages: Arc::new(Pages::default().with_alerts(Some(source.clone()))),
        method_markdown: "",
        public_url: "".into(),
        origin: Origin::new("", false),
    };
    let api = ApiState { current, now, bodies: Arc::new(Bodies::default().with_alerts(Some(source))) };
    let router = api::router(api).merge(site::router(site));
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), 200, "{path}");
    let bytes = to_bytes(response.into_body(), 1 << 24).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn receivers_and_deliveries_are_shown_as_they_are_now() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    let before = text(&rig, "/status").await;
    assert!(
        before.contains("1 receiver of alerts, none switched off.") && before.contains("No delivery yet.")
    );
    mock.plan(&[410]);
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    let page = text(&rig, "/status").await;
    assert!(page.contains("switched off after failures") && page.contains("failed, given up"), "{page}");
    let status: serde_json::Value = serde_json::from_str(&text(&rig, "/api/v1/status").await).expect("JSON");
    let alerts = &status["data"]["alerts"];
    assert_eq!(alerts["receivers"][0]["state"], "switched_off");
    assert_eq!(alerts["deliveries"][0]["status"], 410);
    for secret in ["path-secret", "127.0.0.1", "reports that it is gone"] {
        assert!(!page.contains(secret) && !status.to_string().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn without_receivers_nothing_is_shown() {
    let rig = Rig::new("");
    assert!(!text(&rig, "/status").await.contains("id=\"alerts\""));
    let status: serde_json::Value = serde_json::from_str(&text(&rig, "/api/v1/status").await).expect("JSON");
    assert!(status["data"].get("alerts").is_none());
}

#[tokio::test]
async fn what_prevents_alerts_is_shown_without_its_reason() {
    let rig = Rig::new(&webhook("http://127.0.0.1:1", ""));
    let outbox = rig.outbox();
    let problems =
        |outbox: &hitrate::alerts::delivery::Outbox| outbox.public_status().expect("receivers").problems;
    assert!(problems(&outbox).is_empty());
    outbox.note_rules(Some(sample::as_of()));
    outbox.note_rules(Some(sample::as_of() + chrono::Duration::hours(1)));
    let shown = problems(&outbox);
    assert!(shown.len() == 1 && shown[0].starts_with("The rules cannot be applied since"), "{shown:?}");
    assert!(
        shown[0].contains(&hitrate::domain::format::moment(sample::as_of())),
        "the first failure: {shown:?}"
    );
    outbox.note_rules(None);
    assert!(problems(&outbox).is_empty());
    std::fs::create_dir(rig.folder.path().join("alerts")).expect("created");
    std::fs::write(rig.folder.path().join("alerts/deliveries.json"), "{ damaged").expect("written");
    let page = text(&rig, "/status").await;
    assert!(page.contains("The state of the deliveries cannot be read"), "{page}");
    assert!(!page.contains("deliveries.json"));
}
