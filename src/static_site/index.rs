//! The index that the script searches, filters and compares, where no service answers.

use super::plan::Plan;
use crate::domain::tier::{Lens, Tier};
use crate::snapshot::{Endpoint, ModelEntry, ProviderEntry, Snapshot};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// Names once, rows by their places in the lists: the script knows the order of a row's fields.
#[derive(Debug, Serialize)]
pub struct Index<'a> {
    /// Title of the workload that session costs are of.
    workload: String,
    /// Id, name, whether it is the standard variant, address.
    models: Vec<(&'a str, &'a str, bool, String)>,
    /// Slug, name, address, models, endpoints, tokens a day, tier by lens.
    providers: Vec<(&'a str, &'a str, String, usize, usize, f64, Vec<Tier>)>,
    /// Lenses, in the order of the tiers.
    lenses: Vec<&'static str>,
    /// Request parameters.
    parameters: Vec<&'a str>,
    endpoints: Vec<Row<'a>>,
}

/// Model, provider, name, tag, tier; session cost, effective and list price of input, hit rate, uptime, speed, context,
/// tokens a day; quantization, parameters, what is said of prompts.
type Row<'a> = (
    usize,
    Option<usize>,
    &'a str,
    &'a str,
    Tier,
    [Option<f64>; 8],
    Option<&'a str>,
    Vec<usize>,
    Prompts,
);

/// 0: nothing good is said; 1: they are not trained on; 2: nor kept.
type Prompts = u8;

fn prompts(endpoint: &Endpoint) -> Prompts {
    match (endpoint.trains_on_prompts, endpoint.retains_prompts) {
        (Some(false), Some(false)) => 2,
        (Some(false), _) => 1,
        _ => 0,
    }
}

/// Six significant digits: more than any page shows.
fn short(value: f64) -> Option<f64> {
    format!("{value:.5e}").parse().ok().filter(|value: &f64| value.is_finite())
}

impl<'a> Index<'a> {
    /// Of a snapshot, with addresses from the folder of the site.
    pub fn new(snapshot: &'a Snapshot, plan: &Plan) -> Self {
        let all = || snapshot.models.iter().flat_map(|model| &model.endpoints);
        let parameters: BTreeSet<&str> = all().flat_map(|e| &e.parameters).map(String::as_str).collect();
        let parameters: Vec<&str> = parameters.into_iter().collect();
        let provider_at: HashMap<&str, usize> =
            snapshot.providers.iter().enumerate().map(|(at, entry)| (entry.provider.as_str(), at)).collect();
        let rows = |(at, model): (usize, &'a ModelEntry)| {
            let row = |endpoint: &'a Endpoint| {
                let places = endpoint.parameters.iter();
                let places = places.filter_map(|name| parameters.binary_search(&name.as_str()).ok()).collect();
                row(snapshot, at, provider_at.get(endpoint.provider.as_str()).copied(), endpoint, places)
            };
            model.endpoints.iter().map(row).collect::<Vec<_>>()
        };
        Self {
            workload: snapshot.workloads.first().map_or(String::new(), |w| w.title.to_lowercase()),
            models: snapshot.models.iter().map(|m| model(plan, m)).collect(),
            providers: snapshot.providers.iter().map(|p| provider(snapshot, plan, p)).collect(),
            lenses: Lens::ALL.map(Lens::as_str).to_vec(),
            endpoints: snapshot.models.iter().enumerate().flat_map(rows).collect(),
            parameters,
        }
    }
}

fn model<'a>(plan: &Plan, model: &'a ModelEntry) -> (&'a str, &'a str, bool, String) {
    let file = plan.leads_to(&crate::site::model_page(&model.model_id)).unwrap_or_default();
    (&model.model_id, &model.name, model.variant.is_standard(), file)
}

fn provider<'a>(
    snapshot: &Snapshot,
    plan: &Plan,
    entry: &'a ProviderEntry,
) -> (&'a str, &'a str, String, usize, usize, f64, Vec<Tier>) {
    let slug = entry.provider.as_str();
    let tier = |lens: Lens| {
        let list = snapshot.tier_list(lens, None);
        let row = list.and_then(|list| list.providers.iter().find(|row| row.provider == entry.provider));
        row.map_or(Tier::Unrated, |row| row.tier)
    };
    let file = plan.leads_to(&crate::site::provider_page(slug)).unwrap_or_default();
    let tiers = Lens::ALL.map(tier).to_vec();
    (slug, &entry.name, file, entry.models.len(), entry.endpoints, entry.tokens_per_day.round(), tiers)
}

fn row<'a>(
    snapshot: &Snapshot,
    model: usize,
    provider: Option<usize>,
    endpoint: &'a Endpoint,
    parameters: Vec<usize>,
) -> Row<'a> {
    let numbers = [
        endpoint.session_cost.get(snapshot.default_workload()).copied(),
        endpoint.effective.input,
        endpoint.list.input,
        endpoint.hit_rate,
        endpoint.uptime_1d,
        endpoint.throughput,
        endpoint.context_length.map(|length| length as f64),
        endpoint.tokens_per_day,
    ];
    (
        model,
        provider,
        &endpoint.name,
        endpoint.tag.as_str(),
        endpoint.tier,
        numbers.map(|number| number.and_then(short)),
        endpoint.quantization.as_deref(),
        parameters,
        prompts(endpoint),
    )
}
