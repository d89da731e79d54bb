//! The names of all models and providers, for the suggestions of search fields.

use crate::snapshot::Snapshot;

/// The names as JSON: `[[id, name], …]`, the models with the most traffic first, then the providers that have endpoints,
/// most traffic first. Names are as the upstream sends them: the reader must treat them as text.
pub fn names(snapshot: &Snapshot) -> Vec<u8> {
    let mut providers: Vec<_> = snapshot.offering().collect();
    providers.sort_by(|a, b| b.tokens_per_day.total_cmp(&a.tokens_per_day).then(a.name.cmp(&b.name)));
    let models = snapshot.models.iter().map(|model| (model.model_id.as_str(), model.name.as_str()));
    let providers = providers.into_iter().map(|entry| (entry.provider.as_str(), entry.name.as_str()));
    let rows: Vec<(&str, &str)> = models.chain(providers).collect();
    serde_json::to_vec(&rows).unwrap_or_default()
}
