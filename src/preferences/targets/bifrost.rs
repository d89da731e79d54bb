//! Bifrost.

use super::given::Given;
use super::{Draft, Target, write};
use serde_json::json;

pub(super) const TARGET: Target = Target::whole(
    ("bifrost", "Bifrost"),
    "A request through the gateway, because its configuration cannot hold OpenRouter's preferences.",
    ("request.sh", "sh"),
    draft,
);

fn draft(given: &Given) -> Result<Draft, String> {
    let request = json!({
        "model": format!("openrouter/{}", given.model_id()),
        "messages": [{ "role": "user", "content": "Say hello." }],
        "extra_params": { "provider": given.object() },
    });
    let text = format!(
        "curl --fail-with-body \"$BIFROST_URL/v1/chat/completions\" \\\n  \
         -H 'x-bf-passthrough-extra-params: true' \\\n  \
         -H 'Content-Type: application/json' \\\n  --data @- <<'JSON'\n{}JSON\n",
        write::json(&request)
    );
    let notes = vec![
        "without the header `x-bf-passthrough-extra-params` the gateway silently drops `provider`".to_owned(),
        "based on the gateway's documentation and untested: the gateway is not in any package registry"
            .to_owned(),
    ];
    Ok(Draft { text, notes, sticky_safe: given.sticky_safe() })
}
