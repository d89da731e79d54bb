//! LiteLLM's proxy with its own cost routing: one deployment per endpoint at the effective price of that endpoint, so
//! that the ranking accounts for caching.

use super::given::Given;
use super::litellm::{Config, Deployment, Parameters, TokenPrice};
use super::{Draft, Target, write};
use crate::snapshot::Endpoint;
use serde_json::{Map, Value, json};

pub(super) const TARGET: Target = Target {
    prices: true,
    ..Target::whole(
        ("litellm-cost", "LiteLLM proxy, cost routing"),
        "One deployment per endpoint for the proxy's config.yaml, at its effective price; LiteLLM uses the cheapest \
        one that is up.",
        ("config.yaml", "yaml"),
        draft,
    )
};

fn draft(given: &Given) -> Result<Draft, String> {
    given.named()?;
    let mut notes = Vec::new();
    let priced = priced(given, &mut notes);
    if priced.is_empty() {
        return Err(
            "no effective price is known for the admitted endpoints, so LiteLLM cannot route by cost; \
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
            "LiteLLM ranks by the sum of the prices of one input and one output token, which does not match the mix of \
             a session; `order` ranks the endpoints by session cost"
                .to_owned(),
        );
    }
    notes.push(
        "all requests go to the first deployment until it fails, so caches stay warm; endpoints that appear later are \
         not used until you regenerate this configuration"
            .to_owned(),
    );
    let text = write::yaml(&Config { model_list, router_settings: Some(settings) })?;
    Ok(Draft { text, notes, sticky_safe: true })
}

/// The admitted endpoints that have a price, cheapest session first.
fn priced<'a>(given: &Given<'a>, notes: &mut Vec<String>) -> Vec<(&'a Endpoint, TokenPrice)> {
    let mut priced = Vec::new();
    for endpoint in given.admitted() {
        // LiteLLM treats a price of zero as unset, and an unset price as expensive.
        match TokenPrice::effective(endpoint).filter(|price| price.sum() > 0.0) {
            Some(price) => priced.push((endpoint, price)),
            None => notes.push(format!("`{}` is left out: its effective price is unknown", endpoint.tag)),
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
