//! Counts how often tiers change from one day to the next: as published, and as the figures of each day alone would
//! give them.

use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_history::{EndpointKey, Held, History, ProviderKey};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Requirement for the published tiers: at most this share of a lens's provider-days has a change.
pub const FLIP_BOUND: f64 = 0.04;

/// The lenses to which the bound applies.
const BOUND_LENSES: [Lens; 2] = [Lens::Cache, Lens::Cost];

/// Changes from one day with a run to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Flips {
    /// Pairs of such days, each for one provider or endpoint with a tier on both.
    pub compared: usize,
    /// Pairs whose tiers differ according to the figures of each day alone.
    pub naive: usize,
    /// Pairs whose tiers differ as published.
    pub published: usize,
    /// Sum of the calendar days between them: a pair three days apart counts as three.
    pub subject_days: i64,
    /// `naive` divided by `compared`; null if nothing is compared.
    pub naive_a_step: Option<f64>,
    /// `published` divided by `compared`; null if nothing is compared.
    pub published_a_step: Option<f64>,
    /// `naive` divided by `subject_days`; null if nothing is compared.
    pub naive_a_day: Option<f64>,
    /// `published` divided by `subject_days`: the share of days on which a reader found a changed tier; null if nothing
    /// is compared.
    pub published_a_day: Option<f64>,
    /// Number of pairs on whose later day the published tier is at least two letters from the tier that the figures
    /// give.
    pub far: usize,
}

impl Flips {
    fn see(&mut self, before: &Held, now: &Held, apart: i64) {
        if before.naive == Tier::Unrated || now.naive == Tier::Unrated {
            return;
        }
        self.compared += 1;
        self.subject_days += apart;
        self.naive += usize::from(before.naive != now.naive);
        self.published += usize::from(before.published() != now.published());
        self.far += usize::from(now.published().distance(now.naive) > 1);
    }

    /// The sum of both counts, with the shares.
    pub(crate) fn plus(self, other: Self) -> Self {
        let sum = Self {
            compared: self.compared + other.compared,
            naive: self.naive + other.naive,
            published: self.published + other.published,
            subject_days: self.subject_days + other.subject_days,
            far: self.far + other.far,
            ..self
        };
        sum.shared()
    }

    fn shared(self) -> Self {
        let over = |count: usize, all: f64| (all > 0.0).then(|| count as f64 / all);
        let (steps, days) = (self.compared as f64, self.subject_days as f64);
        Self {
            naive_a_step: over(self.naive, steps),
            published_a_step: over(self.published, steps),
            naive_a_day: over(self.naive, days),
            published_a_day: over(self.published, days),
            ..self
        }
    }
}

/// The changes under one lens; `cost` and `overall` under the default workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LensFlips {
    /// The lens.
    pub lens: Lens,
    /// Providers across models.
    pub providers: Flips,
    /// Endpoints within their models.
    pub endpoints: Flips,
}

/// Results of the count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FlipReport {
    /// First day with a run; null without any.
    pub from: Option<NaiveDate>,
    /// Last day with a run; null without any.
    pub to: Option<NaiveDate>,
    /// Days with a run.
    pub days: usize,
    /// By lens.
    pub lenses: Vec<LensFlips>,
    /// Whether the providers' published tiers under `cache` and `cost` change no more often than required; null if
    /// nothing is compared yet.
    pub holds: Option<bool>,
}

/// Counts changes day by day.
#[derive(Debug, Default)]
pub struct FlipCount {
    /// The days so far; the counts are added by [`FlipCount::report`].
    counted: FlipReport,
    before: History,
    providers: BTreeMap<Lens, Flips>,
    endpoints: BTreeMap<Lens, Flips>,
}

impl FlipCount {
    /// Adds the tier states at the end of a day; days must be in order. For lenses with a workload, only `workload`
    /// counts.
    pub fn see(&mut self, day: NaiveDate, history: &History, workload: &str) {
        let apart = self.counted.to.map_or(0, |last| (day - last).num_days());
        self.counted.from = self.counted.from.or(Some(day));
        self.counted.to = Some(day);
        self.counted.days += 1;
        let counts = |key: &ProviderKey| key.workload.as_deref().is_none_or(|name| name == workload);
        for (key, now) in history.providers.iter().filter(|(key, _)| counts(key)) {
            if let Some(before) = self.before.providers.get(key) {
                self.providers.entry(key.lens).or_default().see(before, now, apart);
            }
        }
        for (key, now) in &history.endpoints {
            let EndpointKey { lens, .. } = *key;
            if let Some(before) = self.before.endpoints.get(key) {
                self.endpoints.entry(lens).or_default().see(before, now, apart);
            }
        }
        self.before = history.clone();
    }

    /// The result of the count.
    pub fn report(&self) -> FlipReport {
        let of =
            |counts: &BTreeMap<Lens, Flips>, lens| counts.get(&lens).copied().unwrap_or_default().shared();
        let lens = |lens| LensFlips {
            lens,
            providers: of(&self.providers, lens),
            endpoints: of(&self.endpoints, lens),
        };
        let bound = BOUND_LENSES.map(|lens| of(&self.providers, lens).published_a_day);
        let known = bound.iter().all(Option::is_some);
        FlipReport {
            lenses: Lens::ALL.map(lens).to_vec(),
            holds: known.then(|| bound.iter().flatten().all(|share| *share <= FLIP_BOUND)),
            ..self.counted.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ProviderSlug;

    fn history(workload: Option<&str>, tier: Tier, naive: Tier) -> History {
        let day = NaiveDate::default();
        let lens = if workload.is_some() { Lens::Cost } else { Lens::Cache };
        let key =
            ProviderKey { lens, workload: workload.map(str::to_owned), provider: ProviderSlug::new("p") };
        let held = Held { naive, ..Held::beginning(tier, day) };
        History { providers: BTreeMap::from([(key, held)]), ..History::default() }
    }

    #[test]
    fn changes_are_counted_between_days_that_rate_both() {
        let mut count = FlipCount::default();
        let day = |number: i64| NaiveDate::default() + chrono::Duration::days(2 * number);
        let days = [
            (Tier::A, Tier::A),
            (Tier::A, Tier::B),
            (Tier::A, Tier::C),
            (Tier::A, Tier::Unrated),
            (Tier::C, Tier::C),
        ];
        for (number, (tier, naive)) in (0..).zip(days) {
            count.see(day(number), &history(None, tier, naive), "chat");
        }
        let report = count.report();
        let cache = report.lenses[0].providers;
        assert_eq!((cache.compared, cache.naive, cache.published, cache.far), (2, 2, 0, 1));
        assert_eq!((cache.naive_a_step, cache.published_a_step), (Some(1.0), Some(0.0)));
        assert_eq!((cache.subject_days, cache.naive_a_day), (4, Some(0.5)), "the days are two apart");
        assert_eq!((report.days, report.from, report.to), (5, Some(day(0)), Some(day(4))));
        assert_eq!(report.holds, None, "nothing is known of the lens cost");
    }

    #[test]
    fn only_the_default_workload_counts_and_too_many_changes_do_not_hold() {
        let mut count = FlipCount::default();
        for (days, tier, other) in [(0, Tier::A, Tier::A), (1, Tier::A, Tier::B)] {
            let mut both = history(Some("chat"), tier, tier);
            both.providers.extend(history(Some("rag"), other, other).providers);
            both.providers.extend(history(None, other, other).providers);
            count.see(NaiveDate::default() + chrono::Duration::days(days), &both, "chat");
        }
        let report = count.report();
        assert_eq!((report.lenses[1].providers.compared, report.lenses[1].providers.published), (1, 0));
        assert_eq!(report.holds, Some(false), "the lens cache changed on all of its days");
    }
}
