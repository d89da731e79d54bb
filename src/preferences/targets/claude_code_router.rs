//! claude-code-router.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, OPENROUTER_API, Target, write};
use serde_json::json;

pub(super) const TARGET: Target = Target {
    name: "claude-code-router",
    title: "claude-code-router",
    about: "For ~/.claude-code-router/config.json of versions 1 and 2.",
    path: "config.json",
    language: "json",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

fn draft(given: &Given) -> Result<Draft, String> {
    let model = given.model_id();
    let config = json!({
        "Providers": [{
            "name": "openrouter",
            "api_base_url": format!("{OPENROUTER_API}/chat/completions"),
            "api_key": "$OPENROUTER_API_KEY",
            "models": [model],
            "transformer": {
                "use": ["openrouter"],
                model: { "use": [["openrouter", { "provider": given.object() }]] },
            },
        }],
        "Router": { "default": format!("openrouter,{model}") },
    });
    let notes = vec![
        "version 3 keeps its settings in a database and does not read this file; use `openrouter-preset` with it"
            .to_owned(),
    ];
    Ok(Draft { text: write::json(&config), notes, sticky_safe: given.sticky_safe() })
}
