import { ChatOpenRouter } from "@langchain/openrouter";

const model = new ChatOpenRouter({
  "model": "x-ai/grok-4.7",
  "provider": {
    "allow_fallbacks": true,
    "only": ["deepinfra/fp8", "novita/fp8"],
    "quantizations": ["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"],
    "require_parameters": true,
  },
  "sessionId": "one-for-each-conversation",
});
const answer = await model.invoke("Say hello.");
console.log(answer.text);
