//! A model of the router according to its documentation, independent of the program: which endpoints it would use for a
//! `provider` object, and which meet a set of limits.

use hitrate::domain::limits::Limits;
use hitrate::preferences::ProviderObject;
use hitrate::snapshot::Endpoint;

/// Whether an entry of `only`, `ignore` or `order` matches an endpoint.
pub fn means(entry: &str, tag: &str) -> bool {
    let service_tier = tag.ends_with("/priority") || tag.ends_with("/flex");
    tag == entry || (!service_tier && tag.starts_with(&format!("{entry}/")))
}

/// Whether a request with these parameters may be sent to an endpoint.
pub fn uses(provider: &ProviderObject, parameters: &[String], endpoint: &Endpoint) -> bool {
    let tag = endpoint.tag.as_str();
    let named =
        |list: &Option<Vec<String>>| list.as_ref().map(|list| list.iter().any(|entry| means(entry, tag)));
    let quantization = endpoint.facts.quantization.clone().unwrap_or_else(|| "unknown".to_owned());
    let cheap = |price: Option<f64>, ceiling: &Option<String>| {
        let ceiling: Option<f64> = ceiling.as_ref().map(|text| text.parse().expect("a decimal"));
        ceiling.is_none_or(|most| price.is_none_or(|price| price <= most))
    };
    named(&provider.only).unwrap_or(true)
        && !named(&provider.ignore).unwrap_or(false)
        && (provider.allow_fallbacks != Some(false) || named(&provider.order).unwrap_or(true))
        && provider.quantizations.as_ref().is_none_or(|list| list.contains(&quantization))
        && !(provider.data_collection.as_deref() == Some("deny")
            && endpoint.facts.trains_on_prompts == Some(true))
        && !(provider.zdr == Some(true)
            && (endpoint.facts.retains_prompts == Some(true)
                || endpoint.facts.trains_on_prompts == Some(true)))
        && (provider.require_parameters != Some(true)
            || endpoint.facts.parameters.is_empty()
            || parameters.iter().all(|one| endpoint.facts.parameters.contains(one)))
        && provider.max_price.as_ref().is_none_or(|most| {
            cheap(endpoint.list.input, &most.prompt) && cheap(endpoint.list.output, &most.completion)
        })
}

/// Bits per weight of a format.
fn bits(quantization: &str) -> u32 {
    quantization.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// Whether an endpoint meets limits; unknown values count as violations. For a given prompt length, the highest price
/// counts.
pub fn keeps(limits: &Limits, endpoint: &Endpoint, prompt: f64) -> bool {
    let finest = endpoint.facts.quantization.as_deref().map_or(0, bits);
    let tiers = || {
        let reached = |from: i64| prompt > from as f64;
        endpoint.price_tiers.iter().filter(move |tier| tier.min_prompt_tokens.is_none_or(reached))
    };
    let inputs = tiers().filter_map(|tier| tier.input).map(|price| price.to_f64());
    let outputs = tiers().filter_map(|tier| tier.output).map(|price| price.to_f64());
    let under = |base: Option<f64>, mut more: Box<dyn Iterator<Item = f64> + '_>, most: Option<f64>| {
        most.is_none_or(|most| base.is_some_and(|base| base <= most) && more.all(|price| price <= most))
    };
    let region = endpoint.facts.region.as_deref().unwrap_or("nowhere");
    limits.quant_floor.is_none_or(|floor| finest >= bits(floor.as_str()))
        && (!limits.no_training || endpoint.facts.trains_on_prompts == Some(false))
        && (!limits.no_retention || endpoint.facts.retains_prompts == Some(false))
        && (!limits.zdr
            || (endpoint.facts.trains_on_prompts, endpoint.facts.retains_prompts)
                == (Some(false), Some(false)))
        && limits.parameters.iter().all(|one| endpoint.facts.parameters.contains(one))
        && limits.context.is_none_or(|least| endpoint.facts.context_length.is_some_and(|own| own >= least))
        && limits
            .region
            .as_deref()
            .is_none_or(|asked| region.starts_with(asked) || (asked, region) == ("eu", "swedencentral"))
        && under(endpoint.list.input, Box::new(inputs), limits.max_input)
        && under(endpoint.list.output, Box::new(outputs), limits.max_output)
        && limits
            .min_availability
            .is_none_or(|least| endpoint.availability.or(endpoint.uptime_1d).is_some_and(|own| own >= least))
}
