//! Changes, derived from the history of the record as of a time: prices, facts, appearances and ends, tiers,
//! recommendations, windows. Nothing after that time is used.

mod about;
mod facts;
mod measured;
mod outages;
mod prices;
mod published;
mod session;
mod shifts;
pub(super) mod traffic;

pub use measured::measured_changes;
pub use shifts::examine_shifts;

pub(in crate::pipeline) use published::tiers_of_the_day;
pub(in crate::pipeline) use session::Sessions;
pub(in crate::pipeline) use shifts::examine_shifts_or_log;

use super::PipelineError;
use crate::domain::change::{Change, ChangeValue};
use crate::store::Store;
use crate::wording::change_words;
use chrono::{DateTime, Duration, TimeDelta, Utc};
use std::cmp::Reverse;

/// Days before the first listed change in which readings are looked up: without one, a move that a schedule needs has no
/// time.
const READ_BEFORE: i64 = 14;

/// What changed in `[from, to]`, newest first, as it was known at `as_of`, without the changes of tiers on the day of
/// `as_of`, which [`tiers_of_the_day`] makes from the newest analysis. `workload` is the default one, under which tiers
/// and recommendations are made.
pub(super) fn changes(
    store: &Store,
    sessions: &Sessions<'_>,
    workload: &str,
    as_of: DateTime<Utc>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Change>, PipelineError> {
    let read_from = (from.max(DateTime::UNIX_EPOCH) - Duration::days(READ_BEFORE)).max(DateTime::UNIX_EPOCH);
    let mut changes = prices::changes(&store.price_moves(as_of, read_from)?, sessions, (from, to));
    changes.extend(facts::changes(store, as_of, read_from)?);
    changes.extend(published::changes(store, as_of, workload)?);
    // Half-open, and within the times that the database knows.
    let (since, until) = (from.max(DateTime::UNIX_EPOCH), to.min(as_of) + TimeDelta::microseconds(1));
    let measured = measured_changes(store, (since, until), as_of)?.into_iter();
    changes.extend(measured.map(|change| Change { session: sessions.of_shift(&change), ..change }));
    changes.extend(store.imported_price_changes(since, until, as_of)?.into_iter().map(explained));
    changes.retain(|change| (from..=to).contains(&change.at));
    newest_first(&mut changes);
    Ok(changes)
}

/// An imported change of a list price with its sentence.
fn explained(change: Change) -> Change {
    let number = |value: &Option<ChangeValue>| value.as_ref().and_then(ChangeValue::number);
    let why = change.field.zip(change.source.as_deref()).map(|(field, source)| {
        let (before, after) = (number(&change.before), number(&change.after));
        change_words::imported_price_moved(field, (before, after), change.at, source)
    });
    Change { why: why.unwrap_or_default(), ..change }
}

/// Sorts changes: newest first; of one time by kind, model, endpoint and field, so that those of one endpoint are
/// neighbours.
pub(super) fn newest_first(changes: &mut [Change]) {
    changes.sort_by(|a, b| {
        let of = |change: &Change| {
            (
                Reverse(change.at),
                change.kind,
                change.model.clone(),
                change.variant.clone(),
                change.endpoint_id,
            )
        };
        of(a).cmp(&of(b)).then_with(|| (&a.provider, &a.tag, a.field).cmp(&(&b.provider, &b.tag, b.field)))
    });
}
