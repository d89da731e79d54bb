//! The parts of the site for programs: the Atom feed of changes (RFC 4287) and the site map.

use crate::domain::change::{Change, ChangeKind};
use crate::domain::tier::Lens;
use crate::site::addresses::{endpoint_pages, tier_lists};
use crate::site::pages::changes;
use crate::site::parts::lens::DEFAULT_LENS;
use crate::site::parts::link;
use crate::site::parts::shell::View;
use crate::site::registry::PAGES;
use crate::snapshot::Snapshot;
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

/// Maximum number of entries in the feed.
const ENTRIES: usize = 100;
/// Namespace of the ids of the feed and its entries, so that the ids do not depend on the host that serves them.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1d_6c2e_8a4f_5b07_9d3e_51f0_c7a2_4e91);

#[derive(Template)]
#[template(path = "changes.atom", escape = "html")]
struct Feed {
    base: String,
    id: Uuid,
    updated: String,
    upstream: String,
    simulated: bool,
    entries: Vec<Entry>,
}

struct Entry {
    id: Uuid,
    title: String,
    updated: String,
    href: String,
    kind: ChangeKind,
    detail: String,
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Removes characters that XML does not allow.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

/// The same change has the same id in every snapshot: the id is derived from the change, not from its position. The change
/// of a tier is identified by its day, because its time is that of the newest run until the day is over. A schedule of an
/// endpoint is one entry however many moves follow.
fn id_of(group: &[&Change]) -> Uuid {
    let Some(first) = group.first() else { return NAMESPACE };
    let (at, detail) = match first.kind {
        ChangeKind::TierChanged => (first.at.date_naive().to_string(), first.why.clone()),
        ChangeKind::PriceSchedule => (String::new(), String::new()),
        _ => (time(first.at), changes::detail(group)),
    };
    let parts = [
        at,
        first.kind.to_string(),
        first.model_id.clone().unwrap_or_default(),
        first.endpoint_id.map(|id| id.to_string()).unwrap_or_default(),
        first.tag.as_ref().map(ToString::to_string).unwrap_or_default(),
        detail,
    ];
    Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
}

fn entry(snapshot: &Snapshot, group: &[&Change], base: &str) -> Option<Entry> {
    let event = *group.first()?;
    let known = event.model_id.as_deref().filter(|id| snapshot.model(id).is_some());
    let provider = event.provider.as_ref().filter(|slug| snapshot.provider(slug.as_str()).is_some());
    let path = match (known, provider) {
        (Some(model), _) => link::model(model),
        (None, Some(slug)) => link::provider(slug.as_str()),
        (None, None) => "/changes".to_owned(),
    };
    let title = changes::title(snapshot, group);
    Some(Entry {
        id: id_of(group),
        title: clean(&title),
        updated: time(event.at),
        href: format!("{base}{path}"),
        kind: event.kind,
        detail: clean(&changes::detail(group)),
    })
}

/// The feed of changes. Its links are absolute if the public address of the site is known.
///
/// # Errors
/// If the template cannot be rendered.
pub fn atom(view: &View) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let base = view.public_url.as_ref();
    let is_entry = |change: &&Change| change.kind != ChangeKind::RecommendationChanged;
    let groups = changes::grouped(snapshot.changes.iter().filter(is_entry));
    let mut seen = std::collections::HashSet::new();
    let unique = groups.iter().filter(|group| seen.insert(id_of(group)));
    Feed {
        base: base.to_owned(),
        id: Uuid::new_v5(&NAMESPACE, b"changes"),
        updated: time(groups.iter().flatten().next().map_or(snapshot.as_of, |change| change.at)),
        upstream: snapshot.upstream().to_owned(),
        simulated: snapshot.simulated,
        entries: unique.take(ENTRIES).filter_map(|group| entry(snapshot, group, base)).collect(),
    }
    .render()
}

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
