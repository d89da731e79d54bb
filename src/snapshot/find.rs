//! Look-ups in a snapshot by names that people type.

use super::{Endpoint, ModelEntry, ProviderEntry, ProviderTier, Snapshot, TierList};
use crate::domain::ids::ProviderSlug;
use crate::domain::tier::Lens;
use crate::domain::workload::{Room, Workload, unknown};
use crate::domain::written_name::WrittenName;

/// Number of similar names suggested for an unknown one.
const NEAREST: usize = 5;

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
        nearest(name, self.models.iter().map(|m| m.model_id.as_str()))
    }

    /// Slugs of the providers most similar to an unknown name.
    pub fn nearest_providers(&self, name: &str) -> Vec<&str> {
        nearest(name, self.providers.iter().map(|p| p.provider.as_str()))
    }

    /// Models and providers whose id or name contains every word of a query, case ignored.
    pub fn search(&self, query: &str) -> (Vec<&ModelEntry>, Vec<&ProviderEntry>) {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let matches = |text: String| words.iter().all(|word| text.contains(word));
        let models =
            self.models.iter().filter(|m| matches(format!("{} {}", m.model_id, m.name).to_lowercase()));
        let providers =
            self.providers.iter().filter(|p| matches(format!("{} {}", p.provider, p.name).to_lowercase()));
        (models.collect(), providers.collect())
    }
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

/// The names most similar to `name`: first those that contain it, then by Jaro-Winkler similarity of the whole name and
/// of its last part.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let tail = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
            let whole = strsim::jaro_winkler(&wanted, &lower);
            let last = strsim::jaro_winkler(&tail(&wanted), &tail(&lower));
            let contained = if !wanted.is_empty() && lower.contains(&wanted) { 1.0 } else { 0.0 };
            (contained + whole.max(last), candidate)
        })
        .filter(|(score, _)| *score > 0.7)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(NEAREST).map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_wrong_name_finds_the_right_one() {
        let names = ["acme/bolt-2", "acme/bolt-2:free", "zeta/quill-large", "other/thing"];
        assert_eq!(nearest("bolt", names.into_iter()).first(), Some(&"acme/bolt-2"));
        assert_eq!(nearest("zeta/qill-large", names.into_iter()).first(), Some(&"zeta/quill-large"));
        assert!(nearest("xyzzy-nothing-like-it-42", names.into_iter()).is_empty());
    }
}
