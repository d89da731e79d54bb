//! Changes derived from the record.

pub(super) mod traffic;
