from langchain_openrouter import ChatOpenRouter

model = ChatOpenRouter(
    model="zephyr/quill-large",
    openrouter_provider={
        "ignore": ["mirage"],
    },
    session_id="one-for-each-conversation",
)
print(model.invoke("Say hello.").content)
