//! The models on which the recommended hosts save most.

use crate::domain::thresholds::BACKTEST_OUTPUT_SHARE;
use crate::site::parts::shell::View;
use crate::site::parts::{format, preference};
use crate::snapshot::{Endpoint, ModelEntry};

/// Number of models shown.
const SHOWN: usize = 6;
/// Number of models whose recommendation is computed: those on which the traffic spends most.
const TRIED: usize = 16;
/// Maximum number of hosts named.
const HOSTS: usize = 2;

/// A model and what its recommendation saves.
pub struct Saving<'a> {
    pub of: &'a ModelEntry,
    /// The recommended hosts, untrusted.
    pub hosts: Vec<&'a str>,
    /// The saved share of what the traffic pays.
    pub saved: String,
}

/// What the traffic of an endpoint pays for a day, USD, at the output share of the backtest; 0 if a price is unknown.
fn paid(endpoint: &Endpoint) -> f64 {
    let prices = endpoint.effective.input.zip(endpoint.effective.output);
    let tokens = endpoint.tokens_per_day.unwrap_or(0.0);
    let share = BACKTEST_OUTPUT_SHARE;
    prices.map_or(0.0, |(input, output)| tokens / 1e6 * (input + share * output) / (1.0 + share))
}

/// The standard models with the largest savings in USD a day, if the traffic followed the recommendation: what it pays,
/// times the saved share of a session of the default workload. The model's page shows the same share.
pub fn savings(view: &View) -> Vec<Saving<'_>> {
    let snapshot = view.snapshot.as_ref();
    let standard = snapshot.models.iter().filter(|model| model.variant.is_standard());
    let spent = standard.map(|model| (model.endpoints.iter().map(paid).sum::<f64>(), model));
    let mut spent: Vec<(f64, &ModelEntry)> = spent.filter(|(usd, _)| *usd > 0.0).collect();
    spent.sort_by(|a, b| b.0.total_cmp(&a.0));
    let tried = spent.into_iter().take(TRIED);
    let mut found: Vec<_> = tried
        .filter_map(|(usd, model)| {
            let offered = preference::offered(snapshot, model, view.now)?;
            let saved = offered.saving.against_traffic_average.fraction.filter(|saved| *saved >= 0.005)?;
            let hosts = names(preference::admitted(model, &offered));
            (!hosts.is_empty()).then_some(((usd * saved, saved, hosts), model))
        })
        .collect();
    found.sort_by(|a, b| b.0.0.total_cmp(&a.0.0));
    let shown = found.into_iter().take(SHOWN);
    shown
        .map(|((_, saved, hosts), model)| Saving { of: model, hosts, saved: format::percent(saved) })
        .collect()
}

/// The names of endpoints, each once, in their order.
fn names(endpoints: Vec<&Endpoint>) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for endpoint in endpoints {
        if !names.contains(&endpoint.name.as_str()) {
            names.push(&endpoint.name);
        }
    }
    names.truncate(HOSTS);
    names
}
