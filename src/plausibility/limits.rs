//! How far a value may move between two runs before the sweep is suspect.
//!
//! The limits are calibrated on twelve recorded days (gaps of one to three days) and a week of hourly runs: each is at
//! least twice the largest genuine change. They only decide whether a sweep is published; `docs/method.md` describes
//! the published numbers.

/// A path needs this many comparable rows to be checked.
pub const MIN_ROWS: usize = 10;
/// A path also needs this many changed rows.
pub const MIN_CHANGED: usize = 8;
/// A settled field that fewer rows have is suspect only if all of them lose it, and if there are at least this many.
pub const MIN_ALL_GONE: usize = 5;

/// The largest plausible changes of one path. Each share refers to the rows that could have changed in this way.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Share of values that vanish.
    pub gone: f64,
    /// Share of absent values that appear.
    pub appeared: f64,
    /// Share of values other than 0 that become 0.
    pub zeroed: f64,
    /// Share of zeros that become something else.
    pub raised: f64,
    /// Share of numbers that change their sign.
    pub flipped: f64,
    /// Share of texts or flags that change.
    pub changed: f64,
    /// Share of numbers that move by more than `factor`.
    pub moved: f64,
    /// The factor that counts as a move.
    pub factor: f64,
    /// Median ratio, up or down.
    pub shift: f64,
}

/// No limit: a share is never above 1.
const ANY: f64 = 2.0;

/// Values that rarely change: facts, list prices, models, providers.
const SETTLED: Limits = Limits {
    gone: 0.2,
    appeared: 0.5,
    zeroed: 0.4,
    raised: 0.4,
    flipped: 0.3,
    changed: 0.3,
    moved: 0.35,
    factor: 1.5,
    shift: 1.25,
};

/// Values that are measured again each time and vary around a stable level: rates, effective prices, speeds, uptime.
const MEASURED: Limits = Limits { gone: 0.3, appeared: ANY, moved: 0.9, shift: 1.5, ..SETTLED };

/// Counts that follow the hour of the day.
const COUNTED: Limits = Limits { raised: 0.75, moved: ANY, shift: 12.0, ..MEASURED };

/// Values of completed days.
const CLOSED: Limits = Limits { changed: 0.2, moved: 0.1, factor: 1.01, shift: 1.01, ..SETTLED };

/// The limits of a path. A path that is not listed here counts as a measurement, so that a new field is checked
/// from its first day without becoming suspect for ordinary changes.
pub fn of(path: &str) -> Limits {
    match path {
        // The upstream recomputes it every few minutes; most endpoints below 0 recover within a day.
        "health.status" => Limits { zeroed: 0.95, raised: 0.4, changed: ANY, ..MEASURED },
        // Absent if there was no request for five minutes.
        "health.uptime_5m" => Limits { gone: 0.9, raised: ANY, ..MEASURED },
        "health.uptime_30m" | "health.uptime_1d" => Limits { raised: ANY, ..MEASURED },
        // Unknown while the upstream leaves out a flag: it may come back, and `changed` limits what it then says.
        "facts.restricted" => Limits { appeared: ANY, ..SETTLED },
        // Discounts end together, when the discounted price becomes the list price.
        "prices.discount" => Limits { zeroed: 0.95, ..SETTLED },
        // `volume.rs` compares tokens by the time that they cover.
        "usage.tokens" => Limits { gone: 0.05, shift: f64::INFINITY, ..COUNTED },
        // No recorded summary lost them.
        "usage.hit_rate" => Limits { gone: 0.05, ..MEASURED },
        "health.requests_30m" => COUNTED,
        // The UTC day of a body: it changes for all of them at midnight.
        "usage.day" => Limits { changed: ANY, ..MEASURED },
        _ if path.starts_with("health.counters_") => COUNTED,
        _ if starts(path, &["facts", "prices", "models", "providers"]) => SETTLED,
        _ if starts(path, &["activity", "closing_rates", "charts"]) => CLOSED,
        _ => MEASURED,
    }
}

fn starts(path: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['.', '['])))
}

/// Fields that the upstream removed permanently on 2026-08-01, and the values that were computed from them.
pub const WITHDRAWN: (&str, [&str; 3]) =
    ("health.counters_1d", ["health.uptime_5m", "health.uptime_30m", "health.uptime_1d"]);

/// A change by this ratio or more is a change of unit, even if only one provider has the field.
pub const UNIT: f64 = 10.0;
/// The same for a field that fewer than `MIN_ROWS` rows have.
pub const UNIT_OF_FEW: f64 = 100.0;
/// Share of models that may disappear from the list between two runs. The most on record is 9 % over two days.
pub const MODELS_LOST: f64 = 0.2;
/// Share of providers that may disappear from the lists.
pub const PROVIDERS_LOST: f64 = 0.3;
/// Share of listed models whose endpoints may all vanish.
pub const ENDPOINT_LISTS_LOST: f64 = 0.05;
/// Share of endpoints that may vanish from models that keep others.
pub const ENDPOINTS_LOST: f64 = 0.06;
/// Share of models with usage that may lose all of it.
pub const USAGE_LISTS_LOST: f64 = 0.45;
/// Share of endpoints that may lose their usage in models that keep some.
pub const USAGE_LOST: f64 = 0.25;
/// Share of the endpoints that both sources list that may stop matching by tag.
pub const UNMATCHED: f64 = 0.3;
/// Share of past days that may vanish while the series still covers them.
pub const DAYS_LOST: f64 = 0.3;
/// Share of a list's rows that may repeat another row's key.
pub const REPEATED: f64 = 0.05;
/// Share of a kind's documents that may be empty.
pub const EMPTY_DOCUMENTS: f64 = 0.6;
/// Share of a kind's documents above which their failures explain that rows are missing.
pub const FAILED_DOCUMENTS: f64 = 0.1;
/// Share of rows that may be quarantined for one reason, above the last accepted run.
pub const QUARANTINED: f64 = 0.05;
/// Share of models whose published aggregate may differ from ours.
pub const AGGREGATE: f64 = 0.25;
/// What counts as a difference of hit rates, fraction.
pub const AGGREGATE_RATE: f64 = 0.05;
/// What counts as a difference of effective prices, ratio.
pub const AGGREGATE_PRICE: f64 = 1.2;
/// Share of endpoints that may break the price identity.
pub const IDENTITY: f64 = 0.2;
/// Share of endpoints whose list prices may differ between the two sources.
pub const SOURCES_DIFFER: f64 = 0.3;
/// Share of the endpoints with conditional prices for which the documented API may list more of them than the
/// statistics, if the statistics have lost some. Both sources publish the same list.
pub const TIERS_DIFFER: f64 = 0.05;
/// Ratio between tokens an hour now and in the last accepted run, where both cover at least `VOLUME_HOURS`.
pub const VOLUME: f64 = 4.0;
/// The same if one of them covers less.
pub const VOLUME_EARLY: f64 = 12.0;
/// After this many hours of a UTC day its mean is stable.
pub const VOLUME_HOURS: f64 = 3.0;
/// `VOLUME` within one UTC day, where the growth is known better.
pub const VOLUME_SAME_DAY: f64 = 2.5;
/// `VOLUME_EARLY` within one UTC day.
pub const VOLUME_SAME_DAY_EARLY: f64 = 4.0;
/// Within a UTC day tokens only grow; a count below this share of the one before has another unit.
pub const VOLUME_FALL: f64 = 0.9;
/// Share of endpoints whose tokens may fall within a UTC day. In a recorded week none did.
pub const VOLUME_FALLEN: f64 = 0.05;
/// Median uptime below which uptime has another meaning, fraction. Recorded medians are above 0.97.
pub const UPTIME: f64 = 0.5;
/// Accepted runs before a growth of the counts is called suspect: a first run may have been the short one.
pub const RUNS_BEFORE_GROWTH: usize = 3;
/// Ratio between the tokens of a model's endpoints and its activity on the same, partial day.
pub const ACTIVITY: f64 = 4.0;
/// Hours of a UTC day before the activity of that day is compared.
pub const ACTIVITY_HOURS: f64 = 6.0;
/// Counts may fall to this share of the median of the last days, and grow to its inverse.
pub const COUNTS: f64 = 0.4;
/// Days of accepted runs that counts are compared with.
pub const COUNT_DAYS: i64 = 7;
/// Share of restated values of past days that may differ from what was known.
pub const RESTATED: f64 = 0.1;
