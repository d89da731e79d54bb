//! Finding models and providers by name.

use crate::site::parts::link;
use crate::site::parts::shell::{Shell, View};
use crate::site::registry::Section;
use crate::snapshot::{ModelEntry, ProviderEntry, Snapshot};
use askama::Template;

/// Longer queries are truncated: no name is that long.
const LONGEST: usize = 200;
/// Maximum number of results of each kind.
const MOST: usize = 60;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    shell: Shell,
    query: String,
    models: Vec<Found>,
    providers: Vec<Found>,
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
}

impl Found {
    pub fn model(model: &ModelEntry) -> Self {
        let id = model.model_id.clone();
        Self { href: link::model(&id), name: model.name.clone(), id }
    }

    pub fn provider(provider: &ProviderEntry) -> Self {
        let id = provider.provider.to_string();
        Self { href: link::provider(&id), name: provider.name.clone(), id }
    }
}

/// The page that a query matches exactly: by model id, canonical slug, provider slug or name.
pub fn exact(snapshot: &Snapshot, query: &str) -> Option<String> {
    let query = query.trim();
    if query.is_empty() {
        return None;
    }
    if let Some(model) = snapshot.model(query) {
        return Some(link::model(&model.model_id));
    }
    let same = |text: &str| text.to_lowercase() == query.to_lowercase();
    let provider = snapshot.providers.iter().find(|p| same(p.provider.as_str()) || same(&p.name));
    provider.map(|p| link::provider(p.provider.as_str())).or_else(|| {
        let model = snapshot.models.iter().find(|m| same(&m.model_id) || same(&m.name))?;
        Some(link::model(&model.model_id))
    })
}

/// Models and providers whose names are similar to an unknown name.
pub fn nearest(snapshot: &Snapshot, name: &str) -> Vec<Found> {
    let models = snapshot.nearest_models(name).into_iter().filter_map(|id| snapshot.model(id));
    let providers = snapshot.nearest_providers(name).into_iter().filter_map(|slug| snapshot.provider(slug));
    models.map(Found::model).chain(providers.map(Found::provider)).collect()
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
        models: models.into_iter().take(MOST).map(Found::model).collect(),
        providers: providers.into_iter().take(MOST).map(Found::provider).collect(),
        query,
        more,
    }
    .render()
}
