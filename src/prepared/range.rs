//! Parts of a body (RFC 9110, section 14), for programs that read a table without downloading all of it.

use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, IF_RANGE, RANGE};
use std::ops::Range;

/// What a request wants of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it. Also for several ranges and for forms that are not understood, which a server may ignore.
    Whole,
    /// These bytes; never empty.
    Part(Range<usize>),
    /// Bytes that the body does not have.
    Nothing,
}

impl Wanted {
    /// What a request wants of a body with a length and an entity tag.
    pub fn of(request: &HeaderMap, length: usize, etag: &HeaderValue) -> Self {
        // A part of another version would not fit to what the client holds.
        if request.get(IF_RANGE).is_some_and(|held| held != etag) {
            return Self::Whole;
        }
        let range = request.get(RANGE).and_then(|range| range.to_str().ok());
        range.and_then(|range| parsed(range, length)).unwrap_or(Self::Whole)
    }
}

fn parsed(range: &str, length: usize) -> Option<Wanted> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number that is too large is beyond the end of any body.
        is_plain.then(|| text.parse().unwrap_or(usize::MAX))
    };
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => return None,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(length),
        (Some(first), None) if last.is_empty() => first..length,
        (None, Some(suffix)) if first.is_empty() => length.saturating_sub(suffix)..length,
        _ => return None,
    };
    Some(if part.start < part.end { Wanted::Part(part) } else { Wanted::Nothing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_anything_else_is_ignored() {
        let etag = HeaderValue::from_static("\"a\"");
        let of = |range: &'static str| {
            let headers = [(RANGE, HeaderValue::from_static(range))].into_iter().collect();
            Wanted::of(&headers, 100, &etag)
        };
        for (range, part) in [
            ("bytes=0-3", 0..4),
            ("bytes=96-", 96..100),
            ("bytes=-8", 92..100),
            ("bytes=-800", 0..100),
            ("bytes=50-99999999999999999999999", 50..100),
        ] {
            assert_eq!(of(range), Wanted::Part(part), "{range}");
        }
        for range in ["bytes=100-", "bytes=200-300", "bytes=-0"] {
            assert_eq!(of(range), Wanted::Nothing, "{range}");
        }
        for range in
            ["bytes=3-0", "bytes=0-1,4-5", "items=0-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=+1-2"]
        {
            assert_eq!(of(range), Wanted::Whole, "{range}");
        }
        let with = |held: &'static str| {
            let pairs =
                [(RANGE, HeaderValue::from_static("bytes=0-3")), (IF_RANGE, HeaderValue::from_static(held))];
            Wanted::of(&pairs.into_iter().collect(), 100, &etag)
        };
        assert_eq!((with("\"a\""), with("\"b\"")), (Wanted::Part(0..4), Wanted::Whole));
        assert_eq!(Wanted::of(&HeaderMap::new(), 100, &etag), Wanted::Whole);
    }
}
