//! Changes that end silently and are known to.

/// Start of the row's name, and why it is so.
pub const KNOWN: &[(&str, &str)] = &[];
