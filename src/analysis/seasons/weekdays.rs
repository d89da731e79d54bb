//! Hit rates by day of the week: working days against weekends.

use super::rotation::{Tested, centred, discovered, filled, means, profile, sequential_p};
use crate::domain::season::{RateSeason, SeasonPart};
use crate::domain::thresholds::{SEASON_MIN_EFFECT, SEASON_MIN_WEEKS};
use chrono::{Datelike, NaiveDate};
use std::collections::BTreeMap;
use uuid::Uuid;

const DAYS: usize = 7;
/// The first day of the weekend, from Monday.
const WEEKEND: usize = 5;
/// A week counts with at least this many days.
const LEAST_DAYS: usize = 6;

type Weeks = Vec<Vec<Option<f64>>>;

/// The endpoints whose hit rate differs between working days and weekends, from the rates of UTC days that are over.
pub fn by_weekday(days: &BTreeMap<Uuid, BTreeMap<NaiveDate, f64>>) -> BTreeMap<Uuid, RateSeason> {
    let tests = days.iter().filter_map(|(key, days)| test(*key, days)).collect();
    let season = |(p_value, q_value, (working, weekend, weeks)): (f64, f64, (f64, f64, Weeks))| {
        let part = |from: u32, until: u32, hit_rate: f64| SeasonPart { from, until, hit_rate };
        let (working, weekend) = (part(0, 5, working), part(5, 0, weekend));
        let is_higher = weekend.hit_rate >= working.hit_rate;
        let (high, low) = if is_higher { (weekend, working) } else { (working, weekend) };
        RateSeason {
            profile: profile(&weeks, DAYS),
            effect: high.hit_rate - low.hit_rate,
            days: weeks.iter().flatten().flatten().count(),
            high,
            low,
            p_value,
            q_value,
        }
    };
    discovered(tests).into_iter().map(|(key, found)| (key, season(found))).collect()
}

/// `None` if there are too few weeks.
fn test(key: Uuid, days: &BTreeMap<NaiveDate, f64>) -> Option<Tested<(f64, f64, Weeks)>> {
    let (first, last) = (*days.first_key_value()?.0, *days.last_key_value()?.0);
    let monday = first - chrono::Days::new(u64::from(first.weekday().num_days_from_monday()));
    let row: Vec<Option<f64>> =
        monday.iter_days().take_while(|day| *day <= last).map(|day| days.get(&day).copied()).collect();
    let weeks = row.chunks_exact(DAYS).filter(|week| week.iter().flatten().count() >= LEAST_DAYS);
    let rates: Weeks = weeks.map(<[_]>::to_vec).collect();
    let rest: Weeks = rates.iter().map(|week| centred(week)).collect();
    if rest.len() < SEASON_MIN_WEEKS {
        return None;
    }
    let (working, weekend) = parts(&rates)?;
    let is_large = (weekend - working).abs() >= SEASON_MIN_EFFECT;
    let difference = |sums: &[f64]| {
        let mean = |sums: &[f64]| sums.iter().sum::<f64>() / sums.len() as f64;
        (mean(&sums[WEEKEND..]) - mean(&sums[..WEEKEND])).abs()
    };
    let p_value = if is_large { sequential_p(&filled(&rest), difference, key) } else { 1.0 };
    Some(Tested { key, p_value, found: (working, weekend, rates) })
}

/// The means of working days and weekends.
fn parts(weeks: &[Vec<Option<f64>>]) -> Option<(f64, f64)> {
    let means = means(weeks, DAYS);
    let mean = |means: &[Option<f64>]| {
        let (sum, count) = means.iter().flatten().fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
        (count > 0.0).then(|| sum / count)
    };
    mean(&means[..WEEKEND]).zip(mean(&means[WEEKEND..]))
}
