//! The addresses of all pages, data and files of a snapshot.

use super::charts::{OfModel, session_bars};
use super::parts::link;
use super::registry::{PAGES, PageRow, Section};
use crate::domain::tier::Lens;
use crate::snapshot::{ModelEntry, Snapshot};

/// The pages that are made before a snapshot is shown. The API reference does not depend on the snapshot's names.
fn prepared() -> impl Iterator<Item = &'static PageRow> {
    PAGES.iter().filter(|row| row.is_prepared() && row.section != Section::Api)
}

/// The addresses of all pages of a snapshot, the most requested ones first.
pub fn pages(snapshot: &Snapshot) -> Vec<String> {
    let indexes = prepared().map(|row| row.path.to_owned());
    let lenses = Lens::ALL.into_iter().flat_map(|lens| tier_lists(snapshot, lens));
    let models = snapshot.models.iter().map(|model| link::model(&model.model_id));
    let providers = snapshot.providers.iter().map(|entry| link::provider(entry.provider.as_str()));
    indexes.chain(lenses).chain(models).chain(providers).collect()
}

/// The addresses of the pages of all endpoints, each once. They are not prepared: they are many, and each is requested
/// rarely.
pub fn endpoint_pages(snapshot: &Snapshot) -> Vec<String> {
    let of_model =
        |model: &ModelEntry| model.endpoints.iter().map(|e| link::endpoint_of(model, e)).collect::<Vec<_>>();
    snapshot.models.iter().flat_map(of_model).collect()
}

/// The addresses of the tier lists under a lens.
pub fn tier_lists(snapshot: &Snapshot, lens: Lens) -> Vec<String> {
    if !lens.needs_workload() {
        return vec![link::tiers(lens, None)];
    }
    snapshot.workloads.iter().map(|workload| link::tiers(lens, Some(&workload.name))).collect()
}

/// The addresses of the JSON twins of all pages.
pub fn twins(snapshot: &Snapshot) -> Vec<String> {
    let routes = prepared().filter_map(|row| row.twin).chain(["workloads"]);
    let indexes = routes.map(|route| format!("/api/v1/{route}"));
    let backtest = snapshot.backtest.iter().map(|_| "/api/v1/backtest".to_owned());
    let tiers = snapshot.tier_lists.iter().map(|list| link::tiers_json(list.lens, list.workload.as_deref()));
    let models = snapshot.models.iter().map(|model| link::model_json(&model.model_id));
    let providers = snapshot.providers.iter().map(|entry| link::provider_json(entry.provider.as_str()));
    indexes.chain(backtest).chain(tiers).chain(models).chain(providers).collect()
}

/// The addresses of the tables as CSV; each has the name of its page.
pub fn tables(snapshot: &Snapshot) -> Vec<String> {
    let indexes = PAGES.iter().filter(|row| row.has_table).map(|row| format!("/{}.csv", row.name()));
    let lists = snapshot.tier_lists.iter();
    let tiers =
        lists.map(|list| format!("/tiers.csv?{}", link::tier_query(list.lens, list.workload.as_deref())));
    let models = snapshot.models.iter().map(|model| format!("{}.csv", link::model(&model.model_id)));
    let providers = snapshot.providers.iter();
    let providers = providers.map(|entry| format!("{}.csv", link::provider(entry.provider.as_str())));
    indexes.chain(tiers).chain(models).chain(providers).collect()
}

/// The addresses of badges, charts, style sheet, script and feed. A chart without data does not exist.
pub fn pictures(snapshot: &Snapshot) -> Vec<String> {
    let fixed = [
        super::parts::assets::style_path(),
        super::parts::assets::script_path(),
        super::parts::assets::theme_path(),
        "/favicon.svg",
        link::FEED,
        link::JSON_FEED,
        "/suggest.json",
    ];
    let mut all: Vec<String> = fixed.map(str::to_owned).to_vec();
    for model in &snapshot.models {
        let id = &model.model_id;
        let days = [OfModel::HitRate, OfModel::EffectivePrice];
        all.extend(days.map(|what| link::model_chart(id, what.file())));
        let sessions = snapshot.workloads.iter().map(|w| session_bars::file_name(&w.name));
        all.extend(sessions.map(|file| link::model_chart(id, &file)));
        all.extend(model.endpoints.iter().map(|e| link::hours_chart(id, e.tag.as_str())));
        all.extend(badges(&link::model_badge(id)));
    }
    all.extend(feeds(snapshot));
    all.extend(endpoint_pages(snapshot).iter().map(|page| link::endpoint_badge(page)));
    for entry in &snapshot.providers {
        all.push(link::provider_chart(entry.provider.as_str()));
        all.extend(badges(&link::provider_badge(entry.provider.as_str())));
    }
    all
}

/// The feeds of models, endpoints and providers.
fn feeds(snapshot: &Snapshot) -> Vec<String> {
    let models = snapshot.models.iter().map(|model| link::model(&model.model_id));
    let providers = snapshot.providers.iter().map(|entry| link::provider(entry.provider.as_str()));
    let pages = models.chain(providers).chain(endpoint_pages(snapshot));
    pages.flat_map(|page| [link::FEED, link::JSON_FEED].map(|ending| format!("{page}{ending}"))).collect()
}

/// A badge under the default lens, and under each lens by name.
fn badges(address: &str) -> impl Iterator<Item = String> {
    let by_lens = Lens::ALL.into_iter().map(move |lens| format!("{address}?lens={lens}"));
    std::iter::once(address.to_owned()).chain(by_lens)
}

/// The addresses of the pictures for link previews; pages link to them only if the public address is known.
pub fn cards(snapshot: &Snapshot) -> Vec<String> {
    let models = snapshot.models.iter().map(|model| link::model_card(&model.model_id));
    let providers = snapshot.providers.iter().map(|entry| link::provider_card(entry.provider.as_str()));
    std::iter::once("/og/site.png".to_owned()).chain(models).chain(providers).collect()
}
