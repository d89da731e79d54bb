//! Look-ups in a snapshot by names that people type.

use super::{Endpoint, ModelEntry, ProviderEntry, ProviderTier, Snapshot, TierList};
use crate::domain::ids::ProviderSlug;
use crate::domain::tier::Lens;
use crate::domain::workload::{Room, Workload, unknown};
use crate::domain::written_name::WrittenName;

/// Number of similar names suggested for an unknown one.
const NEAREST: usize = 5;
/// Longest name that is compared with the known ones, characters.
const LONGEST_NAME: usize = 120;

/// A name is suggested from this similarity on, 0..1. At 0.7, `nope` was answered with `nova-premier-v1`.
const LEAST_LIKENESS: f64 = 0.82;
/// The same for an unknown address, which is rarely meant as a name: `health` is `healer-alpha` by 0.85.
const LEAST_LIKENESS_OF_ADDRESS: f64 = 0.9;

/// The upstream of a snapshot that does not name one, in sentences.
pub const UPSTREAM: &str = "OpenRouter";

impl Snapshot {
    /// The name of the upstream in sentences.
    pub fn upstream(&self) -> &str {
        self.upstream.as_deref().unwrap_or(UPSTREAM)
    }

    /// A model by public id (variants included) or canonical slug (the standard variant).
    pub fn model(&self, name: &str) -> Option<&ModelEntry> {
        let by_id = self.models.iter().find(|m| m.model_id == name);
        by_id.or_else(|| self.models.iter().find(|m| m.slug.as_str() == name && m.variant.is_standard()))
    }

    /// A model by a name as it is written for the router, which may be an alias and may have shortcuts and a preset:
    /// the model, and the parts of the name.
    pub fn model_written<'a>(&self, name: &'a str) -> Option<(&ModelEntry, WrittenName<'a>)> {
        if let Some(model) = self.model(name) {
            return Some((model, WrittenName { model: name, shortcuts: Vec::new(), preset: None }));
        }
        let name = WrittenName::parse(name);
        let is_alias = |model: &&ModelEntry| model.aliases.iter().any(|alias| alias == name.model);
        let model = self.model(name.model).or_else(|| self.models.iter().find(is_alias))?;
        Some((model, name))
    }

    /// A provider by base slug.
    pub fn provider(&self, slug: &str) -> Option<&ProviderEntry> {
        self.providers.iter().find(|p| p.provider.as_str() == slug)
    }

    /// The tier list of a lens; `workload` is used only if the lens needs one; `None` means the default.
    pub fn tier_list(&self, lens: Lens, workload: Option<&str>) -> Option<&TierList> {
        let wanted = lens.needs_workload().then(|| workload.unwrap_or(self.default_workload()));
        self.tier_lists.iter().find(|list| list.lens == lens && list.workload.as_deref() == wanted)
    }

    /// A provider's row under a lens and the default workload.
    pub fn tier_of(&self, provider: &ProviderSlug, lens: Lens) -> Option<&ProviderTier> {
        self.tier_list(lens, None)?.providers.iter().find(|row| row.provider == *provider)
    }

    /// A workload by name.
    pub fn workload(&self, name: &str) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.name == name)
    }

    /// The name of a workload as the snapshot has it; without a name, the default workload.
    ///
    /// # Errors
    /// A message that lists the known names if `name` is not one of them.
    pub fn workload_name(&self, name: Option<&str>) -> Result<&str, String> {
        let Some(name) = name else { return Ok(self.default_workload()) };
        let known = self.workload(name).map(|workload| workload.name.as_str());
        known.ok_or_else(|| unknown(name, self.workloads.iter().map(|workload| workload.name.as_str())))
    }

    /// Name of the default workload.
    pub fn default_workload(&self) -> &str {
        self.workloads.first().map_or("", |w| w.name.as_str())
    }

    /// Title of the default workload within a sentence.
    pub fn default_title(&self) -> String {
        self.workloads.first().map_or(String::new(), |w| w.title.to_lowercase())
    }

    /// The endpoints of a provider with their models.
    pub fn endpoints_of<'a>(
        &'a self,
        provider: &'a str,
    ) -> impl Iterator<Item = (&'a ModelEntry, &'a Endpoint)> {
        self.models
            .iter()
            .flat_map(|model| model.endpoints.iter().map(move |endpoint| (model, endpoint)))
            .filter(move |(_, endpoint)| endpoint.provider.as_str() == provider)
    }

    /// Public names of the models most similar to an unknown name.
    pub fn nearest_models(&self, name: &str) -> Vec<&str> {
        nearest(name, LEAST_LIKENESS, self.models.iter().map(|m| m.model_id.as_str()))
    }

    /// Slugs of the providers most similar to an unknown name.
    pub fn nearest_providers(&self, name: &str) -> Vec<&str> {
        nearest(name, LEAST_LIKENESS, self.providers.iter().map(|p| p.provider.as_str()))
    }

    /// Public names of models and slugs of providers that an unknown address nearly is.
    pub fn nearest_to_address(&self, path: &str) -> (Vec<&str>, Vec<&str>) {
        let least = LEAST_LIKENESS_OF_ADDRESS;
        let models = nearest(path, least, self.models.iter().map(|m| m.model_id.as_str()));
        (models, nearest(path, least, self.providers.iter().map(|p| p.provider.as_str())))
    }

    /// Models and providers whose id or name contains every word of a query, or all its letters and digits in a row; case
    /// is ignored.
    pub fn search(&self, query: &str) -> (Vec<&ModelEntry>, Vec<&ProviderEntry>) {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let letters = letters(query);
        let matches = |id: &str, name: &str| {
            let text = format!("{id} {name}").to_lowercase();
            words.iter().all(|word| text.contains(word))
                || (!letters.is_empty() && [id, name].iter().any(|one| self::letters(one).contains(&letters)))
        };
        let models = self.models.iter().filter(|m| matches(&m.model_id, &m.name));
        let providers = self.providers.iter().filter(|p| matches(p.provider.as_str(), &p.name));
        (models.collect(), providers.collect())
    }

    /// The one model that a typed name is: by id, slug or display name, or by the part of either after the author, with
    /// the same letters and digits. `None` if there is none or several could be meant.
    pub fn model_named(&self, typed: &str) -> Option<&ModelEntry> {
        let typed = typed.trim();
        let same = |text: &str| text.to_lowercase() == typed.to_lowercase();
        let exact = || self.models.iter().find(|m| same(&m.model_id) || same(&m.name));
        if let Some(model) = self.model(typed).or_else(exact) {
            return Some(model);
        }
        let wanted = letters(typed);
        let is_it = |m: &&ModelEntry| {
            let id = m.model_id.split_once('/').map_or(m.model_id.as_str(), |(_, tail)| tail);
            let name = m.name.split_once(": ").map_or(m.name.as_str(), |(_, tail)| tail);
            [id, name, &m.model_id, &m.name].iter().any(|text| letters(text) == wanted)
        };
        let standard = self.models.iter().filter(|m| m.variant.is_standard());
        only(standard.filter(is_it)).filter(|_| !wanted.is_empty())
    }

    /// The same, the model of a name with an alias, shortcut or preset, or the only standard model that the search finds.
    pub fn model_meant(&self, typed: &str) -> Option<&ModelEntry> {
        let found = || only(self.search(typed).0.into_iter().filter(|m| m.variant.is_standard()));
        let written = || self.model_written(typed.trim()).map(|(model, _)| model);
        self.model_named(typed).or_else(written).or_else(found)
    }

    /// The providers that count: those with an endpoint in the newest run. Every number of providers is the number of
    /// these. The snapshot keeps the pages of others, whose endpoints are gone or were never found.
    pub fn offering(&self) -> impl Iterator<Item = &ProviderEntry> {
        self.providers.iter().filter(|provider| provider.is_offering())
    }
}

impl ProviderEntry {
    /// Whether it has an endpoint in the newest run.
    pub fn is_offering(&self) -> bool {
        self.endpoints > 0
    }
}

/// The letters and digits of a name, in lower case: `Claude Opus 4.7` and `claude-opus-4-7` have the same.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The item of an iterator that has exactly one.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

impl ModelEntry {
    /// The lengths that an endpoint has to accept under a workload. If all endpoints are too short for it, sessions are cut
    /// into shorter ones, so no length is required.
    pub fn room(&self, workload: &Workload) -> Room {
        let room = Room::of(workload);
        if self.endpoints.iter().all(|endpoint| endpoint.is_too_short(room)) { Room::default() } else { room }
    }

    /// Its endpoints, most traffic first; at equal traffic by tag.
    pub fn busiest(&self) -> Vec<&Endpoint> {
        let tokens = |endpoint: &Endpoint| endpoint.tokens_per_day.unwrap_or(0.0);
        let mut all: Vec<&Endpoint> = self.endpoints.iter().collect();
        all.sort_by(|a, b| tokens(b).total_cmp(&tokens(a)).then_with(|| a.tag.cmp(&b.tag)));
        all
    }
}

/// The names most similar to an unknown one, best first.
pub fn nearest_names<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    nearest(name, LEAST_LIKENESS, names)
}

/// The names most similar to `name`: first those that contain it, then by Jaro-Winkler similarity of the whole name and
/// of its last part.
fn nearest<'a>(name: &str, least: f64, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // No name is longer, and comparing takes time in proportion to the length.
    let wanted = name.chars().take(LONGEST_NAME).collect::<String>().to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let tail = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
            let whole = strsim::jaro_winkler(&wanted, &lower);
            let last = strsim::jaro_winkler(&tail(&wanted), &tail(&lower));
            let contained = if !wanted.is_empty() && lower.contains(&wanted) { 1.0 } else { 0.0 };
            (contained + whole.max(last), candidate)
        })
        .filter(|(score, _)| *score >= least)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(NEAREST).map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::{LEAST_LIKENESS, LEAST_LIKENESS_OF_ADDRESS, letters, only};

    fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        super::nearest(name, LEAST_LIKENESS, names)
    }

    #[test]
    fn names_are_compared_by_letters_and_digits_and_must_be_alike_to_be_suggested() {
        assert_eq!(letters("Claude Opus 4.7"), letters("claude-opus-4-7"));
        assert_eq!(
            (only([1].into_iter()), only([1, 2].into_iter()), only([0; 0].into_iter())),
            (Some(1), None, None)
        );
        let names = ["amazon/nova-premier-v1", "thedrummer/unslopnemo-12b"];
        assert!(nearest("nope", names.into_iter()).is_empty());
        assert_eq!(nearest("nova-premier", names.into_iter()), ["amazon/nova-premier-v1"]);
        let healer = ["acme/healer-alpha"];
        assert_eq!(nearest("health", healer.into_iter()), healer);
        assert!(super::nearest("health", LEAST_LIKENESS_OF_ADDRESS, healer.into_iter()).is_empty());
    }

    #[test]
    fn a_wrong_name_finds_the_right_one() {
        let names = ["acme/bolt-2", "acme/bolt-2:free", "zeta/quill-large", "other/thing"];
        assert_eq!(nearest("bolt", names.into_iter()).first(), Some(&"acme/bolt-2"));
        assert_eq!(nearest("zeta/qill-large", names.into_iter()).first(), Some(&"zeta/quill-large"));
        assert!(nearest("xyzzy-nothing-like-it-42", names.into_iter()).is_empty());
    }
}
