//! Python, with OpenAI's SDK.

use super::given::Given;
use super::openrouter::SESSION;
use super::{Draft, OPENROUTER_API, Target, write};
use serde_json::json;

pub(super) const TARGET: Target = Target::whole(
    ("python", "Python (OpenAI SDK)"),
    "A request with the `openai` package.",
    ("request.py", "python"),
    draft,
);

fn draft(given: &Given) -> Result<Draft, String> {
    let body = json!({ "provider": given.object(), "session_id": SESSION });
    let text = format!(
        "import os\n\nfrom openai import OpenAI\n\n\
         client = OpenAI(base_url=\"{OPENROUTER_API}\", api_key=os.environ[\"OPENROUTER_API_KEY\"])\n\
         answer = client.chat.completions.create(\n    \
         model={},\n    \
         messages=[{{\"role\": \"user\", \"content\": \"Say hello.\"}}],\n    \
         extra_body={},\n)\n\
         print(answer.choices[0].message.content)\n",
        write::string(given.model_id()),
        write::literal(&body, &write::PYTHON, 1),
    );
    Ok(Draft { text, notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
