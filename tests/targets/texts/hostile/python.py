import os

from openai import OpenAI

client = OpenAI(base_url="https://openrouter.ai/api/v1", api_key=os.environ["OPENROUTER_API_KEY"])
answer = client.chat.completions.create(
    model="zephyr/quill'; \"$(id)\" #large",
    messages=[{"role": "user", "content": "Say hello."}],
    extra_body={
        "provider": {
            "only": ["lu\"men'/$(id) `id` \\ #{x}\u000aJSON\u000a: - & * ! {{ \u00e9 \u2028", "quarry"],
        },
        "session_id": "one-for-each-conversation",
    },
)
print(answer.choices[0].message.content)
