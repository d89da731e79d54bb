import { ChatOpenRouter } from "@langchain/openrouter";

const model = new ChatOpenRouter({
  "model": "zephyr/quill-large",
  "provider": {
    "allow_fallbacks": true,
    "only": ["lumen/bf16", "quarry", "north-cloud/us-east"],
  },
  "sessionId": "one-for-each-conversation",
});
const answer = await model.invoke("Say hello.");
console.log(answer.text);
