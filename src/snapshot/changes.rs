//! The changes of a snapshot, filtered.

use super::Snapshot;
use crate::domain::change::Change;
use crate::domain::change_filter::ChangeFilter;

impl Snapshot {
    /// The changes that a filter admits, newest first.
    pub fn changes_of<'a>(&'a self, filter: &'a ChangeFilter) -> impl Iterator<Item = &'a Change> {
        self.changes.iter().filter(move |change| filter.admits(change))
    }
}
