//! Hysteresis: keeps tiers from flapping. Each tier starts from the tier of the previous day and changes only for a
//! reason. Pure: the input is the current figures and the previous state, the output is the new state.
//!
//! A tier changes at once if the resamples give the change enough probability (`TIER_CHANGE_PROBABILITY`), if a gate
//! caps it, or if there is no previous state. Otherwise it changes after `TIER_CONFIRM_DAYS` consecutive days past the
//! cut by the dead band of the lens. It never moves further than the figures themselves.

use super::ranking::sort;
use super::{Analysis, EndpointVerdicts};
use crate::domain::thresholds::{TIER_CHANGE_PROBABILITY, TIER_CONFIRM_DAYS, TIER_MEMORY_DAYS};
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_history::{EndpointKey, Held, History, ProviderKey};
use crate::domain::tier_list::TierList;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The figures behind one tier at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures<'a> {
    /// Lens.
    pub lens: Lens,
    /// The tier that the figures alone give.
    pub naive: Tier,
    /// The value that the tier was derived from, in the lens's unit.
    pub value: Option<f64>,
    /// Lower and upper end of its interval, in the lens's unit.
    pub interval: Option<(f64, f64)>,
    /// The best tier that a gate allows.
    pub cap: Option<Tier>,
    /// Probability of each tier; `None` if nothing was resampled.
    pub probabilities: Option<&'a BTreeMap<Tier, f64>>,
}

impl Figures<'_> {
    /// A tier and the value that it was derived from.
    pub fn of(lens: Lens, naive: Tier, value: Option<f64>) -> Self {
        Self { lens, naive, value, interval: None, cap: None, probabilities: None }
    }
}

/// Applies hysteresis to every tier of the analysis. `before` is the state at the end of the previous day (empty at the
/// start of a series); `day` is the UTC day of the analysis. Returns the new state for `day`.
pub fn apply_hysteresis(analysis: &mut Analysis, before: &History, day: NaiveDate) -> History {
    let mut history = History::default();
    for list in &mut analysis.tier_lists {
        steady_list(list, before, day, &mut history);
    }
    for (endpoint, verdicts) in &mut analysis.endpoints {
        steady_verdicts(*endpoint, verdicts, before, day, &mut history);
        if let Some(cost) = verdicts.verdicts.get(&Lens::Cost) {
            (verdicts.tier, verdicts.why) = (cost.tier, cost.why.clone());
        }
    }
    keep_in_mind(&before.providers, &mut history.providers);
    keep_in_mind(&before.endpoints, &mut history.endpoints);
    history
}

fn steady_list(list: &mut TierList, before: &History, day: NaiveDate, history: &mut History) {
    for row in &mut list.providers {
        let key =
            ProviderKey { lens: list.lens, workload: list.workload.clone(), provider: row.provider.clone() };
        let figures = Figures {
            interval: row.low.zip(row.high),
            cap: row.cap,
            probabilities: row.tier_probabilities.as_ref(),
            ..Figures::of(list.lens, row.naive, row.adjusted)
        };
        if let Some(held) = next(before.providers.get(&key), figures, day) {
            (row.tier, row.since, row.previous) = published(&held);
            history.providers.insert(key, held);
        }
    }
    sort(list.lens, &mut list.providers);
}

/// What is published of a state: the tier, the day since which it applies, and the previous tier.
fn published(held: &Held) -> (Tier, Option<NaiveDate>, Option<Tier>) {
    match held.published() {
        Tier::Unrated => (Tier::Unrated, None, None),
        tier => (tier, Some(held.since), held.previous),
    }
}

fn steady_verdicts(
    endpoint: Uuid,
    verdicts: &mut EndpointVerdicts,
    before: &History,
    day: NaiveDate,
    history: &mut History,
) {
    // `overall` is the last lens: by then, the other tiers are those to be published.
    for lens in Lens::ALL {
        if lens == Lens::Overall {
            verdicts.explain_overall();
        }
        let Some(verdict) = verdicts.verdicts.get_mut(&lens) else { continue };
        let key = EndpointKey { lens, endpoint };
        let figures = Figures { cap: verdict.cap, ..Figures::of(lens, verdict.naive, verdict.value) };
        if let Some(held) = next(before.endpoints.get(&key), figures, day) {
            (verdict.tier, verdict.since, verdict.previous) = published(&held);
            if verdict.tier != verdict.naive {
                verdict.why = format!(
                    "{}; {} since {}; the latest figures alone give {}",
                    verdict.why, verdict.tier, held.since, verdict.naive
                );
            }
            history.endpoints.insert(key, held);
        }
    }
}

/// Remembers what is missing from the analysis, in the same way as something unrated.
fn keep_in_mind<K: Ord + Clone>(before: &BTreeMap<K, Held>, now: &mut BTreeMap<K, Held>) {
    for (key, held) in before {
        if let Some(held) = unrated(held) {
            now.entry(key.clone()).or_insert(held);
        }
    }
}

/// The state after a day without a rating; `None` if there were too many of them.
fn unrated(before: &Held) -> Option<Held> {
    (before.unrated_days < TIER_MEMORY_DAYS).then(|| Held {
        naive: Tier::Unrated,
        effect: None,
        capped: false,
        leaning: None,
        leaning_days: 0,
        unrated_days: before.unrated_days + 1,
        ..before.clone()
    })
}

/// The state on `day`, from the state of the previous day and the figures of `day`. `None`: nothing is known.
pub fn next(before: Option<&Held>, figures: Figures<'_>, day: NaiveDate) -> Option<Held> {
    if figures.naive == Tier::Unrated {
        return before.and_then(unrated);
    }
    let (effect, capped) = (figures.value, figures.cap.is_some());
    let fresh = Held { effect, capped, ..Held::beginning(figures.naive, day) };
    let Some(before) = before else { return Some(fresh) };
    let (leaning, leaning_days) = lean(before, &figures);
    let confirmed = leaning.filter(|_| leaning_days >= TIER_CONFIRM_DAYS);
    let capped = figures.cap.filter(|cap| *cap > before.tier);
    let moves = [confirmed, sure(before, &figures), capped];
    let to = moves.into_iter().flatten().max_by_key(|tier| before.tier.distance(*tier));
    Some(match to {
        Some(tier) => Held { tier, previous: Some(before.tier), ..fresh },
        None => Held {
            tier: before.tier,
            since: before.since,
            previous: before.previous,
            leaning,
            leaning_days,
            ..fresh
        },
    })
}

/// If the figures are past a cut by the dead band: the nearest such tier over the consecutive days, and the number of
/// those days.
fn lean(before: &Held, figures: &Figures<'_>) -> (Option<Tier>, u32) {
    let Some(value) = figures.value else { return (None, 0) };
    let tier = |value: f64| {
        let tier = figures.lens.cuts().tier(value);
        figures.cap.map_or(tier, |cap| tier.max(cap))
    };
    let band = figures.lens.dead_band(figures.interval);
    let (at_best, at_worst) =
        (tier(figures.lens.worsened(value, -band)), tier(figures.lens.worsened(value, band)));
    let today = if at_best > before.tier {
        at_best
    } else if at_worst < before.tier {
        at_worst
    } else {
        return (None, 0);
    };
    match before.leaning {
        Some(running) if (running > before.tier) == (today > before.tier) => {
            let nearest =
                if before.tier.distance(running) < before.tier.distance(today) { running } else { today };
            (Some(nearest), before.leaning_days + 1)
        }
        _ => (Some(today), 1),
    }
}

/// The furthest tier, up to the figures' own tier, for which that tier or one beyond it is probable enough.
fn sure(before: &Held, figures: &Figures<'_>) -> Option<Tier> {
    let probabilities = figures.probabilities?;
    let worse = figures.naive > before.tier;
    if figures.naive == before.tier || (!worse && before.capped && figures.cap.is_none()) {
        // A tier that a gate capped must confirm its rise for longer than the day on which the gate opened.
        return None;
    }
    let beyond = |tier: Tier| -> f64 {
        let on = |other: &Tier| if worse { *other >= tier } else { *other <= tier };
        probabilities.iter().filter(|(other, _)| on(other)).map(|(_, share)| share).sum()
    };
    let on_the_way = |tier: &Tier| match worse {
        true => *tier > before.tier && *tier <= figures.naive,
        false => *tier < before.tier && *tier >= figures.naive,
    };
    let mut candidates: Vec<Tier> = Tier::RATED.into_iter().filter(on_the_way).collect();
    candidates.sort_by_key(|tier| std::cmp::Reverse(before.tier.distance(*tier)));
    candidates.into_iter().find(|tier| beyond(*tier) >= TIER_CHANGE_PROBABILITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 8, number).expect("a day")
    }

    fn cache(value: f64) -> Figures<'static> {
        Figures::of(Lens::Cache, Lens::Cache.cuts().tier(value), Some(value))
    }

    /// The published tiers of consecutive days, without a previous state.
    fn series<'a>(figures: impl IntoIterator<Item = Figures<'a>>) -> Vec<Tier> {
        let mut held = None;
        let days = (1..).map(day);
        figures
            .into_iter()
            .zip(days)
            .map(|(figures, day)| {
                held = next(held.as_ref(), figures, day);
                held.as_ref().map_or(Tier::Unrated, Held::published)
            })
            .collect()
    }

    #[test]
    fn the_first_day_gives_the_tier_of_its_figures() {
        let held = next(None, cache(0.1), day(1)).expect("held");
        assert_eq!((held.tier, held.since, held.previous), (Tier::A, day(1), None));
        assert_eq!(next(None, Figures { naive: Tier::Unrated, ..cache(0.1) }, day(1)), None);
    }

    #[test]
    fn around_a_cut_the_tier_stands_still() {
        // The cut between A and B is 0.07, the dead band 0.03.
        let tiers = series([0.08, 0.06, 0.08, 0.05, 0.041, 0.041, 0.09].map(cache));
        assert_eq!(tiers, [Tier::A; 7]);
    }

    #[test]
    fn two_days_running_past_the_dead_band_change_it_and_one_does_not() {
        assert_eq!(series([0.08, 0.03, 0.08, 0.03, 0.08].map(cache)), [Tier::A; 5]);
        assert_eq!(series([0.08, 0.03, 0.035].map(cache)), [Tier::A, Tier::A, Tier::B]);
        // Both days give C or worse, one gives F.
        assert_eq!(series([0.08, -0.12, -0.30].map(cache)), [Tier::A, Tier::A, Tier::C]);
        let up = series([-0.30, 0.05, 0.30].map(cache));
        assert_eq!(up, [Tier::F, Tier::F, Tier::B]);
    }

    #[test]
    fn leaning_to_the_other_side_starts_the_count_anew() {
        assert_eq!(series([0.0, 0.12, -0.08, 0.12].map(cache)), [Tier::B; 4]);
    }

    #[test]
    fn what_is_not_well_known_has_to_move_further() {
        let unsure = |value: f64| Figures { interval: Some((value - 0.2, value + 0.2)), ..cache(value) };
        // A third of the half-width is 0.066: past the cut at 0.07 by it is 0.004.
        assert_eq!(series([0.08, 0.01, 0.01].map(unsure)), [Tier::A; 3]);
        assert_eq!(series([0.08, 0.0, 0.0].map(unsure)), [Tier::A, Tier::A, Tier::B]);
    }

    #[test]
    fn sure_draws_change_it_at_once_and_not_beyond_the_figures() {
        let shares = BTreeMap::from([(Tier::B, 0.1), (Tier::C, 0.2), (Tier::D, 0.7)]);
        let unsure = BTreeMap::from([(Tier::A, 0.21), (Tier::B, 0.39), (Tier::C, 0.4)]);
        let with = |value, shares| Figures { probabilities: Some(shares), ..cache(value) };
        assert_eq!(series([cache(0.08), with(-0.12, &shares)]), [Tier::A, Tier::C], "C or worse: 0.9");
        assert_eq!(series([cache(0.08), with(0.06, &shares)]), [Tier::A, Tier::B], "the figures say B");
        assert_eq!(series([cache(0.08), with(-0.05, &unsure)]), [Tier::A, Tier::A], "B or worse: 0.79");
        let better = BTreeMap::from([(Tier::S, 0.85), (Tier::A, 0.15)]);
        assert_eq!(series([cache(-0.05), with(0.2, &better)]), [Tier::C, Tier::S]);
    }

    #[test]
    fn a_gate_works_at_once_and_its_end_has_to_last() {
        let sure = BTreeMap::from([(Tier::S, 1.0)]);
        let good = Figures { probabilities: Some(&sure), ..Figures::of(Lens::Overall, Tier::S, Some(2.0)) };
        let capped = BTreeMap::from([(Tier::C, 1.0)]);
        let gated = Figures { naive: Tier::C, cap: Some(Tier::C), probabilities: Some(&capped), ..good };
        let tiers = series([good, gated, good, gated, good, good]);
        assert_eq!(tiers, [Tier::S, Tier::C, Tier::C, Tier::C, Tier::C, Tier::S]);
    }

    #[test]
    fn a_tier_is_kept_in_mind_for_some_days_without_a_rating() {
        let unrated = Figures { naive: Tier::Unrated, value: None, ..cache(0.0) };
        let away = |days: usize| {
            let mut figures = vec![cache(0.08)];
            figures.extend(vec![unrated; days]);
            figures.push(cache(0.06));
            series(figures).last().copied()
        };
        let memory = usize::try_from(TIER_MEMORY_DAYS).expect("small");
        assert_eq!(away(memory), Some(Tier::A), "still what it was");
        assert_eq!(away(memory + 1), Some(Tier::B), "a new series");
        assert_eq!(series([cache(0.08), unrated])[1], Tier::Unrated, "nothing is published meanwhile");
    }

    #[test]
    fn since_and_previous_tell_of_the_last_change() {
        let mut held = next(None, cache(0.08), day(1));
        for (number, value) in [(2, 0.03), (3, 0.03), (4, 0.0)] {
            held = next(held.as_ref(), cache(value), day(number));
        }
        let held = held.expect("held");
        assert_eq!((held.tier, held.since, held.previous), (Tier::B, day(3), Some(Tier::A)));
    }
}
