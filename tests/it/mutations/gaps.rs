//! Changes that are known to remain silent.

/// Start of the row's name, and the reason.
pub const KNOWN: &[(&str, &str)] = &[
    ("models data[].pricing ", "a few router pseudo-models are swept, because their sentinel price is gone"),
    (
        "models data[].pricing.prompt ",
        "a few router pseudo-models are swept, because their sentinel price is gone",
    ),
    (
        "all_providers data[].slug Replaced",
        "the documented list has all providers; one without a name joins them",
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
        "providers data[].slug Replaced",
        "the statistics' list has all providers; one without a name joins them",
    ),
    (
        "hit_rate_comparison NotFound",
        "the status page reports the series as not offered; rates of past days are then the observed ones",
    ),
    (
        "model_activity data.analytics FirstOnly",
        "past days of a model's activity are stored and never published",
    ),
    ("all_providers data[].displayName ", "the name falls back to the one of the documented list"),
    (
        "stats_endpoint data[].pricing.overrides FirstOnly",
        "only a few endpoints have more than one conditional price, and these change as often",
    ),
];
