import os

from openhands.sdk import LLM

llm = LLM(
    model="openrouter/zephyr/quill-large",
    api_key=os.environ["OPENROUTER_API_KEY"],
    usage_id="agent",
    litellm_extra_body={
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
    },
)
