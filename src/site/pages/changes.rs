//! Recorded changes as the pages and the feed show them.

use crate::domain::event::EventKind;
use crate::domain::ids::ProviderSlug;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{When, link};
use crate::site::registry::Section;
use crate::snapshot::{Event, Snapshot};
use askama::Template;

/// One change, ready to be displayed.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    pub of: &'a Event,
    pub at: When,
    pub kind: &'static str,
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

/// An event as pages show it.
pub fn change<'a>(snapshot: &Snapshot, event: &'a Event) -> Change<'a> {
    let known = event.model_id.as_deref().filter(|id| snapshot.model(id).is_some());
    Change {
        of: event,
        at: When::new(event.at),
        kind: kind_in_words(event.kind),
        model: known.map(|id| (link::model(id), id)),
        provider: event
            .provider
            .as_ref()
            .filter(|slug| snapshot.provider(slug.as_str()).is_some())
            .map(|slug| link::provider(slug.as_str())),
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

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage<'a> {
    shell: Shell,
    changes: Vec<Change<'a>>,
    since: Option<When>,
}

/// Renders the page of all recorded changes.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let events = &snapshot.status.events;
    let about = "Changes of list prices, endpoints, names and tiers.";
    ChangesPage {
        shell: Shell::of_page(view, Section::Changes, "what changed", about),
        changes: events.iter().map(|e| change(snapshot, e)).collect(),
        since: events.last().map(|e| When::new(e.at)),
    }
    .render()
}
