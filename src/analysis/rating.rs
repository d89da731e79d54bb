//! Converts effects on a lens's additive scale to the values of a provider's row: values in the lens's unit, intervals,
//! tiers.

use super::intervals::{Certainty, ranks};
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{ProviderTier, Span};
use std::collections::BTreeMap;

/// The conversion of a lens's effects to the published numbers. It is always increasing, so that the ends of an
/// interval stay its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub lens: Lens,
    /// Centre and width of the effects of the rated providers, for z-scores; `None` if they do not differ.
    pub z: Option<(f64, f64)>,
}

impl Scale {
    /// An effect in the unit of [`Lens::unit`]; `None` for a z-score among providers that do not differ.
    pub fn value(&self, effect: f64) -> Option<f64> {
        match self.lens {
            Lens::Cost => Some(effect.exp_m1()),
            Lens::Reliability | Lens::Speed => self.z.map(|(centre, width)| (effect - centre) / width),
            Lens::Cache | Lens::Overall => Some(effect),
        }
    }
}

/// Writes the `certainties` into the rated rows. Rows and certainties are in the same order.
pub(super) fn fill_rows(rows: &mut [ProviderTier], certainties: &[Option<Certainty>], scale: Scale) {
    let ranks = ranks(certainties, scale.lens.cuts().higher_is_better);
    for (number, row) in rows.iter_mut().enumerate() {
        let Some(certainty) = certainties[number].as_ref().filter(|_| row.tier != Tier::Unrated) else {
            continue;
        };
        row.low = scale.value(certainty.point - certainty.half);
        row.high = scale.value(certainty.point + certainty.half);
        let best = row.cap.unwrap_or(Tier::S);
        let tier = |value: f64| scale.lens.tier(value).max(best);
        row.span = row.low.zip(row.high).and_then(|(low, high)| Span::between(tier(low), tier(high)));
        (row.rank_low, row.rank_high) = ranks[number].unzip();
        row.tier_probabilities = probabilities(certainty, |effect| scale.value(effect).map(tier));
    }
}

/// How often the resamples fall into each tier; `None` without resamples.
fn probabilities(certainty: &Certainty, tier: impl Fn(f64) -> Option<Tier>) -> Option<BTreeMap<Tier, f64>> {
    let mut counts: BTreeMap<Tier, usize> = BTreeMap::new();
    for drawn in certainty.draws.iter().flatten().filter_map(|effect| tier(*effect)) {
        *counts.entry(drawn).or_default() += 1;
    }
    let all: usize = counts.values().sum();
    (all > 0).then(|| counts.into_iter().map(|(tier, count)| (tier, count as f64 / all as f64)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_names_the_better_tier_first_and_a_cap_holds_for_both_ends() {
        let span = Span::between(Tier::C, Tier::S).map(|span| span.to_string());
        assert_eq!(span.as_deref(), Some("S-C"));
        assert_eq!(Span::between(Tier::C, Tier::C), None);
    }

    #[test]
    fn probabilities_count_the_draws_that_have_the_provider() {
        let draws = vec![Some(0.2), None, Some(0.2), Some(0.0), Some(0.2)];
        let certainty = Certainty { point: 0.15, half: 0.1, draws };
        let cuts = Lens::Cache.cuts();
        let found = probabilities(&certainty, |effect| Some(cuts.tier(effect)));
        assert_eq!(found, Some(BTreeMap::from([(Tier::S, 0.75), (Tier::B, 0.25)])));
        assert_eq!(probabilities(&Certainty { draws: vec![None], ..certainty }, |_| Some(Tier::S)), None);
    }
}
