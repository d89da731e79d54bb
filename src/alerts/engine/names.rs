//! Names in rules that the newest data do not know.

use crate::config::Rule;
use crate::domain::change_filter::is_named;
use crate::snapshot::Snapshot;
use crate::snapshot::find::nearest_names;

/// Warnings about names of models, providers, endpoints and workloads that nothing has in a snapshot. They may be right:
/// a model may come later.
pub fn warnings(rules: &[Rule], snapshot: &Snapshot) -> Vec<String> {
    let models: Vec<&str> =
        snapshot.models.iter().flat_map(|model| [model.model_id.as_str(), model.slug.as_str()]).collect();
    let providers: Vec<&str> = snapshot.providers.iter().map(|entry| entry.provider.as_str()).collect();
    let endpoints = snapshot.models.iter().flat_map(|model| &model.endpoints);
    let mut tags: Vec<&str> = endpoints.map(|endpoint| endpoint.tag.as_str()).collect();
    tags.sort_unstable();
    tags.dedup();
    let workloads: Vec<&str> = snapshot.workloads.iter().map(|workload| workload.name.as_str()).collect();
    let mut found = Vec::new();
    for rule in rules {
        let mut check = |key: &str, name: &str, known: &[&str]| {
            if known.iter().any(|own| is_named(name, own)) {
                return;
            }
            // Names of the upstream may be anything.
            let near = nearest_names(name, known.iter().copied());
            let near: Vec<String> = near.iter().map(|name| name.escape_debug().to_string()).collect();
            let near =
                if near.is_empty() { String::new() } else { format!("; similar names: {}", near.join(", ")) };
            found.push(format!(
                "alerts.rules: rule `{}`: `{key}` names `{}`, which the newest data do not contain{near}",
                rule.name,
                name.escape_debug()
            ));
        };
        rule.models.iter().for_each(|name| check("models", name, &models));
        rule.providers.iter().for_each(|name| check("providers", name, &providers));
        for name in &rule.endpoints {
            match name.rsplit_once('@') {
                Some((model, tag)) => {
                    check("endpoints", model, &models);
                    check("endpoints", tag, &tags);
                }
                None if uuid::Uuid::parse_str(name).is_ok() => {}
                None => check("endpoints", name, &tags),
            }
        }
        if rule.session_cost_rise.is_some() {
            check("workload", rule.workload(), &workloads);
        }
    }
    found
}
