//! Topics of ntfy: JSON to the root of the server, as plain text.
//!
//! Limit of ntfy: a message of more than 4,096 bytes becomes an attachment.

use super::message::{Message, left_out};
use super::plain::short_bytes;
use crate::alerts::notice::Severity;
use serde_json::json;

/// Largest message, bytes.
const MOST_BYTES: usize = 4096;
/// Largest title, bytes.
const MOST_TITLE_BYTES: usize = 200;
/// The public server.
pub const PUBLIC_SERVER: &str = "https://ntfy.sh";

/// The body of a message to a topic. The severity decides the priority if `priority` is not set: 3, 4 or 5.
pub fn body(message: &Message, topic: &str, priority: Option<u8>) -> Vec<u8> {
    let shown = message.shown();
    let several = shown.len() > 1;
    // What the count of left-out notices needs.
    let room = MOST_BYTES - 80;
    let mut text = String::new();
    let mut left = shown.len();
    for notice in &shown {
        let mut part: Vec<String> = Vec::new();
        if several {
            part.push(format!("{} ({})", notice.title, notice.severity));
        }
        part.extend(notice.lines.iter().map(|line| format!("• {line}")));
        let part = short_bytes(&part.join("\n"), room);
        let gap = if text.is_empty() { "" } else { "\n\n" };
        if text.len() + gap.len() + part.len() > room {
            break;
        }
        text.push_str(gap);
        text.push_str(&part);
        left -= 1;
    }
    if let Some(words) = left_out(left) {
        text.push_str("\n\n");
        text.push_str(&words);
    }
    if text.is_empty() {
        // Without a text, ntfy writes one of its own.
        text = message.title();
    }
    let (tag, usual) = match message.severity() {
        Severity::Info => ("information_source", 3),
        Severity::Warning => ("warning", 4),
        Severity::Critical => ("rotating_light", 5),
    };
    let mut body = json!({
        "topic": topic,
        "title": short_bytes(&message.title(), MOST_TITLE_BYTES),
        "message": text,
        "tags": [tag],
        "priority": priority.unwrap_or(usual),
    });
    if let Some(url) = shown.iter().find_map(|notice| notice.url) {
        body["click"] = json!(url);
    }
    body.to_string().into_bytes()
}
