//! Hermes.

use super::given::Given;
use super::{Draft, Target, write};
use serde_json::json;

/// The fields that Hermes reads under `provider_routing` and passes on, according to the source code of 0.19.
const FIELDS: &[&str] = &["only", "ignore", "order", "sort", "require_parameters", "data_collection"];

pub(super) const TARGET: Target = Target {
    fields: FIELDS,
    ..Target::whole(
        ("hermes", "Hermes"),
        "A section for ~/.hermes/config.yaml.",
        ("config.yaml", "yaml"),
        draft,
    )
};

fn draft(given: &Given) -> Result<Draft, String> {
    let (routing, mut notes) = given.fit(FIELDS);
    notes.push(format!(
        "Hermes applies this one section to every model, but it is valid only for `{}`: remove it when you change the \
         model",
        given.model_id()
    ));
    Ok(Draft {
        text: write::yaml(&json!({ "provider_routing": routing }))?,
        notes,
        sticky_safe: given.sticky_safe(),
    })
}
