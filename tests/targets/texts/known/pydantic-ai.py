from pydantic_ai import Agent
from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterModelSettings

settings = OpenRouterModelSettings(
    openrouter_provider={
        "ignore": ["fireworks"],
    },
    extra_body={
        "session_id": "one-for-each-conversation",
    },
)
agent = Agent(OpenRouterModel("z-ai/glm-5.2"), model_settings=settings)
print(agent.run_sync("Say hello.").output)
