//! TypeScript, with OpenAI's SDK.

use super::curl::SESSION;
use super::given::Given;
use super::{ALL_FIELDS, Draft, Names, OPENROUTER_API, Target, openrouter, write};
use serde_json::json;

pub(super) const TARGET: Target = Target {
    name: "typescript",
    title: "TypeScript (OpenAI SDK)",
    about: "A request with the `openai` package.",
    path: "request.ts",
    language: "typescript",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: false,
    draft,
};

fn draft(given: &Given) -> Result<Draft, String> {
    let mut request = openrouter::request(given);
    request["messages"] = json!([{ "role": "user", "content": "Say hello." }]);
    request["session_id"] = SESSION.into();
    // The SDK's types contain neither `provider` nor `session_id`, but with the type assertion it sends them.
    let text = format!(
        "import OpenAI from \"openai\";\n\n\
         const client = new OpenAI({{\n  baseURL: \"{OPENROUTER_API}\",\n  \
         apiKey: process.env.OPENROUTER_API_KEY,\n}});\n\
         const request = {};\n\
         const answer = await client.chat.completions.create(\n  \
         request as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming,\n);\n\
         console.log(answer.choices[0]?.message.content);\n",
        write::literal(&request, &write::TYPESCRIPT, 0),
    );
    Ok(Draft { text, notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
