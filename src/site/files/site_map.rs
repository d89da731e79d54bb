//! The site map: every page that is the same for all visitors.

use crate::domain::tier::Lens;
use crate::site::addresses::{endpoint_pages, tier_lists};
use crate::site::parts::lens::DEFAULT_LENS;
use crate::site::parts::link;
use crate::site::parts::shell::View;
use crate::site::registry::PAGES;
use askama::Template;
use chrono::{DateTime, Utc};

#[derive(Template)]
#[template(path = "sitemap.xml", escape = "html")]
struct SiteMap {
    base: String,
    changed: String,
    paths: Vec<String>,
}

/// The site map: every page that is the same for all visitors. The protocol requires absolute addresses.
///
/// # Errors
/// If the template cannot be rendered.
pub fn site_map(view: &View) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let fixed = PAGES.iter().filter(|row| row.is_listed).map(|row| row.path.to_owned());
    let lists = Lens::ALL.into_iter().flat_map(|lens| tier_lists(snapshot, lens));
    let default = link::tiers(DEFAULT_LENS, Some(snapshot.default_workload()));
    let models = snapshot.models.iter().map(|m| link::model(&m.model_id));
    let providers = snapshot.providers.iter().map(|p| link::provider(p.provider.as_str()));
    let paths = fixed.chain(lists.filter(|path| *path != default));
    let paths = paths.chain(models).chain(providers).chain(endpoint_pages(snapshot));
    site_map_of(&view.public_url, snapshot.as_of, paths.collect())
}

/// A site map of pages given by their paths under `base`, all changed on the same day.
///
/// # Errors
/// If the template cannot be rendered.
pub fn site_map_of(base: &str, changed: DateTime<Utc>, paths: Vec<String>) -> askama::Result<String> {
    SiteMap { base: base.to_owned(), changed: changed.format("%Y-%m-%d").to_string(), paths }.render()
}
