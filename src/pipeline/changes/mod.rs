//! Changes as typed values, derived from the record.

mod measured;
mod outages;
mod shifts;

pub use measured::measured_changes;
pub use shifts::examine_shifts;
