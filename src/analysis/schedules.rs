//! List prices that follow the hour of the day or the day of the week.
//!
//! A price need not return to the very same value: some fall in many small steps at night and rise again in the morning.
//! So what counts is when a price crosses the middle between its lowest and its highest value of the days around, upwards
//! and downwards. A crossing is known up to the reading before it. The crossings of one direction fit a time of the day (or
//! a day of the week) if it lies in their intervals, with a tolerance. An endpoint has a schedule if it crosses in both
//! directions at least [`LEAST_CROSSINGS`] times on at least [`LEAST_PERIODS`] days, most crossings fit, and crossings at
//! random times would fit as well with a probability of at most [`MOST_CHANCE`]. Or if it documents timed conditional
//! prices whose times explain at least [`LEAST_EXPLAINED`] moves.

use crate::domain::change::ChangedField;
use crate::domain::price_move::{PriceMove, PriceState};
use chrono::{DateTime, Datelike, Duration, NaiveDate, Timelike, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Fewest crossings of a schedule that fit.
const LEAST_CROSSINGS: usize = 4;
/// Fewest days on which they are seen; for a day of the week, fewest weeks.
const LEAST_PERIODS: usize = 3;
/// Fewest moves that documented times have to explain.
const LEAST_EXPLAINED: usize = 2;
/// Share of the crossings that have to fit.
const FITTING_SHARE: f64 = 0.6;
/// A crossing fits a time that is at most this far outside its interval, minutes.
const TOLERANCE: i64 = 45;
/// Crossings whose interval is longer are no evidence for a time, minutes.
const LONGEST_INTERVAL: i64 = 6 * 60;
/// Largest probability that crossings at random times fit as well.
const MOST_CHANCE: f64 = 0.05;
/// The lowest and the highest price are those of this time before and after a move, days.
const AROUND: i64 = 3;
/// Crossings further apart belong to different times of a schedule, days.
const LONGEST_PAUSE: i64 = 10;
/// Times of the day that are tried, minutes.
const STEP: i64 = 30;
/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// The schedule of an endpoint's list prices.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceSchedule {
    /// Positions of the moves that belong to it, in order.
    pub moves: Vec<usize>,
    /// The price that describes it: input, if that moves.
    pub field: ChangedField,
    /// The different values of that price, lowest first, without absence.
    pub levels: Vec<f64>,
    /// Time of the day, minutes UTC, at which it falls; `None` if it falls at different times.
    pub falls: Option<i64>,
    /// Time of the day, minutes UTC, at which it rises; `None` if it rises at different times.
    pub rises: Option<i64>,
    /// Whether it falls on one day of the week and rises on one.
    pub is_weekly: bool,
    /// Days of the week on which it falls or rises, Monday is 0, in order.
    pub weekdays: Vec<u32>,
    /// Number of UTC days on which it falls or rises.
    pub days_seen: usize,
    /// Number of UTC days from the first of them to the last.
    pub days: usize,
    /// Whether documented conditional prices explain it.
    pub is_documented: bool,
}

/// Which way a price crosses the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Down,
    Up,
}

/// The crossings of one direction and how well they fit their best time.
struct Rhythm {
    /// Number of crossings that are evidence.
    dated: usize,
    /// Positions of those that fit.
    fitting: Vec<usize>,
    /// The time of the day, minutes UTC; `None` if only the day of the week fits.
    time: Option<i64>,
    /// Probability that crossings at random times fit as well.
    chance: f64,
}

/// The schedule that the moves of one endpoint follow, oldest first; `None` if they follow none.
pub fn price_schedule(moves: &[PriceMove]) -> Option<PriceSchedule> {
    let field = busiest(moves)?;
    let crossings = crossings(moves, field);
    let pauses = |pair: &(usize, Way), next: &(usize, Way)| {
        moves[next.0].at - moves[pair.0].at <= Duration::days(LONGEST_PAUSE)
    };
    let mut found: Option<PriceSchedule> = None;
    for episode in crossings.chunk_by(pauses) {
        let Some(mut schedule) = in_episode(moves, field, episode) else { continue };
        if let Some(before) = found {
            schedule.moves = before.moves.into_iter().chain(schedule.moves).collect();
        }
        found = Some(schedule);
    }
    found.or_else(|| documented(moves, field))
}

/// The price that describes a schedule: input if it moves, otherwise the one that moves most often.
fn busiest(moves: &[PriceMove]) -> Option<ChangedField> {
    let mut counts: BTreeMap<ChangedField, usize> = BTreeMap::new();
    for (field, _, _) in moves.iter().flat_map(PriceMove::numbers) {
        *counts.entry(field).or_default() += 1;
    }
    if counts.contains_key(&ChangedField::ListInput) {
        return Some(ChangedField::ListInput);
    }
    counts
        .into_iter()
        .max_by_key(|(field, count)| (*count, std::cmp::Reverse(*field)))
        .map(|(field, _)| field)
}

/// The value of a price before and after a move that has both.
fn ends(one: &PriceMove, field: ChangedField) -> Option<(f64, f64)> {
    let value = |state: &PriceState| {
        state.numbers().into_iter().find(|(of, _)| *of == field).and_then(|(_, value)| value)
    };
    value(&one.before).zip(value(&one.after)).filter(|(before, after)| before != after)
}

/// The moves that cross the middle between the lowest and the highest price of the days around.
fn crossings(moves: &[PriceMove], field: ChangedField) -> Vec<(usize, Way)> {
    let valued: Vec<(usize, DateTime<Utc>, (f64, f64))> = moves
        .iter()
        .enumerate()
        .filter_map(|(position, one)| Some((position, one.at, ends(one, field)?)))
        .collect();
    let way = |(position, at, (before, after)): &(usize, DateTime<Utc>, (f64, f64))| {
        let first = valued.partition_point(|(_, other, _)| *other < *at - Duration::days(AROUND));
        let near = valued[first..].iter().take_while(|(_, other, _)| *other <= *at + Duration::days(AROUND));
        let values = near.flat_map(|(_, _, (before, after))| [*before, *after]);
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        // The middle of a ratio; of an amount if a price is free.
        let middle = if low > 0.0 { (low * high).sqrt() } else { f64::midpoint(low, high) };
        if *before < middle && middle < *after {
            return Some((*position, Way::Up));
        }
        (*after < middle && middle < *before).then_some((*position, Way::Down))
    };
    valued.iter().filter_map(way).collect()
}

/// The schedule of crossings without a long pause.
fn in_episode(moves: &[PriceMove], field: ChangedField, crossings: &[(usize, Way)]) -> Option<PriceSchedule> {
    let of_way = |wanted: Way| -> Vec<usize> {
        crossings.iter().filter(|(_, way)| *way == wanted).map(|(position, _)| *position).collect()
    };
    let (down, up) = (rhythm(moves, &of_way(Way::Down))?, rhythm(moves, &of_way(Way::Up))?);
    let fitting: Vec<usize> = down.fitting.iter().chain(&up.fitting).copied().collect();
    let dated = down.dated + up.dated;
    let is_one = fitting.len() >= LEAST_CROSSINGS
        && fitting.len() as f64 >= FITTING_SHARE * dated as f64
        && days(moves, &fitting).len() >= LEAST_PERIODS
        && down.chance * up.chance <= MOST_CHANCE;
    if !is_one {
        return None;
    }
    let (first, last) = (crossings.first()?.0, crossings.last()?.0);
    let members = (first..=last).filter(|at| ends(&moves[*at], field).is_some()).collect();
    let time = |of: &Rhythm| of.time.filter(|_| of.fitting.len() >= 2 && 2 * of.fitting.len() > of.dated);
    let seen: Vec<usize> = crossings.iter().map(|(position, _)| *position).collect();
    let one_day =
        |of: &Rhythm| of.fitting.iter().map(|at| weekday(&moves[*at])).collect::<BTreeSet<_>>().len() == 1;
    let is_weekly = one_day(&down) && one_day(&up) && span(moves, &seen) > 7;
    Some(PriceSchedule {
        falls: time(&down),
        rises: time(&up),
        is_weekly,
        ..described(moves, field, members, &seen)
    })
}

/// The interval in which a move happened: minutes of the day at its start, and its length. Without a reading before it,
/// it may have happened at any time of a day.
fn interval(one: &PriceMove) -> (i64, i64) {
    let length = one.last_read.map_or(DAY, |last| (one.at - last).num_minutes().max(0));
    (i64::from(one.at.hour() * 60 + one.at.minute()) - length, length)
}

/// How far a time of the day is from the interval of a move, minutes; 0 within it.
fn distance(one: &PriceMove, time: i64) -> i64 {
    let (start, length) = interval(one);
    let after_start = (time - start).rem_euclid(DAY);
    if after_start <= length { 0 } else { (after_start - length).min(DAY - after_start) }
}

fn weekday(one: &PriceMove) -> u32 {
    one.at.weekday().num_days_from_monday()
}

/// How well the crossings of one direction fit a time of the day, or else a day of the week; `None` if none is evidence.
fn rhythm(moves: &[PriceMove], of: &[usize]) -> Option<Rhythm> {
    let dated: Vec<usize> =
        of.iter().copied().filter(|at| interval(&moves[*at]).1 <= LONGEST_INTERVAL).collect();
    let count = dated.len();
    if count == 0 {
        return None;
    }
    let fits = |time: i64, tolerance: i64| -> Vec<usize> {
        dated.iter().copied().filter(|at| distance(&moves[*at], time) <= tolerance).collect()
    };
    // Full hours come first, so that they win among times that fit equally well.
    let times = (0..DAY / STEP).map(|step| step * STEP);
    let time = times
        .max_by_key(|time| (fits(*time, TOLERANCE).len(), fits(*time, 0).len(), time % 60 == 0, -time))?;
    let fitting = fits(time, TOLERANCE);
    let width: i64 = dated.iter().map(|at| interval(&moves[*at]).1 + 2 * TOLERANCE).sum();
    let share = (width as f64 / count as f64 / DAY as f64).min(1.0);
    let by_hour =
        Rhythm { dated: count, chance: chance(count, fitting.len(), share), fitting, time: Some(time) };
    let on = |day: u32| dated.iter().copied().filter(move |at| weekday(&moves[*at]) == day);
    let weeks = |day: &u32| on(*day).map(|at| moves[at].at.iso_week()).collect::<BTreeSet<_>>().len();
    let by_weekday = (0..7).max_by_key(weeks).filter(|day| weeks(day) >= LEAST_PERIODS).map(|day| {
        let fitting: Vec<usize> = on(day).collect();
        Rhythm { dated: count, chance: chance(count, fitting.len(), 1.0 / 7.0), fitting, time: None }
    });
    Some(match by_weekday {
        Some(weekly) if weekly.chance < by_hour.chance => weekly,
        _ => by_hour,
    })
}

/// The probability that of `count` crossings at random times at least `fitting` lie in one window that is `share` of the
/// period: at most that of each crossing having the others around it.
fn chance(count: usize, fitting: usize, share: f64) -> f64 {
    let others = count.saturating_sub(1);
    let mut ways = 1.0;
    let mut tail = 0.0;
    for number in 0..=others {
        if number + 1 >= fitting {
            let exponent = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
            tail += ways * share.powi(exponent(number)) * (1.0 - share).powi(exponent(others - number));
        }
        ways *= (others - number) as f64 / (number + 1) as f64;
    }
    (count as f64 * tail).min(1.0)
}

fn days(moves: &[PriceMove], members: &[usize]) -> BTreeSet<NaiveDate> {
    members.iter().map(|at| moves[*at].at.date_naive()).collect()
}

/// Number of UTC days from the first of some moves to the last.
fn span(moves: &[PriceMove], members: &[usize]) -> usize {
    let days = days(moves, members);
    let span = days.first().zip(days.last()).map_or(0, |(first, last)| (*last - *first).num_days() + 1);
    usize::try_from(span).unwrap_or(0)
}

/// The schedule of moves that timed conditional prices explain.
fn documented(moves: &[PriceMove], field: ChangedField) -> Option<PriceSchedule> {
    let explained: Vec<usize> =
        moves.iter().enumerate().filter(|(_, one)| is_explained(one)).map(|(position, _)| position).collect();
    (explained.len() >= LEAST_EXPLAINED).then(|| {
        let seen = explained.clone();
        PriceSchedule { is_documented: true, ..described(moves, field, explained, &seen) }
    })
}

/// A schedule without its times.
fn described(moves: &[PriceMove], field: ChangedField, members: Vec<usize>, seen: &[usize]) -> PriceSchedule {
    let values = members.iter().filter_map(|at| ends(&moves[*at], field));
    let mut levels: Vec<f64> = values.flat_map(|(before, after)| [before, after]).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let weekdays: BTreeSet<u32> = seen.iter().map(|at| weekday(&moves[*at])).collect();
    PriceSchedule {
        field,
        levels,
        falls: None,
        rises: None,
        is_weekly: false,
        weekdays: weekdays.into_iter().collect(),
        days_seen: days(moves, seen).len(),
        days: span(moves, seen),
        is_documented: false,
        moves: members,
    }
}

/// Whether a documented conditional price begins or ends to hold in the interval of a move and is the price before or
/// after it.
fn is_explained(one: &PriceMove) -> bool {
    let Some(last) = one.last_read else { return false };
    if (one.at - last).num_minutes() > LONGEST_INTERVAL {
        return false;
    }
    let inputs = [one.before.list.input, one.after.list.input];
    if inputs[0] == inputs[1] {
        return false;
    }
    one.before.tiers.iter().chain(&one.after.tiers).filter(|tier| tier.is_timed()).any(|tier| {
        let price = tier.input.map(|price| price.to_f64());
        tier.holds_at(last) != tier.holds_at(one.at) && price.is_some() && inputs.contains(&price)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::{PriceTier, Prices};
    use crate::domain::ids::{ModelSlug, Variant};
    use crate::domain::price_move::EndpointNames;
    use crate::domain::units::UsdPerMtok;
    use chrono::Duration;
    use rust_decimal::Decimal;
    use uuid::Uuid;

    fn state(input: f64) -> PriceState {
        PriceState {
            list: Prices { input: Some(input), output: Some(2.0), ..Prices::default() },
            ..PriceState::default()
        }
    }

    /// Moves at hours since 2026-10-05 (a Monday) 00:57, an hour after the reading before each.
    fn history(first: f64, moves: &[(i64, f64)]) -> Vec<PriceMove> {
        let start: DateTime<Utc> = "2026-10-05T00:57:00Z".parse().expect("a time");
        let mut before = first;
        let each = moves.iter().map(|(hour, price)| {
            let at = start + Duration::hours(*hour);
            let endpoint = EndpointNames {
                endpoint_id: Uuid::nil(),
                model: ModelSlug::new("wren/lark-2"),
                variant: Variant::standard(),
                model_id: None,
                provider: None,
                tag: None,
            };
            let (was, now) = (state(before), state(*price));
            before = *price;
            PriceMove { at, last_read: Some(at - Duration::hours(1)), endpoint, before: was, after: now }
        });
        each.collect()
    }

    fn nightly(days: i64) -> Vec<(i64, f64)> {
        (0..days).flat_map(|day| [(24 * day + 1, 0.8), (24 * day + 21, 0.25)]).collect()
    }

    #[test]
    fn a_price_that_falls_every_night_is_a_schedule() {
        let moves = history(0.25, &nightly(5));
        let schedule = price_schedule(&moves).expect("a schedule");
        assert_eq!(schedule.moves.len(), 10);
        assert_eq!((schedule.field, schedule.levels.as_slice()), (ChangedField::ListInput, &[0.25, 0.8][..]));
        assert_eq!((schedule.falls, schedule.rises), (Some(21 * 60), Some(60)));
        assert_eq!((schedule.days_seen, schedule.days, schedule.is_weekly), (5, 5, false));
    }

    #[test]
    fn a_move_after_the_last_night_stays_outside_and_a_skipped_night_does_no_harm() {
        let mut hours = nightly(4);
        hours.push((4 * 24 + 13, 0.3));
        let moves = history(0.25, &hours);
        let schedule = price_schedule(&moves).expect("a schedule");
        assert_eq!(schedule.moves, (0..8).collect::<Vec<_>>());
        let skipped: Vec<(i64, f64)> = nightly(6).into_iter().filter(|(hour, _)| hour / 24 != 2).collect();
        let schedule = price_schedule(&history(0.25, &skipped)).expect("a schedule");
        assert_eq!((schedule.moves.len(), schedule.days_seen, schedule.days), (10, 5, 6));
    }

    #[test]
    fn what_does_not_repeat_is_no_schedule() {
        for moves in [
            vec![],
            // Too few moves.
            nightly(1),
            // Never back.
            (0..8).map(|day| (24 * day + 3, 1.0 - 0.1 * day as f64)).collect(),
            // Back and forth at any hour.
            vec![(2, 0.8), (9, 0.25), (31, 0.8), (58, 0.25), (80, 0.8), (119, 0.25), (131, 0.8), (150, 0.25)],
            // The same hours on two days only.
            vec![(1, 0.8), (5, 0.25), (8, 0.8), (12, 0.25)],
        ] {
            assert_eq!(price_schedule(&history(0.25, &moves)), None, "{moves:?}");
        }
        // Readings a day apart do not show an hour.
        let mut coarse = history(0.25, &nightly(8));
        coarse.iter_mut().for_each(|one| one.last_read = Some(one.at - Duration::hours(23)));
        assert_eq!(price_schedule(&coarse), None);
        coarse.iter_mut().for_each(|one| one.last_read = None);
        assert_eq!(price_schedule(&coarse), None);
    }

    #[test]
    fn a_price_that_falls_in_steps_and_rises_again_is_a_schedule() {
        // Three steps down from the evening on, another level each night, up in the morning.
        let night = |day: i64| {
            let low = 0.3 + 0.01 * day as f64;
            [(24 * day + 14, 0.7), (24 * day + 16, 0.5), (24 * day + 18, low), (24 * day + 23, 1.0)]
        };
        let moves = history(1.0, &(0..5).flat_map(night).collect::<Vec<_>>());
        let schedule = price_schedule(&moves).expect("a schedule");
        assert_eq!(schedule.levels.len(), 8, "{schedule:?}");
        assert_eq!(schedule.rises, Some(23 * 60));
        assert!(schedule.falls.is_some_and(|falls| falls >= 16 * 60), "{schedule:?}");
        assert_eq!(schedule.moves.last(), Some(&19), "until the last rise");
        assert!(schedule.moves.len() >= 18, "with the steps: {schedule:?}");
        // A lower price from then on, at which it goes on.
        let cut = (5..9).flat_map(night).map(|(hour, price)| (hour, price / 4.0));
        let moves = history(1.0, &(0..5).flat_map(night).chain(cut).collect::<Vec<_>>());
        assert!(price_schedule(&moves).is_some_and(|schedule| schedule.moves.len() >= 30));
    }

    #[test]
    fn crossings_at_random_hours_fit_as_rarely_as_stated() {
        let mut seed = 7_u64;
        let mut random = move |below: i64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from(seed >> 33).unwrap_or(0) % below
        };
        let found = (0..2_000).filter(|_| {
            let hours: BTreeSet<i64> = (0..6 + random(8)).map(|_| random(24 * 7)).collect();
            let moves: Vec<(i64, f64)> = hours.into_iter().zip([0.8, 0.25].into_iter().cycle()).collect();
            price_schedule(&history(0.25, &moves)).is_some()
        });
        let share = found.count() as f64 / 2_000.0;
        assert!(share <= MOST_CHANCE, "{share}");
    }

    #[test]
    fn the_chance_of_a_fit_is_bounded_by_each_crossing_as_the_first() {
        let close = |one: f64, other: f64| (one - other).abs() < 1e-12;
        assert!(close(chance(1, 1, 0.1), 1.0));
        assert!(close(chance(2, 2, 0.1), 0.2));
        assert!(close(chance(3, 3, 0.1), 0.03));
        assert!(close(chance(3, 2, 0.1), 3.0 * (1.0 - 0.81)));
    }

    #[test]
    fn prices_of_weekends_are_a_weekly_schedule() {
        let weekly: Vec<(i64, f64)> =
            (0..4).flat_map(|week| [(168 * week + 120, 0.2), (168 * week + 168, 0.8)]).collect();
        let schedule = price_schedule(&history(0.8, &weekly)).expect("a schedule");
        assert!(schedule.is_weekly, "{schedule:?}");
        assert_eq!((schedule.weekdays.as_slice(), schedule.moves.len()), (&[0, 5][..], 8));
    }

    #[test]
    fn documented_times_explain_few_moves() {
        let usd = |price: &str| Some(UsdPerMtok(price.parse::<Decimal>().expect("a price")));
        let tier = PriceTier {
            utc_start: Some(2130),
            utc_end: Some(130),
            input: usd("0.25"),
            ..PriceTier::default()
        };
        let mut moves = history(0.25, &[(1, 0.8), (21, 0.25)]);
        assert_eq!(price_schedule(&moves), None);
        for one in &mut moves {
            one.before.tiers = vec![tier.clone()];
            one.after.tiers = vec![tier.clone()];
        }
        let schedule = price_schedule(&moves).expect("a schedule");
        assert!(schedule.is_documented && schedule.moves == [0, 1], "{schedule:?}");
        moves.iter_mut().for_each(|one| one.at += Duration::hours(5));
        moves.iter_mut().for_each(|one| one.last_read = Some(one.at - Duration::hours(1)));
        assert_eq!(price_schedule(&moves), None, "other times");
    }
}
