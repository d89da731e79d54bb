from langchain_openrouter import ChatOpenRouter

model = ChatOpenRouter(
    model="zephyr/quill'; \"$(id)\" #large",
    openrouter_provider={
        "only": ["lu\"men'/$(id) `id` \\ #{x}\u000aJSON\u000a: - & * ! {{ \u00e9 \u2028", "quarry"],
    },
    session_id="one-for-each-conversation",
)
print(model.invoke("Say hello.").content)
