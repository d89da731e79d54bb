//! Counts how often tiers change from one day to the next, and how far they are off a week later: as published, and as
//! the figures of each day alone would give them.

use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_history::{Held, History, ProviderKey};
use chrono::{Duration, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Requirement for the published tiers: at most this share of a lens's provider-days has a change.
pub const FLIP_BOUND: f64 = 0.05;

/// Days between a published tier and the measured figure that it should foretell.
const LATER: i64 = 7;

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
    /// Pairs of days exactly a week apart, each for one provider or endpoint with a tier on both.
    pub weeks: usize,
    /// Sum of the letters between the tier that the figures of the first day give and that of the figures a week later.
    pub naive_letters: usize,
    /// Sum of the letters between the published tier and the tier of the figures a week later.
    pub published_letters: usize,
    /// `naive_letters` divided by `weeks`; null if nothing is compared.
    pub naive_week_error: Option<f64>,
    /// `published_letters` divided by `weeks`; null if nothing is compared.
    pub published_week_error: Option<f64>,
    /// Largest distance between a published figure and the measured one, on the additive scale of the lens (`cost`: the
    /// logarithm); tiers that a gate capped do not count.
    pub largest_held: f64,
}

impl Flips {
    /// Adds a step from one day to the next.
    fn step(&mut self, before: &Held, now: &Held, apart: i64) {
        if before.naive == Tier::Unrated || now.naive == Tier::Unrated {
            return;
        }
        self.compared += 1;
        self.subject_days += apart;
        self.naive += usize::from(before.naive != now.naive);
        self.published += usize::from(before.published() != now.published());
        self.far += usize::from(now.published().distance(now.naive) > 1);
    }

    /// Adds a day and the day a week later.
    fn week(&mut self, before: &Held, now: &Held) {
        if before.naive == Tier::Unrated || now.naive == Tier::Unrated {
            return;
        }
        self.weeks += 1;
        self.naive_letters += before.naive.distance(now.naive);
        self.published_letters += before.published().distance(now.naive);
    }

    /// Adds a day, given the state of the last day, the calendar days since then, and the state a week before.
    fn see(&mut self, lens: Lens, now: &Held, before: (Option<&Held>, i64), week_ago: Option<&Held>) {
        if let (Some(last), apart) = before {
            self.step(last, now, apart);
        }
        if let Some(week_ago) = week_ago {
            self.week(week_ago, now);
        }
        self.hold(lens, now);
    }

    fn hold(&mut self, lens: Lens, now: &Held) {
        if let Some((shown, measured)) = now.shown(lens).zip(now.effect).filter(|_| !now.capped) {
            self.largest_held = self.largest_held.max(lens.apart(shown, lens.printed(measured)));
        }
    }

    /// The sum of both counts, with the shares.
    pub(crate) fn plus(self, other: Self) -> Self {
        let sum = Self {
            compared: self.compared + other.compared,
            naive: self.naive + other.naive,
            published: self.published + other.published,
            subject_days: self.subject_days + other.subject_days,
            far: self.far + other.far,
            weeks: self.weeks + other.weeks,
            naive_letters: self.naive_letters + other.naive_letters,
            published_letters: self.published_letters + other.published_letters,
            largest_held: self.largest_held.max(other.largest_held),
            ..self
        };
        sum.shared()
    }

    fn shared(self) -> Self {
        let over = |count: usize, all: f64| (all > 0.0).then(|| count as f64 / all);
        let (steps, days, weeks) = (self.compared as f64, self.subject_days as f64, self.weeks as f64);
        Self {
            naive_a_step: over(self.naive, steps),
            published_a_step: over(self.published, steps),
            naive_a_day: over(self.naive, days),
            published_a_day: over(self.published, days),
            naive_week_error: over(self.naive_letters, weeks),
            published_week_error: over(self.published_letters, weeks),
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
    /// Pairs of providers on a day whose order by letter contradicts the order by published figure.
    pub wrong_pairs: usize,
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
    /// Whether the providers' published tiers under `cache` and `cost` change no more often than required and no pair is
    /// in the wrong order; null if nothing is compared yet.
    pub holds: Option<bool>,
}

/// Counts changes day by day.
#[derive(Debug, Default)]
pub struct FlipCount {
    /// The days so far; the counts are added by [`FlipCount::report`].
    counted: FlipReport,
    /// The last day and those of the week before it.
    past: BTreeMap<NaiveDate, History>,
    providers: BTreeMap<Lens, Flips>,
    endpoints: BTreeMap<Lens, Flips>,
    wrong_pairs: BTreeMap<Lens, usize>,
}

impl FlipCount {
    /// Adds the tier states at the end of a day; days must be in order. For lenses with a workload, only `workload`
    /// counts.
    pub fn see(&mut self, day: NaiveDate, history: &History, workload: &str) {
        let last = self.counted.to;
        let apart = last.map_or(0, |last| (day - last).num_days());
        let oldest = day - Duration::days(LATER);
        self.past.retain(|past, _| *past >= oldest || Some(*past) == last);
        let (before, week_ago) = (last.and_then(|last| self.past.get(&last)), self.past.get(&oldest));
        self.counted.from = self.counted.from.or(Some(day));
        self.counted.to = Some(day);
        self.counted.days += 1;
        let counts = |key: &ProviderKey| key.workload.as_deref().is_none_or(|name| name == workload);
        let mut lists: BTreeMap<Lens, Vec<(Tier, f64)>> = BTreeMap::new();
        for (key, now) in history.providers.iter().filter(|(key, _)| counts(key)) {
            let [last, week_ago] = [before, week_ago].map(|past| past?.providers.get(key));
            let flips = self.providers.entry(key.lens).or_default();
            flips.see(key.lens, now, (last, apart), week_ago);
            lists.entry(key.lens).or_default().extend(now.shown(key.lens).map(|shown| (now.tier, shown)));
        }
        for (key, now) in &history.endpoints {
            let [last, week_ago] = [before, week_ago].map(|past| past?.endpoints.get(key));
            let flips = self.endpoints.entry(key.lens).or_default();
            flips.see(key.lens, now, (last, apart), week_ago);
        }
        for (lens, list) in lists {
            *self.wrong_pairs.entry(lens).or_default() += wrong_pairs(lens, &list);
        }
        self.past.insert(day, history.clone());
    }

    /// The result of the count.
    pub fn report(&self) -> FlipReport {
        let of =
            |counts: &BTreeMap<Lens, Flips>, lens| counts.get(&lens).copied().unwrap_or_default().shared();
        let lens = |lens| LensFlips {
            lens,
            providers: of(&self.providers, lens),
            endpoints: of(&self.endpoints, lens),
            wrong_pairs: self.wrong_pairs.get(&lens).copied().unwrap_or_default(),
        };
        let bound = BOUND_LENSES.map(|lens| of(&self.providers, lens).published_a_day);
        let known = bound.iter().all(Option::is_some);
        FlipReport {
            lenses: Lens::ALL.map(lens).to_vec(),
            holds: known.then(|| {
                let in_order = self.wrong_pairs.values().all(|count| *count == 0);
                in_order && bound.iter().flatten().all(|share| *share <= FLIP_BOUND)
            }),
            ..self.counted.clone()
        }
    }
}

/// The pairs of a list, each a letter and a figure, in which the better letter has the worse figure.
pub(super) fn wrong_pairs(lens: Lens, list: &[(Tier, f64)]) -> usize {
    let sign = if lens.cuts().higher_is_better { -1.0 } else { 1.0 };
    let worse = |(tier, figure): &(Tier, f64)| {
        let contradicts = |other: &&(Tier, f64)| *tier < other.0 && sign * figure > sign * other.1;
        list.iter().filter(contradicts).count()
    };
    list.iter().map(worse).sum()
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
    fn a_letter_is_compared_with_the_figure_of_the_day_a_week_later() {
        let mut count = FlipCount::default();
        let day = |number: i64| NaiveDate::default() + chrono::Duration::days(number);
        let days =
            [(0, Tier::A, Tier::B), (1, Tier::A, Tier::A), (7, Tier::A, Tier::C), (8, Tier::A, Tier::A)];
        for (number, tier, naive) in days {
            count.see(day(number), &history(None, tier, naive), "chat");
        }
        let cache = count.report().lenses[0].providers;
        assert_eq!((cache.weeks, cache.published_letters, cache.naive_letters), (2, 2, 1));
        assert_eq!((cache.published_week_error, cache.naive_week_error), (Some(1.0), Some(0.5)));
    }

    #[test]
    fn a_better_letter_with_a_worse_figure_is_a_wrong_pair() {
        let list = [(Tier::A, 0.07), (Tier::B, 0.08), (Tier::B, 0.02), (Tier::C, 0.05)];
        assert_eq!(wrong_pairs(Lens::Cache, &list), 2);
        assert_eq!(wrong_pairs(Lens::Cost, &[(Tier::A, -0.05), (Tier::B, 0.1), (Tier::C, 0.2)]), 0);
    }

    #[test]
    fn the_largest_hold_is_how_far_a_published_figure_is_from_the_measured_one() {
        let mut flips = Flips::default();
        let held =
            |tier, effect| Held { effect: Some(effect), ..Held::beginning(tier, NaiveDate::default()) };
        flips.hold(Lens::Cache, &held(Tier::A, 0.06));
        flips.hold(Lens::Cache, &Held { capped: true, ..held(Tier::C, 0.5) });
        assert!((flips.largest_held - 0.01).abs() < 1e-12, "{flips:?}");
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
