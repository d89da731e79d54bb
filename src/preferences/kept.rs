//! Which limits an endpoint meets, and which of them the router can enforce itself.

use super::openrouter::{MaxPrice, ProviderObject};
use super::rank::TRAFFIC;
use crate::domain::format::percent;
use crate::domain::limits::{Limit, Limits, region_is_in};
use crate::domain::quantization::Quantization;
use crate::domain::workload::Workload;
use crate::snapshot::{Endpoint, Snapshot};
use std::collections::BTreeSet;

/// A limit that an endpoint violates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Missed {
    pub limit: Limit,
    /// Whether the value is known; an unknown value violates a limit.
    pub known: bool,
    /// Whether the router itself excludes the endpoint if the limit is in the request.
    pub enforced: bool,
    what: String,
}

impl Missed {
    fn known(limit: Limit, enforced: bool, what: String) -> Option<Self> {
        Some(Self { limit, known: true, enforced, what })
    }

    fn unknown(limit: Limit, enforced: bool) -> Option<Self> {
        Some(Self { limit, known: false, enforced, what: "unknown".to_owned() })
    }

    /// In words: `quant_floor: fp4`.
    pub fn text(&self) -> String {
        format!("{}: {}", self.limit, self.what)
    }
}

/// All of `limits` that an endpoint violates. Prices are those at the longest prompt of the workload.
pub(super) fn missed(limits: &Limits, endpoint: &Endpoint, longest_prompt: Option<f64>) -> Vec<Missed> {
    let trains = (endpoint.facts.trains_on_prompts, "prompts are used for training");
    let retains = (endpoint.facts.retains_prompts, "prompts are retained");
    let checks = [
        quantization(limits, endpoint),
        flag(Limit::NoTraining, limits.no_training, trains),
        flag(Limit::NoRetention, limits.no_retention, retains),
        flag(Limit::Zdr, limits.zdr, retains),
        flag(Limit::Zdr, limits.zdr, trains),
        parameters(limits, endpoint),
        context(limits, endpoint),
        region(limits, endpoint),
        price(Limit::MaxInput, limits.max_input, endpoint, longest_prompt),
        price(Limit::MaxOutput, limits.max_output, endpoint, longest_prompt),
        availability(limits, endpoint),
    ];
    checks.into_iter().flatten().collect()
}

/// The longest prompt of a workload, tokens; `None` if it is unbounded.
pub(super) fn longest_prompt(snapshot: &Snapshot, workload: &str) -> Option<f64> {
    let workload = snapshot.workload(workload).filter(|_| workload != TRAFFIC)?;
    Some(Workload::prompt_of_turn(workload, workload.turns))
}

/// The limits that the router can enforce; `None` if there are none.
///
/// Context and availability have no field, a region is expressed only if it is part of a tag, and retention only as
/// `zdr`.
pub(super) fn router_limits(limits: &Limits) -> Option<ProviderObject> {
    let finer = |floor: Quantization| floor.and_finer().into_iter().map(|q| q.as_str().to_owned()).collect();
    let price = |usd: f64| format!("{usd}");
    let max_price =
        MaxPrice { prompt: limits.max_input.map(price), completion: limits.max_output.map(price) };
    let object = ProviderObject {
        quantizations: limits.quant_floor.map(finer),
        data_collection: limits.no_training.then(|| "deny".to_owned()),
        zdr: limits.zdr.then_some(true),
        require_parameters: (!limits.parameters.is_empty()).then_some(true),
        max_price: (max_price != MaxPrice::default()).then_some(max_price),
        ..ProviderObject::default()
    };
    (object != ProviderObject::default()).then_some(object)
}

/// The limits that the router does not keep by itself: those without a field, and those that an endpoint violates which
/// the router would use. What zero retention and training mean is the router's own decision.
pub(super) fn beyond_router(
    limits: &Limits,
    endpoints: &[Endpoint],
    longest_prompt: Option<f64>,
) -> BTreeSet<Limit> {
    let without_field = [
        (limits.no_retention, Limit::NoRetention),
        (limits.context.is_some(), Limit::Context),
        (limits.region.is_some(), Limit::Region),
        (limits.min_availability.is_some(), Limit::MinAvailability),
    ];
    let mut beyond: BTreeSet<Limit> =
        without_field.into_iter().filter(|(is_set, _)| *is_set).map(|(_, limit)| limit).collect();
    for endpoint in endpoints {
        let missed = missed(limits, endpoint, longest_prompt);
        if missed.iter().all(|one| !one.enforced) {
            let own = missed.iter().map(|one| one.limit);
            beyond.extend(own.filter(|limit| !matches!(limit, Limit::Zdr | Limit::NoTraining)));
        }
    }
    beyond
}

fn quantization(limits: &Limits, endpoint: &Endpoint) -> Option<Missed> {
    let floor = limits.quant_floor?;
    match endpoint.facts.quantization.as_deref().map(str::parse::<Quantization>) {
        Some(Ok(own)) if own.reaches(floor) => None,
        Some(Ok(own)) => Missed::known(Limit::QuantFloor, true, own.to_string()),
        // The list in the object does not contain `unknown`, so the router excludes it as well.
        _ => Missed::unknown(Limit::QuantFloor, true),
    }
}

fn flag(limit: Limit, asked: bool, (fact, meaning): (Option<bool>, &str)) -> Option<Missed> {
    match fact {
        _ if !asked => None,
        Some(false) => None,
        Some(true) => Missed::known(limit, limit != Limit::NoRetention, meaning.to_owned()),
        None => Missed::unknown(limit, false),
    }
}

fn parameters(limits: &Limits, endpoint: &Endpoint) -> Option<Missed> {
    let lacking: Vec<&str> = (limits.parameters.iter())
        .filter(|wanted| !endpoint.facts.parameters.contains(wanted))
        .map(String::as_str)
        .collect();
    match (lacking.is_empty(), endpoint.facts.parameters.is_empty()) {
        (true, _) => None,
        (false, true) => Missed::unknown(Limit::Parameters, false),
        // The router checks the parameters of the request itself, which may be fewer.
        (false, false) => Missed::known(Limit::Parameters, false, format!("no {}", lacking.join(", "))),
    }
}

fn context(limits: &Limits, endpoint: &Endpoint) -> Option<Missed> {
    let wanted = limits.context?;
    match (endpoint.facts.context_length, endpoint.facts.max_prompt_tokens) {
        (_, Some(most)) if most < wanted => {
            Missed::known(Limit::Context, false, format!("prompts of at most {most} tokens"))
        }
        (Some(own), _) if own >= wanted => None,
        (Some(own), _) => Missed::known(Limit::Context, false, format!("{own} tokens")),
        (None, _) => Missed::unknown(Limit::Context, false),
    }
}

fn region(limits: &Limits, endpoint: &Endpoint) -> Option<Missed> {
    let asked = limits.region.as_ref()?;
    match &endpoint.facts.region {
        Some(own) if region_is_in(own, asked) => None,
        Some(own) => Missed::known(Limit::Region, false, own.clone()),
        None => Missed::unknown(Limit::Region, false),
    }
}

/// The router compares only the base price; here, price tiers that the workload may reach count as well.
fn price(
    limit: Limit,
    ceiling: Option<f64>,
    endpoint: &Endpoint,
    longest_prompt: Option<f64>,
) -> Option<Missed> {
    let ceiling = ceiling?;
    let is_output = limit == Limit::MaxOutput;
    let Some(base) = (if is_output { endpoint.list.output } else { endpoint.list.input }) else {
        return Missed::unknown(limit, false);
    };
    if base > ceiling {
        return Missed::known(limit, true, format!("{base} USD per million"));
    }
    let reached = endpoint.price_tiers.iter().filter(|tier| {
        let over = |from: i64| longest_prompt.is_none_or(|longest| longest > from as f64);
        tier.min_prompt_tokens.is_none_or(over)
    });
    let prices = reached
        .filter_map(|tier| (if is_output { tier.output } else { tier.input }).map(|price| price.to_f64()));
    let highest = prices.fold(base, f64::max);
    (highest > ceiling)
        .then(|| Missed::known(limit, false, format!("{highest} USD per million in a price tier")))
        .flatten()
}

fn availability(limits: &Limits, endpoint: &Endpoint) -> Option<Missed> {
    let floor = limits.min_availability?;
    match endpoint.availability.or(endpoint.uptime_1d) {
        Some(own) if own >= floor => None,
        Some(own) => Missed::known(Limit::MinAvailability, false, percent(own, 2)),
        None => Missed::unknown(Limit::MinAvailability, false),
    }
}
