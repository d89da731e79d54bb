//! OpenRouter's own request, and its presets: a preference that is stored in the account under a name, for clients that
//! can only name a model.

use super::given::Given;
use super::{Draft, Names, OPENROUTER_API, Target, write};
use serde_json::{Value, json};

pub(super) const REQUEST: Target = Target::whole(
    ("openrouter", "OpenRouter request"),
    "Fields for the body of a chat completion; add the messages and a session id.",
    ("request.json", "json"),
    |given| Ok(Draft::noted(write::json(&request(given)), &[])),
);

pub(super) const PRESET: Target = Target::whole(
    ("openrouter-preset", "OpenRouter preset"),
    "Body for OpenRouter's presets API; any client that can name a model can then use the preset.",
    ("preset.json", "json"),
    preset,
);

/// Cline, which cannot name providers: the preference goes into a preset.
pub(super) const CLINE: Target = Target {
    fields: &[],
    names: Names::None,
    ..Target::whole(
        ("cline", "Cline"),
        "Body for OpenRouter's presets API, because Cline itself can only sort providers.",
        ("preset.json", "json"),
        cline,
    )
};

/// The session id in snippets.
pub(super) const SESSION: &str = "one-for-each-conversation";

/// Maximum length of the name of a preset.
const LONGEST: usize = 60;

/// The part of a request that controls the routing.
fn request(given: &Given) -> Value {
    json!({ "model": given.model_id(), "provider": given.object() })
}

/// The same with a message and a session id, for snippets.
pub(super) fn conversation(given: &Given) -> Value {
    let mut request = request(given);
    request["messages"] = json!([{ "role": "user", "content": "Say hello." }]);
    request["session_id"] = SESSION.into();
    request
}

/// A name for the preset, derived from the model's name: lower-case letters, digits and hyphens.
fn slug(given: &Given) -> String {
    let name = format!("hitrate {} {}", given.model_id(), given.preference.mode);
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    slug.chars().take(LONGEST).collect::<String>().trim_end_matches('-').to_owned()
}

/// The body to send, and notes on how to send it and how to refer to the preset.
///
/// OpenRouter creates a preset from the body of a request and keeps the fields that it supports; `messages` is required
/// but not kept.
fn preset(given: &Given) -> Result<Draft, String> {
    let (slug, model) = (slug(given), given.model_id());
    let mut request = request(given);
    request["messages"] = json!([{ "role": "user", "content": "not kept" }]);
    let send = format!(
        "send it with your key: POST {OPENROUTER_API}/presets/{slug}/chat/completions; sending it again creates a new \
         version of the preset"
    );
    let refer = format!("then request the model `@preset/{slug}` or `{model}@preset/{slug}`");
    let renew = "a preset does not update itself: send a new one when this one is no longer valid";
    Ok(Draft::noted(write::json(&request), &[&send, &refer, renew]))
}

fn cline(given: &Given) -> Result<Draft, String> {
    let mut draft = preset(given)?;
    let first = "Cline cannot name providers to use or to exclude. It sorts them by list price, throughput or latency, \
        which disables load balancing. Leave that setting empty and use a preset for the preference";
    let last = "if Cline does not accept the name of a preset as a model, list the providers under Ignored or Allowed in \
        the OpenRouter account; this applies to every model and client of the account";
    draft.notes.insert(0, first.to_owned());
    draft.notes.push(last.to_owned());
    Ok(draft)
}
