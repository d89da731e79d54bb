//! Hit rates by day of the week: working days against weekends.

use super::rotation::{Tested, discovered, means, profile, sequential_p, without_level};
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
    let season =
        |(p_value, q_value, (working, weekend, weeks, days)): (f64, f64, (f64, f64, Weeks, usize))| {
            let part = |from: u32, until: u32, hit_rate: f64| SeasonPart { from, until, hit_rate };
            let (working, weekend) = (part(0, 5, working), part(5, 0, weekend));
            let is_higher = weekend.hit_rate >= working.hit_rate;
            let (high, low) = if is_higher { (weekend, working) } else { (working, weekend) };
            RateSeason {
                profile: profile(&weeks, DAYS),
                effect: high.hit_rate - low.hit_rate,
                days,
                high,
                low,
                p_value,
                q_value,
            }
        };
    discovered(tests).into_iter().map(|(key, found)| (key, season(found))).collect()
}

/// `None` if there are too few weeks.
fn test(key: Uuid, days: &BTreeMap<NaiveDate, f64>) -> Option<Tested<(f64, f64, Weeks, usize)>> {
    let (first, last) = (*days.first_key_value()?.0, *days.last_key_value()?.0);
    let first = first - chrono::Days::new(u64::from(first.weekday().num_days_from_monday()));
    let row: Vec<Option<f64>> =
        first.iter_days().take_while(|day| *day <= last).map(|day| days.get(&day).copied()).collect();
    let rest = without_level(&row, DAYS / 2, false, LEAST_DAYS);
    // Weeks begin with the first day that has a level, so that no day is lost; a Monday is then in any place.
    let start = rest.iter().position(Option::is_some)?;
    let weeks = |row: &[Option<f64>]| row[start..].chunks_exact(DAYS).map(<[_]>::to_vec).collect::<Weeks>();
    let blocks: Weeks =
        weeks(&rest).into_iter().filter(|week| week.iter().flatten().count() >= LEAST_DAYS).collect();
    if blocks.len() < SEASON_MIN_WEEKS {
        return None;
    }
    let monday = (DAYS - start % DAYS) % DAYS;
    let is_weekend = move |place: usize| (place + DAYS - monday) % DAYS >= WEEKEND;
    let difference = move |blocks: &[Vec<Option<f64>>]| {
        let means = means(blocks, DAYS);
        let mean = |weekend: bool| {
            let values = means.iter().enumerate().filter(|(place, _)| is_weekend(*place) == weekend);
            let values: Vec<f64> = values.filter_map(|(_, mean)| *mean).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        mean(true).zip(mean(false)).map_or(0.0, |(weekend, working)| weekend - working)
    };
    let effect = difference(&blocks);
    let is_large = effect.abs() >= SEASON_MIN_EFFECT;
    let p_value = if is_large { sequential_p(&blocks, |blocks| difference(blocks).abs(), key) } else { 1.0 };
    let whole: Weeks = row.chunks(DAYS).map(<[_]>::to_vec).collect();
    let level = days.values().sum::<f64>() / days.len() as f64;
    // The level is that of all days, of which two in seven are weekends.
    let (working, weekend) = (level - effect * 2.0 / 7.0, level + effect * 5.0 / 7.0);
    let used = blocks.iter().flatten().flatten().count();
    let found = (working.clamp(0.0, 1.0), weekend.clamp(0.0, 1.0), whole, used);
    Some(Tested { key, p_value, found })
}
