//! Recorded changes as the pages and the feed show them.

mod list;
mod row;

pub use list::render;
pub use row::page_of;

use crate::domain::change::{Change as Recorded, ChangeKind};
use crate::domain::ids::{ProviderSlug, Tag};
use crate::site::parts::{When, format, link};
use crate::snapshot::{ProviderEntry, Snapshot};
use crate::wording::changes::{self, Direction, Headline};
use crate::wording::following;

/// Longest name of a provider in a sentence.
const LONGEST_NAME: usize = 60;

/// One change, or the prices of one endpoint that changed in one run, ready to be displayed.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// The first of them.
    pub of: &'a Recorded,
    pub at: When,
    pub kind: &'static str,
    /// The change as a sentence around its model; `None` if the detail says all.
    pub headline: Option<Headline>,
    /// Why it counts as a change.
    pub detail: String,
    /// An arrow and its class: better or worse for the payer.
    pub arrow: Option<(&'static str, &'static str)>,
    /// The page and the id of the model, if the change concerns a model that still exists.
    pub model: Option<(String, &'a str)>,
    /// The page of the provider, if the change concerns a provider that still exists.
    pub provider: Option<String>,
}

pub fn kind_in_words(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::PriceChanged => "list price",
        ChangeKind::PriceSchedule => "price schedule",
        ChangeKind::EndpointChanged => "endpoint changed",
        ChangeKind::Deprecation => "end announced",
        ChangeKind::EndpointAppeared => "new endpoint",
        ChangeKind::EndpointGone => "endpoint gone",
        ChangeKind::ModelAppeared => "new model",
        ChangeKind::ModelGone => "model gone",
        ChangeKind::StatusChanged => "status",
        ChangeKind::Outage => "outage",
        ChangeKind::HitRateShift => "hit rate",
        ChangeKind::EffectivePriceShift => "effective price",
        ChangeKind::SpeedShift => "speed",
        ChangeKind::UptimeShift => "uptime",
        ChangeKind::TrafficJump => "traffic",
        ChangeKind::TierChanged => "tier",
        ChangeKind::RecommendationChanged => "recommendation",
        ChangeKind::TagChanged => "renamed",
        ChangeKind::WindowChanged => "window changed",
    }
}

/// The changes as they are shown, in their order: the prices of one endpoint that changed in one run are together, and so
/// are its facts.
pub fn grouped<'a>(changes: impl Iterator<Item = &'a Recorded>) -> Vec<Vec<&'a Recorded>> {
    let mut groups: Vec<Vec<&Recorded>> = Vec::new();
    for change in changes {
        let is_same = |first: &&Recorded| {
            matches!(change.kind, ChangeKind::PriceChanged | ChangeKind::EndpointChanged)
                && (change.at, change.kind) == (first.at, first.kind)
                && (&change.endpoint_id, &change.tag) == (&first.endpoint_id, &first.tag)
                && (&change.model_id, &change.source) == (&first.model_id, &first.source)
        };
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(is_same) => group.push(change),
            _ => groups.push(vec![change]),
        }
    }
    groups
}

/// Change from which on a price comes first, percent.
const LARGE: f64 = 10.0;

/// How much a group of changes moves: what a session costs, if that is known, otherwise the largest of its changes;
/// percent or points.
fn size(group: &[&Recorded]) -> f64 {
    let session = group.iter().find_map(|change| change.session?.percent);
    let own = || group.iter().filter_map(|change| change.percent).map(f64::abs).reduce(f64::max);
    session.map(f64::abs).or_else(own).unwrap_or(0.0)
}

/// The rank of a group among those of one run, lowest first: what moves a bill, what may break requests, smaller moves,
/// what came and went, facts, and what this site publishes.
fn rank(group: &[&Recorded]) -> u8 {
    let Some(kind) = group.first().map(|change| change.kind) else { return u8::MAX };
    match kind {
        ChangeKind::PriceChanged if size(group) < LARGE => 2,
        ChangeKind::PriceChanged
        | ChangeKind::PriceSchedule
        | ChangeKind::HitRateShift
        | ChangeKind::EffectivePriceShift => 0,
        ChangeKind::Outage
        | ChangeKind::StatusChanged
        | ChangeKind::UptimeShift
        | ChangeKind::SpeedShift
        | ChangeKind::Deprecation => 1,
        ChangeKind::EndpointGone | ChangeKind::ModelGone | ChangeKind::ModelAppeared => 3,
        ChangeKind::EndpointAppeared | ChangeKind::TrafficJump => 4,
        ChangeKind::EndpointChanged | ChangeKind::TagChanged => 5,
        ChangeKind::TierChanged => 6,
        ChangeKind::RecommendationChanged | ChangeKind::WindowChanged => 7,
    }
}

/// The groups with the newest first, and those of one run in the order of their weight, so that a large price move is
/// before a hundred small ones.
pub fn by_weight<'a>(changes: impl Iterator<Item = &'a Recorded>) -> Vec<Vec<&'a Recorded>> {
    let mut groups = grouped(changes);
    groups.sort_by(|one, other| {
        let at = |group: &[&Recorded]| group.first().map(|change| change.at);
        let weight = rank(one).cmp(&rank(other)).then_with(|| size(other).total_cmp(&size(one)));
        at(other).cmp(&at(one)).then(weight)
    });
    groups
}

/// The provider that a change concerns, if it still exists.
fn provider<'a>(snapshot: &'a Snapshot, change: &Recorded) -> Option<&'a ProviderEntry> {
    let base = change.tag.as_ref().and_then(|tag| tag.as_str().split('/').next());
    snapshot.provider(change.provider.as_ref().map(ProviderSlug::as_str).or(base)?)
}

/// The sentence of a group of changes around its model.
fn headline(snapshot: &Snapshot, group: &[&Recorded]) -> Option<Headline> {
    let first = group.first()?;
    let tag = first.tag.as_ref().map_or("", Tag::as_str);
    let name = provider(snapshot, first).map(|provider| format::shorten(&provider.name, LONGEST_NAME));
    changes::headline(group, &changes::host(name.as_deref(), tag))
}

/// Why the changes of a group count, as one text.
pub fn detail(group: &[&Recorded]) -> String {
    group.iter().map(|change| change.why.as_str()).collect::<Vec<_>>().join("; ")
}

/// A group of changes in one sentence, as the title of an entry in the feed.
pub fn title(snapshot: &Snapshot, group: &[&Recorded]) -> String {
    let Some(first) = group.first() else { return String::new() };
    if let Some(headline) = headline(snapshot, group) {
        return headline.sentence(first.model_id.as_deref());
    }
    match first.kind {
        // They name the provider.
        ChangeKind::TierChanged => detail(group),
        _ => following::title(first),
    }
}

/// A group of changes as pages show it; `None` for an empty one.
pub fn change<'a>(snapshot: &Snapshot, group: &[&'a Recorded]) -> Option<Change<'a>> {
    let first = *group.first()?;
    let known = first.model_id.as_deref().filter(|id| snapshot.model(id).is_some());
    let headline = headline(snapshot, group);
    Some(Change {
        of: first,
        at: When::new(first.at),
        kind: kind_in_words(first.kind),
        detail: detail(group),
        arrow: headline.as_ref().and_then(|headline| headline.direction).map(|direction| {
            match (first.kind, direction) {
                (ChangeKind::PriceChanged, Direction::Better) => ("↓", "up"),
                (ChangeKind::PriceChanged, Direction::Worse) => ("↑", "down"),
                (_, Direction::Better) => ("+", "up"),
                (_, Direction::Worse) => ("−", "down"),
            }
        }),
        headline,
        model: known.map(|id| (link::model(id), id)),
        provider: provider(snapshot, first).map(|found| link::provider(found.provider.as_str())),
    })
}

/// Changes as pages show them, at most `most`.
pub fn shown<'a>(
    snapshot: &Snapshot,
    changes: impl Iterator<Item = &'a Recorded>,
    most: usize,
) -> Vec<Change<'a>> {
    by_weight(changes).iter().take(most).filter_map(|group| change(snapshot, group)).collect()
}

/// The newest changes of a model, at most `most`.
pub fn of_model<'a>(snapshot: &'a Snapshot, model_id: &str, most: usize) -> Vec<Change<'a>> {
    let its = snapshot.changes.iter().filter(|one| one.model_id.as_deref() == Some(model_id));
    shown(snapshot, its, most)
}

/// The newest changes of an endpoint of a model, at most `most`.
pub fn of_endpoint<'a>(snapshot: &'a Snapshot, model_id: &str, tag: &str, most: usize) -> Vec<Change<'a>> {
    let is_its = |one: &&Recorded| {
        one.model_id.as_deref() == Some(model_id) && one.tag.as_ref().is_some_and(|own| own.as_str() == tag)
    };
    shown(snapshot, snapshot.changes.iter().filter(is_its), most)
}

/// The newest changes of a provider and its endpoints, at most `most`.
pub fn of_provider<'a>(snapshot: &'a Snapshot, provider: &ProviderSlug, most: usize) -> Vec<Change<'a>> {
    shown(snapshot, snapshot.changes.iter().filter(|one| one.concerns(provider.as_str())), most)
}
