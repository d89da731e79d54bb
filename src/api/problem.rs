//! Errors as `application/problem+json` (RFC 9457).

use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::num::NonZeroU32;
use utoipa::ToSchema;

/// Methods that routes support.
pub(super) const METHODS: &str = "GET, HEAD, OPTIONS";

/// Seconds after which a client may retry while the service has no snapshot yet, or is busy.
const RETRY_AFTER_SECONDS: &str = "30";

/// Number of tags that the detail of an unknown endpoint lists.
const SHOWN_TAGS: usize = 20;

/// An error, for people and programs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// The kind of problem, as a URI reference such as `/problems/unknown-model`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status code.
    pub status: u16,
    /// What happened in this case, and what to do.
    pub detail: String,
    /// The path that the problem occurred at.
    pub instance: Option<String>,
    /// Known names that are similar to the unknown name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Vec<String>>,
    /// Whether the detail begins with a parameter whose value has the wrong type, so that what it accepts can be added.
    #[serde(skip)]
    #[schema(ignore)]
    is_of_parameter: bool,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: String) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail,
            instance: None,
            nearest: None,
            is_of_parameter: false,
        }
    }

    /// 400: an invalid parameter; `detail` lists the accepted values.
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "/problems/bad-request", "Invalid request", detail.into())
    }

    /// 400: a value of the wrong type.
    pub(super) fn wrong_type(parameter: &str, why: &str) -> Self {
        let problem = Self::bad_request(format!("invalid `{parameter}`: {why}"));
        Self { is_of_parameter: true, ..problem }
    }

    /// The parameter whose value has the wrong type, if that is the problem.
    pub(super) fn parameter(&self) -> Option<&str> {
        self.detail.split('`').nth(1).filter(|_| self.is_of_parameter)
    }

    /// 404: an unknown model, with the nearest names.
    pub(super) fn unknown_model(name: &str, nearest: Vec<&str>) -> Self {
        let detail = unknown_detail("model", name, &nearest);
        Self::new(StatusCode::NOT_FOUND, "/problems/unknown-model", "Unknown model", detail).near(nearest)
    }

    /// 404: an unknown provider, with the nearest slugs.
    pub(super) fn unknown_provider(slug: &str, nearest: Vec<&str>) -> Self {
        let detail = unknown_detail("provider", slug, &nearest);
        Self::new(StatusCode::NOT_FOUND, "/problems/unknown-provider", "Unknown provider", detail)
            .near(nearest)
    }

    /// 404: an unknown endpoint, with the tags of its model. `what` is the endpoint in words.
    pub(super) fn unknown_endpoint(what: &str, tags: Vec<&str>) -> Self {
        let hint = if tags.is_empty() {
            "/api/v1/endpoints?variants=all lists all endpoints with their `endpoint_id`".to_owned()
        } else {
            format!(
                "the tags of the model are {}",
                tags.iter().take(SHOWN_TAGS).copied().collect::<Vec<_>>().join(", ")
            )
        };
        let detail = format!("there is no {what} in this snapshot; {hint}");
        Self::new(StatusCode::NOT_FOUND, "/problems/unknown-endpoint", "Unknown endpoint", detail).near(tags)
    }

    /// 404: a preference that is withheld, or that its target cannot express.
    pub(super) fn no_preference(model: &str, target: &str, why: &str) -> Self {
        let detail = format!("there is no preference of {model} for {target}: {why}");
        Self::new(StatusCode::NOT_FOUND, "/problems/no-preference", "No preference", detail)
    }

    fn near(self, nearest: Vec<&str>) -> Self {
        Self { nearest: Some(nearest.into_iter().map(str::to_owned).collect()), ..self }
    }

    /// 404: something that a snapshot can contain, but this one does not.
    pub(super) fn not_published(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "/problems/not-published", "Not in this snapshot", detail)
    }

    /// 404: limits that no endpoint of the model meets, so that every request under them would fail.
    pub(super) fn no_endpoint(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "/problems/no-endpoint", "No endpoint meets the limits", detail)
    }

    pub(super) fn no_such_route() -> Self {
        let detail = "there is no such route; /api/v1/openapi.json lists all routes".to_owned();
        Self::new(StatusCode::NOT_FOUND, "/problems/no-such-route", "No such route", detail)
    }

    pub(super) fn method_not_allowed(method: &str) -> Self {
        let shown: String = method.chars().take(20).collect();
        let detail = format!("{shown} is not supported here; use one of {METHODS}");
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "/problems/method-not-allowed",
            "Method not allowed",
            detail,
        )
    }

    /// 503: a new installation before its first publication.
    pub(super) fn no_snapshot() -> Self {
        let detail = "nothing is published yet; the first collection has not finished".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "/problems/no-snapshot", "No snapshot yet", detail)
    }

    /// 429: the client exceeded its limit for answers that are made on request.
    pub(super) fn too_many_requests(a_minute: NonZeroU32, seconds: u64) -> Self {
        let detail = format!(
            "limit of {a_minute} requests per minute exceeded for answers that are made on request; retry in {seconds} s. \
             Lists, models and tier lists without filters are prepared and never limited"
        );
        Self::new(StatusCode::TOO_MANY_REQUESTS, "/problems/too-many-requests", "Too many requests", detail)
    }

    /// 414 or 431: an address or headers longer than `most` bytes.
    pub(super) fn too_large(status: StatusCode, most: usize) -> Self {
        let (kind, title, what) = match status {
            StatusCode::URI_TOO_LONG => ("/problems/address-too-long", "Address too long", "address"),
            _ => ("/problems/headers-too-large", "Headers too large", "headers"),
        };
        let detail = format!("the {what} of a request may have at most {most} bytes; send a shorter request");
        Self::new(status, kind, title, detail)
    }

    /// 400: Parquet from a service that writes none.
    pub(super) fn no_parquet() -> Self {
        Self::bad_request("this service writes no Parquet; expected `format` json or csv")
    }

    /// 500: the Parquet writer failed, for example because the disk is full.
    pub(super) fn parquet_failed() -> Self {
        let detail =
            "cannot write the table as Parquet; the log of the service has the reason. CSV has the same rows";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "/problems/internal",
            "Internal error",
            detail.to_owned(),
        )
    }

    /// 503: other tables are being written as Parquet, and this one had to wait too long for its turn.
    pub(super) fn busy() -> Self {
        let detail = "too many tables are being written as Parquet; try again later, or request CSV, which has the same rows";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "/problems/busy", "Busy", detail.to_owned())
    }

    /// 500: a bug in this program.
    pub(super) fn unwritable(error: &serde_json::Error) -> Self {
        let detail = format!("cannot serialise the answer as JSON: {error}; please report this bug");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "/problems/internal", "Internal error", detail)
    }

    pub(super) fn at(mut self, instance: String) -> Self {
        self.instance = Some(instance);
        self
    }

    fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The problem as a response with its body and headers.
    pub(super) fn written(self) -> Response {
        let code = self.code();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (code, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match code {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static(METHODS));
            }
            _ => {}
        }
        response
    }
}

fn unknown_detail(what: &str, name: &str, nearest: &[&str]) -> String {
    let hint =
        if nearest.is_empty() { "request the list for all names" } else { "`nearest` lists similar names" };
    format!("there is no {what} `{name}` in this snapshot; {hint}")
}

/// Puts the problem into the response's extensions; the layer `finish` knows the path and writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
