//! The events that pages and API list: observed changes and changes of tiers.

use crate::analysis::METHOD_VERSION;
use crate::domain::event::EventKind;
use crate::snapshot::Event;
use crate::store::{Store, StoreError};
use chrono::{DateTime, Utc};

/// Observed events and tier changes, newest first, at most `limit`. A tier change counts once its day is over.
pub(super) fn events(
    store: &Store,
    as_of: DateTime<Utc>,
    workload: &str,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let seen = store.events(as_of, limit)?;
    let changes = store.tier_changes(METHOD_VERSION, as_of, workload, limit)?;
    let changed = changes.into_iter().map(|row| Event {
        at: row.at,
        kind: EventKind::TierChanged,
        model_id: None,
        tag: None,
        provider: Some(row.provider),
        detail: format!("{}: {} tier {} → {}", row.name, row.lens, row.previous, row.tier),
    });
    let mut events: Vec<Event> = changed.chain(seen).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(limit);
    Ok(events)
}
