//! Hit rates by hour of the day.

use super::rotation::{Tested, centred, discovered, filled, means, profile, sequential_p};
use crate::analysis::resample::in_parallel;
use crate::domain::hourly::Stretch;
use crate::domain::season::{RateSeason, SeasonPart};
use crate::domain::thresholds::{SEASON_MIN_DAYS, SEASON_MIN_EFFECT};
use chrono::{Duration, NaiveDate, Timelike};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use uuid::Uuid;

const HOURS: usize = 24;
/// Hours of the parts that are compared.
const PART: usize = 6;
/// A longer stretch does not belong to one hour.
const LONGEST: Duration = Duration::minutes(90);
/// A day counts with at least this many hours.
const LEAST_HOURS: usize = 18;

type Days = Vec<Vec<Option<f64>>>;

/// The endpoints whose hit rate depends on the hour of the day, from their hourly rates on UTC days that are over.
pub fn by_hour(stretches: &HashMap<Uuid, Vec<Stretch>>) -> BTreeMap<Uuid, RateSeason> {
    let mut keys: Vec<&Uuid> = stretches.keys().collect();
    keys.sort();
    let tests = in_parallel::<_, Infallible>(keys.len(), usize::MAX, &|part| {
        Ok(keys[part].iter().filter_map(|key| test(**key, stretches.get(key)?)).collect())
    });
    let Ok(tests) = tests;
    let season = |(p_value, q_value, (high, low, days)): (f64, f64, (SeasonPart, SeasonPart, Days))| {
        let profile = profile(&days, HOURS);
        RateSeason {
            effect: high.hit_rate - low.hit_rate,
            days: days.len(),
            profile,
            high,
            low,
            p_value,
            q_value,
        }
    };
    discovered(tests).into_iter().map(|(key, found)| (key, season(found))).collect()
}

/// `None` if there are too few days. A profile that is too small is not tested and counts as not shown.
fn test(key: Uuid, stretches: &[Stretch]) -> Option<Tested<(SeasonPart, SeasonPart, Days)>> {
    let row = row(stretches)?;
    let days = row.chunks(HOURS).filter(|day| day.iter().flatten().count() >= LEAST_HOURS);
    let rates: Days = days.map(<[_]>::to_vec).collect();
    let rest: Days = rates.iter().map(|day| centred(day)).collect();
    if rest.len() < SEASON_MIN_DAYS {
        return None;
    }
    let mean = means(&rates, HOURS);
    let level = mean.iter().flatten().sum::<f64>() / mean.iter().flatten().count().max(1) as f64;
    let deviations: Vec<f64> = means(&rest, HOURS).into_iter().map(|mean| mean.unwrap_or(0.0)).collect();
    let smooth: Vec<f64> = parts(&deviations).map(|sum| sum / PART as f64).collect();
    let part = |at: usize| SeasonPart {
        from: u32::try_from(at).unwrap_or(0),
        until: u32::try_from((at + PART) % HOURS).unwrap_or(0),
        hit_rate: (level + smooth[at]).clamp(0.0, 1.0),
    };
    let by_mean = |a: &usize, b: &usize| smooth[*a].total_cmp(&smooth[*b]);
    let (high, low) = (part((0..HOURS).max_by(by_mean)?), part((0..HOURS).min_by(by_mean)?));
    let is_large = high.hit_rate - low.hit_rate >= SEASON_MIN_EFFECT;
    let p_value = if is_large { sequential_p(&filled(&rest), statistic, key) } else { 1.0 };
    Some(Tested { key, p_value, found: (high, low, rates) })
}

/// How far the profile is from a flat one: the sum of the squares of its parts.
fn statistic(sums: &[f64]) -> f64 {
    parts(sums).map(|sum| sum * sum).sum()
}

/// The sum of each hour and the [`PART`] - 1 after it, around midnight.
fn parts(hours: &[f64]) -> impl Iterator<Item = f64> {
    (0..HOURS).map(|at| (at..at + PART).map(|hour| hours[hour % HOURS]).sum())
}

/// The rate of every hour from the first to the last day, weighted by tokens within an hour.
fn row(stretches: &[Stretch]) -> Option<Vec<Option<f64>>> {
    let mut sums: BTreeMap<(NaiveDate, usize), (f64, f64)> = BTreeMap::new();
    for one in stretches.iter().filter(|one| one.end - one.start <= LONGEST) {
        let middle = one.start + (one.end - one.start) / 2;
        let sum = sums.entry((middle.date_naive(), middle.hour() as usize)).or_default();
        sum.0 += one.hit_rate * one.tokens as f64;
        sum.1 += one.tokens as f64;
    }
    let (((first, _), _), ((last, _), _)) = (sums.first_key_value()?, sums.last_key_value()?);
    let rate = |key: (NaiveDate, usize)| sums.get(&key).filter(|sum| sum.1 > 0.0).map(|sum| sum.0 / sum.1);
    let days = first.iter_days().take_while(|day| day <= last);
    Some(days.flat_map(|day| (0..HOURS).map(move |hour| (day, hour))).map(rate).collect())
}
