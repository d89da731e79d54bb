//! Agents that know only some fields of OpenRouter's `provider` object.

use super::super::Mode;
use super::given::{Given, one_for_all};
use super::{Draft, Names, Stickiness, Target, write};
use serde_json::{Map, Value, json};

/// The fields of a model's `provider` in Zed's settings, according to its source code.
const ZED_FIELDS: &[&str] = &[
    "only",
    "ignore",
    "order",
    "allow_fallbacks",
    "require_parameters",
    "data_collection",
    "quantizations",
    "sort",
];

pub(super) const ZED: Target = Target {
    fields: ZED_FIELDS,
    ..Target::whole(("zed", "Zed"), "A model for Zed's settings.json.", ("settings.json", "json"), zed)
};

fn zed(given: &Given) -> Result<Draft, String> {
    let (mut provider, mut notes) = given.fit(ZED_FIELDS);
    if provider.get("sort").is_some_and(|sort| !sort.is_string()) {
        notes.push("`sort` is left out: Zed accepts only a string".to_owned());
        provider.remove("sort");
    }
    if provider.get("data_collection").is_some_and(|value| value == "deny") {
        // Zed's own spelling; any other word makes the whole entry unreadable.
        provider.insert("data_collection".to_owned(), "disallow".into());
        notes.push(
            "Zed spells `deny` as `disallow`, but OpenRouter expects `deny`; set the limit in the account as well"
                .to_owned(),
        );
    }
    let admitted = given.admitted();
    let shortest = admitted.iter().filter_map(|endpoint| endpoint.prompt_limit()).min();
    let context = shortest.or(given.model.context_length).ok_or_else(|| {
        "the context length is unknown, and Zed does not accept a model without one".to_owned()
    })?;
    let takes =
        |name: &str| admitted.iter().any(|endpoint| endpoint.facts.parameters.iter().any(|own| own == name));
    let model = json!({
        "name": given.model_id(),
        "display_name": format!("{} (hitrate)", given.model_id()),
        "max_tokens": context,
        "supports_tools": takes("tools"),
        "provider": Value::Object(provider),
    });
    let settings = json!({ "language_models": { "open_router": { "available_models": [model] } } });
    notes.push("`max_tokens` is the shortest context of the admitted endpoints".to_owned());
    Ok(Draft::new(write::json(&settings), notes))
}

/// The fields that Hermes reads under `provider_routing` and passes on, according to the source code of 0.19.
const HERMES_FIELDS: &[&str] = &["only", "ignore", "order", "sort", "require_parameters", "data_collection"];

pub(super) const HERMES: Target = Target {
    fields: HERMES_FIELDS,
    ..Target::whole(
        ("hermes", "Hermes"),
        "A section for ~/.hermes/config.yaml.",
        ("config.yaml", "yaml"),
        hermes,
    )
};

fn hermes(given: &Given) -> Result<Draft, String> {
    let (routing, mut notes) = given.fit(HERMES_FIELDS);
    notes.push(one_for_all("Hermes", given));
    Ok(Draft::new(write::yaml(&json!({ "provider_routing": routing }))?, notes))
}

/// The fields of `providerRouting` in n8n's node, with its names, according to the package.
const N8N_FIELDS: &[(&str, &str)] = &[
    ("only", "only"),
    ("ignore", "ignore"),
    ("order", "order"),
    ("allow_fallbacks", "allowFallbacks"),
    ("require_parameters", "requireParameters"),
    ("data_collection", "dataCollection"),
    ("zdr", "zdr"),
    ("sort", "sort"),
];

pub(super) const N8N: Target = Target {
    fields: &[
        "only",
        "ignore",
        "order",
        "allow_fallbacks",
        "require_parameters",
        "data_collection",
        "zdr",
        "sort",
    ],
    ..Target::whole(
        ("n8n", "n8n"),
        "The node OpenRouter Chat Model, to paste into a workflow.",
        ("node.json", "json"),
        n8n,
    )
};

fn n8n(given: &Given) -> Result<Draft, String> {
    let (provider, mut notes) = given.fit(N8N.fields);
    let mut routing = Map::new();
    for (field, name) in N8N_FIELDS {
        let Some(value) = provider.get(*field) else { continue };
        let value = match value.as_array() {
            Some(names) => n8n_list(field, names)?.into(),
            None => value.clone(),
        };
        routing.insert((*name).to_owned(), value);
    }
    if given.model_id().starts_with('=') {
        return Err("n8n would read the name of the model as an expression".to_owned());
    }
    let node = json!({
        "id": "hitrate-openrouter",
        "name": "OpenRouter Chat Model",
        "type": "@n8n/n8n-nodes-langchain.lmChatOpenRouter",
        "typeVersion": 1,
        "position": [0, 0],
        "parameters": { "model": given.model_id(), "options": { "providerRouting": routing } },
    });
    notes.push(
        "paste it into the open workflow, connect it to a chain or an agent and choose your OpenRouter credential; n8n \
         sends no `session_id`, so OpenRouter recognises a conversation by its first messages"
            .to_owned(),
    );
    Ok(Draft::new(write::json(&json!({ "nodes": [node], "connections": {} })), notes))
}

/// Names as n8n reads them: one text, separated by commas, without the spaces around each name.
///
/// # Errors
/// A name that would be read differently.
fn n8n_list(field: &str, names: &[Value]) -> Result<String, String> {
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let is_plain = |name: &&str| !name.is_empty() && name.trim() == *name && !name.contains(',');
    if let Some(name) = names.iter().find(|name| !is_plain(name)) {
        return Err(format!(
            "n8n separates the names in `{field}` by commas and cannot express `{name}`; use a preset (`preset`)"
        ));
    }
    let list = names.join(",");
    if list.starts_with('=') {
        return Err(format!("n8n would read `{field}` as an expression; use a preset (`preset`)"));
    }
    Ok(list)
}

const ROO_FIELDS: &[&str] = &["only"];

/// Roo Code, which can name only one provider.
pub(super) const ROO: Target = Target {
    fields: ROO_FIELDS,
    names: Names::One,
    stickiness: Stickiness::OneEndpoint,
    ..Target::whole(
        ("roo", "Roo Code"),
        "Settings for import: a provider profile for the model.",
        ("roo-code-settings.json", "json"),
        roo,
    )
};

fn roo(given: &Given) -> Result<Draft, String> {
    given.named()?;
    let one = "Roo Code can name one provider to use and none to exclude";
    // The endpoints of another mode were not judged alone.
    if given.preference.mode != Mode::Pin {
        return Err(format!("{one}: use mode `pin` or a preset (`preset`)"));
    }
    let only = given.names("only").unwrap_or_default();
    let [only] = only[..] else {
        return Err(format!(
            "{one}, but this pin names {} endpoints, because one alone may be worse than none: use a preset \
             (`preset`)",
            only.len()
        ));
    };
    // `ignore` is not lost: an endpoint that needs it is not named.
    let (_, mut notes) = given.fit(&["only", "ignore"]);
    if !given.is_alone(only) {
        notes.push(roo_cannot_exclude(only));
        return Err(notes.join(". "));
    }
    notes.push(
        "Roo Code can name only one provider, so this is the preference of mode `pin`. It sends that name as `order` and \
         `only` without fallbacks: requests fail when the endpoint is down"
            .to_owned(),
    );
    let profile = json!({
        "apiProvider": "openrouter",
        "openRouterModelId": given.model_id(),
        "openRouterSpecificProvider": only,
    });
    let settings = json!({
        "providerProfiles": { "currentApiConfigName": "hitrate", "apiConfigs": { "hitrate": profile } },
        "globalSettings": {},
    });
    Ok(Draft::new(write::json(&settings), notes))
}

/// Why an endpoint cannot be used that only an exclusion list separates from its siblings.
fn roo_cannot_exclude(tag: &str) -> String {
    format!(
        "`{tag}` is left out: it would also match siblings that the preference excludes, and Roo Code has no exclusion \
         list; a preset (`preset`) can name it"
    )
}
