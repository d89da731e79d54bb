//! An OpenRouter preset: the preference is stored in the account under a name, for clients that can only name a model.

use super::given::Given;
use super::{Draft, OPENROUTER_API, Target, openrouter, write};

pub(super) const TARGET: Target = Target::whole(
    ("openrouter-preset", "OpenRouter preset"),
    "Body for OpenRouter's presets API; any client that can name a model can then use the preset.",
    ("preset.json", "json"),
    draft,
);

/// Maximum length of a slug.
const LONGEST: usize = 60;

/// A name for the preset, derived from the model's name: lower-case letters, digits and hyphens.
pub(super) fn slug(given: &Given) -> String {
    let name = format!("hitrate {} {}", given.model_id(), given.preference.mode);
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    slug.chars().take(LONGEST).collect::<String>().trim_end_matches('-').to_owned()
}

/// The body to send, and notes on how to send it and how to refer to the preset.
///
/// OpenRouter creates a preset from the body of a request and keeps the fields that it supports; `messages` is required
/// but not kept.
pub(super) fn body(given: &Given) -> (String, Vec<String>) {
    let (slug, model) = (slug(given), given.model_id());
    let mut request = openrouter::request(given);
    request["messages"] = serde_json::json!([{ "role": "user", "content": "not kept" }]);
    let notes = vec![
        format!(
            "send it with your key: POST {OPENROUTER_API}/presets/{slug}/chat/completions; sending it again creates \
             a new version of the preset"
        ),
        format!("then request the model `@preset/{slug}` or `{model}@preset/{slug}`"),
        "a preset does not update itself: send a new one when this one is no longer valid".to_owned(),
    ];
    (write::json(&request), notes)
}

fn draft(given: &Given) -> Result<Draft, String> {
    let (text, notes) = body(given);
    Ok(Draft { text, notes, sticky_safe: given.sticky_safe() })
}
