import os

from openai import OpenAI

client = OpenAI(base_url="https://openrouter.ai/api/v1", api_key=os.environ["OPENROUTER_API_KEY"])
answer = client.chat.completions.create(
    model="zephyr/quill-large",
    messages=[{"role": "user", "content": "Say hello."}],
    extra_body={
        "provider": {
            "allow_fallbacks": True,
            "data_collection": "deny",
            "max_price": {
                "completion": "5",
                "prompt": "1",
            },
            "only": ["lumen/bf16", "quarry"],
            "quantizations": ["fp8", "bf16"],
            "require_parameters": True,
            "zdr": True,
        },
        "session_id": "one-for-each-conversation",
    },
)
print(answer.choices[0].message.content)
