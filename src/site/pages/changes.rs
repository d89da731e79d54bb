//! Recorded changes as the pages and the feed show them.

mod list;
mod row;

pub use list::render;
pub use row::page_of;

use crate::domain::event::EventKind;
use crate::domain::ids::ProviderSlug;
use crate::site::parts::{When, format, link};
use crate::snapshot::{Event, ProviderEntry, Snapshot};
use crate::wording::changes::{self, Direction, Headline};

/// Longest name of a provider in a sentence.
const LONGEST_NAME: usize = 60;

/// One change, ready to be displayed.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    pub of: &'a Event,
    pub at: When,
    pub kind: &'static str,
    /// The change as a sentence around its model; `None` if the detail says all.
    pub headline: Option<Headline>,
    /// An arrow and its class: better or worse for the payer.
    pub arrow: Option<(&'static str, &'static str)>,
    /// The page and the id of the model, if the change concerns a model that still exists.
    pub model: Option<(String, &'a str)>,
    /// The page of the provider, if the change concerns a provider that still exists.
    pub provider: Option<String>,
}

pub fn kind_in_words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::PriceChanged => "list price",
        EventKind::EndpointAppeared => "new endpoint",
        EventKind::EndpointGone => "endpoint gone",
        EventKind::TierChanged => "tier",
        EventKind::RecommendationChanged => "recommendation",
        EventKind::TagChanged => "renamed",
        EventKind::WindowChanged => "window changed",
    }
}

/// The provider that an event concerns, if it still exists.
fn provider<'a>(snapshot: &'a Snapshot, event: &Event) -> Option<&'a ProviderEntry> {
    let base = event.tag.as_deref().and_then(|tag| tag.split('/').next());
    snapshot.provider(event.provider.as_ref().map(ProviderSlug::as_str).or(base)?)
}

/// The sentence of an event around its model.
fn headline(snapshot: &Snapshot, event: &Event) -> Option<Headline> {
    let tag = event.tag.as_deref().unwrap_or_default();
    let name = provider(snapshot, event).map(|provider| format::shorten(&provider.name, LONGEST_NAME));
    changes::headline(event, &changes::host(name.as_deref(), tag))
}

/// An event as pages show it.
pub fn change<'a>(snapshot: &Snapshot, event: &'a Event) -> Change<'a> {
    let known = event.model_id.as_deref().filter(|id| snapshot.model(id).is_some());
    let headline = headline(snapshot, event);
    Change {
        of: event,
        at: When::new(event.at),
        kind: kind_in_words(event.kind),
        arrow: headline.as_ref().and_then(|headline| headline.direction).map(|direction| {
            match (event.kind, direction) {
                (EventKind::PriceChanged, Direction::Better) => ("↓", "up"),
                (EventKind::PriceChanged, Direction::Worse) => ("↑", "down"),
                (_, Direction::Better) => ("+", "up"),
                (_, Direction::Worse) => ("−", "down"),
            }
        }),
        headline,
        model: known.map(|id| (link::model(id), id)),
        provider: provider(snapshot, event).map(|found| link::provider(found.provider.as_str())),
    }
}

/// The newest changes of a model, at most `most`.
pub fn of_model<'a>(snapshot: &'a Snapshot, model_id: &str, most: usize) -> Vec<Change<'a>> {
    let events = snapshot.changes().into_iter().filter(|e| e.model_id.as_deref() == Some(model_id));
    events.take(most).map(|e| change(snapshot, e)).collect()
}

/// The newest changes of an endpoint of a model, at most `most`.
pub fn of_endpoint<'a>(snapshot: &'a Snapshot, model_id: &str, tag: &str, most: usize) -> Vec<Change<'a>> {
    let is_its = |e: &&Event| e.model_id.as_deref() == Some(model_id) && e.tag.as_deref() == Some(tag);
    snapshot.status.events.iter().filter(is_its).take(most).map(|e| change(snapshot, e)).collect()
}

/// The newest changes of a provider and its endpoints, at most `most`.
pub fn of_provider<'a>(snapshot: &'a Snapshot, provider: &ProviderSlug, most: usize) -> Vec<Change<'a>> {
    let events = snapshot.status.events.iter().filter(|e| e.concerns(provider.as_str()));
    events.take(most).map(|e| change(snapshot, e)).collect()
}
