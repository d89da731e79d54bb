//! List prices that follow the hour of the day or the day of the week.
//!
//! A move leads from one set of list prices to another, at a time that is known up to the reading before it. The moves
//! between the same two sets recur if most of them fit one time of the day (or one day of the week). An endpoint has a
//! schedule if the recurring moves lead back to where they begin, are at least [`LEAST_MOVES`] on at least
//! [`LEAST_PERIODS`] days, and moves at random hours would fit as well with a probability of at most [`MOST_CHANCE`]. Or
//! if the endpoint documents timed conditional prices whose times explain at least [`LEAST_EXPLAINED`] moves.

use crate::domain::change::ChangedField;
use crate::domain::price_move::{PriceMove, PriceState};
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Fewest recurring moves of a schedule.
const LEAST_MOVES: usize = 4;
/// Fewest days, or weeks for moves on one day of the week, on which they are seen.
const LEAST_PERIODS: usize = 3;
/// Fewest moves that documented times have to explain.
const LEAST_EXPLAINED: usize = 2;
/// Share of the moves between the same two sets of prices that have to fit one time.
const FITTING_SHARE: f64 = 0.75;
/// A move fits a time that is at most this far outside the interval in which it happened, minutes.
const TOLERANCE: i64 = 30;
/// Moves whose interval is longer are no evidence for a time, minutes.
const LONGEST_INTERVAL: i64 = 6 * 60;
/// Largest probability that moves at random hours fit as well.
const MOST_CHANCE: f64 = 0.01;
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
    /// Times of the day, minutes UTC, at which it moves to its lowest value.
    pub falls: Vec<i64>,
    /// Times of the day, minutes UTC, at which it moves away from its lowest value.
    pub rises: Vec<i64>,
    /// Whether the moves are on one day of the week each.
    pub is_weekly: bool,
    /// Days of the week with moves, Monday is 0, in order.
    pub weekdays: Vec<u32>,
    /// Number of UTC days with a move.
    pub days_seen: usize,
    /// Number of UTC days from the first move to the last.
    pub days: usize,
    /// Whether documented conditional prices explain it.
    pub is_documented: bool,
}

/// A set of list prices that can be compared.
type Key = [Option<u64>; 6];

fn key(state: &PriceState) -> Key {
    // Discounts are rounded, as they are stored as floats; list prices are exact to nine decimals.
    state.numbers().map(|(_, value)| value.map(|value| ((value * 1e9).round() / 1e9).to_bits()))
}

/// The moves between two sets of prices that fit one time.
struct Class {
    from: Key,
    to: Key,
    /// Positions of the fitting moves.
    members: Vec<usize>,
    /// The time of the day, minutes UTC.
    time: i64,
    /// Probability that moves at random hours fit as well.
    chance: f64,
}

/// The schedule that the moves of one endpoint follow, oldest first; `None` if they follow none.
pub fn price_schedule(moves: &[PriceMove]) -> Option<PriceSchedule> {
    let mut classes: BTreeMap<(Key, Key), Vec<usize>> = BTreeMap::new();
    for (position, one) in moves.iter().enumerate().filter(|(_, one)| !one.numbers().is_empty()) {
        classes.entry((key(&one.before), key(&one.after))).or_default().push(position);
    }
    let recurring: Vec<Class> =
        classes.into_iter().filter_map(|((from, to), of)| recurring(moves, from, to, &of)).collect();
    let closed = closed(recurring);
    let chance: f64 = closed.iter().map(|class| class.chance).product();
    let members: BTreeSet<usize> = closed.iter().flat_map(|class| class.members.iter().copied()).collect();
    if members.len() >= LEAST_MOVES && periods(moves, &members) >= LEAST_PERIODS && chance <= MOST_CHANCE {
        return Some(described(moves, members, &closed, false));
    }
    let explained: BTreeSet<usize> =
        moves.iter().enumerate().filter(|(_, one)| is_explained(one)).map(|(position, _)| position).collect();
    (explained.len() >= LEAST_EXPLAINED).then(|| described(moves, explained, &[], true))
}

/// The interval in which a move happened: minutes of the day at its start, and its length. Without a reading before it,
/// it may have happened at any time of a day.
fn interval(one: &PriceMove) -> (i64, i64) {
    let length = one.last_read.map_or(DAY, |last| (one.at - last).num_minutes().max(0));
    (minute_of(one.at) - length, length)
}

fn minute_of(time: DateTime<Utc>) -> i64 {
    i64::from(time.hour() * 60 + time.minute())
}

/// How far a time of the day is from the interval of a move, minutes; 0 within it.
fn distance(one: &PriceMove, time: i64) -> i64 {
    let (start, length) = interval(one);
    let after_start = (time - start).rem_euclid(DAY);
    if after_start <= length { 0 } else { (after_start - length).min(DAY - after_start) }
}

/// The moves of a class that fit its best time of the day, or are on one day of the week in enough weeks.
fn recurring(moves: &[PriceMove], from: Key, to: Key, of: &[usize]) -> Option<Class> {
    let dated: Vec<&usize> = of.iter().filter(|at| interval(&moves[**at]).1 <= LONGEST_INTERVAL).collect();
    let fits = |time: i64, tolerance: i64| {
        dated.iter().filter(|at| distance(&moves[***at], time) <= tolerance).count()
    };
    // Full hours come first, so that they win among times that fit equally well.
    let times = (0..DAY / STEP).map(|step| step * STEP);
    let time = times.max_by_key(|time| (fits(*time, TOLERANCE), fits(*time, 0), time % 60 == 0, -time))?;
    let fitting = fits(time, TOLERANCE);
    if fitting >= 2 && fitting as f64 >= FITTING_SHARE * dated.len() as f64 {
        let members: Vec<usize> =
            of.iter().copied().filter(|at| distance(&moves[*at], time) <= TOLERANCE).collect();
        let widths = dated
            .iter()
            .filter(|at| distance(&moves[***at], time) <= TOLERANCE)
            .map(|at| ((interval(&moves[**at]).1 + 2 * TOLERANCE) as f64 / DAY as f64).min(1.0));
        // The first of them sets the time.
        let chance = widths.skip(1).product();
        return (days(moves, &members).len() >= 2).then_some(Class { from, to, members, time, chance });
    }
    let weekdays: BTreeSet<u32> = dated.iter().map(|at| weekday(&moves[**at])).collect();
    let weeks: BTreeSet<_> = dated.iter().map(|at| moves[**at].at.iso_week()).collect();
    let is_weekly = weekdays.len() == 1 && weeks.len() >= LEAST_PERIODS;
    let chance = (1.0_f64 / 7.0).powi(i32::try_from(weeks.len().saturating_sub(1)).unwrap_or(0));
    is_weekly.then(|| Class { from, to, members: dated.into_iter().copied().collect(), time, chance })
}

fn weekday(one: &PriceMove) -> u32 {
    one.at.weekday().num_days_from_monday()
}

/// The classes without those that do not lead back: each begins where another one ends.
fn closed(mut classes: Vec<Class>) -> Vec<Class> {
    loop {
        let starts: BTreeSet<Key> = classes.iter().map(|class| class.from).collect();
        let ends: BTreeSet<Key> = classes.iter().map(|class| class.to).collect();
        let before = classes.len();
        classes.retain(|class| starts.contains(&class.to) && ends.contains(&class.from));
        if classes.len() == before {
            return classes;
        }
    }
}

fn days(moves: &[PriceMove], members: &[usize]) -> BTreeSet<NaiveDate> {
    members.iter().map(|at| moves[*at].at.date_naive()).collect()
}

fn periods(moves: &[PriceMove], members: &BTreeSet<usize>) -> usize {
    days(moves, &members.iter().copied().collect::<Vec<_>>()).len()
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

fn described(
    moves: &[PriceMove],
    members: BTreeSet<usize>,
    classes: &[Class],
    is_documented: bool,
) -> PriceSchedule {
    let members: Vec<usize> = members.into_iter().collect();
    let moved: BTreeSet<ChangedField> =
        members.iter().flat_map(|at| moves[*at].numbers()).map(|(field, _, _)| field).collect();
    let field = moved.into_iter().next().unwrap_or(ChangedField::ListInput);
    let value = |state: &PriceState| {
        state.numbers().into_iter().find(|(of, _)| *of == field).and_then(|(_, value)| value)
    };
    let mut levels: Vec<f64> = members
        .iter()
        .flat_map(|at| [value(&moves[*at].before), value(&moves[*at].after)])
        .flatten()
        .collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let lowest = levels.first().copied();
    let times = |wanted: &dyn Fn(&PriceMove) -> bool| -> Vec<i64> {
        let of_classes =
            classes.iter().filter(|class| class.members.first().is_some_and(|at| wanted(&moves[*at])));
        let times: BTreeSet<i64> = of_classes.map(|class| class.time).collect();
        times.into_iter().collect()
    };
    let falls = times(&|one| value(&one.after) == lowest && value(&one.before) != lowest);
    let rises = times(&|one| value(&one.before) == lowest && value(&one.after) != lowest);
    let days = days(moves, &members);
    let weekdays: BTreeSet<u32> = members.iter().map(|at| weekday(&moves[*at])).collect();
    let of_one_day = |class: &Class| {
        class.members.iter().map(|at| weekday(&moves[*at])).collect::<BTreeSet<_>>().len() == 1
    };
    let span = days.first().zip(days.last()).map_or(0, |(first, last)| (*last - *first).num_days() + 1);
    PriceSchedule {
        field,
        levels,
        falls,
        rises,
        is_weekly: !classes.is_empty() && span > 7 && classes.iter().all(of_one_day),
        weekdays: weekdays.into_iter().collect(),
        days_seen: days.len(),
        days: usize::try_from(span).unwrap_or(0),
        is_documented,
        moves: members,
    }
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
        assert_eq!((schedule.falls.as_slice(), schedule.rises.as_slice()), (&[21 * 60][..], &[60][..]));
        assert_eq!((schedule.days_seen, schedule.days, schedule.is_weekly), (5, 5, false));
    }

    #[test]
    fn another_move_stays_outside_and_a_new_level_joins_once_it_repeats() {
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
