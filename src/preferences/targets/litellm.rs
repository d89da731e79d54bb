//! LiteLLM's proxy with one deployment that carries the preference; OpenRouter chooses the endpoint.

use super::given::Given;
use super::{Draft, Target, write};
use crate::snapshot::Endpoint;
use serde::Serialize;
use serde_json::{Value, json};

pub(super) const TARGET: Target = Target {
    prices: true,
    ..Target::whole(
        ("litellm", "LiteLLM proxy"),
        "A deployment for the proxy's config.yaml; OpenRouter chooses among the admitted endpoints.",
        ("config.yaml", "yaml"),
        draft,
    )
};

/// The part of the proxy's configuration that a preference affects.
#[derive(Serialize)]
pub(super) struct Config {
    pub model_list: Vec<Deployment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router_settings: Option<Value>,
}

/// One way to reach a model.
#[derive(Serialize)]
pub(super) struct Deployment {
    pub model_name: String,
    pub litellm_params: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_info: Option<Value>,
}

#[derive(Serialize)]
pub(super) struct Parameters {
    model: String,
    api_key: &'static str,
    extra_body: Value,
    #[serde(flatten)]
    price: Option<TokenPrice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<usize>,
}

/// Price of a token, USD. The effective input price already includes caching, so tokens read from or written to the
/// cache have the same price. With the listed read price, LiteLLM would apply the discount twice.
#[derive(Serialize, Clone, Copy)]
pub(super) struct TokenPrice {
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
    pub fn effective(endpoint: &Endpoint) -> Option<Self> {
        let input = endpoint.effective.input?;
        let output = endpoint.effective.output.or(endpoint.list.output)?;
        Some(Self::of_mtok(input, output))
    }

    /// The sum of the two prices, which the proxy's cost routing ranks by.
    pub fn sum(self) -> f64 {
        self.input_cost_per_token + self.output_cost_per_token
    }
}

/// USD per token from USD per million, rounded to seven digits to remove the noise of the division.
fn per_token(mtok: f64) -> f64 {
    format!("{:.6e}", mtok / 1e6).parse().unwrap_or(mtok / 1e6)
}

impl Parameters {
    pub fn new(model_id: &str, provider: Value, price: Option<TokenPrice>) -> Self {
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

fn draft(given: &Given) -> Result<Draft, String> {
    let price = mean(&given.admitted());
    let model_name = given.model_id().to_owned();
    let litellm_params = Parameters::new(&model_name, given.object(), price);
    let deployment = Deployment { model_name, litellm_params, model_info: None };
    let text = write::yaml(&Config { model_list: vec![deployment], router_settings: None })?;
    let mut notes = vec![match price {
        Some(_) => "the prices are effective prices (cache discounts included), averaged over the admitted endpoints: \
            correct on average for budgets and comparable with other deployments of the model under \
            cost-based-routing; cached tokens have the same price, because otherwise the discount would be applied \
            twice"
            .to_owned(),
        None => "no price: the effective prices of these endpoints are unknown".to_owned(),
    }];
    notes.push(
        "the proxy passes a client's `session_id` on in the body; with `target=litellm-cost` the proxy chooses the \
         endpoint"
            .to_owned(),
    );
    Ok(Draft { text, notes, sticky_safe: given.sticky_safe() })
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
