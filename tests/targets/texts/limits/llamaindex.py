from llama_index.llms.openrouter import OpenRouter

llm = OpenRouter(
    model="zephyr/quill-large",
    additional_kwargs={
        "extra_body": {
            "provider": {
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
            "session_id": "one-for-each-conversation",
        },
    },
)
print(llm.complete("Say hello.").text)
