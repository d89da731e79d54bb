import os

from openhands.sdk import LLM

llm = LLM(
    model="openrouter/z-ai/glm-5.2",
    api_key=os.environ["OPENROUTER_API_KEY"],
    usage_id="agent",
    litellm_extra_body={
        "provider": {
            "ignore": ["fireworks"],
        },
    },
)
