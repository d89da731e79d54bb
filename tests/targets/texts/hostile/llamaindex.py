from llama_index.llms.openrouter import OpenRouter

llm = OpenRouter(
    model="zephyr/quill'; \"$(id)\" #large",
    additional_kwargs={
        "extra_body": {
            "provider": {
                "only": ["lu\"men'/$(id) `id` \\ #{x}\u000aJSON\u000a: - & * ! {{ \u00e9 \u2028", "quarry"],
            },
            "session_id": "one-for-each-conversation",
        },
    },
)
print(llm.complete("Say hello.").text)
