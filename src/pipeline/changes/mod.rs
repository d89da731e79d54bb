//! Changes as typed values, derived from the record.

pub(super) mod outages;
pub(super) mod shifts;
