//! Types that keep units apart: per token and per million tokens, fractions and percent.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A price in USD per token, as in the upstream's price lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsdPerToken(pub Decimal);

/// A price in USD per million tokens: the only price unit inside the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct UsdPerMtok(#[serde(with = "rust_decimal::serde::str")] pub Decimal);

impl UsdPerToken {
    /// USD per million tokens, rounded to 1e-9: the upstream's strings contain float noise beyond 1e-15 per token.
    /// `None` if the number of digits is too large.
    pub fn per_mtok(self) -> Option<UsdPerMtok> {
        let price = self.0.round_dp(15).checked_mul(Decimal::from(1_000_000))?;
        Some(UsdPerMtok(price.normalize()))
    }
}

impl UsdPerMtok {
    /// The price as a float, for analysis and display.
    pub fn to_f64(self) -> f64 {
        use rust_decimal::prelude::ToPrimitive;
        self.0.to_f64().unwrap_or(f64::NAN)
    }
}

/// A share in percent, as the upstream publishes uptime: 0..100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl Percent {
    /// The same share as a fraction, 0..1, or `None` outside that range.
    pub fn fraction(self) -> Option<f64> {
        let fraction = self.0 / 100.0;
        (0.0..=1.0).contains(&fraction).then_some(fraction)
    }
}

/// Cached prompt tokens divided by prompt tokens, 0..1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HitRate(f64);

impl HitRate {
    /// Wraps a fraction; `None` if it is not in 0..1.
    pub fn new(fraction: f64) -> Option<Self> {
        (0.0..=1.0).contains(&fraction).then_some(Self(fraction))
    }
    /// The fraction.
    pub fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn per_token(text: &str) -> UsdPerToken {
        UsdPerToken(Decimal::from_str(text).expect("a decimal"))
    }

    #[test]
    fn float_noise_of_the_upstream_is_rounded_away() {
        let noisy = per_token("0.000000150000000000000012").per_mtok();
        assert_eq!(noisy, per_token("0.00000015").per_mtok());
        assert_eq!(noisy.map(|price| price.0.to_string()), Some("0.15".to_owned()));
    }

    #[test]
    fn a_price_beyond_all_digits_is_no_price_and_no_panic() {
        assert_eq!(per_token("100000000000000000000000").per_mtok(), None);
        assert_eq!(UsdPerToken(Decimal::MAX).per_mtok(), None);
        assert_eq!(UsdPerToken(Decimal::MIN).per_mtok(), None);
    }

    #[test]
    fn shares_outside_of_their_range_are_refused() {
        assert_eq!(HitRate::new(1.2), None);
        assert_eq!(HitRate::new(f64::NAN), None);
        assert_eq!(Percent(250.0).fraction(), None);
        assert_eq!(Percent(50.0).fraction(), Some(0.5));
    }
}
