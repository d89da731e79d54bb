//! pi.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, Target, write};
use serde_json::json;

pub(super) const TARGET: Target = Target {
    name: "pi",
    title: "pi",
    about: "A model override for ~/.pi/agent/models.json.",
    path: "models.json",
    language: "json",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

fn draft(given: &Given) -> Result<Draft, String> {
    let compat = json!({ "openRouterRouting": given.object() });
    let models = json!({ "providers": { "openrouter": { "modelOverrides": { given.model_id(): { "compat": compat } } } } });
    let notes =
        vec!["an override applies only to models that pi knows; add other models under `models`".to_owned()];
    Ok(Draft { text: write::json(&models), notes, sticky_safe: given.sticky_safe() })
}
