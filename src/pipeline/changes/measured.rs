//! The changes of what is measured: shifts, outages and statuses.

use super::super::PipelineError;
use super::outages::outages;
use super::shifts::shifts;
use crate::domain::change::Change;
use crate::store::Store;
use chrono::{DateTime, Utc};

/// The lasting shifts, outages and lasting statuses of endpoints that began in `[from, to)`, as known at `as_of`, newest
/// first.
///
/// # Errors
/// The error of the store.
pub fn measured_changes(
    store: &Store,
    range: (DateTime<Utc>, DateTime<Utc>),
    as_of: DateTime<Utc>,
) -> Result<Vec<Change>, PipelineError> {
    let mut changes = shifts(store, range, as_of)?;
    changes.extend(outages(store, range, as_of)?);
    changes.sort_by_key(|change| std::cmp::Reverse(change.at));
    Ok(changes)
}
