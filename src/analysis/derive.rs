//! Values derived from one reading: realised discount, efficiency, price identity.

use crate::domain::session::Pricing;
use crate::domain::thresholds::*;

/// `m`: effective input price divided by list input price; `None` if either is missing, the list price is 0, or the
/// effective price is impossible.
pub fn realised_discount(effective_input: Option<f64>, pricing: &Pricing) -> Option<f64> {
    let list = pricing.input.filter(|price| *price > 0.0)?;
    possible(effective_input, pricing).map(|effective| effective / list)
}

/// The effective input price, unless it is impossible.
fn possible(effective_input: Option<f64>, pricing: &Pricing) -> Option<f64> {
    effective_input.filter(|effective| !pricing.is_impossible(*effective))
}

/// `eta`: the share of the listed discount that was applied to hits, `(p_in - p_eff) / (h * (p_in - p_read))`; `None`
/// without hits, if no read price below [`READ_PRICE_DISCOUNT`] of the input price is listed, or if the effective price
/// is impossible.
pub fn efficiency(hit_rate: Option<f64>, effective_input: Option<f64>, pricing: &Pricing) -> Option<f64> {
    let (input, read) = discount(pricing)?;
    let hits = hit_rate.filter(|h| *h > 0.0)?;
    possible(effective_input, pricing).map(|effective| (input - effective) / (hits * (input - read)))
}

/// Input and read price, if the read price is a real discount.
pub(super) fn discount(pricing: &Pricing) -> Option<(f64, f64)> {
    let (input, read) = (pricing.input?, pricing.cache_read?);
    (read < READ_PRICE_DISCOUNT * input).then_some((input, read))
}

/// The hit rate among the prompts that use the cache, `h / (h + w(1 - h))`, if the share `w` of the tokens that were not
/// found was written to it. `None` if hardly anything was written: then hits do not come from billed writes.
pub(super) fn used_hit_rate(hit_rate: f64, written: f64) -> Option<f64> {
    (written >= WRITTEN_MIN_SHARE)
        .then(|| hit_rate / (hit_rate + written * (1.0 - hit_rate)))
        .filter(|used| used.is_finite())
}

/// Relative error of `p_eff = (1-h)*p_in + h*p_read`. `None` if the identity does not apply: no read price, a write
/// price, price tiers, a prediction of 0, or fewer than [`IDENTITY_MIN_TOKENS`] tokens.
pub fn identity_error(
    hit_rate: Option<f64>,
    tokens: Option<i64>,
    effective_input: Option<f64>,
    pricing: &Pricing,
) -> Option<f64> {
    let predicted = predicted_input(hit_rate, tokens, pricing)?;
    effective_input.map(|effective| (effective / predicted - 1.0).abs())
}

/// How far an inverted hit rate may be outside 0..1 because of rounding.
const INVERTED_TOLERANCE: f64 = 0.01;

/// The hit rate that an effective input price implies, `(p_in - p_eff) / (p_in - p_read)`: the price identity inverted.
/// `None` if it does not apply: a read price that is not a real discount, a write price, price tiers, or a result outside
/// 0..1 by more than [`INVERTED_TOLERANCE`]. The same rule as in `queries/analysis/days.sql`.
pub fn inverted_hit_rate(effective_input: f64, pricing: &Pricing) -> Option<f64> {
    let (input, read) = discount(pricing).filter(|(input, _)| *input > 0.0)?;
    if pricing.cache_write.is_some() || !pricing.tiers.is_empty() {
        return None;
    }
    let inverted = (input - effective_input) / (input - read);
    let is_rate = (-INVERTED_TOLERANCE..=1.0 + INVERTED_TOLERANCE).contains(&inverted);
    is_rate.then(|| inverted.clamp(0.0, 1.0))
}

/// Input price predicted from list prices and hit rate, USD per million prompt tokens; `None` if the identity does not
/// apply.
pub(super) fn predicted_input(hit_rate: Option<f64>, tokens: Option<i64>, pricing: &Pricing) -> Option<f64> {
    let writes = pricing.billed_writes || pricing.cache_write.is_some_and(|price| price > 0.0);
    if writes || !pricing.tiers.is_empty() || (tokens? as f64) < IDENTITY_MIN_TOKENS {
        return None;
    }
    let (input, read, hits) = (pricing.input?, pricing.cache_read?, hit_rate?);
    Some((1.0 - hits) * input + hits * read).filter(|predicted| *predicted > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pricing() -> Pricing {
        Pricing { input: Some(1.0), output: Some(2.0), cache_read: Some(0.1), ..Pricing::default() }
    }

    #[test]
    fn a_full_discount_has_efficiency_one_and_no_identity_error() {
        let effective = Some(0.5 + 0.5 * 0.1);
        let eta = efficiency(Some(0.5), effective, &pricing()).expect("a discount");
        assert!((eta - 1.0).abs() < 1e-12);
        let miss = identity_error(Some(0.5), Some(20_000_000), effective, &pricing()).expect("applies");
        assert!(miss < 1e-12);
        assert_eq!(realised_discount(effective, &pricing()), effective);
        assert_eq!(realised_discount(effective, &Pricing { input: Some(0.0), ..pricing() }), None);
    }

    #[test]
    fn among_prompts_that_use_the_cache_a_miss_is_a_write() {
        assert_eq!(used_hit_rate(0.5, 1.0), Some(0.5), "every prompt uses it");
        assert_eq!(used_hit_rate(0.5, 0.25), Some(0.8));
        assert_eq!(used_hit_rate(0.0, 0.25), Some(0.0));
        assert_eq!(used_hit_rate(1.0, 0.5), Some(1.0));
        assert_eq!(used_hit_rate(0.5, 0.009), None, "hits without writes");
        assert_eq!(used_hit_rate(0.5, 0.0), None);
    }

    #[test]
    fn nothing_is_made_of_an_impossible_price() {
        for impossible in [0.09, 1.02, 58.9] {
            assert_eq!(efficiency(Some(0.5), Some(impossible), &pricing()), None, "{impossible}");
            assert_eq!(realised_discount(Some(impossible), &pricing()), None, "{impossible}");
        }
        for possible in [0.1, 0.096, 1.0, 1.009] {
            assert!(efficiency(Some(0.5), Some(possible), &pricing()).is_some(), "{possible}");
        }
    }

    #[test]
    fn an_effective_price_is_inverted_only_where_the_identity_applies() {
        let rate = |effective, pricing: Pricing| inverted_hit_rate(effective, &pricing);
        let half = rate(0.55, pricing()).expect("applies");
        assert!((half - 0.5).abs() < 1e-12);
        assert_eq!(rate(1.005, pricing()), Some(0.0), "rounding");
        assert_eq!(rate(0.095, pricing()), Some(1.0), "rounding");
        assert_eq!(rate(1.2, pricing()), None, "above the list");
        assert_eq!(rate(0.05, pricing()), None, "below the read price");
        assert_eq!(rate(0.55, Pricing { cache_read: None, ..pricing() }), None);
        assert_eq!(rate(0.98, Pricing { cache_read: Some(0.96), ..pricing() }), None, "hardly a discount");
        assert_eq!(rate(0.0, Pricing { input: Some(0.0), ..pricing() }), None);
        assert_eq!(rate(0.55, Pricing { cache_write: Some(1.25), ..pricing() }), None);
        let tiers = vec![crate::domain::endpoint::PriceTier::default()];
        assert_eq!(rate(0.55, Pricing { tiers, ..pricing() }), None);
    }

    #[test]
    fn the_query_of_the_days_inverts_by_the_same_rule() {
        let days = include_str!("../../queries/analysis/days.sql");
        let bounds = format!("BETWEEN -{INVERTED_TOLERANCE} AND {}", 1.0 + INVERTED_TOLERANCE);
        assert!(days.contains(&bounds), "{bounds}");
        let applies = "list_cache_write IS NULL AND price_tiers = '[]'";
        assert!(
            days.contains(applies)
                && days.contains("(list_input - effective_input) / (list_input - list_cache_read)")
        );
    }

    #[test]
    fn the_identity_is_not_asked_of_what_it_cannot_hold_for() {
        let error = |tokens, pricing: Pricing| identity_error(Some(0.5), tokens, Some(0.9), &pricing);
        assert!(error(Some(20_000_000), pricing()).is_some_and(|miss| miss > 0.5));
        assert_eq!(error(Some(9_000_000), pricing()), None);
        assert_eq!(error(None, pricing()), None);
        assert_eq!(error(Some(20_000_000), Pricing { cache_read: None, ..pricing() }), None);
        assert_eq!(error(Some(20_000_000), Pricing { cache_write: Some(1.25), ..pricing() }), None);
        let tiers = vec![crate::domain::endpoint::PriceTier::default()];
        assert_eq!(error(Some(20_000_000), Pricing { tiers, ..pricing() }), None);
    }
}
