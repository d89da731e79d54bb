//! The change-point scan of one series: the likelihood-ratio test for one shift in location at an unknown time (Hawkins
//! 1977; Worsley 1979), with a robust scatter and a correction for autocorrelation. See "Shifts" in the method.

use super::student::two_sided;
use crate::domain::statistics::{MAD_TO_SD, median};
use crate::domain::thresholds::{
    SHIFT_DAILY_MAX_AFTER, SHIFT_DAILY_MIN_AFTER, SHIFT_DAILY_MIN_BEFORE, SHIFT_MAX_AFTER_HOURS,
    SHIFT_MIN_AFTER, SHIFT_MIN_BEFORE, SHIFT_MIN_PERIODS_A_DAY, SHIFT_MIN_SCATTERS, SHIFT_PERIOD_HOURS,
};
use std::collections::BTreeMap;

/// Periods in a day.
pub(super) const PERIODS_A_DAY: i64 = 24 / SHIFT_PERIOD_HOURS;

/// The profile over the day counts as if it had been zero on this many further days.
const PROFILE_PRIOR_DAYS: f64 = 2.0;

/// Autocorrelation beyond this leaves too little to compare.
const MOST_AUTOCORRELATION: f64 = 0.8;

/// The first period after a shift is at least this far on the way to the new level: it may contain the shift itself.
const FIRST_WAY: f64 = 0.25;

/// At least this share of the periods after a shift is half way to the new level or beyond.
const LASTING_SHARE: f64 = 0.75;

/// The mean of a field over one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Period {
    /// Number of the period since 1970.
    pub slot: i64,
    /// Mean, in the unit of the field.
    pub value: f64,
    /// Number of readings.
    pub readings: i64,
    /// Time of the first reading, seconds since 1970.
    pub first_s: i64,
    /// Time of the last reading, seconds since 1970.
    pub last_s: i64,
}

impl Period {
    fn day(&self) -> i64 {
        self.slot.div_euclid(PERIODS_A_DAY)
    }

    fn of_day(&self) -> usize {
        usize::try_from(self.slot.rem_euclid(PERIODS_A_DAY)).unwrap_or(0)
    }
}

/// What counts as a shift of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    /// Smallest shift: relative if `is_relative`, otherwise in the unit of the field.
    pub least: f64,
    /// Whether levels are compared as ratios; then values of 0 and below do not count.
    pub is_relative: bool,
    /// Smallest scatter that is assumed, on the scale of the comparison.
    pub floor: f64,
    /// Whether endpoints that are read about once a day are compared by days. A reading of half an hour says too little
    /// about a day.
    pub by_days: bool,
}

/// The most likely shift of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Number of periods before it.
    pub split: usize,
    /// Level before, in the unit of the field.
    pub before: f64,
    /// Level after, in the unit of the field.
    pub after: f64,
    /// Scatter around both levels, in the unit of the field.
    pub scatter: f64,
    /// Probability of a difference as clear as this anywhere in the series, if nothing shifted.
    pub p_value: f64,
    /// Whether it is large enough, above the scatter, lasts, and goes beyond the level of every earlier day.
    pub counts: bool,
}

/// Which splits of a series are compared.
struct Splits {
    before: usize,
    after: usize,
    longest: i64,
    /// Periods that make a day.
    a_day: usize,
}

impl Splits {
    fn of(periods: &[Period]) -> Option<Self> {
        let (first, last) = (periods.first()?, periods.last()?);
        let days = (last.day() - first.day() + 1) as f64;
        let read = periods.iter().map(Period::day).collect::<std::collections::BTreeSet<_>>().len() as f64;
        let is_daily = periods.len() as f64 / read.min(days) < SHIFT_MIN_PERIODS_A_DAY;
        Some(match is_daily {
            true => Self {
                before: SHIFT_DAILY_MIN_BEFORE,
                after: SHIFT_DAILY_MIN_AFTER,
                longest: i64::MAX,
                a_day: 1,
            },
            false => Self {
                before: SHIFT_MIN_BEFORE,
                after: SHIFT_MIN_AFTER,
                longest: SHIFT_MAX_AFTER_HOURS / SHIFT_PERIOD_HOURS,
                a_day: 2,
            },
        })
    }

    /// The numbers of periods before each split.
    fn all(&self, periods: &[Period]) -> Vec<usize> {
        let Some(last) = periods.last() else { return Vec::new() };
        let end = (periods.len() + 1).saturating_sub(self.after);
        let long_ago = |split: &usize| {
            let of_days = self.a_day == 1 && periods.len() - split > SHIFT_DAILY_MAX_AFTER;
            of_days || last.slot - periods[*split].slot >= self.longest
        };
        (self.before..end).filter(|split| !long_ago(split)).collect()
    }
}

/// The most likely shift of a series, whether it counts or not; `None` if there are too few periods. `periods` are in
/// the order of time.
pub(super) fn scan(periods: &[Period], rule: Rule) -> Option<Candidate> {
    let kept: Vec<Period> = periods.iter().copied().filter(|p| !rule.is_relative || p.value > 0.0).collect();
    let splits = Splits::of(&kept).filter(|splits| rule.by_days || splits.a_day > 1)?;
    let all = splits.all(&kept);
    let levels = levels(&kept, rule);
    let compared = all.iter().filter_map(|split| Comparison::of(&levels, *split, rule.floor));
    let best = compared.max_by(|a, b| a.likelihood.total_cmp(&b.likelihood))?;
    // Bonferroni's bound for the maximum over the splits, as Worsley gives it.
    let p_value = (all.len() as f64 * two_sided(best.t, best.freedom)).min(1.0);
    let split = kept.get(best.split).and_then(|first| periods.iter().position(|p| p.slot == first.slot))?;
    let unit = |level: f64| if rule.is_relative { level.exp() } else { level };
    let scatter = match rule.is_relative {
        true => best.before.exp() * best.scatter.exp_m1(),
        false => best.scatter,
    };
    Some(Candidate {
        split,
        before: unit(best.before),
        after: unit(best.after),
        scatter,
        p_value,
        counts: best.is_large(rule) && best.lasts(&kept, &levels, splits.a_day),
    })
}

/// The values on the scale of the comparison, without the profile over the day. The profile is the median deviation of
/// each period of the day from the mean of its own day, so a shift between days does not change it.
fn levels(periods: &[Period], rule: Rule) -> Vec<f64> {
    let scaled: Vec<f64> =
        periods.iter().map(|p| if rule.is_relative { p.value.ln() } else { p.value }).collect();
    let mut days: BTreeMap<i64, Vec<(usize, f64)>> = BTreeMap::new();
    for (period, value) in periods.iter().zip(&scaled) {
        days.entry(period.day()).or_default().push((period.of_day(), *value));
    }
    let whole = usize::try_from(PERIODS_A_DAY).unwrap_or(usize::MAX);
    let mut deviations: Vec<Vec<f64>> = vec![Vec::new(); whole];
    for of_one in days.values().filter(|of_one| of_one.len() == whole) {
        let mean = of_one.iter().map(|(_, value)| value).sum::<f64>() / whole as f64;
        of_one.iter().for_each(|(of_day, value)| deviations[*of_day].push(value - mean));
    }
    let profile = |of_day: usize| {
        let own = &deviations[of_day];
        let weight = own.len() as f64 / (own.len() as f64 + PROFILE_PRIOR_DAYS);
        median(own.iter().copied()).map_or(0.0, |deviation| deviation * weight)
    };
    let profiles: Vec<f64> = (0..whole).map(profile).collect();
    periods.iter().zip(scaled).map(|(period, value)| value - profiles[period.of_day()]).collect()
}

/// Two segments of a series, compared.
struct Comparison {
    split: usize,
    before: f64,
    after: f64,
    /// The difference of the medians or of the means, whichever is smaller; 0 if they differ in sign.
    difference: f64,
    scatter: f64,
    /// Grows with the likelihood ratio of this split: the sum of squares that it explains, as a root.
    likelihood: f64,
    t: f64,
    freedom: f64,
}

impl Comparison {
    fn of(levels: &[f64], split: usize, floor: f64) -> Option<Self> {
        let (first, second) = levels.split_at_checked(split)?;
        let (before, after) = (median(first.iter().copied())?, median(second.iter().copied())?);
        let count = levels.len() as f64;
        let rests: Vec<f64> = levels
            .iter()
            .enumerate()
            .map(|(at, level)| level - if at < split { before } else { after })
            .collect();
        let spread = median(rests.iter().map(|rest| rest.abs()))?;
        let scatter = (MAD_TO_SD * spread * (count / (count - 2.0)).sqrt()).max(floor);
        let kept = 1.0 - autocorrelation(&rests, split);
        let share = kept / (2.0 - kept);
        let (n, m) = ((split as f64 * share).max(1.0), ((count - split as f64) * share).max(1.0));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let (of_means, of_medians) = (mean(second) - mean(first), after - before);
        let difference = match of_means * of_medians > 0.0 {
            true if of_means.abs() < of_medians.abs() => of_means,
            true => of_medians,
            false => 0.0,
        };
        let t = of_means / (scatter * (1.0 / n + 1.0 / m).sqrt());
        let freedom = (count * share - 2.0).max(1.0);
        let likelihood = of_means.abs() * (split as f64 * (count - split as f64) / count).sqrt();
        Some(Self { split, before, after, difference, scatter, likelihood, t, freedom })
    }

    fn is_large(&self, rule: Rule) -> bool {
        let size = if rule.is_relative { self.difference.exp_m1() } else { self.difference };
        // Within rounding: a shift of exactly the least size counts.
        size.abs() >= rule.least - 1e-9 && self.difference.abs() >= SHIFT_MIN_SCATTERS * self.scatter
    }

    /// Whether it is lasting: most periods after the split, and every day, are at least half way to the new level, the
    /// first period has left the old one, and no day before was as far away.
    fn lasts(&self, periods: &[Period], levels: &[f64], a_day: usize) -> bool {
        let day_means = |from: usize, to: usize| {
            let mut days: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            for (period, level) in periods[from..to].iter().zip(&levels[from..to]) {
                days.entry(period.day()).or_default().push(*level);
            }
            let whole = days.into_values().filter(|of_one| of_one.len() >= a_day);
            whole.map(|of_one| of_one.iter().sum::<f64>() / of_one.len() as f64).collect::<Vec<_>>()
        };
        let difference = self.difference;
        let stays = |level: &f64| (level - self.before) * difference >= 0.5 * difference * difference;
        let was_there = |level: &f64| (level - self.before).abs() >= difference.abs();
        let far: Vec<f64> =
            levels[self.split..].iter().map(|level| (level - self.before) / difference).collect();
        let half_way = far.iter().filter(|way| **way >= 0.5).count();
        far.first().is_some_and(|first| *first >= FIRST_WAY)
            && half_way as f64 >= LASTING_SHARE * far.len() as f64
            && day_means(self.split, periods.len()).iter().all(stays)
            && !day_means(0, self.split).iter().any(was_there)
    }
}

/// The correlation of neighbouring deviations within the segments, corrected for its bias in short series (Kendall
/// 1954), from 0 to [`MOST_AUTOCORRELATION`].
fn autocorrelation(rests: &[f64], split: usize) -> f64 {
    let squares: f64 = rests.iter().map(|rest| rest * rest).sum();
    if squares <= f64::EPSILON {
        return 0.0;
    }
    let pairs = rests.windows(2).enumerate().filter(|(at, _)| at + 1 != split);
    let raw = pairs.map(|(_, pair)| pair[0] * pair[1]).sum::<f64>() / squares;
    (raw + (1.0 + 3.0 * raw) / rests.len() as f64).clamp(0.0, MOST_AUTOCORRELATION)
}

#[cfg(test)]
mod tests;
