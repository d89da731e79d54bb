from pydantic_ai import Agent
from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterModelSettings

settings = OpenRouterModelSettings(
    openrouter_provider={
        "only": ["lu\"men'/$(id) `id` \\ #{x}\u000aJSON\u000a: - & * ! {{ \u00e9 \u2028", "quarry"],
    },
    extra_body={
        "session_id": "one-for-each-conversation",
    },
)
agent = Agent(OpenRouterModel("zephyr/quill'; \"$(id)\" #large"), model_settings=settings)
print(agent.run_sync("Say hello.").output)
