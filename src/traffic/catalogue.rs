//! Finds models, providers and endpoints of the public catalogue from the names in logs.
//!
//! An endpoint is found by its id, then by its tag, then by the provider's display name and the model. A model is found
//! by its id, slug or alias, then by the same words in another order or spelling, without the prefix of a gateway. The
//! catalogue's own slugs decide what a dated name means.

use crate::domain::written_name::WrittenName;
use crate::request_log::{Call, Name};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::store::Resolved;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Regions and makers that clouds put in front of a model's name, with a dot.
const PREFIXES: [&str; 12] =
    ["us", "eu", "apac", "global", "jp", "au", "anthropic", "openai", "meta", "amazon", "mistral", "cohere"];
/// What providers append to a model's name that says nothing about the model.
const SUFFIXES: [&str; 4] = ["cloud", "latest", "default", "maas"];

/// The models, providers and endpoints of a snapshot by the names that logs use for them.
#[derive(Debug)]
pub struct Catalogue<'a> {
    snapshot: &'a Snapshot,
    endpoints: HashMap<Uuid, (usize, usize)>,
    exact: HashMap<String, usize>,
    words: HashMap<String, Found>,
    providers: HashMap<String, Vec<&'a str>>,
}

/// The models that share a spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    One(usize),
    Several,
}

impl<'a> Catalogue<'a> {
    /// The catalogue of a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let mut catalogue = Self {
            snapshot,
            endpoints: HashMap::new(),
            exact: HashMap::new(),
            words: HashMap::new(),
            providers: HashMap::new(),
        };
        for (place, model) in snapshot.models.iter().enumerate() {
            for (number, endpoint) in model.endpoints.iter().enumerate() {
                catalogue.endpoints.insert(endpoint.endpoint_id, (place, number));
            }
            catalogue.exact.insert(model.model_id.to_lowercase(), place);
        }
        // Slugs are shared by variants; names that are ids of other models stay theirs.
        let standard = |(_, model): &(usize, &ModelEntry)| model.variant.is_standard();
        for (place, model) in snapshot.models.iter().enumerate().filter(standard) {
            let names = std::iter::once(model.slug.as_str()).chain(model.aliases.iter().map(String::as_str));
            for name in names {
                catalogue.exact.entry(name.to_lowercase()).or_insert(place);
            }
            for spelling in HashSet::from([model.model_id.as_str(), model.slug.as_str()].map(spelling)) {
                let found = catalogue.words.entry(spelling).or_insert(Found::One(place));
                if *found != Found::One(place) {
                    *found = Found::Several;
                }
            }
        }
        for provider in &snapshot.providers {
            let slug = provider.provider.as_str();
            for name in HashSet::from([letters(slug), letters(&provider.name)]) {
                catalogue.providers.entry(name).or_default().push(slug);
            }
        }
        catalogue
    }

    /// Model, provider and endpoint of a call, as far as its names determine them.
    pub fn resolve(&self, call: &Call) -> Resolved {
        let by_id = call.endpoint_id.as_deref().and_then(|id| Uuid::parse_str(id).ok());
        if let Some((model, endpoint)) = by_id.and_then(|id| self.endpoints.get(&id)) {
            let model = &self.snapshot.models[*model];
            return resolved(Some(model), Some(&model.endpoints[*endpoint]));
        }
        let names = [&call.model_served, &call.model_sent];
        let model = names.into_iter().flatten().find_map(|name| self.model(name));
        let Some(model) = model else {
            let provider_key = self.provider(call).map(Name::from);
            return Resolved { provider_key, ..Resolved::default() };
        };
        let fitting = self.fitting(model, call);
        match fitting.as_slice() {
            [] => {
                Resolved { provider_key: self.provider(call).map(Name::from), ..resolved(Some(model), None) }
            }
            [only] => resolved(Some(model), Some(only)),
            several => {
                let first = several[0].provider.as_str();
                let is_one = several.iter().all(|endpoint| endpoint.provider.as_str() == first);
                let provider_key = is_one.then(|| Name::from(first));
                Resolved { provider_key, ambiguous: true, ..resolved(Some(model), None) }
            }
        }
    }

    /// The model of a name as it is written in a log.
    pub fn model(&self, name: &str) -> Option<&'a ModelEntry> {
        let name = name.trim().to_lowercase();
        let plain = WrittenName::parse(&name).model.to_owned();
        for candidate in [name.as_str(), plain.as_str()] {
            let mut rest = candidate;
            loop {
                if let Some(place) = self.exact.get(rest) {
                    return self.snapshot.models.get(*place);
                }
                // `openrouter/author/name`: each prefix may be that of a gateway.
                let Some((_, after)) = rest.split_once('/') else { break };
                rest = after;
            }
        }
        spellings(&plain).into_iter().find_map(|spelling| match self.words.get(&spelling) {
            Some(Found::One(place)) => self.snapshot.models.get(*place),
            _ => None,
        })
    }

    /// The endpoints of a model that the names of a call can mean.
    fn fitting(&self, model: &'a ModelEntry, call: &Call) -> Vec<&'a Endpoint> {
        let of = |fits: &dyn Fn(&Endpoint) -> bool| -> Vec<&'a Endpoint> {
            model.endpoints.iter().filter(|endpoint| fits(endpoint)).collect()
        };
        if let Some(tag) = call.provider_tag.as_deref().map(str::to_lowercase) {
            let exact = of(&|endpoint| endpoint.tag.as_str().to_lowercase() == tag);
            if !exact.is_empty() {
                return exact;
            }
            let base = |text: &str| text.split('/').next().unwrap_or_default().to_lowercase();
            let siblings = of(&|endpoint| base(endpoint.tag.as_str()) == base(&tag));
            if !siblings.is_empty() {
                return siblings;
            }
        }
        match self.provider(call) {
            Some(provider) => of(&|endpoint| endpoint.provider.as_str() == provider),
            None => Vec::new(),
        }
    }

    /// The provider of a call, by its display name or its tag.
    fn provider(&self, call: &Call) -> Option<&'a str> {
        let tag = call.provider_tag.as_deref().and_then(|tag| tag.split('/').next());
        [call.provider_name.as_deref(), tag].into_iter().flatten().find_map(|name| {
            match self.providers.get(&letters(name)).map(Vec::as_slice) {
                Some([only]) => Some(*only),
                _ => None,
            }
        })
    }
}

/// What the calls of a model have as `model_key`: its slug, which is that of the standard variant, or the id of another
/// variant.
pub fn model_key(model: &ModelEntry) -> &str {
    if model.variant.is_standard() { model.slug.as_str() } else { &model.model_id }
}

/// What a model and an endpoint of it are called in the store.
fn resolved(model: Option<&ModelEntry>, endpoint: Option<&Endpoint>) -> Resolved {
    Resolved {
        model_key: model.map(|model| Name::from(model_key(model))),
        provider_key: endpoint.map(|endpoint| Name::from(endpoint.provider.as_str())),
        provider_tag: endpoint.map(|endpoint| Name::from(endpoint.tag.as_str())),
        endpoint_id: endpoint.map(|endpoint| Name::from(endpoint.endpoint_id.to_string())),
        ambiguous: false,
    }
}

/// The letters and digits of a name in lower case.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words of a model's name, without its author and in a fixed order: `claude-4.5-sonnet` and `claude-sonnet-4-5` are
/// the same.
fn spelling(name: &str) -> String {
    let name = last_part(name);
    joined(&words(&name))
}

/// The spellings that a name in a log can have in the catalogue, surest first: as it is, without what a cloud puts in
/// front or a provider appends, and without the date of its release, if the catalogue lists the model without one.
fn spellings(name: &str) -> Vec<String> {
    let full = last_part(name);
    let mut found = vec![joined(&words(&full))];
    let mut name = full.as_str();
    while let Some((_, after)) = name.split_once('.').filter(|(before, _)| PREFIXES.contains(before)) {
        name = after;
    }
    // `-v1:0` of a cloud.
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((before, _)) = name.rsplit_once(':').filter(|(_, minor)| is_number(minor))
        && let Some((model, major)) = before.rsplit_once('-')
        && is_number(major.trim_start_matches('v'))
    {
        name = model;
    }
    let mut words = words(name);
    while words.len() > 1 && words.last().is_some_and(|last| SUFFIXES.contains(last)) {
        words.pop();
    }
    found.push(joined(&words));
    if let [before @ .., year, month, day] = words.as_slice()
        && [(year, 4), (month, 2), (day, 2)]
            .iter()
            .all(|(word, digits)| is_number(word) && word.len() == *digits)
        && !before.is_empty()
    {
        let date = format!("{year}{month}{day}");
        let dated: Vec<&str> = before.iter().copied().chain([date.as_str()]).collect();
        found.extend([joined(&dated), joined(before)]);
    } else if let [before @ .., date] = words.as_slice()
        && is_number(date)
        && date.len() == 8
        && !before.is_empty()
    {
        found.push(joined(before));
    }
    found.dedup();
    found
}

fn last_part(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_lowercase()
}

fn words(name: &str) -> Vec<&str> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// Words in a fixed order.
fn joined(words: &[&str]) -> String {
    let mut sorted = words.to_vec();
    sorted.sort_unstable();
    sorted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(log: &str, public: &str) -> bool {
        spellings(log).contains(&spelling(public))
    }

    #[test]
    fn names_of_providers_and_gateways_are_spellings_of_the_public_name() {
        for (log, public) in [
            ("claude-sonnet-4-5-20250929", "anthropic/claude-4.5-sonnet-20250929"),
            ("claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4.5"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic/claude-4.5-sonnet-20250929"),
            ("claude-sonnet-4-5@20250929", "anthropic/claude-4.5-sonnet-20250929"),
            ("openrouter/moonshotai/kimi-k2.6", "moonshotai/kimi-k2.6"),
            ("openai.gpt-oss-120b-1:0", "openai/gpt-oss-120b"),
            ("gpt-oss:120b-cloud", "openai/gpt-oss-120b"),
            ("gpt-4o-2024-08-06", "openai/gpt-4o-20240806"),
            ("gemini-2.5-pro", "google/gemini-2.5-pro"),
        ] {
            assert!(is_found(log, public), "{log} {public}: {:?}", spellings(log));
        }
        for (log, public) in [
            ("claude-sonnet-4-5-20250929", "anthropic/claude-4-sonnet-20250522"),
            ("deepseek-v4-flash", "deepseek/deepseek-v4-pro"),
            ("gpt-5.6", "openai/gpt-5.6-luna"),
            ("", "openai/gpt-5.6-luna"),
        ] {
            assert!(!is_found(log, public), "{log} {public}");
        }
    }
}
