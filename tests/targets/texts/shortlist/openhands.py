import os

from openhands.sdk import LLM

llm = LLM(
    model="openrouter/zephyr/quill-large",
    api_key=os.environ["OPENROUTER_API_KEY"],
    usage_id="agent",
    litellm_extra_body={
        "provider": {
            "allow_fallbacks": True,
            "only": ["lumen/bf16", "quarry", "north-cloud/us-east"],
        },
    },
)
