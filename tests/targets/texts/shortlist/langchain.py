from langchain_openrouter import ChatOpenRouter

model = ChatOpenRouter(
    model="zephyr/quill-large",
    openrouter_provider={
        "allow_fallbacks": True,
        "only": ["lumen/bf16", "quarry", "north-cloud/us-east"],
    },
    session_id="one-for-each-conversation",
)
print(model.invoke("Say hello.").content)
