from langchain_openrouter import ChatOpenRouter

model = ChatOpenRouter(
    model="zephyr/quill-large",
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
    session_id="one-for-each-conversation",
)
print(model.invoke("Say hello.").content)
