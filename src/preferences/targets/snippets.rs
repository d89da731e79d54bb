//! Requests to copy into a shell or a program.

use super::given::Given;
use super::openrouter::{SESSION, conversation};
use super::{Draft, OPENROUTER_API, Target, write};
use serde_json::json;

pub(super) const CURL: Target =
    Target::whole(("curl", "curl"), "A request from the shell.", ("request.sh", "sh"), curl);

pub(super) const PYTHON: Target = Target::whole(
    ("python", "Python (OpenAI SDK)"),
    "A request with the `openai` package.",
    ("request.py", "python"),
    python,
);

pub(super) const TYPESCRIPT: Target = Target::whole(
    ("typescript", "TypeScript (OpenAI SDK)"),
    "A request with the `openai` package.",
    ("request.ts", "typescript"),
    typescript,
);

pub(super) const BIFROST: Target = Target::whole(
    ("bifrost", "Bifrost"),
    "A request through the gateway, because its configuration cannot hold OpenRouter's preferences.",
    ("request.sh", "sh"),
    bifrost,
);

fn curl(given: &Given) -> Result<Draft, String> {
    let address = format!("{OPENROUTER_API}/chat/completions");
    let text = write::post(&address, &[write::OPENROUTER_KEY], &conversation(given));
    Ok(Draft::noted(text, &[]))
}

fn python(given: &Given) -> Result<Draft, String> {
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
    Ok(Draft::noted(text, &[]))
}

fn typescript(given: &Given) -> Result<Draft, String> {
    // The SDK's types contain neither `provider` nor `session_id`, but with the type assertion it sends them.
    let text = format!(
        "import OpenAI from \"openai\";\n\n\
         const client = new OpenAI({{\n  baseURL: \"{OPENROUTER_API}\",\n  \
         apiKey: process.env.OPENROUTER_API_KEY,\n}});\n\
         const request = {};\n\
         const answer = await client.chat.completions.create(\n  \
         request as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming,\n);\n\
         console.log(answer.choices[0]?.message.content);\n",
        write::literal(&conversation(given), &write::TYPESCRIPT, 0),
    );
    Ok(Draft::noted(text, &[]))
}

fn bifrost(given: &Given) -> Result<Draft, String> {
    let request = json!({
        "model": format!("openrouter/{}", given.model_id()),
        "messages": [{ "role": "user", "content": "Say hello." }],
        "extra_params": { "provider": given.object() },
    });
    let header = "'x-bf-passthrough-extra-params: true'";
    let text = write::post("\"$BIFROST_URL/v1/chat/completions\"", &[header], &request);
    let notes = [
        "without the header `x-bf-passthrough-extra-params` the gateway silently drops `provider`",
        "based on the gateway's documentation and untested: its package only downloads the program from elsewhere",
    ];
    Ok(Draft::noted(text, &notes))
}
