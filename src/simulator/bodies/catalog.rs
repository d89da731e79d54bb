//! Models and providers.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::wire::envelope;
use crate::simulator::Simulator;
use crate::simulator::world::{Model, Pair, Provider, World};

/// The model id with the suffix of its variant; `standard` has no suffix.
pub(super) fn with_variant(id: &str, variant: &str) -> String {
    match variant {
        "standard" => id.to_owned(),
        other => format!("{id}:{other}"),
    }
}

/// `~` aliases and the pairs they stand for.
pub(super) fn aliases(world: &World) -> Vec<(String, usize)> {
    let alias = |pair: usize| {
        let id = &world.models[world.pairs[pair].model].id;
        let author = id.split('/').next().unwrap_or(id);
        (format!("~{author}/newest-{pair}-latest"), pair)
    };
    [0, 1, 4].into_iter().map(alias).collect()
}

/// `/api/v1/models`: the models with their variants, aliases and a router.
pub(super) fn models(simulator: &Simulator, at: DateTime<Utc>) -> Vec<u8> {
    let world = &simulator.world;
    let mut rows: Vec<Value> = world.pairs.iter().map(|pair| row(world, pair, at)).collect();
    for (alias, pair) in aliases(world) {
        let model = &world.models[world.pairs[pair].model];
        let mut row = row(world, &world.pairs[pair], at);
        row["id"] = json!(alias);
        row["canonical_slug"] = json!(alias);
        row["name"] = json!(format!("{} Latest", model.name));
        row["links"] = json!({"details": format!("/api/v1/models/{alias}/endpoints")});
        row["alias_target"] = json!({"name": model.name, "slug": model.id});
        rows.push(row);
    }
    rows.push(router());
    envelope(&rows)
}

fn row(world: &World, pair: &Pair, at: DateTime<Utc>) -> Value {
    let model = &world.models[pair.model];
    let name = match pair.variant {
        "standard" => model.name.clone(),
        other => format!("{} ({other})", model.name),
    };
    let mut row = frame(&with_variant(&model.id, pair.variant), &model.canonical, &name);
    row["created"] = json!(model.created);
    row["description"] = json!("An invented model of a simulated market.");
    row["context_length"] = json!(model.context);
    row["architecture"] = architecture(model);
    row["pricing"] = Value::Object(cheapest(world, pair, at));
    row["top_provider"] =
        json!({"context_length": model.context, "max_completion_tokens": null, "is_moderated": false});
    row["supported_parameters"] = json!(["max_tokens", "temperature", "tools"]);
    row
}

/// The prices of the cheapest existing endpoint, as the upstream shows them; zeros if there is none.
fn cheapest(world: &World, pair: &Pair, at: DateTime<Utc>) -> Map<String, Value> {
    pair.endpoints
        .iter()
        .map(|&i| &world.endpoints[i])
        .filter(|e| e.alive(at))
        .map(|e| e.price(at))
        .min_by(|a, b| a.usd(a.input).total_cmp(&b.usd(b.input)))
        .cloned()
        .unwrap_or_default()
        .wire_plain()
}

fn architecture(model: &Model) -> Value {
    let seeing = model.context > 200_000;
    let inputs = if seeing { json!(["text", "image"]) } else { json!(["text"]) };
    json!({"modality": if seeing { "text+image->text" } else { "text->text" }, "input_modalities": inputs,
           "output_modalities": ["text"], "tokenizer": "Other", "instruct_type": null})
}

/// The pseudo-model that selects a model: its price of -1 means that it has no price.
fn router() -> Value {
    let mut row = frame("openrouter/auto", "openrouter/auto", "Auto Router");
    row["created"] = json!(1_699_401_600);
    row["context_length"] = json!(2_000_000);
    row["pricing"] = json!({"prompt": "-1", "completion": "-1"});
    row["architecture"] = json!({"modality": "text->text", "input_modalities": ["text"], "output_modalities": ["text"],
                                 "tokenizer": "Router", "instruct_type": null});
    row["top_provider"] =
        json!({"context_length": null, "max_completion_tokens": null, "is_moderated": false});
    row
}

fn frame(id: &str, canonical: &str, name: &str) -> Value {
    json!({
        "id": id, "canonical_slug": canonical, "hugging_face_id": null, "name": name, "description": "",
        "per_request_limits": null, "supported_parameters": [], "default_parameters": {"temperature": null, "top_p": null},
        "supported_voices": null, "knowledge_cutoff": null, "expiration_date": null,
        "links": {"details": format!("/api/v1/models/{canonical}/endpoints")},
    })
}

/// `/api/v1/providers`.
pub(super) fn providers(world: &World) -> Vec<u8> {
    let row = |p: &Provider| {
        json!({"name": p.display, "slug": p.slug, "headquarters": p.headquarters, "datacenters": [p.headquarters],
               "privacy_policy_url": format!("https://{}.example/privacy", p.slug),
               "terms_of_service_url": format!("https://{}.example/terms", p.slug),
               "status_page_url": status_page(p)})
    };
    envelope(&world.providers.iter().map(row).collect::<Vec<_>>())
}

/// `/api/frontend/v1/all-providers`.
pub(super) fn all_providers(world: &World) -> Vec<u8> {
    let row = |p: &Provider| {
        let mut info = provider_info(p);
        info["adapterName"] = json!("OpenAIAdapter");
        info["baseUrl"] = json!(format!("https://api.{}.example/v1", p.slug));
        info["byokEnabled"] = json!(true);
        info["icon"] = json!({"url": format!("https://{}.example/icon.png", p.slug)});
        info["pricingStrategy"] = json!("openai_chat_completions");
        info
    };
    envelope(&world.providers.iter().map(row).collect::<Vec<_>>())
}

/// The provider object of `stats/endpoint` rows.
pub(super) fn provider_info(p: &Provider) -> Value {
    json!({
        "name": p.internal, "displayName": p.display, "slug": p.slug,
        "dataPolicy": {"training": false, "trainingOpenRouter": false, "retainsPrompts": false, "canPublish": false,
                       "termsOfServiceURL": format!("https://{}.example/terms", p.slug),
                       "privacyPolicyURL": format!("https://{}.example/privacy", p.slug)},
        "headquarters": p.headquarters, "datacenters": [p.headquarters], "hasChatCompletions": true,
        "hasCompletions": false, "isAbortable": true, "moderationRequired": false, "statusPageUrl": status_page(p),
    })
}

/// Four in five providers have a status page.
fn status_page(p: &Provider) -> Option<String> {
    (!p.slug.len().is_multiple_of(5)).then(|| format!("https://status.{}.example/", p.slug))
}
