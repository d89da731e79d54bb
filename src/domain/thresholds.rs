//! Every threshold of the method, in one table. `docs/method.md` states their values; the method page prints this
//! table.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One threshold as the method page shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Threshold {
    /// Name in the code.
    pub name: String,
    /// Value.
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
    /// A summary's price counts as equal to its chart point within this relative difference.
    WINDOW_PRICE_TOLERANCE: f64 = 1e-9, "relative";
    /// If at least this share of the prices is equal, the window is the current UTC day so far.
    WINDOW_DAY_SHARE: f64 = 0.9, "share of summaries";
    /// If at most this share of the prices is equal, the window is a short period.
    WINDOW_HOUR_SHARE: f64 = 0.2, "share of summaries";
    /// With fewer comparable summaries than this in a run, the kind of window stays unknown.
    WINDOW_MIN_WITNESSES: usize = 5, "summaries";
    /// This long after midnight the previous day counts as closed, and its closing hit rates are requested.
    CLOSING_SETTLE_MINUTES: u32 = 30, "minutes";
    /// A sweep is compared with the accepted runs of this many days.
    PLAUSIBILITY_DAYS: i64 = 7, "days";
    /// An empty response is a failure if an accepted run at most this old had rows.
    EMPTY_ANSWER_HOURS: i64 = 3, "hours";
    /// A response that arrives later than this after the start of its run does not belong to that run.
    LONGEST_SWEEP_HOURS: i64 = 3, "hours";
    /// An hourly rate requires at least this many tokens between two readings.
    HOURLY_MIN_TOKENS: i64 = 1_000_000, "tokens";
    /// An hourly rate at most this far outside 0..1 is clamped; one further out is rejected.
    HOURLY_TOLERANCE: f64 = 0.01, "fraction";
    /// Days of hourly rates that are published, including the current day.
    HOURLY_DAYS: u64 = 8, "days";
    /// Days of readings that a tier list covers.
    LENS_WINDOW_DAYS: i64 = 7, "days";
    /// With fewer observed days than this, a tier list is provisional and also uses days derived from the price charts.
    FULL_RECORD_DAYS: usize = 3, "days";
    /// A cell counts if it has at least this many tokens a day (mean over its days).
    CELL_MIN_TOKENS: f64 = 10e6, "tokens a day";
    /// A provider is rated if it shares at least this many models with others.
    MIN_SHARED_MODELS: usize = 3, "models";
    /// An endpoint gets a tier within its model if it has at least this many tokens a day.
    ENDPOINT_MIN_TOKENS: f64 = 1e6, "tokens a day";
    /// Ridge on the provider effects, in mean weights of a (model, provider) pair.
    EFFECT_RIDGE: f64 = 0.25, "pairs";
    /// The size of an endpoint's prompts is well known from this many counts of requests: a day of hourly sweeps.
    PROMPT_SIZE_MIN_COUNTS: u32 = 24, "counts";
    /// Hit rates are compared at the same size of the prompts if the size is well known on at least this many endpoints.
    PROMPT_SIZE_MIN_CELLS: usize = 100, "endpoints";
    /// And if the effect of the size is at least this many standard errors.
    PROMPT_SIZE_MIN_ERRORS: f64 = 2.0, "standard errors";
    /// Nominal coverage of the intervals: the share of cases in which an interval should contain the true value.
    INTERVAL_COVERAGE: f64 = 0.9, "share";
    /// The pooled scatter of all providers counts as much as this many of a provider's own models.
    INTERVAL_PRIOR_MODELS: usize = 3, "models";
    /// A provider's scatter contributes to the pooled scatter if it has at least this many shared models.
    INTERVAL_POOL_MODELS: usize = 6, "models";
    /// The interval for the next week compares this many days at either end of the lens window.
    NEXT_WEEK_PART_DAYS: i64 = 3, "days";
    /// The mean square move of all providers counts as much as this many moves of a provider's own.
    NEXT_WEEK_PRIOR: f64 = 3.0, "moves";
    /// Number of resamples of whole models behind rank intervals and tier probabilities.
    RESAMPLES: usize = 400, "resamples";
    /// Random seed of the resamples, so that the same data give the same figures.
    RESAMPLE_SEED: u64 = 20_260_721, "seed";
    /// A tier under the lens cache changes once the figure is past the edge of its row by more than this.
    TIER_BAND_CACHE: f64 = 0.016, "hit rate";
    /// The same under the lens cost, relative to the session cost.
    TIER_BAND_COST: f64 = 0.05, "relative";
    /// The same under the lenses reliability, speed and overall.
    TIER_BAND_Z: f64 = 0.2, "z-score";
    /// A tier is remembered for this many days without a rating; after that, the next rating starts a new series.
    TIER_MEMORY_DAYS: u32 = 7, "days with a run";
    /// The first days of a model are provisional, because the price and hit-rate windows do not match.
    LAUNCH_DAYS: i64 = 3, "days";
    /// Cache flags require at least this hit rate.
    FLAG_MIN_HIT_RATE: f64 = 0.3, "fraction";
    /// Cache flags require at least this much traffic.
    FLAG_MIN_TOKENS: f64 = 100e6, "tokens a day";
    /// A cache that applies less than this share of the listed discount is a phantom.
    PHANTOM_EFFICIENCY: f64 = 0.2, "fraction of the listed discount";
    /// A cache read price counts as a discount only below this share of the input price.
    READ_PRICE_DISCOUNT: f64 = 0.95, "fraction of the input price";
    /// A list price that changes within a UTC day by more than this share has moved; such days do not count for the
    /// efficiency.
    LIST_MOVED_TOLERANCE: f64 = 0.001, "relative";
    /// An input price that deviates from its mean over the lens window by at least this share is flagged as scheduled.
    SCHEDULE_MIN_DEVIATION: f64 = 0.05, "relative";
    /// A list whose input price moved at least this often to one that held earlier in the lens window follows a schedule.
    SCHEDULE_MIN_RETURNS: i64 = 1, "moves";
    /// If less than this share of the tokens that were not found was written, hits do not come from billed writes.
    WRITTEN_MIN_SHARE: f64 = 0.01, "fraction of the misses";
    /// If at most this share of the tokens that were not found was written, clients mark what is cached.
    MARKED_MAX_SHARE: f64 = 0.95, "fraction of the misses";
    /// A hit rate can only be flagged as constant if this many observed days have one.
    CONSTANT_MIN_DAYS: usize = 4, "days";
    /// A hit rate whose standard deviation over the days is below this is constant.
    CONSTANT_MAX_DEVIATION: f64 = 0.001, "hit rate";
    /// The price identity is broken if its error exceeds this.
    IDENTITY_TOLERANCE: f64 = 0.05, "relative";
    /// An effective input price below this share of the lowest list price of a prompt token is impossible.
    IMPOSSIBLE_PRICE_BELOW: f64 = 0.95, "fraction of the lowest list price";
    /// An effective input price above this multiple of the highest list price of a prompt token is impossible.
    IMPOSSIBLE_PRICE_ABOVE: f64 = 1.01, "multiple of the highest list price";
    /// Readings below this volume are not checked against the price identity.
    IDENTITY_MIN_TOKENS: f64 = 10e6, "tokens";
    /// Quantile of a model's hit rates that counts as full retention.
    REFERENCE_QUANTILE: f64 = 0.9, "quantile";
    /// A model with fewer endpoints with traffic takes its reference from its author's models, then from all models.
    REFERENCE_MIN_ENDPOINTS: usize = 3, "endpoints";
    /// A failed turn is paid again at most this often; an endpoint that fails more often is abandoned, not retried.
    MOST_RESENDS: f64 = 1.0, "prompts a turn";
    /// The pooled day-to-day scatter of all endpoints counts as much as this many of an endpoint's own days.
    COST_PRIOR_DAYS: usize = 3, "days";
    /// Requests for one model without a session id belong to the same session if the pauses are shorter than this.
    SESSION_GAP_MINUTES: i64 = 30, "minutes";
    /// A session is split where a prompt can reuse less than this share of the previous prompt.
    SESSION_MIN_REUSE: f64 = 0.5, "fraction of the prompt before";
    /// Availability (or uptime, as labelled) below this caps `overall` at C.
    GATE_AVAILABILITY: f64 = 0.9, "fraction";
    /// A preference never names an endpoint whose uptime is below this.
    PREFERENCE_MIN_UPTIME: f64 = 0.9, "fraction";
    /// A preference never names an endpoint that appeared less than this long ago.
    PREFERENCE_MIN_AGE_HOURS: i64 = 24, "hours";
    /// A preference never names an endpoint without a reading for longer than this.
    PREFERENCE_READING_DAYS: i64 = 2, "days";
    /// A preference names an endpoint only if it has at least this much traffic: pins on less saved 2 % instead of the 8 %
    /// that they promised.
    PREFERENCE_MIN_TOKENS: f64 = 10e6, "tokens a day";
    /// A preference names an endpoint only if it has at least this share of its model's tokens: of the pins below a tenth
    /// of it, two in three cost over 5 % more than the average.
    PREFERENCE_MIN_SHARE: f64 = 0.01, "share of the tokens";
    /// A pin is withheld if the interval of its saving reaches below this: with it, 0.6 % of the pins cost over 5 % more
    /// than the average, without it 1.6 %.
    PIN_WITHHOLD_BELOW: f64 = -0.1, "saving against the traffic average";
    /// A shortlist is withheld if the interval of its saving reaches below this: it can fall back, so it may be less
    /// certain than a pin.
    SHORTLIST_WITHHOLD_BELOW: f64 = -0.2, "saving against the traffic average";
    /// A shortlist includes tier B if tiers S and A have fewer endpoints than this. Two leave a fallback; a third one
    /// costs a sixth of the saving.
    SHORTLIST_MIN: usize = 2, "endpoints";
    /// A shortlist with enough endpoints includes none whose expected cost exceeds this multiple of its best. Between 1.05
    /// and 1.25 the saving hardly depends on it.
    SHORTLIST_REACH: f64 = 1.1, "times the best";
    /// A price list misleads only if its choice costs at least this much more than the cheapest session, and their
    /// intervals are apart.
    LIST_MISLEADS_FROM: f64 = 0.05, "relative";
    /// A saving versus the average is stated only if endpoints with at least this share of the traffic have a cost.
    SAVING_MIN_TRAFFIC: f64 = 0.8, "share of the tokens";
    /// The interval of a saving extends this many standard errors to either side. The 1.645 of a normal distribution
    /// contained more than 95 % of the next day's savings of pins on recorded days.
    SAVING_SPREADS: f64 = 1.6, "standard errors";
    /// Within a model, the log of an endpoint's tokens scatters this much from one week to the next, so the weights of a
    /// saving do. Measured on July and August 2026, weighted by the square root of the share.
    TRAFFIC_SCATTER: f64 = 0.84, "log tokens";
    /// Data older than this are stale: pages show a banner, and preferences carry a warning.
    STALE_AFTER_HOURS: i64 = 3, "hours";
    /// For this much longer, preferences are still given with a warning; after that they are withheld.
    STALE_GRACE_HOURS: i64 = 24, "hours";
    /// Output tokens per input token in the price that the backtest charges.
    BACKTEST_OUTPUT_SHARE: f64 = 0.05, "output tokens an input token";
    /// The backtest chooses only among endpoints with at least this many tokens in the latest reading.
    BACKTEST_MIN_TOKENS: f64 = 10e6, "tokens";
    /// The smoothed policies of the backtest use prices from this long before the first choice.
    BACKTEST_HISTORY_DAYS: u64 = 30, "days";
    /// The front page shows the backtest only if it covers at least this many choices.
    BACKTEST_TOLD_FROM: usize = 100, "model-days";
    /// Our policy moves its level by this share of each day's surprise in the log price.
    POLICY_GAIN: f64 = 0.8, "fraction";
    /// Our policy limits the surprise of a day to this size, so that a one-day dip or spike is not decisive.
    POLICY_MOST_NEWS: f64 = 0.25, "log price";
    /// Weight of the long mean that our policy shrinks every level towards.
    POLICY_LONG_SHARE: f64 = 0.1, "fraction";
    /// Half-life of that long mean.
    POLICY_LONG_HALF_LIFE: f64 = 5.0, "days";
    /// At the end of a day, our policy adds this charge for each factor e by which an endpoint's traffic falls short.
    POLICY_DAY_THIN_CHARGE: f64 = 0.005, "log price";
    /// During a day it adds this charge, because an endpoint that traffic leaves is usually about to cost more.
    POLICY_THIN_CHARGE: f64 = 0.01, "log price";
    /// At this traffic that charge is zero. With more traffic it is a credit.
    POLICY_UNCHARGED_TOKENS: f64 = 1e9, "tokens a day";
    /// Half-life of the weights of what was read today: a step of a list price or a hit rate shows within hours.
    POLICY_TODAY_HALF_LIFE: f64 = 3.0, "hours";
    /// Tokens of today with this share of yesterday's weigh as much as all days before: a thin endpoint shows early
    /// that its price moved.
    POLICY_TODAY_SHARE: f64 = 0.1, "share of yesterday's tokens";
    /// However slowly a day begins, its pace counts as at least this much: less is mostly chance.
    POLICY_PACE_FLOOR: f64 = 1e6, "tokens a day";
    /// A choice by the hour requires a reading of the model at most this old.
    HOURLY_CHOICE_MINUTES: i64 = 70, "minutes";
    /// It is charged only among endpoints with at least this many tokens in the rest of the day.
    HOURLY_CHOICE_MIN_REST: f64 = 1e6, "tokens";
    /// A day counts as closed for an endpoint that was read at this hour or later.
    HOURLY_CHOICE_CLOSE: i64 = 20, "hour of the day, UTC";
    /// The movers of the week compare this many days with the same number of days before.
    MOVER_DAYS: i64 = 7, "days";
    /// An endpoint counts for the movers if it has at least this many observed days in each of the two weeks.
    MOVER_MIN_DAYS: usize = 2, "days";
    /// A provider counts for the movers if those endpoints have at least this many tokens a day.
    MOVER_MIN_TOKENS: f64 = 100e6, "tokens a day";
    /// A provider whose hit rate changed by less than this is not a mover.
    MOVER_MIN_CHANGE: f64 = 0.02, "fraction";
    /// The pooled forecast error of all endpoints counts as much as this many of an endpoint's own days.
    EXPECTED_COST_PRIOR_DAYS: f64 = 3.0, "days";
    /// Half-life of the weights of an endpoint's own forecast errors.
    EXPECTED_COST_HALF_LIFE: f64 = 7.0, "days";
    /// The interval of an expected cost extends this many root mean squares of the forecast errors to either side. The
    /// errors have long tails: 1.28 contained four in five prices a week ahead, 1.8 seven in eight.
    EXPECTED_COST_SPREADS: f64 = 1.8, "root mean squares";
    /// Readings are compared in means over periods of this length, aligned to midnight UTC.
    SHIFT_PERIOD_HOURS: i64 = 6, "hours";
    /// A day is examined for shifts together with the days before it, this many days in all.
    SHIFT_WINDOW_DAYS: i64 = 14, "days";
    /// A shift needs at least this many periods before it: two days of hourly readings.
    SHIFT_MIN_BEFORE: usize = 8, "periods";
    /// A shift needs at least this many periods after it: it has lasted for a day.
    SHIFT_MIN_AFTER: usize = 4, "periods";
    /// A shift that began longer ago than this is not reported any more.
    SHIFT_MAX_AFTER_HOURS: i64 = 72, "hours";
    /// An endpoint with fewer periods a day than this is compared by days.
    SHIFT_MIN_PERIODS_A_DAY: f64 = 2.0, "periods a day";
    /// An endpoint that is compared by days needs at least this many days before a shift.
    SHIFT_DAILY_MIN_BEFORE: usize = 5, "days";
    /// And at least this many days after it.
    SHIFT_DAILY_MIN_AFTER: usize = 2, "days";
    /// And at most this many: a shift that is older is not reported any more.
    SHIFT_DAILY_MAX_AFTER: usize = 4, "days";
    /// Hours with fewer tokens than this are left out of the periods. An hour counts by its tokens, so fewer are enough
    /// than for a published hourly rate.
    SHIFT_HOUR_MIN_TOKENS: i64 = 100_000, "tokens";
    /// Endpoints with fewer tokens a day than this are not examined.
    SHIFT_MIN_TOKENS: f64 = 10e6, "tokens a day";
    /// A hit rate that differs by less than this has not shifted.
    SHIFT_MIN_HIT_RATE: f64 = 0.10, "fraction";
    /// An effective input price that differs by less than this has not shifted.
    SHIFT_MIN_PRICE: f64 = 0.20, "relative";
    /// An output speed or a time to first token that differs by less than this has not shifted.
    SHIFT_MIN_SPEED: f64 = 0.30, "relative";
    /// An uptime that differs by less than this has not shifted.
    SHIFT_MIN_UPTIME: f64 = 0.10, "fraction";
    /// A shift is at least this many times as large as the endpoint's own scatter.
    SHIFT_MIN_SCATTERS: f64 = 1.5, "standard deviations";
    /// Expected share of false alarms among the shifts that are reported at the end of a day.
    SHIFT_FALSE_DISCOVERY: f64 = 0.05, "share of the reported shifts";
    /// A shift of an effective price within this long of a move of the list price is a consequence of that move.
    SHIFT_LIST_MOVE_HOURS: i64 = 24, "hours";
    /// An endpoint is out if its uptime over 30 minutes is below this.
    OUTAGE_UPTIME: f64 = 0.8, "fraction";
    /// An outage needs at least this many such readings: it has lasted for two hours.
    OUTAGE_MIN_READINGS: i64 = 3, "readings";
    /// If all its readings are below this uptime, 2 readings are enough.
    OUTAGE_DEEP_UPTIME: f64 = 0.5, "fraction";
    /// Such readings belong to one outage if they are no further apart than this: one good hourly reading may lie
    /// between them.
    OUTAGE_GAP_MINUTES: i64 = 150, "minutes";
    /// A status counts as lasting if at least this many consecutive readings show it.
    STATUS_MIN_READINGS: i64 = 4, "readings";
    /// And if these readings span at least this long.
    STATUS_MIN_HOURS: i64 = 6, "hours";
    /// Days of hourly rates and list prices in which seasons are looked for, before the current day.
    SEASON_HOUR_DAYS: u64 = 21, "days";
    /// Weeks of daily rates in which weekends are compared with working days.
    SEASON_WEEKS: u64 = 8, "weeks";
    /// A profile by hour requires at least this many days.
    SEASON_MIN_DAYS: usize = 7, "days";
    /// A profile by day of the week requires at least this many weeks.
    SEASON_MIN_WEEKS: usize = 3, "weeks";
    /// A profile is published if its highest part is above its lowest one by at least this much.
    SEASON_MIN_EFFECT: f64 = 0.05, "hit rate";
    /// At most this share of the published profiles is expected to be false.
    SEASON_MAX_Q: f64 = 0.05, "share of the profiles";
    /// A price of an observed schedule has been seen at each of its hours on at least this many days.
    SCHEDULE_MIN_DAYS: usize = 3, "days";
    /// A schedule explains at least this share of the list prices that runs saw.
    SCHEDULE_MIN_FIT: f64 = 0.95, "share of the runs";
    /// A day's tokens count for shares and jumps if its last reading covers at least this much of it.
    SHARE_MIN_COVERAGE: f64 = 0.9, "share of the day";
    /// The traffic of an endpoint jumped if its tokens changed by at least this factor from one day to the next.
    JUMP_MIN_FACTOR: f64 = 5.0, "times";
    /// And if the change is at least this many times its usual scatter.
    JUMP_MIN_Z: f64 = 4.0, "standard deviations";
    /// And if the larger of the two days has at least this many tokens.
    JUMP_MIN_TOKENS: f64 = 100e6, "tokens a day";
    /// And if the other endpoints of the model together changed by less than this factor.
    JUMP_OTHERS_FACTOR: f64 = 1.5, "times";
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
