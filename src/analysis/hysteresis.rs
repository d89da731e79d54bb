//! Hysteresis: keeps tiers from flapping. Each tier starts from the tier of the previous day and changes once the
//! figure has left its row by more than the band of the lens. Pure: the input is the current figures and the previous
//! state, the output is the new state.
//!
//! The published figure is the measured one, moved to the edge of the row if it lies outside. So the tier is always the
//! plain tier of the published figure, and lists are in the order of both.

use super::ranking::sort;
use super::{Analysis, EndpointVerdicts};
use crate::domain::thresholds::TIER_MEMORY_DAYS;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_history::{EndpointKey, Held, History, ProviderKey};
use crate::domain::tier_list::TierList;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The figures behind one tier at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figures {
    lens: Lens,
    /// The tier that the figures alone give; unrated if they give none.
    naive: Tier,
    /// The measured value, in the lens's unit.
    value: Option<f64>,
    /// The best tier that a gate allows.
    cap: Option<Tier>,
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
    let lens = list.lens;
    for row in &mut list.providers {
        let key = ProviderKey { lens, workload: list.workload.clone(), provider: row.provider.clone() };
        let figures = Figures { lens, naive: row.naive, value: row.measured, cap: row.cap };
        if let Some(held) = next(before.providers.get(&key), figures, day) {
            (row.tier, row.since, row.previous) = published(&held);
            history.providers.insert(key, held);
        }
        row.adjusted = row.measured.map(|value| lens.within(row.tier, value));
        row.measured = row.measured.map(|value| lens.printed(value));
    }
    sort(lens, &mut list.providers);
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
        let figures = Figures { lens, naive: verdict.naive, value: verdict.measured, cap: verdict.cap };
        if let Some(held) = next(before.endpoints.get(&key), figures, day) {
            (verdict.tier, verdict.since, verdict.previous) = published(&held);
            history.endpoints.insert(key, held);
        }
        verdict.value = verdict.measured.map(|value| lens.within(verdict.tier, value));
        verdict.measured = verdict.measured.map(|value| lens.printed(value));
        if let Some(since) =
            verdict.since.filter(|_| verdict.value != verdict.measured && verdict.cap.is_none())
        {
            verdict.why = format!("{}; held at the edge of {} since {since}", verdict.why, verdict.tier);
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
        unrated_days: before.unrated_days + 1,
        ..before.clone()
    })
}

/// The state on `day`, from the state of the previous day and the figures of `day`. `None`: nothing is known.
///
/// The tier is that of the previous day, moved as little as possible into the range from the tier of the figure improved
/// by the band to that of the figure worsened by it. A gate caps it at once, and the capped tier is what the next day
/// starts from: when the gate opens, the tier moves as if it had been measured at the cap.
fn next(before: Option<&Held>, figures: Figures, day: NaiveDate) -> Option<Held> {
    let Some(value) = figures.value.filter(|_| figures.naive != Tier::Unrated) else {
        return before.and_then(unrated);
    };
    let lens = figures.lens;
    let moved = |by: f64| lens.tier(lens.worsened(lens.printed(value), by));
    let tier = match before {
        None => lens.tier(value),
        Some(before) => before.tier.max(moved(-lens.band())).min(moved(lens.band())),
    };
    let tier = figures.cap.map_or(tier, |cap| tier.max(cap));
    let fresh = Held {
        naive: figures.naive,
        effect: Some(value),
        capped: figures.cap.is_some(),
        ..Held::beginning(tier, day)
    };
    Some(match before {
        None => fresh,
        Some(before) if before.tier == tier => {
            Held { since: before.since, previous: before.previous, ..fresh }
        }
        Some(before) => Held { previous: Some(before.tier), ..fresh },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 8, 1).expect("a day") + chrono::Days::new(number.into())
    }

    fn figures(lens: Lens, value: f64) -> Figures {
        Figures { lens, naive: lens.tier(value), value: Some(value), cap: None }
    }

    fn cache(value: f64) -> Figures {
        figures(Lens::Cache, value)
    }

    const UNRATED: Figures = Figures { lens: Lens::Cache, naive: Tier::Unrated, value: None, cap: None };

    /// The states of consecutive days, without a previous state.
    fn states(figures: impl IntoIterator<Item = Figures>) -> Vec<Option<Held>> {
        let mut held = None;
        let follow = |(figures, day)| {
            held = next(held.as_ref(), figures, day);
            held.clone()
        };
        figures.into_iter().zip((1..).map(day)).map(follow).collect()
    }

    /// The published tiers and figures of consecutive days, without a previous state.
    fn series(figures: impl IntoIterator<Item = Figures>) -> Vec<(Tier, f64)> {
        let figures: Vec<Figures> = figures.into_iter().collect();
        let lenses: Vec<Lens> = figures.iter().map(|one| one.lens).collect();
        let published = |(held, lens): (Option<Held>, Lens)| match held {
            Some(held) => (held.published(), held.shown(lens).unwrap_or(f64::NAN)),
            None => (Tier::Unrated, f64::NAN),
        };
        states(figures).into_iter().zip(lenses).map(published).collect()
    }

    fn tiers(figures: impl IntoIterator<Item = Figures>) -> Vec<Tier> {
        series(figures).into_iter().map(|(tier, _)| tier).collect()
    }

    #[test]
    fn the_first_day_gives_the_tier_of_its_figures() {
        let held = next(None, cache(0.1), day(1)).expect("held");
        assert_eq!((held.tier, held.since, held.previous), (Tier::A, day(1), None));
        assert_eq!(held.shown(Lens::Cache), Some(0.1));
        assert_eq!(next(None, UNRATED, day(1)), None);
    }

    #[test]
    fn within_the_band_the_tier_and_the_edge_of_its_row_are_published() {
        // The cut between A and B is 0.07, the band 0.016.
        let days = series([0.08, 0.06, 0.054, 0.08, 0.085, 0.12].map(cache));
        let edge = (Tier::A, 0.07);
        assert_eq!(days, [(Tier::A, 0.08), edge, edge, (Tier::A, 0.08), (Tier::A, 0.085), (Tier::A, 0.12)]);
        let up = series([0.05, 0.085, 0.05].map(cache));
        assert_eq!(up, [(Tier::B, 0.05), (Tier::B, 0.069), (Tier::B, 0.05)]);
    }

    #[test]
    fn past_the_band_the_tier_moves_at_once_and_only_as_far_as_it_must() {
        assert_eq!(series([0.08, 0.053].map(cache)), [(Tier::A, 0.08), (Tier::B, 0.053)]);
        assert_eq!(series([0.05, 0.086].map(cache)), [(Tier::B, 0.05), (Tier::A, 0.086)]);
        // The figure is that of C, but within the band of the edge of B.
        assert_eq!(series([0.08, -0.04].map(cache)), [(Tier::A, 0.08), (Tier::B, -0.03)]);
        assert_eq!(tiers([0.08, -0.30].map(cache)), [Tier::A, Tier::F]);
    }

    #[test]
    fn a_lower_cost_is_better_and_the_band_is_a_share_of_the_cost() {
        // The cut between A and B is -0.05.
        let days = series([-0.10, -0.01, 0.0].map(|value| figures(Lens::Cost, value)));
        assert_eq!(days, [(Tier::A, -0.10), (Tier::A, -0.05), (Tier::B, 0.0)]);
    }

    #[test]
    fn a_gate_caps_at_once_and_from_the_cap_a_tier_rises_as_far_as_the_band_allows() {
        let good = figures(Lens::Overall, 2.0);
        let gated = Figures { naive: Tier::C, cap: Some(Tier::C), ..good };
        let days = series([good, gated, gated, good]);
        assert_eq!(days, [(Tier::S, 2.0), (Tier::C, -0.26), (Tier::C, -0.26), (Tier::S, 2.0)]);
        let near = figures(Lens::Overall, 1.3);
        let near_gated = Figures { naive: Tier::C, cap: Some(Tier::C), ..near };
        assert_eq!(series([near, near_gated, near])[2], (Tier::A, 1.24));
        let poor = Figures { cap: Some(Tier::C), ..figures(Lens::Overall, -1.0) };
        assert_eq!(series([poor])[0], (Tier::D, -1.0), "a gate improves nothing");
    }

    #[test]
    fn a_tier_is_kept_in_mind_for_some_days_without_a_rating() {
        let away = |days: usize| {
            let mut figures = vec![cache(0.08)];
            figures.extend(vec![UNRATED; days]);
            figures.push(cache(0.06));
            tiers(figures).last().copied()
        };
        let memory = usize::try_from(TIER_MEMORY_DAYS).expect("small");
        assert_eq!(away(memory), Some(Tier::A), "still what it was");
        assert_eq!(away(memory + 1), Some(Tier::B), "a new series");
        assert_eq!(tiers([cache(0.08), UNRATED])[1], Tier::Unrated, "nothing is published meanwhile");
    }

    #[test]
    fn since_and_previous_tell_of_the_last_change() {
        let held = states([0.08, 0.0, 0.06].map(cache)).pop().flatten().expect("held");
        assert_eq!((held.tier, held.since, held.previous), (Tier::B, day(2), Some(Tier::A)));
    }

    fn walks() -> impl Strategy<Value = (Lens, Vec<(f64, bool)>)> {
        let value = prop_oneof![-0.9..2.0_f64, -0.1..0.2_f64];
        let days = proptest::collection::vec((value, proptest::bool::weighted(0.1)), 1..30);
        (proptest::sample::select(Lens::ALL.to_vec()), days)
    }

    proptest! {
        #[test]
        fn a_tier_is_that_of_the_published_figure_which_is_near_the_measured_one((lens, days) in walks()) {
            let of = |(value, gated): &(f64, bool)| {
                let cap = gated.then_some(Tier::C);
                let naive = lens.tier(*value);
                Figures { cap, naive: cap.map_or(naive, |cap| naive.max(cap)), ..figures(lens, *value) }
            };
            let held = states(days.iter().map(of));
            for ((value, _), held) in days.iter().zip(held) {
                let held = held.expect("every day has a figure");
                let shown = held.shown(lens).expect("rated");
                prop_assert_eq!(lens.cuts().tier(shown), held.tier);
                prop_assert_eq!(lens.printed(shown), shown);
                // Rounding moves a figure by half a printed step.
                let most = lens.band() + 0.006;
                prop_assert!(held.capped || lens.apart(shown, *value) <= most, "{} {}", value, shown);
            }
        }
    }
}
