//! Hourly rates of a model's endpoints.

use super::catalogue::known_model;
use super::envelope::Envelope;
use super::history::chosen;
use super::problem::Problem;
use super::request::{ApiRequest, ModelName};
use crate::domain::hourly::Stretch;
use crate::domain::ids::{ProviderSlug, Tag};
use crate::snapshot::{Endpoint, HourlyRates, ModelEntry};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which endpoints of the model to return.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HourlyQuery {
    /// Only endpoints of this provider, by base slug.
    provider: Option<String>,
    /// Only the endpoint with this tag, such as `deepinfra/fp8`.
    tag: Option<String>,
}

/// Hourly rates of a model's endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct ModelHours {
    /// Public name of the model.
    model_id: String,
    /// Always true: tokens include completions, and the upstream updates its counts with a delay.
    approximate: bool,
    /// Start of the period.
    from: DateTime<Utc>,
    /// End of the period: when the newest run observed the upstream.
    to: DateTime<Utc>,
    /// The endpoints in the newest run, most tokens per day first.
    endpoints: Vec<EndpointHours>,
}

/// Hourly rates of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct EndpointHours {
    /// Id of the endpoint.
    #[schema(value_type = String, format = "uuid")]
    endpoint_id: Uuid,
    /// Base slug of its provider.
    provider: ProviderSlug,
    /// Routing name (tag).
    tag: Tag,
    /// Oldest first; hours without a rate are absent.
    hours: Vec<Hour>,
}

/// A rate between two readings.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Hour {
    /// Time of the earlier reading; midnight for the first reading of a UTC day.
    start: DateTime<Utc>,
    /// Time of the later reading.
    end: DateTime<Utc>,
    /// Approximate hit rate, 0..1.
    hit_rate: f64,
    /// Tokens between the two readings.
    tokens: i64,
}

fn model_hours(model: &ModelEntry, endpoints: Vec<&Endpoint>, hourly: &HourlyRates) -> ModelHours {
    let hour = |Stretch { start, end, hit_rate, tokens }| Hour { start, end, hit_rate, tokens };
    let hours = |one: &Endpoint| EndpointHours {
        endpoint_id: one.endpoint_id,
        provider: one.provider.clone(),
        tag: one.tag.clone(),
        hours: hourly.of(one.endpoint_id).map(hour).collect(),
    };
    ModelHours {
        model_id: model.model_id.clone(),
        approximate: true,
        from: hourly.from,
        to: hourly.to,
        endpoints: endpoints.into_iter().map(hours).collect(),
    }
}

/// Approximate hourly hit rates of a model's endpoints over the last eight UTC days.
///
/// The rates are differences between day-to-date readings, each with its exact bounds; hours without a rate are absent.
/// `hitrate export hourly` exports the whole record, with the reason for every missing rate.
#[utoipa::path(get, path = "/api/v1/hourly/{author}/{slug}", tag = "readings",
    params(("author" = String, Path, description = "Part of the model id before the slash"),
        ("slug" = String, Path, description = "Part of the model id after the slash"), HourlyQuery),
    responses(
    (status = 200, description = "The hours of each endpoint", body = Envelope<ModelHours>),
    (status = 404, description = "Unknown model, provider or tag", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn hourly(request: ApiRequest<HourlyQuery, ModelName>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    request.kept(|| {
        let model = known_model(snapshot, &request.path.0)?;
        let endpoints = chosen(snapshot, model, (query.provider.as_deref(), query.tag.as_deref()))?;
        Ok((model_hours(model, endpoints, &snapshot.hourly), None))
    })
}
