//! Recent changes: prices, endpoints, tiers, recommendations, windows.

use super::catalogue::known_model;
use super::envelope::Envelope;
use super::problem::Problem;
use super::request::{ApiRequest, named};
use super::table::list_query;
use crate::domain::event::EventKind;
use crate::snapshot::Event;
use axum::response::Response;

list_query!(
    /// Which changes to list.
    EventsQuery {
        /// Only changes of this kind: `price_changed`, `endpoint_appeared`, `endpoint_gone`, `tag_changed`, `tier_changed`,
        /// `recommendation_changed`, `window_changed`.
        #[serde(default, deserialize_with = "named")]
        #[param(value_type = Option<String>)]
        kind: Option<EventKind>,
        /// Only changes of this model, by public id or canonical slug.
        model: Option<String>,
        /// Only changes of this provider and its endpoints, by base slug.
        provider: Option<String>,
    } [] [limit cursor]
);

/// Recent changes, newest first.
#[utoipa::path(get, path = "/api/v1/changes", params(EventsQuery), tag = "status", responses(
    (status = 200, description = "A page of changes", content((Envelope<Vec<Event>> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown model", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn changes(request: ApiRequest<EventsQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let rows = || {
        let model = query.model.as_ref().map(|name| known_model(snapshot, name)).transpose()?;
        Ok(snapshot.changes_of(query.kind, model, query.provider.as_deref()).collect::<Vec<_>>())
    };
    request.listed(query.format, (query.limit, query.cursor.as_deref()), rows, |event| key(event)).await
}

fn key(event: &Event) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    format!("{} {} {} {} {}", event.at, event.kind, name(&event.model_id), name(&event.tag), event.detail)
}
