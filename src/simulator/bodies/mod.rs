//! The bodies in the upstream's wire format, one file per family of routes.

mod catalog;
mod endpoints;
mod past;
mod pricing;
mod wire;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

pub(super) use pricing::paid_in_day;

use super::Simulator;
use super::world::{Pair, World};

/// The parts that do not change over time, rendered once.
#[derive(Debug)]
pub(super) struct Prepared {
    providers: Vec<u8>,
    all_providers: Vec<u8>,
    /// Per endpoint: the fixed part of its rows, and its prices.
    rows: Vec<endpoints::Row>,
    /// Per endpoint: the display name in summaries, numbered if siblings share it.
    summary_names: Vec<String>,
    /// Index of the pair by model id or canonical slug, with the variant's suffix, including aliases.
    by_id: HashMap<String, usize>,
    /// Index of the pair by canonical slug and variant.
    by_permaslug: HashMap<(String, &'static str), usize>,
}

impl Prepared {
    pub(super) fn new(world: &World) -> Self {
        let mut by_id = HashMap::new();
        let mut by_permaslug = HashMap::new();
        for (index, pair) in world.pairs.iter().enumerate() {
            let model = &world.models[pair.model];
            by_id.insert(catalog::with_variant(&model.id, pair.variant), index);
            by_id.insert(catalog::with_variant(&model.canonical, pair.variant), index);
            by_permaslug.insert((model.canonical.clone(), pair.variant), index);
        }
        for (alias, model) in catalog::aliases(world) {
            by_id.insert(alias, model);
        }
        Self {
            providers: catalog::providers(world),
            all_providers: catalog::all_providers(world),
            rows: endpoints::rows(world),
            summary_names: summary_names(world),
            by_id,
            by_permaslug,
        }
    }
}

/// `Name`, or `Name (1)` and `Name (2)` if several endpoints of a pair share a display name.
fn summary_names(world: &World) -> Vec<String> {
    let mut names: Vec<String> = world.endpoints.iter().map(|e| e.display.clone()).collect();
    for pair in &world.pairs {
        for &index in &pair.endpoints {
            let display = &world.endpoints[index].display;
            let alike = || pair.endpoints.iter().filter(|&&i| world.endpoints[i].display == *display);
            if alike().count() > 1 {
                let place = 1 + alike().filter(|&&i| i < index).count();
                names[index] = format!("{display} ({place})");
            }
        }
    }
    names
}

/// The body of a route, or `None` if the upstream responds with 404.
pub(super) fn answer(simulator: &Simulator, path: &str, query: &str, at: DateTime<Utc>) -> Option<Vec<u8>> {
    let route = path.strip_prefix("/api/")?;
    match route {
        "v1/models" => return Some(catalog::models(simulator, at)),
        "v1/providers" => return Some(simulator.prepared.providers.clone()),
        "frontend/v1/all-providers" => return Some(simulator.prepared.all_providers.clone()),
        _ => {}
    }
    if let Some(id) = route.strip_prefix("v1/models/").and_then(|rest| rest.strip_suffix("/endpoints")) {
        return endpoints::public(simulator, &decode(id), at);
    }
    let pair = pair(simulator, query);
    match route.strip_prefix("frontend/v1/stats/")? {
        "endpoint" => endpoints::stats(simulator, pair?, at),
        "effective-pricing" => {
            let days = past::chart_days(simulator, value(query, "range").as_deref(), at);
            Some(pricing::effective(simulator, pair, at, days))
        }
        "listed-pricing" => Some(past::listed(simulator, pair, value(query, "range").as_deref(), at)),
        "uptime-hourly" => Some(past::uptime(simulator, value(query, "id").as_deref(), at)),
        "model-activity" => Some(pricing::activity(simulator, pair, at)),
        "cache-hit-rate-comparison" => Some(pricing::comparison(simulator, pair, at)),
        _ => None,
    }
}

/// The decoded value of a query parameter.
fn value(query: &str, key: &str) -> Option<String> {
    query.split('&').find_map(|part| part.strip_prefix(key)?.strip_prefix('=')).map(decode)
}

/// The pair that `permaslug` and `variant` identify. A model id instead of a permaslug identifies none.
fn pair<'a>(simulator: &'a Simulator, query: &str) -> Option<&'a Pair> {
    let permaslug = value(query, "permaslug")?;
    let variant = value(query, "variant").unwrap_or_else(|| "standard".to_owned());
    let known = ["standard", "free", "batch", "thinking"].into_iter().find(|v| *v == variant)?;
    let index = simulator.prepared.by_permaslug.get(&(permaslug, known))?;
    simulator.world.pairs.get(*index)
}

/// Decodes percent-encoding; malformed escapes remain unchanged.
fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_escapes_are_undone_and_broken_ones_kept() {
        assert_eq!(decode("a%2Fb%3Afree"), "a/b:free");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz"), "%zz");
    }
}
