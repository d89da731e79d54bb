from llama_index.llms.openrouter import OpenRouter

llm = OpenRouter(
    model="zephyr/quill-large",
    additional_kwargs={
        "extra_body": {
            "provider": {
                "only": ["lumen/bf16"],
            },
            "session_id": "one-for-each-conversation",
        },
    },
)
print(llm.complete("Say hello.").text)
