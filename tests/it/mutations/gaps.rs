//! Changes that end silently and are known to.

/// Start of the row's name, and why it is so.
pub const KNOWN: &[(&str, &str)] = &[
    ("models data[].pricing ", "a few router pseudo-models are swept, because their sentinel price is gone"),
    (
        "models data[].pricing.prompt ",
        "a few router pseudo-models are swept, because their sentinel price is gone",
    ),
    (
        "providers data[].slug Replaced",
        "the statistics' list has all providers; one without a name joins them",
    ),
];
