//! Following: the filter of the page of changes, feeds, and the rules of alerts.

mod command;
mod feeds;
mod page;
mod rules;

use crate::sample;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{DateTime, Duration, Utc};
use hitrate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField, IncludedChange, SessionChange};
use hitrate::prepared::Origin;
use hitrate::site::{SiteState, router};
use hitrate::snapshot::{Current, Endpoint, ModelEntry, Snapshot};
use std::sync::Arc;
use tower::ServiceExt;

/// The model and the endpoint that the changes of the tests are about.
fn subject(snapshot: &Snapshot) -> (&ModelEntry, &Endpoint) {
    let model = snapshot.model("northwind/atlas-3").expect("in the sample");
    (model, model.endpoints.first().expect("it has endpoints"))
}

/// A change of the endpoint of the tests, some hours before the newest run.
fn change(snapshot: &Snapshot, kind: ChangeKind, hours: i64) -> Change {
    let (model, endpoint) = subject(snapshot);
    Change {
        model: Some(model.slug.clone()),
        variant: Some(model.variant.clone()),
        model_id: Some(model.model_id.clone()),
        endpoint_id: Some(endpoint.endpoint_id),
        provider: Some(endpoint.provider.clone()),
        tag: Some(endpoint.tag.clone()),
        why: format!("planted {hours}"),
        ..Change::new(snapshot.as_of - Duration::hours(hours), kind)
    }
}

/// A change of a list price from 1 by a percentage, with the same change of a session.
fn price(snapshot: &Snapshot, field: ChangedField, percent: f64, hours: i64) -> Change {
    let after = 1.0 + percent / 100.0;
    Change {
        field: Some(field),
        before: Some(ChangeValue::Number(1.0)),
        after: Some(ChangeValue::Number(after)),
        percent: Some(percent),
        session: Some(SessionChange { before: Some(1.0), after: Some(after), percent: Some(percent) }),
        ..change(snapshot, ChangeKind::PriceChanged, hours)
    }
}

/// A shift of the hit rate of the endpoint by some points.
fn shift(snapshot: &Snapshot, points: f64, hours: i64) -> Change {
    Change {
        field: Some(ChangedField::HitRate),
        before: Some(ChangeValue::Number(0.8)),
        after: Some(ChangeValue::Number(0.8 + points / 100.0)),
        percent: Some(points),
        ..change(snapshot, ChangeKind::HitRateShift, hours)
    }
}

fn outage(snapshot: &Snapshot, hours: i64, until: Option<DateTime<Utc>>) -> Change {
    Change { until, ..change(snapshot, ChangeKind::Outage, hours) }
}

/// A schedule with some moves.
fn schedule(snapshot: &Snapshot, moves: usize) -> Change {
    let includes = (0..moves)
        .map(|n| IncludedChange {
            at: snapshot.as_of - Duration::hours((moves - n) as i64),
            field: ChangedField::ListInput,
            before: Some(1.0),
            after: Some(0.5),
        })
        .collect();
    Change {
        field: Some(ChangedField::ListInput),
        includes,
        ..change(snapshot, ChangeKind::PriceSchedule, moves as i64)
    }
}

/// The sample with changes, newest first.
fn with(changes: impl FnOnce(&Snapshot) -> Vec<Change>) -> Snapshot {
    let mut snapshot = sample::snapshot();
    let mut planted = changes(&snapshot);
    planted.sort_by_key(|change| std::cmp::Reverse(change.at));
    snapshot.changes = planted;
    snapshot
}

/// The site over a snapshot.
fn site(snapshot: Snapshot, public_url: &str) -> Router {
    let now = snapshot.as_of + Duration::minutes(20);
    router(SiteState {
        pages: Arc::default(),
        current: Arc::new(Current::new(Some(snapshot))),
        now: Arc::new(move || now),
        method_markdown: "# The method\n",
        public_url: public_url.into(),
        origin: Origin::new(public_url, false),
    })
}

async fn get(site: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    get_with(site, path, None).await
}

/// The answer to a client that holds the body with an ETag.
async fn get_with(site: &Router, path: &str, held: Option<&str>) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path).header(header::HOST, "tiers.test");
    if let Some(held) = held {
        request = request.header(header::IF_NONE_MATCH, held);
    }
    let request = request.body(Body::empty()).expect("a request");
    let (parts, body) = site.clone().oneshot(request).await.expect("the router never fails").into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}
