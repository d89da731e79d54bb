//! How far the effects of the rated providers differ between two solutions.

use crate::analysis::equations::Effects;
use crate::analysis::rating::Scale;
use crate::domain::ids::ProviderSlug;
use crate::domain::statistics::{median, spearman};
use crate::domain::thresholds::MIN_SHARED_MODELS;
use crate::domain::tier::{Lens, Tier};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far the effects of the rated providers differ between two solutions. Distances are on the additive scale of the
/// lens: differences of hit rates, or of the logarithm of the session cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// Providers with a tier in both.
    pub providers: usize,
    /// Rank correlation of their effects, -1..1; null for fewer than two providers.
    pub rank_correlation: Option<f64>,
    /// Number of them whose letter differs, by the figures alone.
    pub letters: usize,
    /// Median distance between the two effects; null without providers.
    pub median: Option<f64>,
    /// Largest distance; null without providers.
    pub largest: Option<f64>,
    /// The provider with the largest distance; null without providers.
    pub moved_most: Option<ProviderSlug>,
}

impl Shift {
    /// Compares the two effects of each provider, on the additive scale of the lens.
    pub(super) fn between(lens: Lens, effects: &BTreeMap<&str, (f64, f64)>) -> Self {
        let scale = Scale { lens, z: None };
        let letter = |effect: f64| scale.value(effect).map_or(Tier::Unrated, |value| lens.tier(value));
        let distance = |(one, other): &(f64, f64)| (one - other).abs();
        let most = effects.iter().max_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
        Self {
            providers: effects.len(),
            rank_correlation: spearman(&effects.values().copied().collect::<Vec<_>>()),
            letters: effects.values().filter(|(one, other)| letter(*one) != letter(*other)).count(),
            median: median(effects.values().map(distance)),
            largest: most.map(|(_, both)| distance(both)),
            moved_most: most.map(|(provider, _)| ProviderSlug::new(*provider)),
        }
    }
}

/// A provider's effect if it has a tier: comparable, on enough shared models.
pub(super) fn rated(effects: &Effects, provider: usize) -> Option<f64> {
    effects.comparable(provider).filter(|_| effects.shared_models[provider] >= MIN_SHARED_MODELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_the_one_counted_by_hand() {
        let effects =
            BTreeMap::from([("crane", (0.10, 0.08)), ("heron", (0.02, 0.02)), ("lark", (-0.02, -0.07))]);
        let shift = Shift::between(Lens::Cache, &effects);
        assert_eq!((shift.providers, shift.letters), (3, 1), "A and B stay, B becomes C: {shift:?}");
        assert_eq!(shift.rank_correlation, Some(1.0));
        assert!((shift.median.expect("moved") - 0.02).abs() < 1e-12, "{shift:?}");
        assert!((shift.largest.expect("moved") - 0.05).abs() < 1e-12, "{shift:?}");
        assert_eq!(shift.moved_most, Some(ProviderSlug::new("lark")));
    }

    #[test]
    fn the_letters_of_costs_are_those_of_shares() {
        // 14 % above the peers is B, 17 % is C.
        let effects = BTreeMap::from([("crane", (1.14_f64.ln(), 1.17_f64.ln()))]);
        assert_eq!(Shift::between(Lens::Cost, &effects).letters, 1);
        assert_eq!(Shift::between(Lens::Cost, &BTreeMap::new()), Shift::default());
    }
}
