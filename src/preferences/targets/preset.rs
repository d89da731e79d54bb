//! An OpenRouter preset: the preference kept under a name in the account, for clients that can say no more than a model.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, OPENROUTER_API, Target, openrouter, write};

pub(super) const TARGET: Target = Target {
    name: "openrouter-preset",
    title: "OpenRouter preset",
    about: "Body for OpenRouter's presets API; any client that can name a model then refers to it.",
    path: "preset.json",
    language: "json",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

/// Longest slug written.
const LONGEST: usize = 60;

/// A name for the preset made of the model's: lower-case letters, digits and hyphens.
pub(super) fn slug(given: &Given) -> String {
    let name = format!("hitrate {} {}", given.model_id(), given.preference.mode);
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    slug.chars().take(LONGEST).collect::<String>().trim_end_matches('-').to_owned()
}

/// The body to send, and how to send it and refer to it.
///
/// A preset is made from the body of a request, of which it keeps what it knows; `messages` are required there and not
/// kept.
pub(super) fn body(given: &Given) -> (String, Vec<String>) {
    let (slug, model) = (slug(given), given.model_id());
    let mut request = openrouter::request(given);
    request["messages"] = serde_json::json!([{ "role": "user", "content": "not kept" }]);
    let notes = vec![
        format!(
            "send it with your key: POST {OPENROUTER_API}/presets/{slug}/chat/completions; sent again it becomes the \
             preset's next version"
        ),
        format!("then ask for the model `@preset/{slug}`, or for `{model}@preset/{slug}`"),
        "a preset stays as it is: send it again when this one is no longer valid".to_owned(),
    ];
    (write::json(&request), notes)
}

fn draft(given: &Given) -> Result<Draft, String> {
    let (text, notes) = body(given);
    Ok(Draft { text, notes, sticky_safe: given.sticky_safe() })
}
