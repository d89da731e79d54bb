//! The upstream's number, time and JSON formats.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// A number in JavaScript notation: `4`, never `4.0`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < 1e15 {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// `{"data": …}` as bytes. The values written here have only string keys and cannot fail to serialise; if one
/// did, every reader would refuse the empty body.
pub(super) fn envelope(data: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        data: &'a T,
    }
    serde_json::to_vec(&Envelope { data }).unwrap_or_default()
}

pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Merges two non-empty JSON objects into one.
pub(super) fn join(left: &str, right: &str) -> String {
    let left = left.strip_suffix('}').unwrap_or(left);
    let right = right.strip_prefix('{').unwrap_or(right);
    format!("{left},{right}")
}

/// `2026-09-01T00:00:00.000Z`.
pub(super) fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `2026-09-01 00:00:00`.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}
