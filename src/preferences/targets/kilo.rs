//! Kilo Code, versions built on opencode.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, Target, opencode, write};
use serde_json::json;

pub(super) const TARGET: Target = Target {
    name: "kilo",
    title: "Kilo Code",
    about: "Model options for Kilo Code 7 or later, which uses opencode's configuration.",
    path: "kilo.json",
    language: "json",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

fn draft(given: &Given) -> Result<Draft, String> {
    let config = json!({ "provider": opencode::providers(given) });
    let notes = vec![
        "this requires your own OpenRouter key; Kilo itself routes the models of its gateway".to_owned(),
        "older versions can name only one provider, like Roo Code: use `roo`".to_owned(),
    ];
    Ok(Draft { text: write::json(&config), notes, sticky_safe: given.sticky_safe() })
}
