//! Feeds of changes: of all, of a model, a provider or an endpoint, or of a filter; as Atom and as JSON Feed.

mod atom;
mod json;

use crate::domain::change::{Change, ChangeKind};
use crate::domain::change_filter::is_of_model;
use crate::site::pages::changes::{by_weight, page_of, title};
use crate::site::parts::link;
use crate::site::parts::shell::View;
use crate::snapshot::Snapshot;
use crate::table::changes::ChangeQuestion;
use crate::wording::following;
use chrono::{DateTime, SecondsFormat, Utc};
use std::collections::HashSet;
use uuid::Uuid;

/// Maximum number of entries in a feed.
const ENTRIES: usize = 100;
/// Namespace of the ids of feeds.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1d_6c2e_8a4f_5b07_9d3e_51f0_c7a2_4e91);

/// The format of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeedFormat {
    /// Atom (RFC 4287).
    Atom,
    /// JSON Feed 1.1.
    Json,
}

impl FeedFormat {
    /// Its content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
        }
    }

    /// The end of the address of a feed below the page that it is about.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Atom => link::FEED,
            Self::Json => link::JSON_FEED,
        }
    }

    /// The address of a page and the format, if a path ends as that of a feed.
    pub fn split(path: &str) -> Option<(&str, Self)> {
        [Self::Atom, Self::Json]
            .into_iter()
            .find_map(|format| Some((path.strip_suffix(format.ending())?, format)))
    }
}

/// What a feed is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All changes.
    All,
    /// A model by its public id.
    Model(String),
    /// A provider by its base slug.
    Provider(String),
    /// An endpoint by the public id of its model and its own id.
    Endpoint(String, Uuid),
}

/// One change in a feed.
struct Entry<'a> {
    id: Uuid,
    title: String,
    updated: String,
    /// Absolute if the public address of the site is known.
    href: String,
    lines: Vec<String>,
    /// The first of its changes.
    change: &'a Change,
    /// The changes: one, or the prices or the facts of one endpoint that changed in one run.
    changes: Vec<&'a Change>,
}

impl Entry<'_> {
    /// What explains the change; the title, if nothing more is known.
    fn text(&self) -> String {
        if self.lines.is_empty() { self.title.clone() } else { self.lines.join("\n") }
    }
}

/// A feed, ready to be written.
struct Feed<'a> {
    id: Uuid,
    title: String,
    about: String,
    /// The address of the feed itself.
    own: String,
    /// The address of the page that it is about.
    page: String,
    updated: String,
    base: &'a str,
    entries: Vec<Entry<'a>>,
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Removes characters that XML does not allow.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

/// When an entry last changed: an outage that ends changes its entry.
fn updated(change: &Change) -> DateTime<Utc> {
    let last = change.includes.last().map(|one| one.at);
    [Some(change.at), change.until, last].into_iter().flatten().max().unwrap_or(change.at)
}

/// The id of the entry of a group of changes: that of its first change without the field.
fn id_of(first: &Change) -> Uuid {
    match first.kind {
        ChangeKind::PriceChanged | ChangeKind::EndpointChanged => {
            Change { field: None, ..first.clone() }.id()
        }
        _ => first.id(),
    }
}

/// What explains the changes of a group, each sentence once.
fn lines(group: &[&Change]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in group.iter().flat_map(|change| following::lines(change)).map(|line| clean(&line)) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

impl Scope {
    /// The page that it is about, its name, and whether a change belongs to it; `None` if the snapshot does not have it.
    fn page(&self, snapshot: &Snapshot) -> Option<(String, String)> {
        Some(match self {
            Self::All => ("/changes".to_owned(), "all changes".to_owned()),
            Self::Model(id) => (link::model(&snapshot.model(id)?.model_id), id.clone()),
            Self::Provider(slug) => (link::provider(slug), snapshot.provider(slug)?.name.clone()),
            Self::Endpoint(id, endpoint) => {
                let model = snapshot.model(id)?;
                let found = model.endpoints.iter().find(|one| one.endpoint_id == *endpoint)?;
                (link::endpoint_of(model, found), format!("{id} at {}", found.tag))
            }
        })
    }

    fn holds(&self, change: &Change) -> bool {
        match self {
            // Recommendations change daily; the feed of a model has them.
            Self::All => change.kind != ChangeKind::RecommendationChanged,
            Self::Model(id) => change.model_id.as_deref() == Some(id),
            Self::Provider(slug) => change.concerns(slug),
            Self::Endpoint(id, endpoint) => change.endpoint_id == Some(*endpoint) && is_of_model(change, id),
        }
    }

    /// The address of its feed.
    fn address(&self, page: &str, format: FeedFormat) -> String {
        match self {
            Self::All => format.ending().to_owned(),
            _ => format!("{page}{}", format.ending()),
        }
    }
}

/// The feed of a scope; `None` if the snapshot does not have its subject.
///
/// # Errors
/// If it cannot be written.
pub fn feed(view: &View, scope: &Scope, format: FeedFormat) -> askama::Result<Option<Vec<u8>>> {
    let snapshot = view.snapshot.as_ref();
    let Some((page, name)) = scope.page(snapshot) else { return Ok(None) };
    let changes = snapshot.changes.iter().filter(|change| scope.holds(change));
    let named = Named { name: &name, own: scope.address(&page, format), page, key: format!("{scope:?}") };
    write(view, format, named, changes).map(Some)
}

/// The feed of the changes that match a filter.
///
/// # Errors
/// If it cannot be written.
pub fn filtered(view: &View, filter: &ChangeQuestion, format: FeedFormat) -> askama::Result<Vec<u8>> {
    let pairs =
        filter.parameters().into_iter().map(|(name, value)| format!("{name}={}", link::encode(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    let named = Named {
        name: &filter.in_words(),
        own: format!("{}{mark}{query}", format.ending()),
        page: format!("/changes{mark}{query}"),
        key: format!("filter {query}"),
    };
    write(view, format, named, filter.changes(&view.snapshot).into_iter())
}

struct Named<'a> {
    name: &'a str,
    own: String,
    page: String,
    /// What the id of the feed is made from.
    key: String,
}

fn write<'a>(
    view: &'a View,
    format: FeedFormat,
    named: Named<'_>,
    changes: impl Iterator<Item = &'a Change>,
) -> askama::Result<Vec<u8>> {
    let snapshot = view.snapshot.as_ref();
    let base = view.public_url.as_ref();
    let mut seen = HashSet::new();
    let groups = by_weight(changes);
    let entry = |group: Vec<&'a Change>| {
        let change = *group.first()?;
        Some(Entry {
            id: id_of(change),
            title: clean(&title(snapshot, &group)),
            updated: time(updated(change)),
            href: format!("{base}{}", page_of(snapshot, change).unwrap_or_else(|| "/changes".to_owned())),
            lines: lines(&group),
            change,
            changes: group,
        })
    };
    let entries: Vec<Entry> =
        groups.into_iter().filter_map(entry).filter(|entry| seen.insert(entry.id)).take(ENTRIES).collect();
    let simulated = if snapshot.simulated { " (simulated data)" } else { "" };
    let feed = Feed {
        id: Uuid::new_v5(&NAMESPACE, named.key.as_bytes()),
        title: clean(&format!("hitrate: {}{simulated}", named.name)),
        about: clean(&format!(
            "Changes of prices, endpoints, hit rates, outages, tiers and recommendations. Data from {}’s public pages.",
            snapshot.upstream()
        )),
        own: format!("{base}{}", named.own),
        page: format!("{base}{}", named.page),
        updated: entries
            .iter()
            .map(|entry| entry.updated.clone())
            .max()
            .unwrap_or_else(|| time(snapshot.as_of)),
        base,
        entries,
    };
    match format {
        FeedFormat::Atom => atom::write(feed),
        FeedFormat::Json => Ok(json::write(&feed)),
    }
}
