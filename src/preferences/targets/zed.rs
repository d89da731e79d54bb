//! Zed.

use super::given::Given;
use super::{Draft, Target, write};
use serde_json::{Value, json};

/// The fields of a model's `provider` in Zed's settings, according to its source code.
const FIELDS: &[&str] = &[
    "only",
    "ignore",
    "order",
    "allow_fallbacks",
    "require_parameters",
    "data_collection",
    "quantizations",
    "sort",
];

pub(super) const TARGET: Target = Target {
    fields: FIELDS,
    ..Target::whole(("zed", "Zed"), "A model for Zed's settings.json.", ("settings.json", "json"), draft)
};

fn draft(given: &Given) -> Result<Draft, String> {
    let (mut provider, mut notes) = given.fit(FIELDS);
    if provider.get("sort").is_some_and(|sort| !sort.is_string()) {
        notes.push("`sort` is left out: Zed accepts only a string".to_owned());
        provider.remove("sort");
    }
    if provider.get("data_collection").is_some_and(|value| value == "deny") {
        // Zed's own spelling; any other word makes the whole entry unreadable.
        provider.insert("data_collection".to_owned(), "disallow".into());
        notes.push(
            "Zed spells `deny` as `disallow`, but OpenRouter expects `deny`; set the limit in the account as well"
                .to_owned(),
        );
    }
    let admitted = given.admitted();
    let shortest = admitted.iter().filter_map(|endpoint| endpoint.prompt_limit()).min();
    let context = shortest.or(given.model.context_length).ok_or_else(|| {
        "the context length is unknown, and Zed does not accept a model without one".to_owned()
    })?;
    let takes =
        |name: &str| admitted.iter().any(|endpoint| endpoint.facts.parameters.iter().any(|own| own == name));
    let model = json!({
        "name": given.model_id(),
        "display_name": format!("{} (hitrate)", given.model_id()),
        "max_tokens": context,
        "supports_tools": takes("tools"),
        "provider": Value::Object(provider),
    });
    let settings = json!({ "language_models": { "open_router": { "available_models": [model] } } });
    notes.push("`max_tokens` is the shortest context of the admitted endpoints".to_owned());
    Ok(Draft { text: write::json(&settings), notes, sticky_safe: given.sticky_safe() })
}
