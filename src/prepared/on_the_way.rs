//! Compresses responses that are made for one client: searches, filters, comparisons.

use super::COMPRESS_FROM;
use super::coding::{Coding, Effort, accepted};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The fastest first: a client that prefers several equally gets the fastest one.
const QUICKEST: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

/// Compresses a long text response in the coding that the client prefers. A response with an `ETag` was prepared before
/// and is sent unchanged.
pub async fn pack_on_the_way(request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    let response = next.run(request).await;
    let headers = response.headers();
    if headers.contains_key(ETAG) || headers.contains_key(CONTENT_ENCODING) || !is_text(headers) {
        return response;
    }
    let Some(coding) = liked(&asked) else { return varying(response) };
    let (parts, body) = response.into_parts();
    let plain = match to_bytes(body, usize::MAX).await {
        Ok(plain) => plain,
        Err(error) => {
            tracing::error!(%error, "the body of a response broke off");
            return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let packed = packed(&plain, coding);
    let is_packed = packed.is_some();
    let mut response = Response::from_parts(parts, Body::from(packed.unwrap_or(plain)));
    if is_packed {
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    varying(response)
}

fn packed(plain: &Bytes, coding: Coding) -> Option<Bytes> {
    let packed =
        (plain.len() >= COMPRESS_FROM).then(|| coding.pack(plain, Effort::WHILE_WAITED_FOR)).flatten()?;
    (packed.len() < plain.len()).then(|| packed.into())
}

fn liked(asked: &HeaderMap) -> Option<Coding> {
    let best = QUICKEST.into_iter().map(|coding| (accepted(asked, coding), coding));
    let best =
        best.filter(|(liking, _)| *liking > 0).reduce(|one, other| if other.0 > one.0 { other } else { one });
    best.map(|(_, coding)| coding)
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/") || kind.contains("json") || kind.contains("xml")
}

/// Marks for caches that the response depends on what the client accepts.
fn varying(mut response: Response) -> Response {
    if !response.headers().contains_key(VARY) {
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::header::ACCEPT_ENCODING;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use std::io::Read;
    use tower::ServiceExt;

    fn long() -> String {
        "provider,model,tier\r\n".repeat(2_000)
    }

    async fn ask(path: &str, accept: &str) -> (HeaderMap, Vec<u8>) {
        let typed = |kind: &'static str, text: String| ([(CONTENT_TYPE, kind)], text);
        let router = Router::new()
            .route("/long", get(move || async move { typed("text/csv", long()) }))
            .route("/short", get(move || async move { typed("text/html", "short".to_owned()) }))
            .route("/picture", get(move || async move { typed("image/png", long()) }))
            .route("/prepared", get(move || async move { ([(ETAG, "\"1\"")], typed("text/html", long())) }))
            .layer(from_fn(pack_on_the_way));
        let request =
            Request::get(path).header(ACCEPT_ENCODING, accept).body(Body::empty()).expect("a request");
        let response = router.oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        (parts.headers, to_bytes(body, usize::MAX).await.expect("a body").to_vec())
    }

    #[tokio::test]
    async fn a_long_text_goes_out_in_the_coding_that_the_client_likes_best() {
        for (accept, coding) in
            [("gzip, deflate, br, zstd", "zstd"), ("gzip", "gzip"), ("zstd;q=0.5, br", "br")]
        {
            let (headers, body) = ask("/long", accept).await;
            assert_eq!(headers[CONTENT_ENCODING], coding, "{accept}");
            assert_eq!(headers[VARY], "Accept-Encoding");
            assert!(body.len() < long().len() / 20);
            assert!(
                headers.get(CONTENT_LENGTH).is_none_or(|length| length == body.len().to_string().as_str())
            );
        }
        let (_, body) = ask("/long", "gzip").await;
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut unpacked).expect("gzip");
        assert_eq!(unpacked, long());
    }

    #[tokio::test]
    async fn what_is_not_liked_short_a_picture_or_prepared_is_left_alone() {
        for (path, accept) in
            [("/long", "identity"), ("/short", "gzip"), ("/picture", "gzip"), ("/prepared", "gzip")]
        {
            let (headers, body) = ask(path, accept).await;
            assert!(!headers.contains_key(CONTENT_ENCODING), "{path}");
            assert_eq!(body.len(), if path == "/short" { 5 } else { long().len() }, "{path}");
        }
        let (headers, _) = ask("/long", "identity").await;
        assert_eq!(headers[VARY], "Accept-Encoding", "a cache must not give the plain one to others");
    }
}
