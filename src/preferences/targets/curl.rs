//! A request with curl.

use super::given::Given;
use super::{Draft, OPENROUTER_API, Target, openrouter, write};

pub(super) const TARGET: Target =
    Target::whole(("curl", "curl"), "A request from the shell.", ("request.sh", "sh"), draft);

fn draft(given: &Given) -> Result<Draft, String> {
    // The shell expands nothing in a quoted here-document, and no line of JSON can terminate it.
    let text = format!(
        "curl --fail-with-body {OPENROUTER_API}/chat/completions \\\n  \
         -H \"Authorization: Bearer $OPENROUTER_API_KEY\" \\\n  \
         -H 'Content-Type: application/json' \\\n  --data @- <<'JSON'\n{}JSON\n",
        write::json(&openrouter::conversation(given))
    );
    Ok(Draft { text, notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
