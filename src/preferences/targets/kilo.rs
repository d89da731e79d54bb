//! Kilo Code since it is built on opencode.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, Target, opencode, write};
use serde_json::json;

pub(super) const TARGET: Target = Target {
    name: "kilo",
    title: "Kilo Code",
    about: "A model's options for the configuration of Kilo Code from 7 on, which is opencode's.",
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
        "this is for your own OpenRouter key; models of the Kilo gateway are routed by Kilo".to_owned(),
        "older versions name one provider only, as Roo Code does: `roo`".to_owned(),
    ];
    Ok(Draft { text: write::json(&config), notes, sticky_safe: given.sticky_safe() })
}
