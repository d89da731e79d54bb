//! OpenRouter's own request.

use super::given::Given;
use super::{Draft, Target, write};
use crate::wording::targets::mode_fields;
use serde_json::{Value, json};

pub(super) const REQUEST: Target = Target::whole(
    ("openrouter", "OpenRouter request"),
    "Fields for the body of a chat completion; add the messages and a session id.",
    ("request.json", "json"),
    |given| {
        let fields = (!given.limits_only).then(|| mode_fields(given.preference.mode.as_str()).to_owned());
        Ok(Draft::new(write::json(&request(given)), fields.into_iter().collect()))
    },
);

/// The session id in snippets.
pub(super) const SESSION: &str = "one-for-each-conversation";

/// The part of a request that controls the routing.
pub(super) fn request(given: &Given) -> Value {
    json!({ "model": given.model_id(), "provider": given.object() })
}

/// The same with a message and a session id, for snippets.
pub(super) fn conversation(given: &Given) -> Value {
    let mut request = request(given);
    request["messages"] = json!([{ "role": "user", "content": "Say hello." }]);
    request["session_id"] = SESSION.into();
    request
}
