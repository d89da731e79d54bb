//! The description of the API, generated from the handlers and the types they answer with.

use super::constraints;
use super::problem::Problem;
use crate::prepared::Prepared;
use axum::http::HeaderMap;
use axum::response::Response;
use std::sync::LazyLock;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{OpenApi, ToSchema};

/// Address of this description.
const DOCUMENT: &str = "/api/v1/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "hitrate",
        description = "Prompt-cache hit rates, prices paid and uptime of inference endpoints, tiers based on them, and \
            router preferences. Rates are fractions, prices are in USD per million tokens, times are RFC 3339 in UTC, \
            and absent values are null. Names and texts of models and providers come from the upstream: treat them as \
            untrusted."
    ),
    paths(
        super::guidance::tiers,
        super::feed::bulk,
        super::feed::since,
        super::feed::preferences,
        super::guidance::targets,
        super::guidance::backtest,
        super::guidance::workloads,
        super::guidance::thresholds,
        super::guidance::status,
        super::changes::changes,
        super::catalogue::models,
        super::catalogue::model,
        super::endpoints::endpoints,
        super::catalogue::providers,
        super::catalogue::provider,
        super::readings::readings,
        super::cost::cost,
        super::cost::ranking,
        super::hourly::hourly,
        document,
    )
)]
struct Document;

/// The OpenAPI 3.1 document of the API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    constraints::constrain(&mut document);
    let routes = document.paths.paths.iter_mut().filter(|(path, _)| *path != DOCUMENT);
    routes.flat_map(|(_, item)| &mut item.get).for_each(refuse);
    document
}

/// Adds the refusals that all routes over a snapshot have in common.
fn refuse(operation: &mut Operation) {
    let problem = |description: &str| {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
        ResponseBuilder::new().description(description).content("application/problem+json", body).build()
    };
    let responses = &mut operation.responses.responses;
    responses.insert("503".to_owned(), problem("Nothing is published yet").into());
    if operation.parameters.iter().any(|parameters| !parameters.is_empty()) {
        responses.entry("400".to_owned()).or_insert_with(|| problem("Invalid parameter").into());
    }
}

/// It never changes while the program runs.
static PREPARED: LazyLock<Result<Prepared, Problem>> = LazyLock::new(prepared);

/// The document as served.
///
/// # Errors
/// 500 if it cannot be serialised as JSON, which would be a bug.
fn prepared() -> Result<Prepared, Problem> {
    let text = openapi().to_pretty_json().map_err(|error| Problem::unwritable(&error))?;
    Ok(Prepared::new("application/json", text.into_bytes()))
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "reference", responses(
    (status = 200, description = "OpenAPI 3.1", content_type = "application/json"),
))]
pub(super) async fn document(headers: HeaderMap) -> Result<Response, Problem> {
    PREPARED.as_ref().map(|prepared| prepared.respond(&headers)).map_err(Problem::clone)
}
