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
    "ignore": ["mirage"],
  },
  "session_id": "one-for-each-conversation",
};
const answer = await client.chat.completions.create(
  request as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming,
);
console.log(answer.choices[0]?.message.content);
