//! TypeScript, with OpenAI's SDK.

use super::given::Given;
use super::{Draft, OPENROUTER_API, Target, openrouter, write};

pub(super) const TARGET: Target = Target::whole(
    ("typescript", "TypeScript (OpenAI SDK)"),
    "A request with the `openai` package.",
    ("request.ts", "typescript"),
    draft,
);

fn draft(given: &Given) -> Result<Draft, String> {
    // The SDK's types contain neither `provider` nor `session_id`, but with the type assertion it sends them.
    let text = format!(
        "import OpenAI from \"openai\";\n\n\
         const client = new OpenAI({{\n  baseURL: \"{OPENROUTER_API}\",\n  \
         apiKey: process.env.OPENROUTER_API_KEY,\n}});\n\
         const request = {};\n\
         const answer = await client.chat.completions.create(\n  \
         request as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming,\n);\n\
         console.log(answer.choices[0]?.message.content);\n",
        write::literal(&openrouter::conversation(given), &write::TYPESCRIPT, 0),
    );
    Ok(Draft { text, notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
