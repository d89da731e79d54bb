//! Which of Cline, Roo Code and Kilo Code wrote the messages of a task: by the folder, then by the fields of the messages.

use super::cline_history;
use crate::request_log::entry::{Entry, FileContext, Object, object_or_json};
use crate::request_log::format::Sure;
use serde_json::Value;

/// The program that wrote a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Cline,
    Roo,
    Kilo,
}

impl Client {
    const ALL: [Self; 3] = [Self::Cline, Self::Roo, Self::Kilo];

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cline => "Cline",
            Self::Roo => "Roo Code",
            Self::Kilo => "Kilo Code",
        }
    }

    /// Parts of the paths in which it keeps its tasks.
    const fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Cline => &["saoudrizwan.claude-dev", "/.cline/"],
            Self::Roo => &["rooveterinaryinc.roo-cline", "roo-code-nightly", "/.roo/"],
            Self::Kilo => &["kilocode.kilo-code", "/.kilocode/"],
        }
    }

    /// Names of folders that suggest it, if neither the path nor the messages prove another one.
    const fn hints(self) -> &'static [&'static str] {
        match self {
            Self::Cline => &["cline", "claude-dev"],
            Self::Roo => &["roo", "roo-cline", "roo-code"],
            Self::Kilo => &["kilo", "kilo-code", "kilocode"],
        }
    }

    /// The program that keeps its tasks in this path.
    fn of_path(context: &FileContext) -> Option<Self> {
        let is_in = |client: &Self| client.folders().iter().any(|folder| context.path_contains(folder));
        Self::ALL.into_iter().find(is_in)
    }

    /// The program that the folders of the path suggest.
    fn suggested(context: &FileContext) -> Option<Self> {
        let folders = || context.path.components().filter_map(|part| part.as_os_str().to_str());
        Self::ALL.into_iter().find(|client| folders().any(|folder| client.hints().contains(&folder)))
    }

    /// The program that wrote a message, and how sure that is.
    fn of_message(message: &Object, context: &FileContext) -> (Self, Sure) {
        if let Some(client) = Self::of_path(context) {
            return (client, Sure::Certain);
        }
        let suggested = Self::suggested(context);
        let is_request = message.get("say").and_then(Value::as_str) == Some("api_req_started");
        let usage = is_request.then(|| object_or_json(message.get("text"))).flatten();
        let has = |key: &str| usage.as_ref().is_some_and(|usage| usage.contains_key(key));
        if has("inferenceProvider") {
            return (Self::Kilo, Sure::Certain);
        }
        if has("apiProtocol") {
            return (suggested.filter(|client| *client == Self::Kilo).unwrap_or(Self::Roo), Sure::Certain);
        }
        if message.contains_key("modelInfo") {
            return (Self::Cline, Sure::Certain);
        }
        (suggested.unwrap_or(Self::Cline), Sure::Likely)
    }
}

/// How sure it is that a program wrote an entry.
pub(super) fn recognises(client: Client, entry: &Entry<'_>, context: &FileContext) -> Sure {
    let Some(message) = entry.object() else { return Sure::No };
    if message.contains_key("role") && message.contains_key("content") {
        let (writer, _) = Client::of_message(message, context);
        return if writer == client { cline_history::recognises(message, context) } else { Sure::No };
    }
    let kind = message.get("type").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "say" | "ask") || !message.get(kind).is_some_and(Value::is_string) {
        return Sure::No;
    }
    let (writer, sure) = Client::of_message(message, context);
    if writer == client { sure } else { Sure::No }
}
