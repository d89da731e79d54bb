//! Webhooks of the Workflows app of Microsoft Teams: an Adaptive Card in a message. Texts are text runs, which have no
//! Markdown, so that no name is read as a link or a mention.
//!
//! Limit of Teams: 28 KB a message.

use super::message::{Message, left_out};
use crate::alerts::notice::Severity;
use serde_json::{Value, json};

/// Largest body, bytes; below the limit, because Teams counts its own envelope too.
const MOST_BYTES: usize = 24_000;
/// Most buttons of a card.
const MOST_ACTIONS: usize = 5;

/// The body of a message.
pub fn body(message: &Message) -> Vec<u8> {
    let shown = message.shown();
    let several = shown.len() > 1;
    let title = json!({ "type": "TextRun", "text": message.title(), "weight": "Bolder", "size": "Medium", "color": colour(message.severity()) });
    let mut content = vec![text(vec![title])];
    let mut actions: Vec<Value> = Vec::new();
    let mut room = MOST_BYTES - 1200 - content[0].to_string().len();
    let mut left = shown.len();
    for notice in &shown {
        let mut parts = Vec::new();
        if several {
            let title = json!({ "type": "TextRun", "text": notice.title, "weight": "Bolder", "color": colour(notice.severity) });
            parts.push(text(vec![title]));
        }
        for line in &notice.lines {
            parts.push(text(vec![json!({ "type": "TextRun", "text": line })]));
        }
        let action = notice.url.filter(|_| actions.len() < MOST_ACTIONS).map(|url| {
            let number =
                if several { format!("Page {}", actions.len() + 1) } else { "Open the page".to_owned() };
            json!({ "type": "Action.OpenUrl", "title": number, "url": url })
        });
        let size: usize = parts.iter().chain(&action).map(|part| part.to_string().len() + 1).sum();
        let Some(rest) = room.checked_sub(size) else { break };
        room = rest;
        left -= 1;
        content.extend(parts);
        actions.extend(action);
    }
    if let Some(words) = left_out(left) {
        content.push(text(vec![json!({ "type": "TextRun", "text": words })]));
    }
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        "body": content,
        "actions": actions,
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
    .to_string()
    .into_bytes()
}

fn text(inlines: Vec<Value>) -> Value {
    json!({ "type": "RichTextBlock", "inlines": inlines })
}

fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Default",
        Severity::Warning => "Warning",
        Severity::Critical => "Attention",
    }
}
