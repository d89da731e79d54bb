//! Kilo Code, versions built on opencode.

use super::given::Given;
use super::{Draft, Target, opencode, write};
use serde_json::json;

pub(super) const TARGET: Target = Target::whole(
    ("kilo", "Kilo Code"),
    "Model options for Kilo Code 7 or later, which uses opencode's configuration.",
    ("kilo.json", "json"),
    draft,
);

fn draft(given: &Given) -> Result<Draft, String> {
    let config = json!({ "provider": opencode::providers(given) });
    let notes = vec![
        "this requires your own OpenRouter key; Kilo itself routes the models of its gateway".to_owned(),
        "older versions can name only one provider, like Roo Code: use `roo`".to_owned(),
    ];
    Ok(Draft { text: write::json(&config), notes, sticky_safe: given.sticky_safe() })
}
