//! Libraries for programs that call models: each text is a program that sends one request.

use super::given::Given;
use super::openrouter::SESSION;
use super::{Draft, Target, write};
use serde_json::{Value, json};

pub(super) const LANGCHAIN: Target = Target::whole(
    ("langchain", "LangChain (Python)"),
    "A model with the package `langchain-openrouter`.",
    ("model.py", "python"),
    langchain,
);

pub(super) const LANGCHAIN_JS: Target = Target::whole(
    ("langchain-js", "LangChain (JavaScript)"),
    "A model with the package `@langchain/openrouter`.",
    ("model.ts", "typescript"),
    langchain_js,
);

pub(super) const PYDANTIC_AI: Target = Target::whole(
    ("pydantic-ai", "PydanticAI"),
    "An agent with the package `pydantic-ai-slim[openrouter]`.",
    ("agent.py", "python"),
    pydantic_ai,
);

pub(super) const LLAMAINDEX: Target = Target::whole(
    ("llamaindex", "LlamaIndex"),
    "A model with the package `llama-index-llms-openrouter`.",
    ("model.py", "python"),
    llamaindex,
);

pub(super) const OPENHANDS: Target = Target::whole(
    ("openhands", "OpenHands SDK"),
    "A model with the package `openhands-sdk`.",
    ("model.py", "python"),
    openhands,
);

/// A note on the session id in the texts.
const ONE_EACH: &str = "the session id is a placeholder: use one for each conversation";

/// A literal of Python within the arguments of a call.
fn argument(value: &Value) -> String {
    write::literal(value, &write::PYTHON, 1)
}

fn langchain(given: &Given) -> Result<Draft, String> {
    let text = format!(
        "from langchain_openrouter import ChatOpenRouter\n\n\
         model = ChatOpenRouter(\n    model={},\n    openrouter_provider={},\n    session_id=\"{SESSION}\",\n)\n\
         print(model.invoke(\"Say hello.\").content)\n",
        write::string(given.model_id()),
        argument(&given.object()),
    );
    Ok(Draft::noted(text, &[ONE_EACH]))
}

fn langchain_js(given: &Given) -> Result<Draft, String> {
    let fields = json!({ "model": given.model_id(), "provider": given.object(), "sessionId": SESSION });
    let text = format!(
        "import {{ ChatOpenRouter }} from \"@langchain/openrouter\";\n\n\
         const model = new ChatOpenRouter({});\n\
         const answer = await model.invoke(\"Say hello.\");\n\
         console.log(answer.text);\n",
        write::literal(&fields, &write::TYPESCRIPT, 0),
    );
    Ok(Draft::noted(text, &[ONE_EACH]))
}

fn pydantic_ai(given: &Given) -> Result<Draft, String> {
    let text = format!(
        "from pydantic_ai import Agent\n\
         from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterModelSettings\n\n\
         settings = OpenRouterModelSettings(\n    openrouter_provider={},\n    extra_body={},\n)\n\
         agent = Agent(OpenRouterModel({}), model_settings=settings)\n\
         print(agent.run_sync(\"Say hello.\").output)\n",
        argument(&given.object()),
        argument(&json!({ "session_id": SESSION })),
        write::string(given.model_id()),
    );
    Ok(Draft::noted(text, &[ONE_EACH]))
}

fn llamaindex(given: &Given) -> Result<Draft, String> {
    let body = json!({ "extra_body": { "provider": given.object(), "session_id": SESSION } });
    let text = format!(
        "from llama_index.llms.openrouter import OpenRouter\n\n\
         llm = OpenRouter(\n    model={},\n    additional_kwargs={},\n)\n\
         print(llm.complete(\"Say hello.\").text)\n",
        write::string(given.model_id()),
        argument(&body),
    );
    let own = "the arguments `order` and `allow_fallbacks` of the class would be merged into `provider`: leave them out";
    Ok(Draft::noted(text, &[ONE_EACH, own]))
}

fn openhands(given: &Given) -> Result<Draft, String> {
    let text = format!(
        "import os\n\nfrom openhands.sdk import LLM\n\n\
         llm = LLM(\n    model={},\n    api_key=os.environ[\"OPENROUTER_API_KEY\"],\n    usage_id=\"agent\",\n    \
         litellm_extra_body={},\n)\n",
        write::string(&format!("openrouter/{}", given.model_id())),
        argument(&json!({ "provider": given.object() })),
    );
    let untested = "based on public programs that use the SDK and untested here";
    Ok(Draft::noted(text, &[untested]))
}
