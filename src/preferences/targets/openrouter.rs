//! OpenRouter's own request.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, Target, write};
use serde_json::{Value, json};

pub(super) const TARGET: Target = Target {
    name: "openrouter",
    title: "OpenRouter request",
    about: "Fields for the body of a chat completion; add the messages and a session id.",
    path: "request.json",
    language: "json",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

/// The part of a request that controls the routing.
pub(super) fn request(given: &Given) -> Value {
    json!({ "model": given.model_id(), "provider": given.object() })
}

fn draft(given: &Given) -> Result<Draft, String> {
    Ok(Draft { text: write::json(&request(given)), notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
