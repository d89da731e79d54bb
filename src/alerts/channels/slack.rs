//! Incoming webhooks of Slack: blocks of plain text, so that no name is read as a mention, a link or a format.
//!
//! Limits of Slack: 50 blocks a message, 150 characters in a header, 3,000 in a text.

use super::message::{Message, left_out};
use super::plain::short;
use crate::alerts::notice::Severity;
use serde_json::{Value, json};

/// Most blocks of a message.
const MOST_BLOCKS: usize = 50;
/// Longest text of a header, characters.
const LONGEST_HEADER: usize = 150;
/// Longest text of a block, characters.
const LONGEST_TEXT: usize = 3000;

/// The body of a message.
pub fn body(message: &Message) -> Vec<u8> {
    let title = message.title();
    let mut blocks = vec![json!({ "type": "header", "text": plain(&title, LONGEST_HEADER) })];
    let shown = message.shown();
    let several = shown.len() > 1;
    let mut places = shown.iter();
    let mut left = shown.len();
    for notice in places.by_ref() {
        // A notice needs up to two blocks; one block remains for the count of what is left out.
        if blocks.len() + 3 > MOST_BLOCKS {
            break;
        }
        left -= 1;
        let mut text: Vec<String> = Vec::new();
        if several {
            text.push(format!("{}{}", mark(notice.severity), notice.title));
        }
        text.extend(notice.lines.iter().map(|line| format!("• {line}")));
        if !text.is_empty() {
            blocks.push(json!({ "type": "section", "text": plain(&text.join("\n"), LONGEST_TEXT) }));
        }
        if let Some(url) = notice.url {
            let link = format!("<{}|Open the page>", escape(url));
            blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": link }] }));
        }
    }
    if let Some(text) = left_out(left) {
        blocks.push(json!({ "type": "section", "text": plain(&text, LONGEST_TEXT) }));
    }
    json!({
        "text": escaped(&title, LONGEST_TEXT),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
    .to_string()
    .into_bytes()
}

fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "",
        Severity::Warning => "Warning: ",
        Severity::Critical => "Critical: ",
    }
}

fn plain(text: &str, most: usize) -> Value {
    json!({ "type": "plain_text", "text": escaped(text, most), "emoji": false })
}

/// The text with the three characters of Slack's markup escaped, at most `most` characters after that.
fn escaped(text: &str, most: usize) -> String {
    let mut keep = most;
    loop {
        let escaped = escape(&short(text, keep));
        let over = escaped.chars().count().saturating_sub(most);
        if over == 0 {
            return escaped;
        }
        keep = keep.saturating_sub(over.div_ceil(5).max(1));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_never_exceeds_its_limit_after_escaping() {
        for text in ["<".repeat(400), "a<b&c>".repeat(99), "x".repeat(200)] {
            let made = escaped(&text, 150);
            assert!(made.chars().count() <= 150 && !made.contains('<'), "{made}");
        }
    }
}
