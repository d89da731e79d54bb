import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "https://openrouter.ai/api/v1",
  apiKey: process.env.OPENROUTER_API_KEY,
});
const request = {
  "messages": [
    {
      "content": "Say hello.",
      "role": "user",
    },
  ],
  "model": "zephyr/quill-large",
  "provider": {
    "allow_fallbacks": true,
    "data_collection": "deny",
    "max_price": {
      "completion": "5",
      "prompt": "1",
    },
    "only": ["lumen/bf16", "quarry"],
    "quantizations": ["fp8", "bf16"],
    "require_parameters": true,
    "zdr": true,
  },
  "session_id": "one-for-each-conversation",
};
const answer = await client.chat.completions.create(
  request as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming,
);
console.log(answer.choices[0]?.message.content);
