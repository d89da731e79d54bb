from pydantic_ai import Agent
from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterModelSettings

settings = OpenRouterModelSettings(
    openrouter_provider={
        "allow_fallbacks": True,
        "only": ["lumen/bf16", "quarry", "north-cloud/us-east"],
    },
    extra_body={
        "session_id": "one-for-each-conversation",
    },
)
agent = Agent(OpenRouterModel("zephyr/quill-large"), model_settings=settings)
print(agent.run_sync("Say hello.").output)
