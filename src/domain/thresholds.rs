//! Every threshold of the method, in one table. `docs/method.md` names them, the method page prints them from here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One threshold as the method page shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Threshold {
    /// Its name in code.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// What the value counts.
    pub unit: String,
    /// What it decides.
    pub meaning: String,
}

macro_rules! thresholds {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty = $value:expr, $unit:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: $type = $value;)*

        /// All thresholds, for the method page and the API.
        pub fn table() -> Vec<Threshold> {
            vec![$(Threshold {
                name: stringify!($name).to_lowercase(),
                value: $name as f64,
                unit: $unit.to_owned(),
                meaning: [$($doc),*].join("").trim().to_owned(),
            }),*]
        }
    };
}

thresholds! {
    /// A summary's price equals its chart point within this relative difference.
    WINDOW_PRICE_TOLERANCE: f64 = 1e-9, "relative";
    /// At least this share of equal prices: the window is the UTC day so far.
    WINDOW_DAY_SHARE: f64 = 0.9, "share of summaries";
    /// At most this share of equal prices: the window is a short stretch.
    WINDOW_HOUR_SHARE: f64 = 0.2, "share of summaries";
    /// Fewer comparable summaries than this in a run say nothing about the window.
    WINDOW_MIN_WITNESSES: usize = 5, "summaries";
    /// So long after midnight the day before is taken for closed, and its closing hit rates are asked for.
    CLOSING_SETTLE_MINUTES: u32 = 30, "minutes";
    /// A sweep is compared with what the accepted runs of this many days held.
    PLAUSIBILITY_DAYS: i64 = 7, "days";
    /// An empty answer is a failure where an accepted run at most this old had rows.
    EMPTY_ANSWER_HOURS: i64 = 3, "hours";
    /// An answer that came later than this after its run began is not of that run.
    LONGEST_SWEEP_HOURS: i64 = 3, "hours";
    /// An hourly rate rests on at least this many tokens between two readings.
    HOURLY_MIN_TOKENS: i64 = 1_000_000, "tokens";
    /// An hourly rate this far outside of 0..1 is clamped, one further out is refused.
    HOURLY_TOLERANCE: f64 = 0.01, "fraction";
    /// Days of hourly rates that are published, the day under way included.
    HOURLY_DAYS: u64 = 8, "days";
    /// Days of readings that a tier list looks at.
    LENS_WINDOW_DAYS: i64 = 7, "days";
    /// With fewer observed days than this a tier list is provisional, and days derived from the price charts help.
    FULL_RECORD_DAYS: usize = 3, "days";
    /// A cell counts from this many tokens a day on (mean over its days).
    CELL_MIN_TOKENS: f64 = 10e6, "tokens a day";
    /// A provider is rated from this many models that it shares with others on.
    MIN_SHARED_MODELS: usize = 3, "models";
    /// An endpoint has a tier within its model from this many tokens a day on.
    ENDPOINT_MIN_TOKENS: f64 = 1e6, "tokens a day";
    /// Ridge on the provider effects, in mean weights of a (model, provider) pair.
    EFFECT_RIDGE: f64 = 0.25, "pairs";
    /// The share of cases in which an interval is meant to hold the truth.
    INTERVAL_COVERAGE: f64 = 0.9, "share";
    /// What all providers together say of the scatter counts as much as this many models of a provider's own.
    INTERVAL_PRIOR_MODELS: usize = 3, "models";
    /// A provider's own scatter is part of the common one from this many shared models on.
    INTERVAL_POOL_MODELS: usize = 6, "models";
    /// Resamples of whole models behind rank intervals and tier probabilities.
    RESAMPLES: usize = 400, "resamples";
    /// Seed of the resamples: the same data give the same figures.
    RESAMPLE_SEED: u64 = 20_260_721, "seed";
    /// A tier changes at once where the draws say with this probability that the new one, or a further one, is right.
    TIER_CHANGE_PROBABILITY: f64 = 0.8, "probability";
    /// It also changes once the figure has been past the cut by the dead band on this many days running.
    TIER_CONFIRM_DAYS: u32 = 2, "days";
    /// Dead band of the tiers under the lens cache, at least.
    TIER_BAND_CACHE: f64 = 0.03, "hit rate";
    /// Dead band of the tiers under the lens cost, at least: so much of the session cost.
    TIER_BAND_COST: f64 = 0.05, "relative";
    /// Dead band of the tiers under the lenses reliability, speed and overall, at least.
    TIER_BAND_Z: f64 = 0.2, "z-score";
    /// The dead band is this share of the half-width of the interval where that is more.
    TIER_BAND_INTERVAL_SHARE: f64 = 0.33, "fraction of the half-width";
    /// The dead band is never wider than so many times the least one of the lens.
    TIER_BAND_MOST: f64 = 3.0, "times";
    /// A tier is kept in mind over so many days without a rating; after more the next one starts a new series.
    TIER_MEMORY_DAYS: u32 = 7, "days with a run";
    /// The first days of a model are provisional: price and hit windows disagree.
    LAUNCH_DAYS: i64 = 3, "days";
    /// Flags need at least this hit rate.
    FLAG_MIN_HIT_RATE: f64 = 0.3, "fraction";
    /// Flags need at least this much traffic.
    FLAG_MIN_TOKENS: f64 = 100e6, "tokens a day";
    /// A phantom cache gives less than this share of the listed discount.
    PHANTOM_EFFICIENCY: f64 = 0.2, "fraction of the listed discount";
    /// A read price is a discount only below this share of the input price.
    READ_PRICE_DISCOUNT: f64 = 0.95, "fraction of the input price";
    /// The price identity is broken where it misses by more than this.
    IDENTITY_TOLERANCE: f64 = 0.05, "relative";
    /// An effective input price below this share of the lowest list price of a prompt token is impossible.
    IMPOSSIBLE_PRICE_BELOW: f64 = 0.95, "fraction of the lowest list price";
    /// An effective input price above this multiple of the highest list price of a prompt token is impossible.
    IMPOSSIBLE_PRICE_ABOVE: f64 = 1.01, "multiple of the highest list price";
    /// Readings under this volume are not held against the price identity.
    IDENTITY_MIN_TOKENS: f64 = 10e6, "tokens";
    /// Quantile of a model's hit rates that counts as full retention.
    REFERENCE_QUANTILE: f64 = 0.9, "quantile";
    /// A model with fewer endpoints with traffic borrows its reference from its author, then from all.
    REFERENCE_MIN_ENDPOINTS: usize = 3, "endpoints";
    /// A turn is paid for again at most so often: who fails oftener is left, not retried.
    MOST_RESENDS: f64 = 1.0, "prompts a turn";
    /// What all endpoints together say of the day-to-day scatter counts as much as this many days of an endpoint's own.
    COST_PRIOR_DAYS: usize = 3, "days";
    /// Requests of one model without a session id are of one session while the pauses are shorter than this.
    SESSION_GAP_MINUTES: i64 = 30, "minutes";
    /// A session is cut where a prompt can reuse less than this share of the one before.
    SESSION_MIN_REUSE: f64 = 0.5, "fraction of the prompt before";
    /// Availability (or uptime, as labelled) under this caps `overall` at C.
    GATE_AVAILABILITY: f64 = 0.9, "fraction";
    /// A preference never names an endpoint whose uptime is under this.
    PREFERENCE_MIN_UPTIME: f64 = 0.9, "fraction";
    /// A preference never names an endpoint that appeared less than this long ago.
    PREFERENCE_MIN_AGE_HOURS: i64 = 24, "hours";
    /// A preference never names an endpoint of which nothing was read for more than this.
    PREFERENCE_READING_DAYS: i64 = 2, "days";
    /// A shortlist takes in tier B where S and A give fewer endpoints than this.
    SHORTLIST_MIN: usize = 3, "endpoints";
    /// A shortlist of at least that many takes in nothing that is expected to cost more than this, in costs of its best.
    SHORTLIST_REACH: f64 = 1.25, "times the best";
    /// A saving against the average is told where endpoints with at least this share of the traffic have a cost.
    SAVING_MIN_TRAFFIC: f64 = 0.8, "share of the tokens";
    /// Ages of data from which pages carry a banner and preferences are withheld.
    STALE_AFTER_HOURS: i64 = 3, "hours";
    /// So long after that a preference is still given, with a warning.
    STALE_GRACE_HOURS: i64 = 24, "hours";
    /// Output tokens for each input token in the price that the backtest charges.
    BACKTEST_OUTPUT_SHARE: f64 = 0.05, "output tokens an input token";
    /// The backtest chooses among endpoints with at least this many tokens in the latest reading.
    BACKTEST_MIN_TOKENS: f64 = 10e6, "tokens";
    /// Prices from this long before the first choice feed the smoothed policies of the backtest.
    BACKTEST_HISTORY_DAYS: u64 = 30, "days";
    /// The front page tells the backtest from this many choices on.
    BACKTEST_TOLD_FROM: usize = 100, "model-days";
    /// Our policy moves its level by this share of each day's news about the log price.
    POLICY_GAIN: f64 = 0.8, "fraction";
    /// Our policy takes in at most this much news a day, so that a one-day dip or spike does not decide.
    POLICY_MOST_NEWS: f64 = 0.25, "log price";
    /// Weight of the long mean that our policy shrinks every level towards.
    POLICY_LONG_SHARE: f64 = 0.1, "fraction";
    /// Half-life of that long mean.
    POLICY_LONG_HALF_LIFE: f64 = 5.0, "days";
    /// Our policy charges thin endpoints this much for each factor e of traffic they lack.
    POLICY_THIN_CHARGE: f64 = 0.005, "log price";
    /// The movers of the week compare so many days with as many before them.
    MOVER_DAYS: i64 = 7, "days";
    /// An endpoint counts for the movers with at least this many observed days in both weeks.
    MOVER_MIN_DAYS: usize = 2, "days";
    /// A provider counts for the movers from this many tokens a day on those endpoints on.
    MOVER_MIN_TOKENS: f64 = 100e6, "tokens a day";
    /// A provider whose hit rate changed by less is no mover.
    MOVER_MIN_CHANGE: f64 = 0.02, "fraction";
    /// What all endpoints say of how far forecasts are off counts as much as this many days of an endpoint's own.
    EXPECTED_COST_PRIOR_DAYS: f64 = 3.0, "days";
    /// How fast the misses of an endpoint's own forecasts are forgotten.
    EXPECTED_COST_HALF_LIFE: f64 = 7.0, "days";
    /// The interval of an expected cost reaches this many root mean squares of the misses to either side.
    EXPECTED_COST_SPREADS: f64 = 1.28, "root mean squares";
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_threshold_says_what_it_decides() {
        let table = super::table();
        assert!(table.len() > 15);
        for row in table {
            assert!(row.meaning.len() > 20 && !row.unit.is_empty(), "{}", row.name);
        }
    }
}
