//! Moves of the list prices of an endpoint, as consecutive readings show them.

use super::change::ChangedField;
use super::endpoint::{PriceTier, Prices};
use super::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use super::session::Pricing;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The endpoint of a change, with its names at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointNames {
    /// Key.
    pub endpoint_id: Uuid,
    /// Canonical slug of the model.
    pub model: ModelSlug,
    /// Its variant.
    pub variant: Variant,
    /// Its public name, if a run listed it.
    pub model_id: Option<String>,
    /// Base slug of the provider.
    pub provider: Option<ProviderSlug>,
    /// Routing name.
    pub tag: Option<Tag>,
}

/// All list prices of an endpoint at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceState {
    /// Prices, USD per million tokens.
    pub list: Prices,
    /// Discount that is already subtracted, fraction.
    pub discount: Option<f64>,
    /// Conditional prices.
    pub tiers: Vec<PriceTier>,
}

/// The list prices of an endpoint before and after a run that saw them change.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceMove {
    /// The run that saw the new prices.
    pub at: DateTime<Utc>,
    /// The last reading of the endpoint before that run; `None` if it is no longer kept.
    pub last_read: Option<DateTime<Utc>>,
    /// The endpoint.
    pub endpoint: EndpointNames,
    /// Prices before.
    pub before: PriceState,
    /// Prices after.
    pub after: PriceState,
}

/// Discounts that differ by less are the same: they are fractions of two or three decimals, stored as floats.
const SAME_DISCOUNT: f64 = 1e-9;

impl PriceState {
    /// Each list price and the discount with its field.
    pub fn numbers(&self) -> [(ChangedField, Option<f64>); 6] {
        [
            (ChangedField::ListInput, self.list.input),
            (ChangedField::ListOutput, self.list.output),
            (ChangedField::ListCacheRead, self.list.cache_read),
            (ChangedField::ListCacheWrite, self.list.cache_write),
            (ChangedField::ListCacheWrite1h, self.list.cache_write_1h),
            (ChangedField::Discount, self.discount),
        ]
    }

    /// What a session is priced with.
    pub fn pricing(&self) -> Pricing {
        Pricing::listed(&self.list, self.tiers.clone())
    }
}

/// Whether two values of a field are the same.
fn is_same(field: ChangedField, one: Option<f64>, other: Option<f64>) -> bool {
    match (field, one, other) {
        (ChangedField::Discount, Some(one), Some(other)) => (one - other).abs() < SAME_DISCOUNT,
        _ => one == other,
    }
}

impl PriceMove {
    /// The prices and discounts that changed: field, before, after.
    pub fn numbers(&self) -> Vec<(ChangedField, Option<f64>, Option<f64>)> {
        let both = self.before.numbers().into_iter().zip(self.after.numbers());
        let all = both.map(|((field, before), (_, after))| (field, before, after));
        all.filter(|(field, before, after)| !is_same(*field, *before, *after)).collect()
    }

    /// Whether the conditional prices changed.
    pub fn moves_tiers(&self) -> bool {
        self.before.tiers != self.after.tiers
    }

    /// Whether anything changed. Rows of the record may differ only in how a value was written.
    pub fn is_move(&self) -> bool {
        self.moves_tiers() || !self.numbers().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(before: PriceState, after: PriceState) -> PriceMove {
        let endpoint = EndpointNames {
            endpoint_id: Uuid::nil(),
            model: ModelSlug::new("wren/lark-2"),
            variant: Variant::standard(),
            model_id: None,
            provider: None,
            tag: None,
        };
        let at = "2026-10-05T12:57:00Z".parse().expect("a time");
        PriceMove { at, last_read: None, endpoint, before, after }
    }

    #[test]
    fn noise_of_floats_is_no_move_and_absent_is_not_zero() {
        let of = |discount: f64| PriceState { discount: Some(discount), ..PriceState::default() };
        assert!(!moved(of(0.1 + 0.2), of(0.3)).is_move());
        assert_eq!(moved(of(0.3), of(0.31)).numbers(), [(ChangedField::Discount, Some(0.3), Some(0.31))]);
        let read = |cache_read| PriceState {
            list: Prices { input: Some(1.0), cache_read, ..Prices::default() },
            ..PriceState::default()
        };
        let appears = moved(read(None), read(Some(0.0)));
        assert_eq!(appears.numbers(), [(ChangedField::ListCacheRead, None, Some(0.0))]);
        let tiered = PriceState { tiers: vec![PriceTier::default()], ..read(None) };
        let only_tiers = moved(read(None), tiered);
        assert!(only_tiers.is_move() && only_tiers.moves_tiers() && only_tiers.numbers().is_empty());
    }
}
