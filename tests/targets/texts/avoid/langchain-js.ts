import { ChatOpenRouter } from "@langchain/openrouter";

const model = new ChatOpenRouter({
  "model": "zephyr/quill-large",
  "provider": {
    "ignore": ["mirage"],
  },
  "sessionId": "one-for-each-conversation",
});
const answer = await model.invoke("Say hello.");
console.log(answer.text);
