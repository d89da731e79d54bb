import { ChatOpenRouter } from "@langchain/openrouter";

const model = new ChatOpenRouter({
  "model": "zephyr/quill-large",
  "provider": {
    "only": ["lumen/bf16"],
  },
  "sessionId": "one-for-each-conversation",
});
const answer = await model.invoke("Say hello.");
console.log(answer.text);
