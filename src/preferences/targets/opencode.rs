//! opencode.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, Target, write};
use serde_json::{Value, json};

pub(super) const TARGET: Target = Target {
    name: "opencode",
    title: "opencode",
    about: "Model options for opencode.json, in the project or in ~/.config/opencode.",
    path: "opencode.json",
    language: "json",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

/// The model's options under the provider `openrouter`.
pub(super) fn providers(given: &Given) -> Value {
    json!({ "openrouter": { "models": { given.model_id(): { "options": { "provider": given.object() } } } } })
}

fn draft(given: &Given) -> Result<Draft, String> {
    let config = json!({ "$schema": "https://opencode.ai/config.json", "provider": providers(given) });
    Ok(Draft { text: write::json(&config), notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
