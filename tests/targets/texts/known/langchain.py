from langchain_openrouter import ChatOpenRouter

model = ChatOpenRouter(
    model="z-ai/glm-5.2",
    openrouter_provider={
        "ignore": ["fireworks"],
    },
    session_id="one-for-each-conversation",
)
print(model.invoke("Say hello.").content)
