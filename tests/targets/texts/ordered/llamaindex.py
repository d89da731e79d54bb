from llama_index.llms.openrouter import OpenRouter

llm = OpenRouter(
    model="zephyr/quill-large",
    additional_kwargs={
        "extra_body": {
            "provider": {
                "allow_fallbacks": True,
                "only": ["lumen/bf16", "quarry", "north-cloud/us-east"],
            },
            "session_id": "one-for-each-conversation",
        },
    },
)
print(llm.complete("Say hello.").text)
