//! opencode.

use super::given::Given;
use super::{Draft, Target, write};
use serde_json::{Value, json};

pub(super) const TARGET: Target = Target::whole(
    ("opencode", "opencode"),
    "Model options for opencode.json, in the project or in ~/.config/opencode.",
    ("opencode.json", "json"),
    draft,
);

/// The model's options under the provider `openrouter`.
pub(super) fn providers(given: &Given) -> Value {
    json!({ "openrouter": { "models": { given.model_id(): { "options": { "provider": given.object() } } } } })
}

fn draft(given: &Given) -> Result<Draft, String> {
    let config = json!({ "$schema": "https://opencode.ai/config.json", "provider": providers(given) });
    Ok(Draft { text: write::json(&config), notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
