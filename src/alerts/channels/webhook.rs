//! Generic webhooks: JSON in the envelope of Standard Webhooks, signed by its symmetric scheme.
//!
//! Source: the specification of Standard Webhooks 1.0.0 (standardwebhooks.com). The signature is the HMAC-SHA256 of
//! `id.timestamp.body`. A secret that is being replaced signs beside the new one.

use super::message::{Message, MessageKind};
use super::plain::line;
use crate::alerts::notice::Notice;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// Largest body, bytes: the specification recommends to stay below 20 kB.
pub const MOST_BYTES: usize = 20_000;
/// Most lines of a notice.
const MOST_LINES: usize = 10;

/// The body of a message: `type`, `timestamp` and `data`. Notices that do not fit lose their changes first; further ones
/// are counted in `data.left_out`.
pub fn body(message: &Message) -> Vec<u8> {
    // What the envelope needs at most, with a title of characters of four bytes.
    let mut room = MOST_BYTES - 1200;
    let (mut notices, mut left_out) = (Vec::new(), 0_usize);
    for notice in &message.notices {
        let whole = value(notice, true);
        let size = whole.to_string().len() + 1;
        let bare = value(notice, false);
        let bare_size = bare.to_string().len() + 1;
        if size <= room {
            room -= size;
            notices.push(whole);
        } else if bare_size <= room {
            room -= bare_size;
            notices.push(bare);
        } else {
            left_out += 1;
        }
    }
    let kind = match message.kind {
        MessageKind::Notice => "alert.notice",
        MessageKind::Digest => "alert.digest",
        MessageKind::Test => "alert.test",
    };
    let body = json!({
        "type": kind,
        "timestamp": message.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "data": {
            "title": message.title(),
            "severity": message.severity(),
            "notices": notices,
            "left_out": left_out,
        },
    });
    body.to_string().into_bytes()
}

/// A notice; without its changes, it always fits into a message.
fn value(notice: &Notice, with_changes: bool) -> Value {
    let lines: Vec<String> = notice.lines.iter().take(MOST_LINES).map(|text| line(text, 300)).collect();
    let changes = if with_changes { json!(notice.changes) } else { json!([]) };
    json!({
        "id": line(&notice.id, 200),
        "at": notice.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "rule": line(&notice.rule, 64),
        "severity": notice.severity,
        "title": line(&notice.title, 200),
        "lines": lines,
        "lines_left_out": notice.lines.len().saturating_sub(MOST_LINES),
        "url": super::plain::link(notice.url.as_deref()),
        "changes": changes,
        "changes_left_out": if with_changes { 0 } else { notice.changes.len() },
    })
}

/// The headers of a delivery at a time, signed with every key.
pub fn headers(id: &str, now: DateTime<Utc>, body: &[u8], keys: &[Vec<u8>]) -> Vec<(String, String)> {
    let timestamp = now.timestamp();
    let signatures: Vec<String> = keys.iter().map(|key| signature(id, timestamp, body, key)).collect();
    vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), timestamp.to_string()),
        ("webhook-signature".to_owned(), signatures.join(" ")),
    ]
}

/// The signature of a body by one key, in the form of the header. `timestamp` is in seconds since 1970.
pub fn signature(id: &str, timestamp: i64, body: &[u8], key: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // Computed with `hmac` and `hashlib` of Python over the key of 24 bytes 0 to 23.
        let key: Vec<u8> = (0..24).collect();
        let body = br#"{"type":"alert.test"}"#;
        let signed = signature("msg_1", 1_800_000_000, body, &key);
        assert_eq!(signed, "v1,/PJ0ZIaNu7DOCVFj5/gv8/5ux/T2sbwjrbJfHk66m/A=");
        let headers = headers(
            "msg_1",
            DateTime::from_timestamp(1_800_000_000, 0).expect("a time"),
            body,
            &[key.clone(), key],
        );
        assert_eq!(headers[3].1, format!("{signed} {signed}"));
    }
}
