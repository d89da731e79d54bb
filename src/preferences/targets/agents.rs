//! Agents that read OpenRouter's `provider` object unchanged from their own configuration.

use super::given::{Given, one_for_all};
use super::{Draft, OPENROUTER_API, Target, write};
use serde::Serialize;
use serde_json::{Value, json};

pub(super) const AIDER: Target = Target::whole(
    ("aider", "aider"),
    "Model settings for .aider.model.settings.yml, in the project or the home directory.",
    (".aider.model.settings.yml", "yaml"),
    aider,
);

pub(super) const CLAUDE_CODE_ROUTER: Target = Target::whole(
    ("claude-code-router", "claude-code-router"),
    "For ~/.claude-code-router/config.json of versions 1 and 2.",
    ("config.json", "json"),
    claude_code_router,
);

pub(super) const CONTINUE: Target = Target::whole(
    ("continue", "Continue"),
    "A model for Continue's config.yaml.",
    ("config.yaml", "yaml"),
    continue_dev,
);

pub(super) const OPENCODE: Target = Target::whole(
    ("opencode", "opencode"),
    "Model options for opencode.json, in the project or in ~/.config/opencode.",
    ("opencode.json", "json"),
    opencode,
);

pub(super) const KILO: Target = Target::whole(
    ("kilo", "Kilo Code"),
    "Model options for Kilo Code 7 or later, which uses opencode's configuration.",
    ("kilo.json", "json"),
    kilo,
);

pub(super) const PI: Target =
    Target::whole(("pi", "pi"), "A model override for ~/.pi/agent/models.json.", ("models.json", "json"), pi);

pub(super) const OPENCLAW: Target = Target::whole(
    ("openclaw", "OpenClaw"),
    "Parameters of a model for ~/.openclaw/openclaw.json.",
    ("openclaw.json", "json"),
    openclaw,
);

pub(super) const QWEN_CODE: Target = Target::whole(
    ("qwen-code", "Qwen Code"),
    "A model for ~/.qwen/settings.json.",
    ("settings.json", "json"),
    qwen_code,
);

pub(super) const CRUSH: Target = Target::whole(
    ("crush", "Crush"),
    "Settings of the provider for crush.json, in the project or in ~/.config/crush.",
    ("crush.json", "json"),
    crush,
);

fn aider(given: &Given) -> Result<Draft, String> {
    #[derive(Serialize)]
    struct Settings {
        name: String,
        extra_params: Value,
    }
    let settings = Settings {
        name: format!("openrouter/{}", given.model_id()),
        extra_params: json!({ "extra_body": { "provider": given.object() } }),
    };
    let note = "an entry replaces all of aider's own settings for the model, including its edit format; add the ones you \
        need (`edit_format`, `use_repo_map`)";
    Ok(Draft::noted(write::yaml(&[settings])?, &[note]))
}

fn claude_code_router(given: &Given) -> Result<Draft, String> {
    let model = given.model_id();
    let config = json!({
        "Providers": [{
            "name": "openrouter",
            "api_base_url": format!("{OPENROUTER_API}/chat/completions"),
            "api_key": "$OPENROUTER_API_KEY",
            "models": [model],
            "transformer": {
                "use": ["openrouter"],
                model: { "use": [["openrouter", { "provider": given.object() }]] },
            },
        }],
        "Router": { "default": format!("openrouter,{model}") },
    });
    let note = "version 3 keeps its settings in a database and does not read this file; use `openrouter-preset` with it";
    Ok(Draft::noted(write::json(&config), &[note]))
}

fn continue_dev(given: &Given) -> Result<Draft, String> {
    #[derive(Serialize)]
    struct Config {
        name: &'static str,
        version: &'static str,
        schema: &'static str,
        models: [Model; 1],
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Model {
        name: String,
        provider: &'static str,
        model: String,
        api_key: &'static str,
        request_options: Value,
    }
    let model = Model {
        // The id, because model names are untrusted upstream text.
        name: given.model_id().to_owned(),
        provider: "openrouter",
        model: given.model_id().to_owned(),
        api_key: "${{ secrets.OPENROUTER_API_KEY }}",
        request_options: json!({ "extraBodyProperties": { "provider": given.object() } }),
    };
    let config = Config { name: "hitrate", version: "1.0.0", schema: "v1", models: [model] };
    Ok(Draft::noted(write::yaml(&config)?, &[]))
}

/// The model's options under the provider `openrouter`, for opencode and what is built on it.
fn providers(given: &Given) -> Value {
    json!({ "openrouter": { "models": { given.model_id(): { "options": { "provider": given.object() } } } } })
}

fn opencode(given: &Given) -> Result<Draft, String> {
    let config = json!({ "$schema": "https://opencode.ai/config.json", "provider": providers(given) });
    Ok(Draft::noted(write::json(&config), &[]))
}

fn kilo(given: &Given) -> Result<Draft, String> {
    let notes = [
        "this requires your own OpenRouter key; Kilo itself routes the models of its gateway",
        "older versions can name only one provider, like Roo Code: use `roo`",
    ];
    Ok(Draft::noted(write::json(&json!({ "provider": providers(given) })), &notes))
}

fn pi(given: &Given) -> Result<Draft, String> {
    let compat = json!({ "openRouterRouting": given.object() });
    let models = json!({ "providers": { "openrouter": { "modelOverrides": { given.model_id(): { "compat": compat } } } } });
    let note = "an override applies only to models that pi knows; add other models under `models`";
    Ok(Draft::noted(write::json(&models), &[note]))
}

fn openclaw(given: &Given) -> Result<Draft, String> {
    let name = format!("openrouter/{}", given.model_id());
    let models = json!({ name: { "params": { "provider": given.object() } } });
    let notes = [
        "OpenClaw sends it with chat completions of OpenRouter only, not with other APIs",
        "if the file already has `agents.defaults.models`, add the entry there: that list also restricts which models can \
         be chosen",
    ];
    Ok(Draft::noted(write::json(&json!({ "agents": { "defaults": { "models": models } } })), &notes))
}

fn qwen_code(given: &Given) -> Result<Draft, String> {
    let model = json!({
        "id": given.model_id(),
        "name": format!("{} (hitrate)", given.model_id()),
        "envKey": "OPENROUTER_API_KEY",
        "baseUrl": OPENROUTER_API,
        "generationConfig": { "extra_body": { "provider": given.object() } },
    });
    let note = "choose the model with `/model`; of several entries with the same id, API and address only the first counts";
    Ok(Draft::noted(write::json(&json!({ "modelProviders": { "openai": [model] } })), &[note]))
}

fn crush(given: &Given) -> Result<Draft, String> {
    let config = json!({
        "$schema": "https://charm.land/crush.json",
        "providers": { "openrouter": { "extra_body": { "provider": given.object() } } },
    });
    let notes = [
        one_for_all("Crush", given),
        "based on reports of users and untested: Crush's package only downloads the program from elsewhere"
            .to_owned(),
    ];
    Ok(Draft::new(write::json(&config), notes.into()))
}
