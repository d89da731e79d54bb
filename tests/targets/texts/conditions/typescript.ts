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
  "model": "x-ai/grok-4.7",
  "provider": {
    "allow_fallbacks": true,
    "only": ["deepinfra/fp8", "novita/fp8"],
    "quantizations": ["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"],
    "require_parameters": true,
  },
  "session_id": "one-for-each-conversation",
};
const answer = await client.chat.completions.create(
  request as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming,
);
console.log(answer.choices[0]?.message.content);
