//! Refuses requests whose address or headers are longer than any client needs: what they cost grows with their length.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The longest address of a request with its query, bytes.
pub const MOST_ADDRESS: usize = 8 * 1024;
/// The largest headers of a request, bytes.
const MOST_HEADERS: usize = 32 * 1024;
/// The routes for commands on this machine: their queries contain SQL and paths, and only callers with the token get
/// past their guard. The connection's own limit applies.
const LOCAL: &str = "/local/";

/// Responds with 414 to an address and with 431 to headers that are too long; the connection is then closed.
pub async fn refuse_oversized(request: Request, next: Next) -> Response {
    let uri = request.uri();
    let is_local = uri.path().starts_with(LOCAL);
    let address = uri.path_and_query().map_or(0, |both| both.as_str().len());
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let (status, most) = if address > MOST_ADDRESS && !is_local {
        (StatusCode::URI_TOO_LONG, MOST_ADDRESS)
    } else if headers > MOST_HEADERS {
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, MOST_HEADERS)
    } else {
        return next.run(request).await;
    };
    let mut response = crate::api::too_large(status, most);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
