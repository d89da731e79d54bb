//! Finding models and providers by name.

use crate::domain::tier::Lens;
use crate::site::parts::lens::DEFAULT_LENS;
use crate::site::parts::picks::picks;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, format, link};
use crate::site::registry::Section;
use crate::snapshot::{Endpoint, ModelEntry, ProviderEntry, Snapshot};
use askama::Template;

/// Longer queries are truncated: no name is that long.
const LONGEST: usize = 200;
/// Maximum number of results of each kind.
const MOST: usize = 60;
/// Longest name of a host in a result.
const LONGEST_NAME: usize = 40;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    shell: Shell,
    query: String,
    models: Vec<Found>,
    providers: Vec<Found>,
    count: String,
    more: usize,
    nearest: Vec<Found>,
}

/// A search result.
#[derive(Debug, Clone)]
pub struct Found {
    pub href: String,
    /// Its display name, untrusted.
    pub name: String,
    pub id: String,
    /// The tier of a provider by cost, or of a model's cheapest host.
    pub badge: Option<Badge>,
    /// A model's cheapest host and hit rate; a provider's hit rate and models.
    pub facts: Vec<String>,
}

impl Found {
    /// An endpoint with the address of its page.
    pub fn endpoint(href: String, endpoint: &Endpoint) -> Self {
        let (name, id) = (endpoint.name.clone(), endpoint.tag.to_string());
        Self { href, name, id, badge: None, facts: Vec::new() }
    }

    pub fn model(model: &ModelEntry) -> Self {
        let id = model.model_id.clone();
        Self { href: link::model(&id), name: model.name.clone(), id, badge: None, facts: Vec::new() }
    }

    pub fn provider(provider: &ProviderEntry) -> Self {
        let id = provider.provider.to_string();
        Self { href: link::provider(&id), name: provider.name.clone(), id, badge: None, facts: Vec::new() }
    }

    /// The model with its cheapest host and its hit rate.
    pub fn known_model(snapshot: &Snapshot, model: &ModelEntry) -> Self {
        let best = picks(snapshot, model).map(|picks| picks.by_session);
        let host = best.map(|host| format!("cheapest at {}", format::shorten(&host.name, LONGEST_NAME)));
        Self {
            badge: best.map(Badge::of_endpoint),
            facts: host.into_iter().chain(model.hit_rate.map(hits)).collect(),
            ..Self::model(model)
        }
    }

    /// The provider with its tier, its hit rate and the number of its models.
    pub fn known_provider(snapshot: &Snapshot, provider: &ProviderEntry) -> Self {
        let row = |lens: Lens| snapshot.tier_of(&provider.provider, lens);
        let rate = row(Lens::Cache).and_then(|row| row.traffic_mean).map(hits);
        let models = match provider.is_offering() {
            true => format::counted(provider.models.len(), "model", "models"),
            false => "no endpoint in the newest run".to_owned(),
        };
        Self {
            badge: provider.is_offering().then(|| Badge::of_any(row(DEFAULT_LENS))),
            facts: rate.into_iter().chain([models]).collect(),
            ..Self::provider(provider)
        }
    }
}

fn hits(rate: f64) -> String {
    format!("{} hits", format::percent(rate))
}

/// The page that a query leads to: of the model or provider with this id, slug or name, or of the only match.
pub fn exact(snapshot: &Snapshot, query: &str) -> Option<String> {
    let query = query.trim();
    if query.is_empty() {
        return None;
    }
    let of_model = |model: &ModelEntry| link::model(&model.model_id);
    let of_provider = |provider: &ProviderEntry| link::provider(provider.provider.as_str());
    let same = |text: &str| text.to_lowercase() == query.to_lowercase();
    let provider = snapshot.providers.iter().find(|p| same(p.provider.as_str()) || same(&p.name));
    if let Some(found) = provider.map(of_provider).or_else(|| snapshot.model_named(query).map(of_model)) {
        return Some(found);
    }
    let query: String = query.chars().take(LONGEST).collect();
    match snapshot.search(&query) {
        (models, providers) if models.len() == 1 && providers.is_empty() => {
            models.first().map(|m| of_model(m))
        }
        (models, providers) if models.is_empty() && providers.len() == 1 => {
            providers.first().map(|p| of_provider(p))
        }
        _ => None,
    }
}

/// "8 models and 1 provider match".
fn count(models: usize, providers: usize) -> String {
    let counted = [(models, "model", "models"), (providers, "provider", "providers")];
    let parts: Vec<String> = counted
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format::counted(count, one, many))
        .collect();
    let verb = if models + providers == 1 { "matches" } else { "match" };
    format!("{} {verb}", parts.join(" and "))
}

/// Models and providers whose names are similar to an unknown name.
pub fn nearest(snapshot: &Snapshot, name: &str) -> Vec<Found> {
    found(snapshot, (snapshot.nearest_models(name), snapshot.nearest_providers(name)))
}

/// Models and providers that an unknown address nearly is.
pub fn nearest_to_address(snapshot: &Snapshot, path: &str) -> Vec<Found> {
    found(snapshot, snapshot.nearest_to_address(path))
}

fn found(snapshot: &Snapshot, (models, providers): (Vec<&str>, Vec<&str>)) -> Vec<Found> {
    let models = models.into_iter().filter_map(|id| snapshot.model(id));
    let providers = providers.into_iter().filter_map(|slug| snapshot.provider(slug));
    let models = models.map(|model| Found::known_model(snapshot, model));
    models.chain(providers.map(|provider| Found::known_provider(snapshot, provider))).collect()
}

/// Renders the results of a query.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, query: &str) -> askama::Result<String> {
    let query: String = query.trim().chars().take(LONGEST).collect();
    let snapshot = view.snapshot.as_ref();
    let (models, providers) = snapshot.search(&query);
    let more = models.len().saturating_sub(MOST) + providers.len().saturating_sub(MOST);
    let found_any = !(models.is_empty() && providers.is_empty());
    let mut shell =
        Shell::new(view, Section::Search, "search", "Find a model or a provider by name.").at("/search");
    shell.query.clone_from(&query);
    SearchPage {
        shell,
        nearest: if found_any || query.is_empty() { Vec::new() } else { nearest(snapshot, &query) },
        count: count(models.len(), providers.len()),
        models: models.into_iter().take(MOST).map(|model| Found::known_model(snapshot, model)).collect(),
        providers: providers.into_iter().take(MOST).map(|one| Found::known_provider(snapshot, one)).collect(),
        query,
        more,
    }
    .render()
}
