import os

from openhands.sdk import LLM

llm = LLM(
    model="openrouter/x-ai/grok-4.7",
    api_key=os.environ["OPENROUTER_API_KEY"],
    usage_id="agent",
    litellm_extra_body={
        "provider": {
            "allow_fallbacks": True,
            "only": ["deepinfra/fp8", "novita/fp8"],
            "quantizations": ["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"],
            "require_parameters": True,
        },
    },
)
