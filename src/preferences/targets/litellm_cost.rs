//! LiteLLM's proxy, the choice of the endpoint left to its own cost routing: one deployment an endpoint, each at what was
//! paid there, so that the ranking knows of caches.

use super::given::Given;
use super::litellm::{Config, Deployment, Parameters, TokenPrice};
use super::{ALL_FIELDS, Draft, Names, Target, write};
use crate::snapshot::Endpoint;
use serde_json::{Map, Value, json};

pub(super) const TARGET: Target = Target {
    name: "litellm-cost",
    title: "LiteLLM proxy, cost routing",
    about: "A deployment an endpoint for the proxy's config.yaml, priced at what was paid; LiteLLM takes the cheapest \
        that is up.",
    path: "config.yaml",
    language: "yaml",
    fields: ALL_FIELDS,
    names: Names::Many,
    prices: true,
    draft,
};

fn draft(given: &Given) -> Result<Draft, String> {
    given.named()?;
    let mut notes = Vec::new();
    let priced = priced(given, &mut notes);
    if priced.is_empty() {
        return Err(
            "what was paid at the endpoints let in is not known, so there is nothing to route by cost: \
            `litellm` leaves the choice to OpenRouter"
                .to_owned(),
        );
    }
    let in_order = priced.is_sorted_by(|(_, a), (_, b)| a.sum() < b.sum());
    let mut model_list: Vec<Deployment> =
        priced.iter().map(|(endpoint, price)| deployment(given, endpoint, *price)).collect();
    let mut settings = json!({ "routing_strategy": "cost-based-routing" });
    if !in_order {
        for (rank, deployment) in model_list.iter_mut().enumerate() {
            deployment.litellm_params.order = Some(rank + 1);
        }
        settings["enable_pre_call_checks"] = true.into();
        notes.push(
            "LiteLLM ranks by the input price plus the output price of one token each, which no session weighs so: \
             `order` puts the endpoints in the order of what a session costs"
                .to_owned(),
        );
    }
    notes.push(
        "all requests go to the first deployment until it fails, so caches stay warm; endpoints that appear later are \
         not let in until the text is made again"
            .to_owned(),
    );
    let text = write::yaml(&Config { model_list, router_settings: Some(settings) })?;
    Ok(Draft { text, notes, sticky_safe: true })
}

/// The endpoints let in that have a price, cheapest session first.
fn priced<'a>(given: &Given<'a>, notes: &mut Vec<String>) -> Vec<(&'a Endpoint, TokenPrice)> {
    let mut priced = Vec::new();
    for endpoint in given.admitted() {
        // A price of nothing counts as unset there, and unset as dear.
        match TokenPrice::effective(endpoint).filter(|price| price.sum() > 0.0) {
            Some(price) => priced.push((endpoint, price)),
            None => notes.push(format!("`{}` is left out: what was paid there is not known", endpoint.tag)),
        }
    }
    priced
}

fn deployment(given: &Given, endpoint: &Endpoint, price: TokenPrice) -> Deployment {
    let limits =
        given.provider.iter().filter(|(field, _)| !matches!(field.as_str(), "ignore" | "order" | "sort"));
    let mut provider: Map<String, Value> =
        limits.map(|(field, value)| (field.clone(), value.clone())).collect();
    provider.insert("only".to_owned(), json!([endpoint.tag]));
    provider.remove("allow_fallbacks");
    Deployment {
        model_name: given.model_id().to_owned(),
        litellm_params: Parameters::new(given.model_id(), Value::Object(provider), Some(price)),
        model_info: Some(json!({ "id": format!("{} {}", given.model_id(), endpoint.tag) })),
    }
}
