//! A request with curl.

use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, OPENROUTER_API, Target, openrouter, write};
use serde_json::json;

pub(super) const TARGET: Target = Target {
    name: "curl",
    title: "curl",
    about: "A request from the shell.",
    path: "request.sh",
    language: "sh",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

/// The session id in snippets.
pub(super) const SESSION: &str = "one-for-each-conversation";

fn draft(given: &Given) -> Result<Draft, String> {
    let mut request = openrouter::request(given);
    request["messages"] = json!([{ "role": "user", "content": "Say hello." }]);
    request["session_id"] = SESSION.into();
    // The shell expands nothing in a quoted here-document, and no line of JSON can terminate it.
    let text = format!(
        "curl --fail-with-body {OPENROUTER_API}/chat/completions \\\n  \
         -H \"Authorization: Bearer $OPENROUTER_API_KEY\" \\\n  \
         -H 'Content-Type: application/json' \\\n  --data @- <<'JSON'\n{}JSON\n",
        write::json(&request)
    );
    Ok(Draft { text, notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
