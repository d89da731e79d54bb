//! What a report is about: which calls, and by what they are grouped.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which calls an answer covers; an absent limit does not limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Calls from this time on, UTC.
    pub from: Option<DateTime<Utc>>,
    /// Calls before this time, UTC.
    pub to: Option<DateTime<Utc>>,
    /// Only this model: its slug in the public catalogue, or its name as written in the log.
    pub model: Option<String>,
    /// Only this provider: its name or the tag of its endpoint.
    pub provider: Option<String>,
    /// Only the files of this source.
    pub source: Option<String>,
}

/// What the calls of a report are grouped by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Model and endpoint of the provider.
    #[default]
    Endpoint,
    /// Model.
    Model,
    /// Provider.
    Provider,
    /// Platform that billed.
    Platform,
    /// Name of the API key.
    Key,
    /// Application.
    App,
    /// Source of the import.
    Source,
    /// UTC month.
    Month,
    /// UTC day.
    Day,
}

impl By {
    /// All groupings, in the order of the help.
    pub const ALL: [Self; 9] = [
        Self::Endpoint,
        Self::Model,
        Self::Provider,
        Self::Platform,
        Self::Key,
        Self::App,
        Self::Source,
        Self::Month,
        Self::Day,
    ];

    /// Its name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Platform => "platform",
            Self::Key => "key",
            Self::App => "app",
            Self::Source => "source",
            Self::Month => "month",
            Self::Day => "day",
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|by| by.name() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|by| by.name()).collect();
            format!("unknown grouping `{text}` (expected {})", known.join(", "))
        })
    }
}
