import { ChatOpenRouter } from "@langchain/openrouter";

const model = new ChatOpenRouter({
  "model": "z-ai/glm-5.2",
  "provider": {
    "ignore": ["fireworks"],
  },
  "sessionId": "one-for-each-conversation",
});
const answer = await model.invoke("Say hello.");
console.log(answer.text);
