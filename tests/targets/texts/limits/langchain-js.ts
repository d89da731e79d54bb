import { ChatOpenRouter } from "@langchain/openrouter";

const model = new ChatOpenRouter({
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
  "sessionId": "one-for-each-conversation",
});
const answer = await model.invoke("Say hello.");
console.log(answer.text);
