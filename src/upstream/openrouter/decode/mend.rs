//! Reads as much of a value as possible: a field that does not match its type is replaced by null, and the rest is read
//! again.

use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};
use std::collections::HashMap;

/// Maximum number of unreadable fields of one value; with more, the whole value is unreadable.
pub const MOST_FIELDS: usize = 32;

/// Lists that a document consists of. Null counts as an empty list there; any other type fails the document.
const ESSENTIAL: [&[&str]; 4] =
    [&["data"], &["data", "endpoints"], &["data", "providerSummaries"], &["data", "analytics"]];

/// The list whose elements are read completely or not at all: without one of its conditions, a price would always
/// apply.
const INDIVISIBLE: &str = "overrides";

/// The text with null in place of the value at a path. `None` if that value is the whole text, a list that the document
/// consists of, or already null or missing.
pub fn without(json: &[u8], path: &Path) -> Option<Vec<u8>> {
    let segments: Vec<&Segment> = path.iter().collect();
    let segments = removable(&segments);
    if segments.is_empty() || ESSENTIAL.iter().any(|names| is_named(segments, names)) {
        return None;
    }
    let value = value_at(json, segments)?;
    if value == "null" {
        return None;
    }
    let start = (value.as_ptr() as usize).checked_sub(json.as_ptr() as usize)?;
    let mut mended = Vec::with_capacity(json.len());
    mended.extend_from_slice(json.get(..start)?);
    mended.extend_from_slice(b"null");
    mended.extend_from_slice(json.get(start + value.len()..)?);
    Some(mended)
}

/// The path, truncated at the element of an indivisible list.
fn removable<'s, 'p>(segments: &'s [&'p Segment]) -> &'s [&'p Segment] {
    let list = segments.iter().position(|s| matches!(s, Segment::Map { key } if key == INDIVISIBLE));
    match list {
        Some(at) if matches!(segments.get(at + 1), Some(Segment::Seq { .. })) => &segments[..at + 2],
        _ => segments,
    }
}

fn is_named(segments: &[&Segment], names: &[&str]) -> bool {
    segments.len() == names.len()
        && segments.iter().zip(names).all(|(s, name)| matches!(s, Segment::Map { key } if key == name))
}

/// The text of the value at a path. Values along the path are not interpreted, so that a number that fits no type does
/// not stop the search.
fn value_at<'a>(json: &'a [u8], segments: &[&Segment]) -> Option<&'a str> {
    let mut value = serde_json::from_slice::<&RawValue>(json).ok()?.get();
    for segment in segments {
        let inner: &RawValue = match segment {
            Segment::Map { key } => {
                serde_json::from_str::<HashMap<String, &RawValue>>(value).ok()?.remove(key)?
            }
            Segment::Seq { index } => serde_json::from_str::<Vec<&RawValue>>(value).ok()?.get(*index)?,
            Segment::Enum { .. } | Segment::Unknown => return None,
        };
        value = inner.get();
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// The text after replacing the value that prevents reading `T`.
    fn mended<T: for<'de> Deserialize<'de> + std::fmt::Debug>(json: &str) -> Option<String> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).expect_err("not readable");
        without(json.as_bytes(), error.path()).map(|text| String::from_utf8(text).expect("UTF-8"))
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read by the deserializer alone")]
    struct Outer {
        data: Option<Inner>,
        #[serde(default)]
        overrides: Vec<Option<HashMap<String, i64>>>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read by the deserializer alone")]
    struct Inner {
        count: Option<i64>,
        endpoints: Option<Vec<i64>>,
    }

    #[test]
    fn the_value_at_the_path_becomes_null_and_nothing_else_changes() {
        let text = mended::<Outer>(r#"{"data": { "count" :  [1, "x"], "more": "\"count\": 7"}}"#);
        assert_eq!(text.as_deref(), Some(r#"{"data": { "count" :  null, "more": "\"count\": 7"}}"#));
        let text = mended::<Vec<Option<i64>>>(r#"[1, null, "x"]"#);
        assert_eq!(text.as_deref(), Some("[1, null, null]"));
    }

    #[test]
    fn a_number_that_no_type_can_hold_is_found() {
        let text = mended::<Outer>(r#"{"data":{"count":1e400}}"#);
        assert_eq!(text.as_deref(), Some(r#"{"data":{"count":null}}"#));
        // Another element precedes it.
        let text = mended::<Outer>(r#"{"unknown":1e999,"data":{"count":"x"}}"#);
        assert!(text.is_none() || text.is_some_and(|text| text.contains("null")));
    }

    #[test]
    fn an_element_of_the_overrides_goes_as_a_whole() {
        let text = mended::<Outer>(r#"{"overrides":[{"a":1},{"a":"x","b":2}]}"#);
        assert_eq!(text.as_deref(), Some(r#"{"overrides":[{"a":1},null]}"#));
        let text = mended::<Outer>(r#"{"overrides":7}"#);
        assert_eq!(text.as_deref(), Some(r#"{"overrides":null}"#), "the list itself");
    }

    #[test]
    fn what_is_essential_is_not_replaced() {
        assert_eq!(mended::<Outer>("7"), None, "the whole text");
        assert_eq!(mended::<Outer>(r#"{"data":7}"#), None);
        assert_eq!(mended::<Outer>(r#"{"data":{"endpoints":{}}}"#), None);
        assert_eq!(mended::<Vec<i64>>("[null]"), None, "null already");
        assert_eq!(mended::<Outer>(r#"{"data":{"count":"x""#), None, "cut off");
    }
}
