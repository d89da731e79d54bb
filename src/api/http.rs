//! What all routes share: methods, CORS, and problems with the path that they occurred at.

use super::ApiState;
use super::expected::expected;
use super::problem::{METHODS, Problem};
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use std::num::NonZeroU32;

/// Headers that scripts of other origins may read.
const EXPOSED: &str =
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, RateLimit, RateLimit-Policy, Retry-After";

/// A route for GET and HEAD. OPTIONS answers a preflight request; any other method returns a problem.
pub(super) fn read_only<H, T>(handler: H) -> MethodRouter<ApiState>
where
    H: Handler<T, ApiState>,
    T: 'static,
{
    get(handler).options(preflight).fallback(method_not_allowed)
}

async fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Content-Type, If-None-Match, If-Range, Range"),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn method_not_allowed(request: Request) -> Problem {
    Problem::method_not_allowed(request.method().as_str())
}

pub(super) async fn no_such_route() -> Problem {
    Problem::no_such_route()
}

/// Adds the common headers, and writes problems to the response: only here is their path known.
pub(super) async fn finish(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        let accepted = problem.parameter().and_then(|name| expected(&instance, name));
        if let Some(accepted) = accepted {
            problem.detail += &format!("; expected {accepted}");
        }
        response = problem.at(instance).written();
    }
    finished(response)
}

/// Adds the headers that every response of the API has.
pub(super) fn finished(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The response to a client that exceeded its limit: 429 as a problem.
pub fn too_many_requests(path: &str, a_minute: NonZeroU32, seconds: u64) -> Response {
    finished(Problem::too_many_requests(a_minute, seconds).at(path.to_owned()).written())
}

/// The response to an address (414) or to headers (431) that are longer than `most` bytes. It does not repeat them.
pub fn too_large(status: StatusCode, most: usize) -> Response {
    finished(Problem::too_large(status, most).written())
}
