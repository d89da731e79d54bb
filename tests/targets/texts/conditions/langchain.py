from langchain_openrouter import ChatOpenRouter

model = ChatOpenRouter(
    model="x-ai/grok-4.7",
    openrouter_provider={
        "allow_fallbacks": True,
        "only": ["deepinfra/fp8", "novita/fp8"],
        "quantizations": ["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"],
        "require_parameters": True,
    },
    session_id="one-for-each-conversation",
)
print(model.invoke("Say hello.").content)
