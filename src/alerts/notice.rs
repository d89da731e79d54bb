//! A notice: what a rule found, as it is delivered to receivers.

use crate::domain::change::Change;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How important a notice is. A critical notice is delivered at once, also in quiet hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// Something got worse.
    Warning,
    /// Something needs attention now.
    Critical,
}

impl Severity {
    /// The name, as in the settings and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a rule found. Names in its texts are the upstream's and may be hostile: every channel neutralises them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Stable id, made from the rule and the changes: the same finding always has the same id, and a receiver gets it once.
    pub id: String,
    /// When it was found, UTC.
    pub at: DateTime<Utc>,
    /// Name of the rule in the settings.
    pub rule: String,
    /// How important it is.
    pub severity: Severity,
    /// One line that says what happened.
    pub title: String,
    /// The details, one sentence each, most important first.
    pub lines: Vec<String>,
    /// Absolute URL of the page about it; `None` if the public URL is unknown.
    #[serde(default)]
    pub url: Option<String>,
    /// The changes behind it, most important first.
    #[serde(default)]
    pub changes: Vec<Change>,
}
