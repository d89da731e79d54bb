//! claude-code-router.

use super::given::Given;
use super::{Draft, OPENROUTER_API, Target, write};
use serde_json::json;

pub(super) const TARGET: Target = Target::whole(
    ("claude-code-router", "claude-code-router"),
    "For ~/.claude-code-router/config.json of versions 1 and 2.",
    ("config.json", "json"),
    draft,
);

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
