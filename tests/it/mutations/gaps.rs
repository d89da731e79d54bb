//! Changes that are known to remain silent.

/// Start of the row's name, and the reason.
pub const KNOWN: &[(&str, &str)] = &[];
