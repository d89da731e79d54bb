//! Lag study: how soon the published tier follows a provider that really gets worse, and how often tiers change without
//! a real change.
//!
//! Each seed generates a world in which one provider loses 25 points of hit rate on a known day. The days go directly
//! to the analysis, and the tiers of each day start from those of the previous day, as in the live service. Effects are
//! comparable only up to a shift: the truth is shifted to the day's centre by the mean over the providers that did not
//! change.

use super::coverage::{StudyError, usage_of};
use super::{cache_list, parameters, window};
use crate::analysis::flips::{FlipCount, Flips};
use crate::analysis::{Frames, UsageDay, analyse, apply_hysteresis};
use crate::domain::statistics::median;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_history::History;
use crate::domain::tier_list::ProviderTier;
use crate::domain::window::end_of_day;
use crate::simulator::{EventKind, Simulator, SimulatorConfig};
use chrono::{Duration, NaiveDate};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Days analysed before the day of the change, in addition to a full window.
const BEFORE: i64 = 10;
/// Days analysed from the day of the change.
const AFTER: i64 = 16;

/// Parameters of the study.
#[derive(Debug, Clone, PartialEq)]
pub struct LagStudy {
    /// First seed; the others are consecutive.
    pub first_seed: u64,
    /// Number of worlds.
    pub seeds: u64,
    /// Shape of the worlds; the study sets seed and events.
    pub world: SimulatorConfig,
}

impl LagStudy {
    /// A study of this many worlds of the size of the recorded market.
    pub fn of_recorded_size(first_seed: u64, seeds: u64) -> Self {
        let start = SimulatorConfig::default().start;
        Self { first_seed, seeds, world: SimulatorConfig::recorded_size(first_seed, start, 40) }
    }
}

/// One provider that got worse.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Followed {
    /// Seed of its world.
    pub seed: u64,
    /// Base slug.
    pub provider: String,
    /// Its true tier on the day before the change.
    pub from: Tier,
    /// Its true tier on the last day.
    pub to: Tier,
    /// Days from the day of the change (day 0) until the published tier was within one letter of the true tier; null if
    /// it never was.
    pub published: Option<i64>,
    /// The same for the tier that each day's figures alone give.
    pub naive: Option<i64>,
}

/// Days until a tier was within one letter of the true tier, over the providers for which this happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lag {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// Longest.
    pub worst: i64,
}

impl Lag {
    fn of(days: Vec<i64>) -> Option<Self> {
        let median = median(days.iter().map(|day| *day as f64))?;
        let mean = days.iter().sum::<i64>() as f64 / days.len() as f64;
        Some(Self { mean, median, worst: days.into_iter().max()? })
    }
}

/// Results of the study.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LagReport {
    /// First seed.
    pub first_seed: u64,
    /// Number of worlds.
    pub seeds: u64,
    /// The providers that got worse by at least one letter and were rated throughout.
    pub followed: Vec<Followed>,
    /// Lag of the published tiers; null if none caught up.
    pub published_days: Option<Lag>,
    /// Lag of the tiers that each day's figures alone give; null if none caught up.
    pub naive_days: Option<Lag>,
    /// Number of providers whose published tier never came within one letter of the true tier.
    pub published_never: usize,
    /// Number of providers whose naive tier never did.
    pub naive_never: usize,
    /// Number of provider-days that were compared with the truth.
    pub provider_days: usize,
    /// Of these, days with a published tier at least two letters from the true tier, so that a whole tier is in
    /// between.
    pub published_far: usize,
    /// Of these, days on which the figures alone were as far off.
    pub naive_far: usize,
    /// Stale days: the published tier was as far off while the figures of the day were not.
    pub stale: usize,
    /// Longest run of consecutive stale days of one provider.
    pub longest_stale: usize,
    /// Changes from day to day over all providers under the lens `cache`.
    pub flips: Flips,
}

/// Runs the study; `done` is called after each world.
///
/// # Errors
/// [`StudyError`]: no seeds, or the first world that fails.
pub fn run(study: &LagStudy, done: &(dyn Fn() + Sync)) -> Result<LagReport, StudyError> {
    let worlds = super::worlds((study.first_seed, study.seeds), done, |seed| world(seed, &study.world))?;
    Ok(report(study, &worlds))
}

/// One provider on one day: the true tier and the other tiers.
struct Seen {
    provider: String,
    truth: Tier,
    published: Tier,
    naive: Tier,
}

/// The results of one world; the lags are left to [`report`].
fn world(seed: u64, shape: &SimulatorConfig) -> Result<LagReport, StudyError> {
    let config = SimulatorConfig { seed, events: true, ..shape.clone() };
    let simulator = Simulator::new(config)?;
    let worse = simulator.truth().events().iter().find_map(|event| match event.kind {
        EventKind::EffectShift { .. } => Some((event.provider.clone(), event.at)),
        _ => None,
    });
    let Some((provider, at)) = worse else { return Ok(LagReport::default()) };
    let change = at.date_naive();
    let days: Vec<NaiveDate> = (-BEFORE..AFTER).map(|offset| change + Duration::days(offset)).collect();
    let mut record: BTreeMap<NaiveDate, Vec<UsageDay>> = BTreeMap::new();
    let (mut history, mut count) = (History::default(), FlipCount::default());
    let mut seen = Vec::new();
    for day in &days {
        let window = window(*day);
        for wanted in window.from.iter_days().take_while(|one| *one <= window.to) {
            record.entry(wanted).or_insert_with(|| usage_of(&simulator, wanted));
        }
        let usage: Vec<UsageDay> =
            record.range(window.from..=window.to).flat_map(|(_, rows)| rows.iter().cloned()).collect();
        let mut analysis = analyse(&Frames::of_usage(&usage)?, &parameters(window)?)?;
        history = apply_hysteresis(&mut analysis, &history, *day);
        count.see(*day, &history, "");
        seen.push(against_truth(cache_list(&analysis), &simulator, &provider, *day));
    }
    let flips = count.report().lenses.iter().find(|row| row.lens == Lens::Cache).map(|row| row.providers);
    let followed = followed(seed, &provider, &days, change, &seen).into_iter().collect();
    Ok(LagReport { flips: flips.unwrap_or_default(), followed, ..tally(&seen) })
}

fn against_truth(rows: &[ProviderTier], simulator: &Simulator, changed: &str, day: NaiveDate) -> Vec<Seen> {
    let truth = simulator.truth();
    let known = |row: &ProviderTier| {
        let effect = row.measured.filter(|_| row.naive != Tier::Unrated)?;
        Some((row.clone(), effect, truth.theta_at(row.provider.as_str(), end_of_day(day))?))
    };
    let known: Vec<_> = rows.iter().filter_map(known).collect();
    let steady = known.iter().filter(|(row, ..)| row.provider.as_str() != changed);
    let offsets: Vec<f64> = steady.map(|(_, effect, truth)| truth - effect).collect();
    let offset = offsets.iter().sum::<f64>() / offsets.len().max(1) as f64;
    let cuts = Lens::Cache.cuts();
    let seen = |(row, _, truth): (ProviderTier, f64, f64)| Seen {
        provider: row.provider.to_string(),
        truth: cuts.tier(truth - offset),
        published: row.tier,
        naive: row.naive,
    };
    known.into_iter().map(seen).collect()
}

/// Whether a whole tier lies between the two tiers.
fn is_far(one: Tier, other: Tier) -> bool {
    one.distance(other) > 1
}

fn tally(days: &[Vec<Seen>]) -> LagReport {
    let mut world = LagReport::default();
    let mut running: BTreeMap<&str, usize> = BTreeMap::new();
    for day in days {
        let mut stale_now = BTreeSet::new();
        for one in day {
            let (published, naive) = (is_far(one.published, one.truth), is_far(one.naive, one.truth));
            world.provider_days += 1;
            world.published_far += usize::from(published);
            world.naive_far += usize::from(naive);
            if published && !naive {
                world.stale += 1;
                stale_now.insert(one.provider.as_str());
            }
        }
        running.retain(|provider, _| stale_now.contains(provider));
        for provider in stale_now {
            let days = running.entry(provider).or_default();
            *days += 1;
            world.longest_stale = world.longest_stale.max(*days);
        }
    }
    world
}

fn followed(
    seed: u64,
    provider: &str,
    days: &[NaiveDate],
    change: NaiveDate,
    seen: &[Vec<Seen>],
) -> Option<Followed> {
    let its = |day: &[Seen]| day.iter().position(|one| one.provider == provider);
    let own: Vec<(NaiveDate, &Seen)> =
        days.iter().zip(seen).filter_map(|(day, all)| Some((*day, all.get(its(all)?)?))).collect();
    let from = own.iter().rfind(|(day, _)| *day < change)?.1.truth;
    let to = own.last()?.1.truth;
    if own.len() < days.len() || to <= from {
        return None;
    }
    let within = |tier: fn(&Seen) -> Tier| {
        let first = own.iter().find(|(day, one)| *day >= change && !is_far(tier(one), to))?;
        Some((first.0 - change).num_days())
    };
    Some(Followed {
        seed,
        provider: provider.to_owned(),
        from,
        to,
        published: within(|one| one.published),
        naive: within(|one| one.naive),
    })
}

fn report(study: &LagStudy, worlds: &[LagReport]) -> LagReport {
    let followed: Vec<Followed> = worlds.iter().flat_map(|world| world.followed.clone()).collect();
    let lag = |days: fn(&Followed) -> Option<i64>| Lag::of(followed.iter().filter_map(days).collect());
    let sum = |of: fn(&LagReport) -> usize| worlds.iter().map(of).sum();
    LagReport {
        first_seed: study.first_seed,
        seeds: study.seeds,
        published_days: lag(|one| one.published),
        naive_days: lag(|one| one.naive),
        published_never: followed.iter().filter(|one| one.published.is_none()).count(),
        naive_never: followed.iter().filter(|one| one.naive.is_none()).count(),
        provider_days: sum(|world| world.provider_days),
        published_far: sum(|world| world.published_far),
        naive_far: sum(|world| world.naive_far),
        stale: sum(|world| world.stale),
        longest_stale: worlds.iter().map(|world| world.longest_stale).max().unwrap_or(0),
        flips: worlds.iter().fold(Flips::default(), |sum, world| sum.plus(world.flips)),
        followed,
    }
}
