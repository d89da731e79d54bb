//! aider.

use super::given::Given;
use super::{Draft, Target, write};
use serde::Serialize;
use serde_json::{Value, json};

pub(super) const TARGET: Target = Target::whole(
    ("aider", "aider"),
    "Model settings for .aider.model.settings.yml, in the project or the home directory.",
    (".aider.model.settings.yml", "yaml"),
    draft,
);

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
        "an entry replaces all of aider's own settings for the model, including its edit format; add the ones you need \
         (`edit_format`, `use_repo_map`)"
            .to_owned(),
    ];
    Ok(Draft { text: write::yaml(&[settings])?, notes, sticky_safe: given.sticky_safe() })
}
