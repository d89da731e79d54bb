//! Webhooks of Discord: one embed for each notice. Every punctuation mark of a name is escaped, and no mention is parsed.
//!
//! Limits of Discord: 10 embeds, 256 characters in a title, 4,096 in a description, 6,000 in all embeds together.

use super::message::{Message, left_out};
use super::plain::short;
use crate::alerts::notice::Severity;
use chrono::SecondsFormat;
use serde_json::{Value, json};

const MOST_EMBEDS: usize = 10;
const LONGEST_TITLE: usize = 256;
const LONGEST_DESCRIPTION: usize = 4096;
const LONGEST_TOGETHER: usize = 6000;

/// The body of a message.
pub fn body(message: &Message) -> Vec<u8> {
    let shown = message.shown();
    let mut room = LONGEST_TOGETHER;
    let mut embeds: Vec<Value> = Vec::new();
    for notice in shown.iter().take(MOST_EMBEDS) {
        let title = escaped(&notice.title, LONGEST_TITLE);
        let Some(rest) = room.checked_sub(length(&title)) else { break };
        let mut description = String::new();
        for line in &notice.lines {
            let line = escaped(line, 1000);
            let size = length(&line) + 1;
            if length(&description) + size > rest.min(LONGEST_DESCRIPTION) {
                break;
            }
            if !description.is_empty() {
                description.push('\n');
            }
            description.push_str(&line);
        }
        room = rest - length(&description);
        let mut embed = json!({
            "title": title,
            "description": description,
            "color": colour(notice.severity),
            "timestamp": message.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        if let Some(url) = notice.url {
            embed["url"] = json!(url);
        }
        embeds.push(embed);
    }
    let mut content: Vec<String> = Vec::new();
    if shown.len() > 1 {
        content.push(escaped(&message.title(), 500));
    }
    content.extend(left_out(shown.len() - embeds.len()));
    let mut body = json!({
        "username": "hitrate",
        "embeds": embeds,
        "allowed_mentions": { "parse": [] },
    });
    if !content.is_empty() {
        body["content"] = json!(content.join("\n"));
    }
    body.to_string().into_bytes()
}

fn colour(severity: Severity) -> u32 {
    match severity {
        Severity::Info => 0x2f_6f_b0,
        Severity::Warning => 0xc7_7d_0a,
        Severity::Critical => 0xc0_33_2b,
    }
}

/// The length as a client in JavaScript counts it.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The text with every ASCII punctuation mark escaped, so that nothing is a format, a link or a mention; at most `most`
/// characters after that.
fn escaped(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in short(text, most).chars() {
        let size = c.len_utf16() + usize::from(c.is_ascii_punctuation());
        if length(&out) + size > most {
            break;
        }
        if c.is_ascii_punctuation() && !matches!(c, ',' | '.' | '%' | ';') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_links_and_mentions_are_escaped() {
        assert_eq!(escaped("@everyone [a](http://b) <@1>", 99), r"\@everyone \[a\]\(http\:\/\/b\) \<\@1\>");
        assert_eq!(escaped("fell 10.5 %, now 3", 99), "fell 10.5 %, now 3");
        assert!(length(&escaped(&"*".repeat(500), 256)) <= 256);
        assert!(length(&escaped(&"😀".repeat(500), 256)) <= 256);
    }
}
