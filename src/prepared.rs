//! Response bodies made once and served many times: the bytes, compressed forms, and an ETag for each.
//!
//! A compressing layer would have to weaken or drop the ETag; bytes that are compressed beforehand each keep their own
//! strong one.

use axum::body::Bytes;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::io::Write;

/// Bodies shorter than this are not worth compressing.
const COMPRESS_FROM: usize = 800;

/// One body, ready to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    content_type: HeaderValue,
    cache_control: HeaderValue,
    plain: Form,
    gzip: Option<Form>,
}

#[derive(Debug, Clone)]
struct Form {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Form {
    fn new(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes);
        let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let etag = HeaderValue::from_str(&format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
        Self { bytes: bytes.into(), etag }
    }
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

impl Prepared {
    /// Prepares a body of a content type, to be revalidated by its ETag after a minute.
    pub fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        let packed = (body.len() >= COMPRESS_FROM).then(|| gzip(&body)).flatten();
        Self {
            content_type: HeaderValue::from_static(content_type),
            cache_control: HeaderValue::from_static("public, max-age=60, must-revalidate"),
            plain: Form::new(body),
            gzip: packed.map(Form::new),
        }
    }

    /// The same body under another `Cache-Control`.
    #[must_use]
    pub fn cache_control(mut self, policy: &'static str) -> Self {
        self.cache_control = HeaderValue::from_static(policy);
        self
    }

    /// The body before compression.
    pub fn bytes(&self) -> &Bytes {
        &self.plain.bytes
    }

    /// Answers a request: in the best form it accepts, or 304 where it holds that form already.
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let packed = self.gzip.as_ref().filter(|_| accepts_gzip(request));
        let form = packed.unwrap_or(&self.plain);
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, form.etag.clone());
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if holds(request, &form.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        if packed.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        (headers, form.bytes.clone()).into_response()
    }
}

/// Whether `Accept-Encoding` names gzip (or anything) without `q=0`.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let Some(accepted) = request.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    accepted.split(',').any(|part| {
        let mut fields = part.split(';').map(str::trim);
        let coding = fields.next().unwrap_or_default();
        let refused = fields.any(|field| matches!(field, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        (coding.eq_ignore_ascii_case("gzip") || coding == "*") && !refused
    })
}

fn holds(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(held) = request.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    held.split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag.as_bytes() == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        headers
    }

    #[test]
    fn each_form_has_its_own_etag_and_answers_304_to_it_alone() {
        let page = Prepared::new("text/plain", "word ".repeat(1000).into_bytes());
        let plain = page.respond(&HeaderMap::new());
        let packed = page.respond(&request(ACCEPT_ENCODING, "br, gzip;q=0.8"));
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        assert!(plain.headers().get(CONTENT_ENCODING).is_none());
        assert_ne!(plain.headers()[ETAG], packed.headers()[ETAG]);
        let again = page.respond(&request(IF_NONE_MATCH, plain.headers()[ETAG].to_str().expect("ascii")));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = page.respond(&request(IF_NONE_MATCH, packed.headers()[ETAG].to_str().expect("ascii")));
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn a_refused_coding_is_not_sent() {
        let page = Prepared::new("text/plain", "word ".repeat(1000).into_bytes());
        let answer = page.respond(&request(ACCEPT_ENCODING, "gzip;q=0"));
        assert!(answer.headers().get(CONTENT_ENCODING).is_none());
    }
}
