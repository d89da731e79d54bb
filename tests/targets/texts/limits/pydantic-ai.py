from pydantic_ai import Agent
from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterModelSettings

settings = OpenRouterModelSettings(
    openrouter_provider={
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
    extra_body={
        "session_id": "one-for-each-conversation",
    },
)
agent = Agent(OpenRouterModel("zephyr/quill-large"), model_settings=settings)
print(agent.run_sync("Say hello.").output)
