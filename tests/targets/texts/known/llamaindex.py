from llama_index.llms.openrouter import OpenRouter

llm = OpenRouter(
    model="z-ai/glm-5.2",
    additional_kwargs={
        "extra_body": {
            "provider": {
                "ignore": ["fireworks"],
            },
            "session_id": "one-for-each-conversation",
        },
    },
)
print(llm.complete("Say hello.").text)
