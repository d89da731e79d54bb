//! Continue.

use super::given::Given;
use super::{Draft, Target, write};
use serde::Serialize;
use serde_json::{Value, json};

pub(super) const TARGET: Target = Target::whole(
    ("continue", "Continue"),
    "A model for Continue's config.yaml.",
    ("config.yaml", "yaml"),
    draft,
);

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

fn draft(given: &Given) -> Result<Draft, String> {
    let model = Model {
        // The id, because model names are untrusted upstream text.
        name: given.model_id().to_owned(),
        provider: "openrouter",
        model: given.model_id().to_owned(),
        api_key: "${{ secrets.OPENROUTER_API_KEY }}",
        request_options: json!({ "extraBodyProperties": { "provider": given.object() } }),
    };
    let config = Config { name: "hitrate", version: "1.0.0", schema: "v1", models: [model] };
    Ok(Draft { text: write::yaml(&config)?, notes: Vec::new(), sticky_safe: given.sticky_safe() })
}
