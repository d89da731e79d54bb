from pydantic_ai import Agent
from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterModelSettings

settings = OpenRouterModelSettings(
    openrouter_provider={
        "allow_fallbacks": True,
        "only": ["deepinfra/fp8", "novita/fp8"],
        "quantizations": ["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"],
        "require_parameters": True,
    },
    extra_body={
        "session_id": "one-for-each-conversation",
    },
)
agent = Agent(OpenRouterModel("x-ai/grok-4.7"), model_settings=settings)
print(agent.run_sync("Say hello.").output)
