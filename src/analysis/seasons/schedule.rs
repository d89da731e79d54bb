//! List prices that move at the same hours again and again, without the upstream publishing conditions.

use crate::domain::endpoint::{Prices, Weekday};
use crate::domain::season::{PriceSchedule, PriceSource, over_the_week, schedule};
use crate::domain::thresholds::{SCHEDULE_MIN_DAYS, SCHEDULE_MIN_FIT, SEASON_HOUR_DAYS};
use chrono::{DateTime, Days, NaiveDate, Timelike, Utc};
use std::collections::BTreeSet;

/// A schedule requires prices of at least this many hours of the day: runs at one hour cannot show it.
const LEAST_HOURS: usize = 18;
/// High and low prices explain at least this share of what the runs saw.
const LEVELS_MIN_FIT: f64 = 0.9;
/// The typical high price is at least this many times the typical low one.
const LEVELS_MIN_RATIO: f64 = 1.1;

/// List prices that held from a time on.
#[derive(Debug, Clone, PartialEq)]
pub struct ListStep {
    /// The first run that saw them.
    pub from: DateTime<Utc>,
    /// The prices.
    pub list: Prices,
}

/// What a run saw: its day, whether that is a weekend, its hour, and which of the known prices.
struct Sample {
    day: NaiveDate,
    weekend: bool,
    hour: u32,
    price: usize,
}

/// The schedule of an endpoint that had these list prices (oldest first), as runs at these times saw them; `None` if
/// hour and weekday do not explain them. The longest time that ends now and is explained counts. If the amounts differ from
/// day to day, it is enough that the price is high and low at the same times.
pub fn observed(steps: &[ListStep], runs: &[DateTime<Utc>], as_of: DateTime<Utc>) -> Option<PriceSchedule> {
    let lengths = [SEASON_HOUR_DAYS, SEASON_HOUR_DAYS * 2 / 3, SEASON_HOUR_DAYS / 3];
    let seen = |length: u64| {
        let from = as_of.date_naive().checked_sub_days(Days::new(length))?;
        Some(samples(steps, runs, (from, as_of)))
    };
    let explained = |(samples, prices): (Vec<Sample>, Vec<Prices>), rule: (PriceSource, f64)| {
        let by = |by_weekend: bool| explain(&samples, &prices, by_weekend, rule, as_of);
        by(false).or_else(|| by(true))
    };
    let exact = |length: u64| explained(seen(length)?, (PriceSource::Observed, SCHEDULE_MIN_FIT));
    let of_levels = |length: u64| explained(levels(seen(length)?)?, (PriceSource::Levels, LEVELS_MIN_FIT));
    lengths.into_iter().find_map(exact).or_else(|| lengths.into_iter().find_map(of_levels))
}

/// The samples as high and low prices: above and below the middle (of a ratio) between the lowest and the highest input
/// price. Each of the two is the list with the median input price. `None` if they hardly differ.
fn levels((samples, prices): (Vec<Sample>, Vec<Prices>)) -> Option<(Vec<Sample>, Vec<Prices>)> {
    let input = |sample: &Sample| prices[sample.price].input.filter(|input| *input > 0.0);
    let inputs: Vec<f64> = samples.iter().map(input).collect::<Option<_>>()?;
    let (low, high) = inputs
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), input| (low.min(*input), high.max(*input)));
    let middle = (low * high).sqrt();
    let typical = |is_high: bool| {
        let its = samples.iter().zip(&inputs).filter(|(_, input)| (**input >= middle) == is_high);
        let mut its: Vec<(f64, usize)> = its.map(|(sample, input)| (*input, sample.price)).collect();
        its.sort_by(|a, b| a.0.total_cmp(&b.0));
        its.get(its.len() / 2).map(|(_, price)| prices[*price].clone())
    };
    let both = vec![typical(false)?, typical(true)?];
    if both[1].input? < LEVELS_MIN_RATIO * both[0].input? {
        return None;
    }
    let leveled = samples
        .into_iter()
        .zip(inputs)
        .map(|(sample, input)| Sample { price: usize::from(input >= middle), ..sample });
    Some((leveled.collect(), both))
}

fn samples(
    steps: &[ListStep],
    runs: &[DateTime<Utc>],
    (from, as_of): (NaiveDate, DateTime<Utc>),
) -> (Vec<Sample>, Vec<Prices>) {
    let mut prices: Vec<Prices> = Vec::new();
    let mut sample = |at: &DateTime<Utc>| {
        let held = steps.partition_point(|step| step.from <= *at);
        let list = &steps[held.checked_sub(1)?].list;
        let price = prices.iter().position(|known| known == list).unwrap_or_else(|| {
            prices.push(list.clone());
            prices.len() - 1
        });
        let weekend = matches!(Weekday::of(*at), Weekday::Saturday | Weekday::Sunday);
        Some(Sample { day: at.date_naive(), weekend, hour: at.hour(), price })
    };
    let within = runs.iter().filter(|at| at.date_naive() >= from && **at <= as_of);
    (within.filter_map(&mut sample).collect(), prices)
}

/// The price that most runs saw at each hour, if these prices differ and explain nearly all that was seen.
fn explain(
    samples: &[Sample],
    prices: &[Prices],
    by_weekend: bool,
    (source, least_fit): (PriceSource, f64),
    as_of: DateTime<Utc>,
) -> Option<PriceSchedule> {
    if prices.len() < 2 {
        return None;
    }
    let usual = |weekend: bool, hour: u32| {
        let its = samples.iter().filter(|s| s.hour == hour && (!by_weekend || s.weekend == weekend));
        let mut days = vec![BTreeSet::new(); prices.len()];
        its.for_each(|s| {
            days[s.price].insert(s.day);
        });
        let most = (0..prices.len()).max_by_key(|price| days[*price].len())?;
        (days[most].len() >= SCHEDULE_MIN_DAYS).then_some(most)
    };
    let table: Vec<[Option<usize>; 2]> =
        (0..24).map(|hour| [usual(false, hour), usual(true, hour)]).collect();
    if table.iter().filter(|prices| prices.iter().all(Option::is_some)).count() < LEAST_HOURS {
        return None;
    }
    let expected = |s: &Sample| table[s.hour as usize][usize::from(s.weekend)];
    let fitting = samples.iter().filter(|s| expected(s) == Some(s.price)).count();
    if (fitting as f64) < least_fit * samples.len() as f64 {
        return None;
    }
    // An hour without enough days continues the one before.
    let price_at = |day: Weekday, minute: i32| {
        let weekend = usize::from(matches!(day, Weekday::Saturday | Weekday::Sunday));
        let hour = usize::try_from(minute / 60).ok()?;
        let known = (0..24).map(|back| table[(hour + 24 - back) % 24][weekend]);
        known.flatten().next()
    };
    let found = over_the_week((0..=24).map(|hour| hour * 60), price_at);
    if found.len() < 2 {
        return None;
    }
    let days: BTreeSet<NaiveDate> = samples.iter().map(|s| s.day).collect();
    let periods = found.into_iter().map(|(price, times)| (prices[price].clone(), times)).collect();
    Some(schedule(source, Some(days.len()), periods, as_of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, Duration};

    fn price(input: f64) -> Prices {
        Prices { input: Some(input), output: Some(3.0), ..Prices::default() }
    }

    /// Hourly runs at minute 57 over 15 times 24 hours, on 16 UTC days, that end on a Friday, and the steps of a price that depends on the time.
    fn record(of: impl Fn(DateTime<Utc>) -> f64) -> (Vec<ListStep>, Vec<DateTime<Utc>>, DateTime<Utc>) {
        let as_of: DateTime<Utc> = "2026-08-07T15:57:00Z".parse().expect("a time");
        let runs: Vec<_> = (0..15 * 24).rev().map(|back| as_of - Duration::hours(back)).collect();
        let mut steps: Vec<ListStep> = Vec::new();
        for run in &runs {
            let list = price(of(*run));
            if steps.last().is_none_or(|step| step.list != list) {
                steps.push(ListStep { from: *run, list });
            }
        }
        (steps, runs, as_of)
    }

    #[test]
    fn a_price_that_falls_every_night_is_a_schedule() {
        let (steps, runs, as_of) = record(|at| if at.hour() >= 16 { 0.4 } else { 0.8 });
        let found = observed(&steps, &runs, as_of).expect("a schedule");
        let words: Vec<_> = found.periods.iter().map(|p| (p.words(), p.list.input, p.now)).collect();
        let expected = [
            ("16:00 to 24:00 UTC".to_owned(), Some(0.4), false),
            ("00:00 to 16:00 UTC".to_owned(), Some(0.8), true),
        ];
        assert_eq!(words, expected);
        assert_eq!((found.source, found.days), (PriceSource::Observed, Some(16)));
    }

    /// The amounts differ on every day, as those of hosts that lower a price step by step.
    #[test]
    fn a_price_that_is_high_by_day_at_changing_amounts_has_two_levels() {
        let glide = |at: DateTime<Utc>| {
            let (day, hour) = (f64::from(at.date_naive().day()), f64::from(at.hour()));
            if (3..15).contains(&at.hour()) { 1.2 - 0.005 * day } else { 0.7 - 0.004 * day - 0.005 * hour }
        };
        let (steps, runs, as_of) = record(glide);
        let found = observed(&steps, &runs, as_of).expect("a schedule");
        let words: Vec<_> = found.periods.iter().map(|p| p.words()).collect();
        assert_eq!(
            (found.source, words),
            (PriceSource::Levels, vec!["15:00 to 03:00 UTC".to_owned(), "03:00 to 15:00 UTC".to_owned()])
        );
        let inputs: Vec<f64> = found.periods.iter().filter_map(|p| p.list.input).collect();
        assert!((0.5..0.7).contains(&inputs[0]) && (1.0..1.2).contains(&inputs[1]), "{inputs:?}");
        let (steps, runs, as_of) = record(|at| 0.5 + 0.002 * (as_of - at).num_hours() as f64);
        assert_eq!(observed(&steps, &runs, as_of), None, "a price that only falls");
        let week: i64 = 7 * 24;
        let (steps, runs, as_of) =
            record(|at| if (at.timestamp() / 3600) % week < week / 2 { 0.4 } else { 0.8 });
        assert_eq!(observed(&steps, &runs, as_of), None, "half a week each");
    }

    #[test]
    fn a_price_of_weekends_is_a_schedule() {
        let is_weekend = |at: DateTime<Utc>| matches!(Weekday::of(at), Weekday::Saturday | Weekday::Sunday);
        let (steps, runs, as_of) = record(|at| if is_weekend(at) { 0.4 } else { 0.8 });
        let found = observed(&steps, &runs, as_of).expect("a schedule");
        let words: Vec<_> = found.periods.iter().map(|p| p.words()).collect();
        assert_eq!(words, ["Sat, Sun UTC", "Mon to Fri UTC"]);
    }

    #[test]
    fn a_cut_and_moves_without_a_pattern_are_none() {
        let cut: DateTime<Utc> = "2026-08-01T09:00:00Z".parse().expect("a time");
        let (steps, runs, as_of) = record(|at| if at < cut { 0.8 } else { 0.4 });
        assert_eq!(observed(&steps, &runs, as_of), None, "one cut");
        let (steps, runs, as_of) = record(|at| if (at.timestamp() / 3600 / 7) % 3 == 0 { 0.4 } else { 0.8 });
        assert_eq!(observed(&steps, &runs, as_of), None, "moves every few hours");
        let (steps, runs, as_of) = record(|_| 0.8);
        assert_eq!(observed(&steps, &runs, as_of), None, "no move");
        assert_eq!(observed(&[], &runs, as_of), None);
        let (steps, mut runs, as_of) = record(|at| if at.hour() >= 16 { 0.4 } else { 0.8 });
        runs.retain(|run| matches!(run.hour(), 15 | 16));
        assert_eq!(observed(&steps, &runs, as_of), None, "runs at two hours of the day");
    }
}
