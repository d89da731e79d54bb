//! The recorded changes of a snapshot, filtered.

use super::{Event, ModelEntry, Snapshot};
use crate::domain::event::EventKind;

impl Snapshot {
    /// The recorded changes, newest first: of a kind, of a model, and of a provider with its endpoints; `None` means all.
    pub fn changes_of<'a>(
        &'a self,
        kind: Option<EventKind>,
        model: Option<&'a ModelEntry>,
        provider: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Event> {
        self.changes().into_iter().filter(move |event| {
            kind.is_none_or(|kind| kind == event.kind)
                && model.is_none_or(|model| event.model_id.as_ref() == Some(&model.model_id))
                && provider.is_none_or(|slug| event.concerns(slug))
        })
    }
}
