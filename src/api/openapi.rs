//! The description of the API, generated from the handlers and the types they answer with.

use super::problem::Problem;
use super::{ApiState, constraints, preference_text};
use crate::prepared::Prepared;
use crate::table;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
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
        super::preference_text::text,
        super::guidance::targets,
        super::guidance::backtest,
        super::guidance::workloads,
        super::guidance::thresholds,
        super::guidance::status,
        super::changes::changes,
        super::share::share,
        super::catalogue::models,
        super::catalogue::model,
        super::endpoints::endpoints,
        super::history::by_id,
        super::history::by_tag,
        super::history::of_model,
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
    routes.flat_map(|(_, item)| &mut item.get).for_each(|operation| {
        add_content_types(operation);
        refuse(operation);
    });
    document
}

/// Adds the content types that follow from another one: every CSV table is available as Parquet, and the text of a
/// preference has the content type of its language. These bodies have no schema.
fn add_content_types(operation: &mut Operation) {
    let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") else { return };
    let more = match answer.content.keys().map(String::as_str).collect::<Vec<_>>()[..] {
        ["text/plain"] => {
            answer.content.clear();
            preference_text::content_types()
        }
        ref kinds if kinds.contains(&"text/csv") => vec![table::PARQUET],
        _ => Vec::new(),
    };
    for kind in more {
        let kind = kind.split(';').next().unwrap_or(kind).to_owned();
        answer.content.insert(kind, ContentBuilder::new().build().into());
    }
}

/// Adds the refusals that all routes over a snapshot have in common.
fn refuse(operation: &mut Operation) {
    let problem = |description: &str| {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
        ResponseBuilder::new().description(description).content("application/problem+json", body).build()
    };
    let responses = &mut operation.responses.responses;
    responses.insert(
        "503".to_owned(),
        problem("Nothing is published yet, or too many tables are being written as Parquet").into(),
    );
    if operation.parameters.iter().any(|parameters| !parameters.is_empty()) {
        responses.entry("400".to_owned()).or_insert_with(|| problem("Invalid parameter").into());
    }
}

/// The document without an address; it never changes while the program runs.
static TEXT: LazyLock<Result<String, Problem>> =
    LazyLock::new(|| openapi().to_pretty_json().map_err(|error| Problem::unwritable(&error)));
static PREPARED: LazyLock<Result<Prepared, Problem>> = LazyLock::new(|| prepared(None));

/// The document as served, with the address of the service in `servers`.
///
/// # Errors
/// 500 if it cannot be serialised as JSON, which would be a bug.
fn prepared(server: Option<&str>) -> Result<Prepared, Problem> {
    let text = TEXT.as_ref().map_err(Problem::clone)?;
    let text = server.map_or_else(|| text.clone(), |address| with_server(text, address));
    Ok(Prepared::new("application/json", text.into_bytes()))
}

/// Adds `servers` to the text of the document, before `paths`.
fn with_server(text: &str, address: &str) -> String {
    let address = serde_json::Value::from(address);
    let servers = format!("\n  \"servers\": [\n    {{\n      \"url\": {address}\n    }}\n  ],");
    text.replacen("\n  \"paths\":", &format!("{servers}\n  \"paths\":"), 1)
}

/// How a client may keep a document with the address that it used itself.
const ONE_CLIENT: &str = "private, no-store";

/// This document. `servers` contains the address of the service: the public one, if it is set, or the one of the request.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "reference", responses(
    (status = 200, description = "OpenAPI 3.1", content_type = "application/json"),
))]
pub(super) async fn document(State(api): State<ApiState>, headers: HeaderMap) -> Result<Response, Problem> {
    let bodies = &api.bodies;
    if bodies.origin.fixed().is_some() {
        let kept = bodies.document.get_or_init(|| prepared(bodies.origin.fixed()));
        return kept.as_ref().map(|prepared| prepared.respond(&headers)).map_err(Problem::clone);
    }
    match bodies.origin.of(&headers) {
        Some(address) => of_one_client(&address),
        None => PREPARED.as_ref().map(|prepared| prepared.respond(&headers)).map_err(Problem::clone),
    }
}

/// The document for the client that used this address: kept nowhere, because clients can send any host name. The route
/// compresses it.
fn of_one_client(address: &str) -> Result<Response, Problem> {
    let text = TEXT.as_ref().map_err(Problem::clone)?;
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, ONE_CLIENT)];
    Ok((headers, with_server(text, address)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_a_field_of_the_document() {
        let text = TEXT.as_ref().expect("JSON");
        let mut read: serde_json::Value =
            serde_json::from_str(&with_server(text, "http://a.test/x\"y")).expect("JSON");
        let servers = read.as_object_mut().and_then(|fields| fields.remove("servers"));
        assert_eq!(servers, Some(serde_json::json!([{ "url": "http://a.test/x\"y" }])));
        assert_eq!(read, serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
    }
}
