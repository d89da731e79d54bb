//! pi.

use super::given::Given;
use super::{Draft, Target, write};
use serde_json::json;

pub(super) const TARGET: Target = Target::whole(
    ("pi", "pi"),
    "A model override for ~/.pi/agent/models.json.",
    ("models.json", "json"),
    draft,
);

fn draft(given: &Given) -> Result<Draft, String> {
    let compat = json!({ "openRouterRouting": given.object() });
    let models = json!({ "providers": { "openrouter": { "modelOverrides": { given.model_id(): { "compat": compat } } } } });
    let notes =
        vec!["an override applies only to models that pi knows; add other models under `models`".to_owned()];
    Ok(Draft { text: write::json(&models), notes, sticky_safe: given.sticky_safe() })
}
