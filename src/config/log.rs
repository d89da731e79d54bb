//! Settings of the log.

use crate::domain::ids::names;
use serde::{Deserialize, Serialize};

names! {
    /// Forms of the log.
    LogFormat as "log format" {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

/// The log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Form of the lines.
    pub format: LogFormat,
}
