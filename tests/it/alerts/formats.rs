//! What each kind of receiver is sent: within the limits of its target, and harmless whatever the names are.

use hitrate::alerts::channels::email::Email;
use hitrate::alerts::channels::message::{Message, MessageKind};
use hitrate::alerts::channels::{discord, ntfy, slack, teams, webhook};
use hitrate::alerts::notice::{Notice, Severity};
use hitrate::config::Receiver;
use serde_json::Value;

use crate::rig::{at, config};

const HOSTILE: &str =
    "<!channel> @everyone <@U1> [x](http://evil.example) *b* `c` <b>&amp;\r\nBcc: a@b\u{202e}\u{200b}\u{0}";

fn message(notices: usize) -> Message {
    let one = |number: usize| Notice {
        id: format!("n{number}"),
        at: at("2026-06-01T10:00:00Z"),
        rule: HOSTILE.to_owned(),
        severity: Severity::Warning,
        title: format!("{number} {HOSTILE}"),
        lines: vec![HOSTILE.repeat(8), "😀".repeat(500), "äöü ".repeat(100)],
        url: Some("https://tiers.example.org/a?b=1&c=2".to_owned()),
        changes: Vec::new(),
    };
    Message {
        id: "msg_0011".to_owned(),
        kind: MessageKind::Digest,
        created_at: at("2026-06-01T10:00:00Z"),
        notices: (0..notices).map(one).collect(),
    }
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

fn assert_seen(body: &[u8]) {
    let text = json(body).to_string();
    let unseen = ['\u{202e}', '\u{200b}', '\u{0}', '\r'];
    assert!(!text.contains(unseen) && !text.contains("\\u0000") && !text.contains("\\r"), "{text}");
}

#[test]
fn slack_gets_plain_text_within_its_limits() {
    for count in [1, 3, 60] {
        let body = slack::body(&message(count));
        assert_seen(&body);
        let body = json(&body);
        let blocks = body["blocks"].as_array().expect("blocks");
        assert!(blocks.len() <= 50);
        for block in blocks {
            let most = if block["type"] == "header" { 150 } else { 3000 };
            if block["type"] == "context" {
                assert_eq!(
                    block["elements"][0]["text"],
                    "<https://tiers.example.org/a?b=1&amp;c=2|Open the page>"
                );
                continue;
            }
            let text = block["text"]["text"].as_str().expect("a text");
            assert_eq!(block["text"]["type"], "plain_text");
            assert!(text.chars().count() <= most && !text.contains('<') && !text.is_empty(), "{text}");
        }
        assert!(!body["text"].as_str().expect("a text").contains('<'));
    }
    assert!(slack::body(&message(60)).windows(12).any(|part| part == b"more notices"));
}

#[test]
fn discord_parses_no_mention_and_counts_its_limits() {
    for count in [1, 3, 60] {
        let body = discord::body(&message(count));
        assert_seen(&body);
        let body = json(&body);
        assert_eq!(body["allowed_mentions"]["parse"], Value::Array(Vec::new()));
        let embeds = body["embeds"].as_array().expect("embeds");
        assert!((1..=10).contains(&embeds.len()));
        let length = |value: &Value| value.as_str().expect("a text").encode_utf16().count();
        let mut total = 0;
        for embed in embeds {
            assert!(length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4096);
            total += length(&embed["title"]) + length(&embed["description"]);
            assert!(!embed["description"].as_str().expect("a text").contains("](http"));
        }
        assert!(total <= 6000, "{total}");
        if count > 1 {
            assert!(length(&body["content"]) <= 2000);
        }
    }
}

#[test]
fn teams_gets_a_card_of_text_runs_below_28_kb() {
    for count in [1, 3, 100] {
        let body = teams::body(&message(count));
        assert_seen(&body);
        assert!(body.len() < 28_000, "{}", body.len());
        let body = json(&body);
        assert_eq!(body["type"], "message");
        let attachment = &body["attachments"][0];
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        assert_eq!(attachment["content"]["type"], "AdaptiveCard");
        let blocks = attachment["content"]["body"].as_array().expect("a body");
        assert!(blocks.iter().all(|block| block["type"] == "RichTextBlock"));
    }
}

#[test]
fn ntfy_gets_at_most_4096_bytes() {
    for count in [1, 3, 100] {
        let body = ntfy::body(&message(count), "topic", None);
        assert_seen(&body);
        let body = json(&body);
        let text = body["message"].as_str().expect("a text");
        assert!(text.len() <= 4096 && !text.is_empty(), "{}", text.len());
        assert_eq!((&body["topic"], &body["priority"]), (&"topic".into(), &4.into()));
        assert_eq!(body["click"], "https://tiers.example.org/a?b=1&c=2");
    }
    assert_eq!(json(&ntfy::body(&message(1), "topic", Some(1)))["priority"], 1);
}

#[test]
fn a_webhook_stays_below_20_kb_and_counts_what_is_left_out() {
    for count in [1, 100] {
        let body = webhook::body(&message(count));
        assert_seen(&body);
        assert!(body.len() <= 20_000, "{}", body.len());
        let body = json(&body);
        let kept = body["data"]["notices"].as_array().expect("notices").len();
        assert!(kept > 0);
        assert_eq!(body["data"]["left_out"], count - kept);
    }
}

#[test]
fn the_longest_notice_is_sent_whatever_its_characters_take() {
    let mut message = message(1);
    message.notices[0].title = "😀".repeat(1000);
    message.notices[0].lines = vec!["😀".repeat(1000); 50];
    let body = webhook::body(&message);
    assert!(body.len() <= 20_000, "{}", body.len());
    let body = json(&body);
    assert_eq!(
        (&body["data"]["left_out"], &body["data"]["notices"][0]["lines_left_out"]),
        (&0.into(), &40.into())
    );
    assert!(teams::body(&message).len() < 28_000);
    assert!(json(&ntfy::body(&message, "t", None))["message"].as_str().expect("a text").len() <= 4096);
    message.notices[0].title = "\u{200b}".to_owned();
    message.notices[0].lines.clear();
    assert_eq!(json(&slack::body(&message))["blocks"][0]["text"]["text"], "Notice without a title");
}

fn email_receiver(from: &str) -> Receiver {
    let text = format!(
        "[[alerts.receivers]]\nname = \"mail\"\nkind = \"email\"\nhost = \"127.0.0.1\"\ntls = \"none\"\n\
         allow_private = true\nfrom = \"{from}\"\nto = [\"Ops <ops@example.org>\"]\n"
    );
    config(&text).alerts.receivers.into_iter().next().expect("one")
}

#[test]
fn no_name_adds_a_header_to_an_email() {
    let email = Email::new(&email_receiver("hitrate <alerts@example.org>"), &message(1)).expect("an email");
    let text = email.formatted();
    let head = text.split("\r\n\r\n").next().expect("a head");
    let names: Vec<&str> = head
        .lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split(':').next())
        .collect();
    for wanted in
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    {
        assert!(names.contains(&wanted), "{wanted} is missing in {names:?}");
    }
    assert!(!names.contains(&"Bcc"), "{head}");
    assert!(
        head.contains("Message-ID: <msg_0011@example.org>")
            && head.contains("Auto-Submitted: auto-generated")
    );
    assert!(text.contains("text/plain") && text.contains("text/html"));
    assert!(text.lines().all(|line| line.len() <= 998));
    let html = text.split("text/html").nth(1).expect("an HTML part");
    assert!(!html.contains("<b>"), "names are escaped: {html}");
}

#[test]
fn an_address_of_the_settings_that_is_none_is_named() {
    let Err(error) = Email::new(&email_receiver("no address"), &message(1)) else { panic!("accepted") };
    assert!(error.contains("`from`"), "{error}");
}
