//! Files beside a log that a reader needs, such as the model of a task.

use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Names of the files that readers look for beside a log. They are not logs themselves.
pub(super) const NAMES: [&str; 3] =
    ["task_metadata.json", "history_item.json", "api_conversation_history.json"];
/// Maximum size of such a file, bytes; a larger one is not read.
const LARGEST: u64 = 32 << 20;

/// Whether a file describes no log beside it and can be one itself: the conversation of a task without its messages.
pub(super) fn is_alone(folder: &Path, name: &str) -> bool {
    let logs = ["ui_messages.json", "claude_messages.json"];
    name == "api_conversation_history.json" && !logs.iter().any(|log| folder.join(log).exists())
}

/// The files beside a log that exist and are valid JSON.
pub(super) fn read(log: &Path) -> Vec<(String, Value)> {
    let Some(folder) = log.parent() else { return Vec::new() };
    let is_itself = |name: &str| log.file_name().is_some_and(|own| own == name);
    let content = |name: &str| -> Option<Value> {
        let path = folder.join(name);
        if !path.metadata().is_ok_and(|about| about.is_file() && about.len() <= LARGEST) {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let names = NAMES.into_iter().filter(|name| !is_itself(name));
    names.filter_map(|name| Some((name.to_owned(), content(name)?))).collect()
}
