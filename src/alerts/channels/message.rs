//! A message: the notices that one receiver gets at once.

use super::plain::line;
use crate::alerts::notice::{Notice, Severity};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Longest title of a message, characters.
const LONGEST_TITLE: usize = 140;
/// Longest line of a message, characters.
const LONGEST_LINE: usize = 400;
/// Most lines of one notice.
const MOST_LINES: usize = 10;

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// One notice, at once.
    Notice,
    /// Several notices together.
    Digest,
    /// A test by the operator.
    Test,
}

/// The notices that one receiver gets at once, most important first. Id and content are the same in every attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Stable id: a receiver that gets the same id again may ignore it.
    pub id: String,
    /// Why it is sent.
    pub kind: MessageKind,
    /// When it was made, UTC.
    pub created_at: DateTime<Utc>,
    /// The notices, most important first.
    pub notices: Vec<Notice>,
}

/// A notice with harmless texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Its importance.
    pub severity: Severity,
    /// Its title, one line.
    pub title: String,
    /// Its details, one line each.
    pub lines: Vec<String>,
    /// Its page.
    pub url: Option<&'a str>,
    /// Name of its rule.
    pub rule: String,
}

impl Message {
    /// The severity of its most important notice.
    pub fn severity(&self) -> Severity {
        self.notices.iter().map(|notice| notice.severity).max().unwrap_or_default()
    }

    /// The title: that of the only notice, or how many there are of each severity.
    pub fn title(&self) -> String {
        match &self.notices[..] {
            [only] => titled(only),
            several => {
                let count = |severity| several.iter().filter(|notice| notice.severity == severity).count();
                let all = [Severity::Critical, Severity::Warning, Severity::Info];
                let counts = all.into_iter().map(|severity| (count(severity), severity));
                let counts: Vec<String> = counts
                    .filter(|(count, _)| *count > 0)
                    .map(|(count, severity)| format!("{count} {severity}"))
                    .collect();
                format!("{} notices: {}", several.len(), counts.join(", "))
            }
        }
    }

    /// The notices with harmless texts.
    pub fn shown(&self) -> Vec<Shown<'_>> {
        let shown = |notice: &'_ Notice| {
            let mut lines: Vec<String> =
                notice.lines.iter().take(MOST_LINES).map(|text| line(text, LONGEST_LINE)).collect();
            lines.retain(|line| !line.is_empty());
            match notice.lines.len().saturating_sub(MOST_LINES) {
                0 => {}
                more => lines.push(format!("and {more} more")),
            }
            (titled(notice), lines, line(&notice.rule, 64))
        };
        self.notices
            .iter()
            .map(|notice| {
                let (title, lines, rule) = shown(notice);
                let url = super::plain::link(notice.url.as_deref());
                Shown { severity: notice.severity, title, lines, url, rule }
            })
            .collect()
    }
}

/// The title of a notice, never empty: chats refuse empty texts.
fn titled(notice: &Notice) -> String {
    match line(&notice.title, LONGEST_TITLE) {
        empty if empty.is_empty() => "Notice without a title".to_owned(),
        title => title,
    }
}

/// How many notices are left out of a message for their size, as a line; `None` if none is.
pub fn left_out(more: usize) -> Option<String> {
    match more {
        0 => None,
        1 => Some("One more notice does not fit into this message.".to_owned()),
        more => Some(format!("{more} more notices do not fit into this message.")),
    }
}
