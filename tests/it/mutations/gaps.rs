//! Changes that are known to remain silent.

/// Start of the row's name, and the reason.
pub const KNOWN: &[(&str, &str)] = &[
    ("models data[].pricing ", "a few router pseudo-models are swept, because their sentinel price is gone"),
    (
        "models data[].pricing.prompt ",
        "a few router pseudo-models are swept, because their sentinel price is gone",
    ),
    (
        "stats_endpoint data[].status ",
        "the documented list has the status too; two endpoints of the thinned day are missing from it",
    ),
    (
        "stats_endpoint data[].deprecation_date ",
        "three endpoints of the thinned day have one; the whole day has enough for a finding",
    ),
    (
        "stats_endpoint data[].is_byok_only ",
        "eight endpoints of the thinned day have it, beside others that are restricted for another reason",
    ),
    (
        "stats_endpoint data[].pricing.overrides FirstOnly",
        "only a few endpoints have more than one conditional price, and these change as often",
    ),
];
