//! The events that pages and API list: observed changes and changes of tiers.

use crate::analysis::METHOD_VERSION;
use crate::domain::event::EventKind;
use crate::domain::tier_list::TierList;
use crate::snapshot::Event;
use crate::store::{Store, StoreError};
use crate::wording::changes::tier_change;
use chrono::{DateTime, Utc};

/// Observed events and tier changes, newest first, at most `limit`, without the tier changes of the day of `as_of`, which
/// [`changes_of_the_day`] makes from the newest analysis.
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
        detail: tier_change(&row.name, row.lens, row.previous, row.tier),
    });
    let mut events: Vec<Event> = changed.chain(seen).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(limit);
    Ok(events)
}

/// The tiers of providers that changed on the day of the newest run, as far as it is known: under every lens, and under
/// the default workload.
pub(super) fn changes_of_the_day(lists: &[TierList], as_of: DateTime<Utc>, workload: &str) -> Vec<Event> {
    let is_default = |list: &&TierList| list.workload.as_deref().is_none_or(|name| name == workload);
    let changes = |list: &TierList| {
        let changed = list.providers.iter().filter_map(|row| {
            let previous = row.previous.filter(|_| row.since == Some(as_of.date_naive()))?;
            Some(Event {
                at: as_of,
                kind: EventKind::TierChanged,
                model_id: None,
                tag: None,
                provider: Some(row.provider.clone()),
                detail: tier_change(&row.name, list.lens, previous, row.tier),
            })
        });
        changed.collect::<Vec<_>>()
    };
    lists.iter().filter(is_default).flat_map(changes).collect()
}
