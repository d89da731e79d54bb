//! Response bodies that are made once and served many times: the plain bytes, compressed forms, and an ETag for each.
//!
//! A compression layer would have to weaken or drop the ETag; forms that are compressed in advance each have their own
//! strong ETag.

mod coding;
mod on_the_way;
mod origin;
mod range;
mod shelf;

pub use on_the_way::pack_on_the_way;
pub use origin::Origin;
pub use shelf::{Bounds, Shelf};

use axum::body::Bytes;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use coding::{Coding, Effort, accepted};
use range::Wanted;
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::sync::Arc;

/// Bodies shorter than this are not worth compressing.
const COMPRESS_FROM: usize = 800;

/// One body, ready to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    plain: Form,
    /// Compressed forms, the smallest first.
    packed: Vec<(Coding, Form)>,
    /// Whether a client may request a part of it.
    has_parts: bool,
}

/// The purpose of bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Many readers: compressed in every coding.
    #[default]
    Serving,
    /// Files of a static site, each requested once: not compressed.
    Files,
}

impl Purpose {
    /// Prepares a body of a content type.
    pub fn prepare(self, content_type: &'static str, body: Vec<u8>) -> Prepared {
        match self {
            Self::Serving => Prepared::new(content_type, body),
            Self::Files => Prepared::unpacked(content_type, body),
        }
    }
}

/// Marks a response whose body is the same for all clients; see [`Prepared::share`].
#[derive(Debug, Clone)]
pub struct Shared(pub Arc<Prepared>);

/// The body in one coding with its headers.
#[derive(Debug, Clone)]
struct Form {
    bytes: Bytes,
    etag: HeaderValue,
    headers: HeaderMap,
}

impl Form {
    fn new(bytes: Vec<u8>, content_type: &'static str, coding: Option<Coding>) -> Self {
        let digest = Sha256::digest(&bytes);
        let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let etag = HeaderValue::from_str(&format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(ETAG, etag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60, must-revalidate"));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        Self { bytes: bytes.into(), etag, headers }
    }

    /// A part of the body: 206.
    fn part(&self, part: Range<usize>) -> Response {
        let position = format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), self.bytes.len());
        let mut headers = self.headers.clone();
        if let Ok(position) = HeaderValue::try_from(position) {
            headers.insert(CONTENT_RANGE, position);
        }
        (StatusCode::PARTIAL_CONTENT, headers, self.bytes.slice(part)).into_response()
    }

    /// The answer to a request for bytes that the body does not have: 416 with its length.
    fn no_part(&self) -> Response {
        let length = format!("bytes */{}", self.bytes.len());
        (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, length)]).into_response()
    }
}

impl Prepared {
    /// Prepares a body of a content type in every coding that makes it smaller. Clients revalidate it by its ETag after
    /// a minute.
    pub fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        let codings = if body.len() < COMPRESS_FROM { &[][..] } else { &Coding::ALL[..] };
        let mut packed: Vec<(Coding, Form)> = codings
            .iter()
            .filter_map(|&coding| Some((coding, coding.pack(&body, Effort::ONCE)?)))
            .filter(|(_, bytes)| bytes.len() < body.len())
            .map(|(coding, bytes)| (coding, Form::new(bytes, content_type, Some(coding))))
            .collect();
        packed.sort_by_key(|(_, form)| form.bytes.len());
        Self { plain: Form::new(body, content_type, None), packed, has_parts: false }
    }

    /// The body without compression, for callers that request it once or compress it themselves.
    pub fn unpacked(content_type: &'static str, body: Vec<u8>) -> Self {
        Self { plain: Form::new(body, content_type, None), packed: Vec::new(), has_parts: false }
    }

    /// The body without compression; a client may request a part of it (`Range`).
    pub fn in_parts(content_type: &'static str, body: Vec<u8>) -> Self {
        let mut prepared = Self { has_parts: true, ..Self::unpacked(content_type, body) };
        prepared.plain.headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        prepared
    }

    /// The same body with another `Cache-Control`.
    #[must_use]
    pub fn cache_control(mut self, policy: &'static str) -> Self {
        for form in self.packed.iter_mut().map(|(_, form)| form).chain([&mut self.plain]) {
            form.headers.insert(CACHE_CONTROL, HeaderValue::from_static(policy));
        }
        self
    }

    /// The body before compression.
    pub fn bytes(&self) -> &Bytes {
        &self.plain.bytes
    }

    /// Bytes held in all forms.
    pub fn held(&self) -> usize {
        self.packed.iter().map(|(_, form)| form.bytes.len()).sum::<usize>() + self.plain.bytes.len()
    }

    /// Answers a request in the best form it accepts, or with 304 if the client already has that form.
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let form = self.form(request);
        let mut headers = form.headers.clone();
        if holds(request, &form.etag) {
            headers.remove(CONTENT_TYPE);
            headers.remove(CONTENT_ENCODING);
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        if self.has_parts {
            match Wanted::of(request, form.bytes.len(), &form.etag) {
                Wanted::Whole => {}
                Wanted::Part(part) => return form.part(part),
                Wanted::Nothing => return form.no_part(),
            }
        }
        let mut response = Response::new(form.bytes.clone().into());
        *response.headers_mut() = headers;
        response
    }

    /// The same response, marked as valid for every request for this address until the snapshot or its age changes.
    pub fn share(self: &Arc<Self>, request: &HeaderMap) -> Response {
        let mut response = self.respond(request);
        response.extensions_mut().insert(Shared(Arc::clone(self)));
        response
    }

    /// The form that the client prefers; the smallest one if it prefers several equally.
    fn form(&self, request: &HeaderMap) -> &Form {
        let mut best = (0, &self.plain);
        for (coding, form) in &self.packed {
            let liking = accepted(request, *coding);
            if liking > best.0 {
                best = (liking, form);
            }
        }
        best.1
    }
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
    use axum::http::header::ACCEPT_ENCODING;

    fn request(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        headers
    }

    fn page() -> Prepared {
        let body: Vec<String> = (0..1000).map(|number| format!("row {}", number * 7919 % 1000)).collect();
        Prepared::new("text/plain", body.join(" ").into_bytes())
    }

    fn coding(accept: &str) -> Option<String> {
        let answer = page().respond(&request(ACCEPT_ENCODING, accept));
        answer.headers().get(CONTENT_ENCODING).map(|value| value.to_str().expect("ascii").to_owned())
    }

    #[test]
    fn each_form_has_its_own_etag_and_answers_304_to_it_alone() {
        let page = page();
        let etag = |accept: &str| {
            let answer = page.respond(&request(ACCEPT_ENCODING, accept));
            assert_eq!(answer.status(), StatusCode::OK);
            answer.headers()[ETAG].to_str().expect("ascii").to_owned()
        };
        let tags = ["identity", "gzip", "br", "zstd"].map(etag);
        for (at, tag) in tags.iter().enumerate() {
            assert!(!tags[..at].contains(tag), "{tags:?}");
            let again = page.respond(&request(IF_NONE_MATCH, tag));
            let expected = if at == 0 { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
            assert_eq!(again.status(), expected);
        }
        let mut held = request(ACCEPT_ENCODING, "br");
        held.insert(IF_NONE_MATCH, HeaderValue::from_str(&format!("\"x\", W/{}", tags[2])).expect("ascii"));
        let again = page.respond(&held);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(again.headers().get(CONTENT_TYPE).is_none());
    }

    #[test]
    fn the_client_chooses_the_coding_and_the_smallest_wins_a_tie() {
        assert_eq!(coding("gzip").as_deref(), Some("gzip"));
        assert_eq!(coding("zstd").as_deref(), Some("zstd"));
        assert_eq!(coding("gzip, deflate, br, zstd").as_deref(), Some("br"));
        assert_eq!(coding("br;q=0.1, gzip;q=0.8").as_deref(), Some("gzip"));
        assert_eq!(coding("gzip;q=0"), None);
        assert_eq!(coding("*;q=0"), None);
        assert_eq!(coding("deflate"), None);
        assert_eq!(coding("*").as_deref(), Some("br"));
    }

    #[test]
    fn a_part_is_sent_only_of_bodies_that_have_parts() {
        let body: Vec<u8> = (0..=99).collect();
        let table = Prepared::in_parts("application/x", body.clone());
        let ask = |range: &str| table.respond(&request(axum::http::header::RANGE, range));
        let part = ask("bytes=10-19");
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.headers()[CONTENT_RANGE], "bytes 10-19/100");
        assert!(part.headers().contains_key(ETAG));
        assert_eq!(ask("bytes=100-").status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(ask("bytes=100-").headers()[CONTENT_RANGE], "bytes */100");
        assert_eq!(
            (ask("x").status(), &ask("x").headers()[ACCEPT_RANGES]),
            (StatusCode::OK, &"bytes".parse().expect("ascii"))
        );
        let whole = Prepared::unpacked("application/x", body)
            .respond(&request(axum::http::header::RANGE, "bytes=0-1"));
        assert_eq!((whole.status(), whole.headers().contains_key(ACCEPT_RANGES)), (StatusCode::OK, false));
    }

    #[test]
    fn short_and_incompressible_bodies_are_sent_as_they_are() {
        let short = Prepared::new("text/plain", b"short".to_vec());
        assert!(short.packed.is_empty());
        assert_eq!(short.held(), 5);
    }
}
