import os

from openhands.sdk import LLM

llm = LLM(
    model="openrouter/zephyr/quill'; \"$(id)\" #large",
    api_key=os.environ["OPENROUTER_API_KEY"],
    usage_id="agent",
    litellm_extra_body={
        "provider": {
            "only": ["lu\"men'/$(id) `id` \\ #{x}\u000aJSON\u000a: - & * ! {{ \u00e9 \u2028", "quarry"],
        },
    },
)
