import os

from openai import OpenAI

client = OpenAI(base_url="https://openrouter.ai/api/v1", api_key=os.environ["OPENROUTER_API_KEY"])
answer = client.chat.completions.create(
    model="x-ai/grok-4.7",
    messages=[{"role": "user", "content": "Say hello."}],
    extra_body={
        "provider": {
            "allow_fallbacks": True,
            "only": ["deepinfra/fp8", "novita/fp8"],
            "quantizations": ["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"],
            "require_parameters": True,
        },
        "session_id": "one-for-each-conversation",
    },
)
print(answer.choices[0].message.content)
