//! Bounds for values from the upstream. A value outside its bounds is an upstream error, whatever its intended meaning.
//! Decoding quarantines it, so that every number in the store fits the store and any sum over it.
//!
//! Every bound lies well above the largest value on record and well below the limits of the types. A bound separates
//! impossible values from possible ones, not unlikely ones from likely ones.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::fmt::Debug;

/// The smallest and the largest value that a field can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds<T> {
    /// Smallest value, inclusive.
    pub min: T,
    /// Largest value, inclusive.
    pub max: T,
    /// Unit of the value.
    pub unit: &'static str,
}

impl<T: PartialOrd + Copy + Debug> Bounds<T> {
    /// Returns the value if it is within the bounds. NaN is rejected as well.
    ///
    /// # Errors
    /// A message that names the value, the bounds and the unit.
    pub fn check(&self, value: T) -> Result<T, String> {
        if value >= self.min && value <= self.max {
            return Ok(value);
        }
        // The debug format is short for large floats, too.
        Err(format!("{value:?} is not within {:?} to {:?} {}", self.min, self.max, self.unit))
    }
}

/// A list price. The highest on record is 0.36 USD per token (an image model). The column can hold 999 USD per token.
pub const LIST_PRICE: Bounds<Decimal> =
    Bounds { min: Decimal::ZERO, max: Decimal::ONE, unit: "USD per token" };

/// An effective price: the same limit as [`LIST_PRICE`], in its own unit. The highest on record is 2,164.
pub const EFFECTIVE_PRICE: Bounds<f64> = Bounds { min: 0.0, max: 1e6, unit: "USD per million tokens" };

/// A discount as a fraction. Negative discounts are surcharges; -0.2 is on record. Above 1, a price would be negative.
pub const DISCOUNT: Bounds<f64> = Bounds { min: -10.0, max: 1.0, unit: "of the price" };

/// A share as a fraction.
pub const FRACTION: Bounds<f64> = Bounds { min: 0.0, max: 1.0, unit: "(a fraction)" };

/// A share in percent.
pub const PERCENT: Bounds<f64> = Bounds { min: 0.0, max: 100.0, unit: "percent" };

/// A median time to the first token: at most a day, as batch endpoints take hours. Means are computed over whole
/// millionths, which must fit into 64 bits.
pub const LATENCY: Bounds<f64> = Bounds { min: 0.0, max: 86_400_000.0, unit: "milliseconds" };

/// A median output speed. The highest on record is 5,175; 0 is on record, too.
pub const THROUGHPUT: Bounds<f64> = Bounds { min: 0.0, max: 1e6, unit: "tokens a second" };

/// Tokens of an endpoint or a model in a day. The most on record are 1.8e12. Sums over thousands of endpoints and weeks
/// must fit into 64 bits.
pub const TOKENS: Bounds<i64> = Bounds { min: 0, max: 100_000_000_000_000, unit: "tokens" };

/// Requests of an endpoint or a model in at most a day. The most on record are 1.2e8.
pub const REQUESTS: Bounds<i64> = Bounds { min: 0, max: 1_000_000_000_000, unit: "requests" };

/// Length of a context, prompt or answer. The longest on record is 1e7; media models report 0.
pub const LENGTH: Bounds<i64> = Bounds { min: 0, max: 1_000_000_000, unit: "tokens" };

/// A status code. -10 to 0 are documented; the column holds 16 bits.
pub const STATUS: Bounds<i64> = Bounds { min: -20, max: 20, unit: "(a status code)" };

/// A point in time, seconds since 1970: 2015 to the end of 2099. No language model was offered earlier, and a time in
/// milliseconds is far out of range.
pub const EPOCH: Bounds<i64> =
    Bounds { min: 1_420_070_400, max: 4_102_444_799, unit: "seconds since 1970 (2015 to 2099)" };

/// Whether a UTC day lies within the years of [`EPOCH`].
pub fn is_plausible_day(day: NaiveDate) -> bool {
    day.and_hms_opt(0, 0, 0).is_some_and(|midnight| EPOCH.check(midnight.and_utc().timestamp()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive_and_what_is_not_a_number_is_refused() {
        assert_eq!(LATENCY.check(0.0), Ok(0.0));
        assert_eq!(LATENCY.check(86_400_000.0), Ok(86_400_000.0));
        for value in [-0.1, 86_400_000.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(LATENCY.check(value).is_err(), "{value}");
        }
        let refusal = EPOCH.check(1_780_000_000_000).expect_err("milliseconds");
        assert_eq!(
            refusal,
            "1780000000000 is not within 1420070400 to 4102444799 seconds since 1970 (2015 to 2099)"
        );
    }

    #[test]
    fn days_are_within_the_years_of_times() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        assert!(is_plausible_day(day("2015-01-01")) && is_plausible_day(day("2099-12-31")));
        assert!(!is_plausible_day(day("2014-12-31")) && !is_plausible_day(day("2100-01-01")));
        assert!(!is_plausible_day(NaiveDate::MAX) && !is_plausible_day(NaiveDate::MIN));
    }

    /// Values that are stored or summed as whole millionths fit into 64 bits.
    #[test]
    fn the_largest_values_fit_where_they_go() {
        for largest in [LATENCY.max, THROUGHPUT.max] {
            assert!(largest * 1e6 < i64::MAX as f64, "{largest}");
        }
        assert!(TOKENS.max.checked_mul(3_000 * 30).is_some());
        assert!(i16::try_from(STATUS.max).is_ok() && i16::try_from(STATUS.min).is_ok());
    }
}
