import { ChatOpenRouter } from "@langchain/openrouter";

const model = new ChatOpenRouter({
  "model": "zephyr/quill'; \"$(id)\" #large",
  "provider": {
    "only": ["lu\"men'/$(id) `id` \\ #{x}\u000aJSON\u000a: - & * ! {{ \u00e9 \u2028", "quarry"],
  },
  "sessionId": "one-for-each-conversation",
});
const answer = await model.invoke("Say hello.");
console.log(answer.text);
