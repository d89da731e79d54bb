import os

from openai import OpenAI

client = OpenAI(base_url="https://openrouter.ai/api/v1", api_key=os.environ["OPENROUTER_API_KEY"])
answer = client.chat.completions.create(
    model="z-ai/glm-5.2",
    messages=[{"role": "user", "content": "Say hello."}],
    extra_body={
        "provider": {
            "ignore": ["fireworks"],
        },
        "session_id": "one-for-each-conversation",
    },
)
print(answer.choices[0].message.content)
