//! The index that the script of a static site searches, filters and compares.

use super::plan::Plan;
use crate::domain::tier::{Lens, Tier};
use crate::site;
use crate::snapshot::{Endpoint, ModelEntry, ProviderEntry, Snapshot};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// Names appear once; rows refer to them by position. The script knows the order of a row's fields.
#[derive(Debug, Serialize)]
pub struct Index<'a> {
    /// Columns of figures: the name to sort by, the heading, and whether large values come first.
    columns: Vec<(&'static str, String, bool)>,
    /// Row titles for comparing endpoints and providers; as many as each has texts.
    titles: [Vec<String>; 2],
    /// Id, name, address, and whether it is the standard variant.
    models: Vec<(&'a str, &'a str, String, bool)>,
    /// Slug, name, address, texts to compare.
    providers: Vec<(&'a str, &'a str, String, Vec<String>)>,
    /// Request parameters.
    parameters: Vec<&'a str>,
    endpoints: Vec<Row<'a>>,
}

/// Model, provider, name, tag, tier; figures and their texts in the order of the columns; quantization, parameters, and
/// the prompt policy.
type Row<'a> = (
    usize,
    Option<usize>,
    &'a str,
    &'a str,
    Tier,
    Vec<Option<f64>>,
    Vec<String>,
    Option<&'a str>,
    Vec<usize>,
    Prompts,
);

/// Declared prompt policy. 0: neither of the following; 1: not used for training; 2: not kept either.
type Prompts = u8;

fn prompts(endpoint: &Endpoint) -> Prompts {
    match (endpoint.facts.trains_on_prompts, endpoint.facts.retains_prompts) {
        (Some(false), Some(false)) => 2,
        (Some(false), _) => 1,
        _ => 0,
    }
}

/// Rounds to six significant digits, more than any filter needs.
fn short(value: f64) -> Option<f64> {
    format!("{value:.5e}").parse().ok().filter(|value: &f64| value.is_finite())
}

impl<'a> Index<'a> {
    /// Builds the index of a snapshot, with addresses relative to the folder of the site.
    pub fn new(snapshot: &'a Snapshot, plan: &Plan) -> Self {
        let all = || snapshot.models.iter().flat_map(|model| &model.endpoints);
        let parameters: BTreeSet<&str> =
            all().flat_map(|e| &e.facts.parameters).map(String::as_str).collect();
        let parameters: Vec<&str> = parameters.into_iter().collect();
        let provider_at: HashMap<&str, usize> =
            snapshot.providers.iter().enumerate().map(|(at, entry)| (entry.provider.as_str(), at)).collect();
        let rows = |(at, model): (usize, &'a ModelEntry)| {
            let row = |endpoint: &'a Endpoint| {
                let places = endpoint.facts.parameters.iter();
                let places =
                    places.filter_map(|name| parameters.binary_search(&name.as_str()).ok()).collect();
                row(snapshot, at, provider_at.get(endpoint.provider.as_str()).copied(), endpoint, places)
            };
            model.endpoints.iter().map(row).collect::<Vec<_>>()
        };
        Self {
            titles: [endpoint_titles(snapshot), provider_titles()],
            columns: site::columns(snapshot),
            models: snapshot.models.iter().map(|m| model(plan, m)).collect(),
            providers: snapshot.providers.iter().map(|p| provider(snapshot, plan, p)).collect(),
            endpoints: snapshot.models.iter().enumerate().flat_map(rows).collect(),
            parameters,
        }
    }
}

fn endpoint_titles(snapshot: &Snapshot) -> Vec<String> {
    let figures = site::columns(snapshot).into_iter().map(|(_, heading, _)| heading);
    let (first, last) = ("Tier within its model".to_owned(), "Quantization".to_owned());
    std::iter::once(first).chain(figures).chain([last]).collect()
}

fn provider_titles() -> Vec<String> {
    let tiers = Lens::ALL.into_iter().map(|lens| format!("Tier, {lens}"));
    tiers.chain(["Models", "Endpoints", "Tokens a day"].map(str::to_owned)).collect()
}

fn model<'a>(plan: &Plan, model: &'a ModelEntry) -> (&'a str, &'a str, String, bool) {
    let file = plan.leads_to(&site::model_page(&model.model_id)).unwrap_or_default();
    (&model.model_id, &model.name, file, model.variant.is_standard())
}

fn provider<'a>(
    snapshot: &Snapshot,
    plan: &Plan,
    entry: &'a ProviderEntry,
) -> (&'a str, &'a str, String, Vec<String>) {
    let slug = entry.provider.as_str();
    let row = |lens: Lens| snapshot.tier_of(&entry.provider, lens);
    let tier = |lens: Lens| row(lens).map_or(Tier::Unrated, |row| row.tier).to_string();
    let counts = [entry.models.len(), entry.endpoints].map(|count| count.to_string());
    let tokens = site::tokens_in_words(entry.tokens_per_day);
    let texts = Lens::ALL.into_iter().map(tier).chain(counts).chain([tokens]).collect();
    (slug, &entry.name, plan.leads_to(&site::provider_page(slug)).unwrap_or_default(), texts)
}

fn row<'a>(
    snapshot: &Snapshot,
    model: usize,
    provider: Option<usize>,
    endpoint: &'a Endpoint,
    parameters: Vec<usize>,
) -> Row<'a> {
    let (numbers, texts): (Vec<_>, Vec<_>) = site::figures(snapshot, endpoint).into_iter().unzip();
    (
        model,
        provider,
        &endpoint.name,
        endpoint.tag.as_str(),
        endpoint.tier,
        numbers.into_iter().map(|number: Option<f64>| number.and_then(short)).collect(),
        texts,
        endpoint.facts.quantization.as_deref(),
        parameters,
        prompts(endpoint),
    )
}
