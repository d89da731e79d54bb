//! The backtest by the hour: at eight hours of a day, each policy chooses an endpoint from what is known then, and is
//! charged what that endpoint costs for the rest of the day.

use super::choice::{Candidate, Paid, choose, costs};
use super::expect::{by_endpoint, expect, so_far};
use super::lists::Lists;
use super::policy::{Judged, cost, judge};
use crate::domain::backtest::{Closing, HourlyBacktest, Listed, Policy, PricedDay, Skipped, SoFar};
use crate::domain::thresholds::{
    BACKTEST_HISTORY_DAYS, BACKTEST_MIN_TOKENS, BACKTEST_OUTPUT_SHARE, HOURLY_CHOICE_CLOSE,
    HOURLY_CHOICE_MIN_REST, HOURLY_CHOICE_MINUTES, IMPOSSIBLE_PRICE_BELOW,
};
use crate::domain::tier_list::DayRange;
use crate::domain::window::midnight;
use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// The hours of decision, UTC.
const HOURS: [u32; 8] = [1, 4, 7, 10, 13, 16, 19, 22];
/// The policy `effective_now` measures over at least this many seconds: half an hour, less what a sweep varies.
const MEASURED_SECONDS: i64 = 1750;

/// A backtest by the hour, made day by day.
pub struct HourlyTest<'a> {
    closings: BTreeMap<i64, &'a [Closing]>,
    lists: BTreeMap<i64, &'a [Listed]>,
    decision_hours: usize,
    choices: Vec<(i64, Paid)>,
    skipped: Skipped,
}

/// What a choice of a day can see of an endpoint at a moment, and what it will have seen at the end of the day.
struct Seen<'a> {
    day: NaiveDate,
    at: DateTime<Utc>,
    /// The prices that were known.
    lists: Lists<'a>,
    /// All prices, also later ones: only the charge may use them.
    all_lists: Lists<'a>,
    /// The readings of the day up to the moment.
    readings: &'a [SoFar],
    /// The last one of them, if it covers the day and is recent.
    newest: Option<&'a SoFar>,
    /// The last reading of the day that does not fall.
    close: Option<&'a SoFar>,
}

/// Why an endpoint is not eligible.
enum Left {
    Unpriced,
    Idle,
    Impossible,
    Unclosed,
}

impl<'a> HourlyTest<'a> {
    /// A test with these closings, sorted by endpoint, day and time, and these list prices, sorted by endpoint and time.
    pub fn new(closings: &'a [Closing], lists: &'a [Listed]) -> Self {
        Self {
            closings: by_endpoint(closings, |row| row.endpoint),
            lists: by_endpoint(lists, |row| row.endpoint),
            decision_hours: 0,
            choices: Vec::new(),
            skipped: Skipped::default(),
        }
    }

    /// Makes and charges the choices of a day. `readings` are those of the whole day, sorted by endpoint and time; a
    /// choice sees only those that were read at or before its hour.
    pub fn day(&mut self, day: NaiveDate, readings: &[SoFar]) {
        let readings = by_endpoint(readings, |row| row.endpoint);
        for hour in HOURS {
            self.hour(day, midnight(day) + Duration::hours(hour.into()), &readings);
        }
    }

    fn hour(&mut self, day: NaiveDate, at: DateTime<Utc>, readings: &BTreeMap<i64, &[SoFar]>) {
        let recent = |row: &SoFar| is_recent(row, day, at);
        if !readings.values().any(|rows| rows.iter().any(recent)) {
            self.skipped.hours_without_readings += 1;
            return;
        }
        self.decision_hours += 1;
        // A body holds all endpoints of a model, so the model was read if one of them was.
        let is_read = |(endpoint, closings): (&i64, &&[Closing])| {
            readings.get(endpoint)?.iter().any(recent).then(|| closings.first())?.map(|row| row.model)
        };
        let read: BTreeSet<i64> = self.closings.iter().filter_map(is_read).collect();
        let (mut eligible, mut unread) = (BTreeMap::<i64, Vec<Candidate>>::new(), BTreeMap::new());
        for (endpoint, closings) in &self.closings {
            let Some(model) = closings.first().map(|row| row.model) else { continue };
            let listed = self.lists.get(endpoint).copied().unwrap_or_default();
            let lists = Lists::known(listed, at);
            let days = known_days(closings, lists, day, at);
            let Some(tokens) = tokens_of(&days, day).filter(|tokens| *tokens >= BACKTEST_MIN_TOKENS) else {
                continue;
            };
            if !read.contains(&model) {
                *unread.entry(model).or_insert(0_usize) += 1;
                continue;
            }
            let rows = readings.get(endpoint).copied().unwrap_or_default();
            match candidate(&days, tokens, &Seen::new(rows, listed, day, at)) {
                Ok(candidate) => eligible.entry(model).or_default().push(candidate),
                Err(left) => left.count(&mut self.skipped),
            }
        }
        self.skipped.unread_models += unread.values().filter(|endpoints| **endpoints > 1).count();
        for (model, candidates) in eligible {
            match candidates.len() {
                1 => self.skipped.lone_endpoint += 1,
                _ => self.choices.push((model, choose(&Policy::HOURLY, &candidates))),
            }
        }
    }

    /// The result over all days, which were those of `days`.
    pub fn result(self, days: DayRange) -> HourlyBacktest {
        let paid: Vec<&Paid> = self.choices.iter().map(|(_, paid)| paid).collect();
        HourlyBacktest {
            from: days.from,
            to: days.to,
            hours: HOURS.to_vec(),
            rest_floor: HOURLY_CHOICE_MIN_REST,
            decision_hours: self.decision_hours,
            decisions: paid.len(),
            models: self.choices.iter().map(|(model, _)| model).collect::<BTreeSet<_>>().len(),
            policies: if paid.is_empty() { Vec::new() } else { costs(&Policy::HOURLY, &paid) },
            skipped: self.skipped,
        }
    }
}

impl Left {
    fn count(&self, skipped: &mut Skipped) {
        *match self {
            Self::Unpriced => &mut skipped.unpriced_endpoints,
            Self::Idle => &mut skipped.idle_endpoints,
            Self::Impossible => &mut skipped.impossible_endpoints,
            Self::Unclosed => &mut skipped.unclosed_endpoints,
        } += 1;
    }
}

impl<'a> Seen<'a> {
    fn new(rows: &'a [SoFar], listed: &'a [Listed], day: NaiveDate, at: DateTime<Utc>) -> Self {
        let readings = &rows[..rows.partition_point(|row| row.read_at <= at)];
        let of_day = readings.iter().rfind(|row| row.is_of_day);
        let close = rows.iter().filter(|row| row.is_of_day).max_by_key(|row| (row.tokens, row.read_at));
        let newest = of_day.filter(|row| is_recent(row, day, at));
        let (lists, all_lists) = (Lists::known(listed, at), Lists::all(listed));
        Self { day, at, lists, all_lists, readings, newest, close }
    }

    /// The price of the rest of the day, USD per million prompt tokens with their output.
    fn rest(&self) -> Result<f64, Left> {
        let close = self.close.ok_or(Left::Idle)?;
        if close.read_at < midnight(self.day) + Duration::hours(HOURLY_CHOICE_CLOSE) {
            return Err(Left::Unclosed);
        }
        let tokens = tokens_between(self.newest, close);
        if tokens < HOURLY_CHOICE_MIN_REST {
            return Err(Left::Idle);
        }
        let input = between(self.newest, close, |row| row.effective_input);
        let output = between(self.newest, close, |row| row.effective_output);
        let charged = cost(input, output).ok_or(Left::Unpriced)?;
        // The lists of the traffic that is charged, also those of after the choice.
        let from = self.newest.map_or(midnight(self.day), |row| row.read_at);
        let end = midnight(self.day.succ_opt().unwrap_or(self.day));
        let lowest = self.all_lists.lowest_input(from, end);
        match lowest.is_some_and(|lowest| input < IMPOSSIBLE_PRICE_BELOW * lowest) {
            true => Err(Left::Impossible),
            false => Ok(charged),
        }
    }

    /// The price of the last half hour to hour, or else of the day so far; `None` without one above zero.
    fn measured(&self) -> Option<f64> {
        let newest = self.newest?;
        let earlier = newest.read_at - Duration::seconds(MEASURED_SECONDS);
        let before = self.readings.iter().rfind(|row| row.is_of_day && row.read_at <= earlier);
        let price = |row: &SoFar| row.effective_input + BACKTEST_OUTPUT_SHARE * row.effective_output;
        let grew = tokens_between(before, newest) > 0.0;
        let last = grew.then(|| between(before, newest, price));
        last.filter(|price| *price > 0.0).or_else(|| Some(price(newest)).filter(|price| *price > 0.0))
    }
}

/// Whether a reading was made on a day, at most [`HOURLY_CHOICE_MINUTES`] before a moment of it.
fn is_recent(row: &SoFar, day: NaiveDate, at: DateTime<Utc>) -> bool {
    let oldest = (at - Duration::minutes(HOURLY_CHOICE_MINUTES)).max(midnight(day));
    oldest <= row.read_at && row.read_at <= at
}

fn tokens_between(from: Option<&SoFar>, to: &SoFar) -> f64 {
    (to.tokens - from.map_or(0, |row| row.tokens)) as f64
}

/// The price of the traffic between two readings of a day; without the first one, of the traffic since midnight.
fn between(from: Option<&SoFar>, to: &SoFar, price: impl Fn(&SoFar) -> f64) -> f64 {
    let paid = |row: &SoFar| price(row) * row.tokens as f64;
    (paid(to) - from.map_or(0.0, paid)) / tokens_between(from, to)
}

/// The days before a day, with what was known of their closings at a moment: the chart, or else the last reading.
fn known_days(closings: &[Closing], lists: Lists<'_>, day: NaiveDate, at: DateTime<Utc>) -> Vec<PricedDay> {
    let first = day.checked_sub_days(Days::new(BACKTEST_HISTORY_DAYS)).unwrap_or(day);
    let known = |of_day: &[Closing]| {
        let newest =
            |is_charted: bool| of_day.iter().rfind(|row| row.known_at <= at && row.is_charted == is_charted);
        let (chart, last) = (newest(true), newest(false));
        let row = chart.or(last)?;
        let prices = row.effective_input.zip(row.effective_output);
        // A day without a price keeps its tokens.
        let (effective_input, effective_output) = prices.unwrap_or((0.0, 0.0));
        let end = midnight(row.day.succ_opt()?);
        Some(PricedDay {
            endpoint: row.endpoint,
            model: row.model,
            day: row.day,
            effective_input,
            effective_output,
            impossible: lists.is_impossible(effective_input, row.day, end) == Some(true),
            list_input: None,
            list_output: None,
            tokens: last.and_then(|row| row.tokens),
        })
    };
    let days = closings.chunk_by(|a, b| a.day == b.day);
    let before = |rows: &&[Closing]| rows.first().is_some_and(|row| first <= row.day && row.day < day);
    days.filter(before).filter_map(known).collect()
}

/// Tokens of the day before a day.
fn tokens_of(days: &[PricedDay], day: NaiveDate) -> Option<f64> {
    let yesterday = days.last().filter(|row| row.day.succ_opt() == Some(day))?;
    yesterday.tokens.map(|tokens| tokens as f64)
}

/// An endpoint with the tokens of yesterday, scored from what is seen and charged the rest of the day.
fn candidate(days: &[PricedDay], tokens: f64, seen: &Seen<'_>) -> Result<Candidate, Left> {
    let charged = seen.rest()?;
    let judged = judge(days);
    let is_yesterday = |last: &&Judged| last.day.succ_opt() == Some(seen.day);
    let yesterday = judged.last().filter(is_yesterday).ok_or(Left::Unpriced)?;
    let today = so_far(seen.readings, seen.lists, seen.at);
    let expected = expect(yesterday, seen.lists, Some(today), seen.at);
    let score = |policy: Policy| match policy {
        Policy::Hitrate => expected.chosen_by,
        Policy::CheapestList => seen.lists.cost().unwrap_or(f64::INFINITY),
        Policy::EffectiveNow => seen.measured().unwrap_or(yesterday.cost),
        _ => yesterday.score(policy),
    };
    Ok(Candidate { tokens, charged, scores: Policy::HOURLY.map(score).to_vec() })
}
