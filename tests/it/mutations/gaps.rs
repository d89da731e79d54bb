//! Changes that are known to remain silent.

/// Start of the row's name, and the reason.
pub const KNOWN: &[(&str, &str)] = &[
    (
        "models data[].pricing.prompt Zero",
        "a free router is listed like a model, so the few routers of the list join it; none has endpoints",
    ),
    (
        "stats_endpoint data[].is_byok_only ",
        "no endpoint has the flag on the recorded day before: without it, the day is like the day before",
    ),
    (
        "stats_endpoint data[].pricing.overrides FirstOnly",
        "only eight endpoints of one provider have a second conditional price, and a provider may change its prices",
    ),
];
