//! aider.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, Target, write};
use serde::Serialize;
use serde_json::{Value, json};

pub(super) const TARGET: Target = Target {
    name: "aider",
    title: "aider",
    about: "Settings of a model for .aider.model.settings.yml, in the project or at home.",
    path: ".aider.model.settings.yml",
    language: "yaml",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

#[derive(Serialize)]
struct Settings {
    name: String,
    extra_params: Value,
}

fn draft(given: &Given) -> Result<Draft, String> {
    let settings = Settings {
        name: format!("openrouter/{}", given.model_id()),
        extra_params: json!({ "extra_body": { "provider": given.object() } }),
    };
    let notes = vec![
        "an entry replaces all that aider knows of the model's settings, its edit format among them: add what you need \
         (`edit_format`, `use_repo_map`)"
            .to_owned(),
    ];
    Ok(Draft { text: write::yaml(&[settings])?, notes, sticky_safe: given.sticky_safe() })
}
