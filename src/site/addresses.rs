//! Every address that has a page of its own.

use super::link;
use crate::domain::tier::Lens;
use crate::snapshot::Snapshot;

/// The addresses of all pages of a snapshot, those that most people ask for first.
pub fn pages(snapshot: &Snapshot) -> Vec<String> {
    let indexes =
        ["/", "/models", "/providers", "/explore", "/changes", "/status", "/method"].map(str::to_owned);
    let lenses = Lens::ALL.into_iter().flat_map(|lens| tier_lists(snapshot, lens));
    let models = snapshot.models.iter().map(|model| link::model(&model.model_id));
    let providers = snapshot.providers.iter().map(|entry| link::provider(entry.provider.as_str()));
    indexes.into_iter().chain(lenses).chain(models).chain(providers).collect()
}

fn tier_lists(snapshot: &Snapshot, lens: Lens) -> Vec<String> {
    if !lens.needs_workload() {
        return vec![link::tiers(lens, None)];
    }
    snapshot.workloads.iter().map(|workload| link::tiers(lens, Some(&workload.name))).collect()
}

/// The addresses of the JSON twins of all pages.
pub fn twins(snapshot: &Snapshot) -> Vec<String> {
    const INDEXES: [&str; 6] = ["tiers", "models", "providers", "workloads", "thresholds", "status"];
    let indexes = INDEXES.into_iter().map(|name| format!("/api/v1/{name}"));
    let backtest = snapshot.backtest.iter().map(|_| "/api/v1/backtest".to_owned());
    let tiers = snapshot.tier_lists.iter().map(|list| link::tiers_json(list.lens, list.workload.as_deref()));
    let models = snapshot.models.iter().map(|model| link::model_json(&model.model_id));
    let providers = snapshot.providers.iter().map(|entry| link::provider_json(entry.provider.as_str()));
    indexes.chain(backtest).chain(tiers).chain(models).chain(providers).collect()
}
