//! LiteLLM's proxy: with one deployment that carries the preference, so that OpenRouter chooses the endpoint, and with
//! its own cost routing.

use super::super::matching::siblings;
use super::given::Given;
use super::{Draft, Stickiness, Target, write};
use crate::snapshot::Endpoint;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(super) const PROXY: Target = Target {
    prices: true,
    ..Target::whole(
        ("litellm", "LiteLLM proxy"),
        "A deployment for the proxy's config.yaml; OpenRouter chooses among the admitted endpoints.",
        ("config.yaml", "yaml"),
        proxy,
    )
};

/// One deployment per endpoint at the effective price of that endpoint, so that the ranking accounts for caching.
pub(super) const COST_ROUTING: Target = Target {
    prices: true,
    stickiness: Stickiness::UntilFailure,
    ..Target::whole(
        ("litellm-cost", "LiteLLM proxy, cost routing"),
        "One deployment per endpoint for the proxy's config.yaml, at its effective price; LiteLLM uses the cheapest \
        one that is up.",
        ("config.yaml", "yaml"),
        by_cost,
    )
};

/// The part of the proxy's configuration that a preference affects.
#[derive(Serialize)]
struct Config {
    model_list: Vec<Deployment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    router_settings: Option<Value>,
}

/// One way to reach a model.
#[derive(Serialize)]
struct Deployment {
    model_name: String,
    litellm_params: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_info: Option<Value>,
}

#[derive(Serialize)]
struct Parameters {
    model: String,
    api_key: &'static str,
    extra_body: Value,
    #[serde(flatten)]
    price: Option<TokenPrice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<usize>,
}

/// Price of a token, USD. The effective input price already includes caching, so tokens read from or written to the
/// cache have the same price. With the listed read price, LiteLLM would apply the discount twice.
#[derive(Serialize, Clone, Copy)]
struct TokenPrice {
    input_cost_per_token: f64,
    output_cost_per_token: f64,
    cache_read_input_token_cost: f64,
    cache_creation_input_token_cost: f64,
}

impl TokenPrice {
    /// From USD per million tokens.
    fn of_mtok(input: f64, output: f64) -> Self {
        let (input, output) = (per_token(input), per_token(output));
        Self {
            input_cost_per_token: input,
            output_cost_per_token: output,
            cache_read_input_token_cost: input,
            cache_creation_input_token_cost: input,
        }
    }

    /// The effective price of an endpoint.
    fn effective(endpoint: &Endpoint) -> Option<Self> {
        let input = endpoint.effective.input?;
        let output = endpoint.effective.output.or(endpoint.list.output)?;
        Some(Self::of_mtok(input, output))
    }

    /// The sum of the two prices, which the proxy's cost routing ranks by.
    fn sum(self) -> f64 {
        self.input_cost_per_token + self.output_cost_per_token
    }
}

/// USD per token from USD per million, rounded to seven digits to remove the noise of the division.
fn per_token(mtok: f64) -> f64 {
    format!("{:.6e}", mtok / 1e6).parse().unwrap_or(mtok / 1e6)
}

impl Parameters {
    fn new(model_id: &str, provider: Value, price: Option<TokenPrice>) -> Self {
        Self {
            model: format!("openrouter/{model_id}"),
            api_key: "os.environ/OPENROUTER_API_KEY",
            extra_body: json!({ "provider": provider }),
            price,
            order: None,
        }
    }
}

/// The mean of the effective prices of the endpoints, weighted by their tokens.
fn mean(endpoints: &[&Endpoint]) -> Option<TokenPrice> {
    let (mut tokens, mut input, mut output) = (0.0, 0.0, 0.0);
    for endpoint in endpoints {
        let paid = endpoint.effective.input.zip(endpoint.effective.output.or(endpoint.list.output));
        if let (Some((paid_in, paid_out)), Some(weight)) = (paid, endpoint.tokens_per_day) {
            tokens += weight;
            input += paid_in * weight;
            output += paid_out * weight;
        }
    }
    (tokens > 0.0).then(|| TokenPrice::of_mtok(input / tokens, output / tokens))
}

fn proxy(given: &Given) -> Result<Draft, String> {
    let price = mean(&given.admitted());
    let model_name = given.model_id().to_owned();
    let litellm_params = Parameters::new(&model_name, given.object(), price);
    let deployment = Deployment { model_name, litellm_params, model_info: None };
    let text = write::yaml(&Config { model_list: vec![deployment], router_settings: None })?;
    let about_price = match price {
        Some(_) => {
            "the prices are effective prices (cache discounts included), averaged over the admitted endpoints: \
            correct on average for budgets and comparable with other deployments of the model under \
            cost-based-routing; cached tokens have the same price, because otherwise the discount would be applied \
            twice"
        }
        None => "no price: the effective prices of these endpoints are unknown",
    };
    let about_session = "the proxy passes a client's `session_id` on in the body; with `target=litellm-cost` the proxy \
        chooses the endpoint";
    Ok(Draft::noted(text, &[about_price, about_session]))
}

fn by_cost(given: &Given) -> Result<Draft, String> {
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
         not used until you regenerate this configuration; the stated savings are those of requests that are spread over \
         all named endpoints"
            .to_owned(),
    );
    let text = write::yaml(&Config { model_list, router_settings: Some(settings) })?;
    Ok(Draft::new(text, notes))
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
    let siblings = siblings(&given.model.endpoints, endpoint).filter(|other| other.tag != endpoint.tag);
    let siblings: Vec<&str> = siblings.map(|other| other.tag.as_str()).collect();
    if !siblings.is_empty() {
        provider.insert("ignore".to_owned(), json!(siblings));
    }
    provider.remove("allow_fallbacks");
    Deployment {
        model_name: given.model_id().to_owned(),
        litellm_params: Parameters::new(given.model_id(), Value::Object(provider), Some(price)),
        model_info: Some(json!({ "id": format!("{} {}", given.model_id(), endpoint.tag) })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_per_token_carries_no_noise() {
        assert_eq!((per_token(0.33), per_token(2.4), per_token(0.0)), (3.3e-7, 2.4e-6, 0.0));
        assert_eq!(format!("{:?}", per_token(0.123_456_78)), "1.234568e-7");
    }
}
