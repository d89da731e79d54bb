//! Hit rates and prices that follow the hour of the day or the day of the week, in UTC.

use super::endpoint::{PriceTier, Prices, Weekday};
use super::ids::names;
use super::session::{CostBasis, Pricing, session_cost};
use super::workload::Workload;
use chrono::{DateTime, Duration, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Minutes of a day.
const DAY: i32 = 24 * 60;

/// What is known to follow the clock at an endpoint. A part is absent unless the record shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Seasons {
    /// Hit rate by hour of the day, UTC; null unless a test shows that it depends on the hour.
    pub by_hour: Option<RateSeason>,
    /// Hit rate by day of the week, UTC; null unless a test shows that weekends differ.
    pub by_weekday: Option<RateSeason>,
    /// List prices by time of the week; null if they do not depend on it.
    pub price_by_time: Option<PriceSchedule>,
}

impl Seasons {
    /// Whether nothing follows the clock.
    pub fn is_empty(&self) -> bool {
        self.by_hour.is_none() && self.by_weekday.is_none() && self.price_by_time.is_none()
    }
}

/// A hit rate that depends on the time, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RateSeason {
    /// The mean hit rate of each hour (0 to 23) or day of the week (0 is Monday); those without a rate are absent.
    pub profile: Vec<SeasonRate>,
    /// The part with the highest mean: six hours in a row, or weekend or working days.
    pub high: SeasonPart,
    /// The part with the lowest mean.
    pub low: SeasonPart,
    /// Difference between the two, fraction.
    pub effect: f64,
    /// UTC days that the test used.
    pub days: usize,
    /// Probability of a profile that is at least this clear if the time did not matter.
    pub p_value: f64,
    /// The same after the correction for the number of endpoints: the share of false ones among all that are at least
    /// this clear.
    pub q_value: f64,
}

/// The mean of one hour of the day or day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeasonRate {
    /// Hour of the day, 0 to 23, or day of the week, 0 (Monday) to 6.
    pub place: u32,
    /// Mean hit rate, 0..1.
    pub hit_rate: f64,
    /// Lower end of the 90 % interval of the mean; null with one day.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// Number of days that the mean is made of.
    pub days: usize,
}

/// Several hours or days in a row with their mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeasonPart {
    /// First hour or day.
    pub from: u32,
    /// The hour or day after the last one; smaller than `from` if the part continues after midnight.
    pub until: u32,
    /// Mean hit rate, 0..1.
    pub hit_rate: f64,
}

names! {
    /// How a price schedule is known.
    PriceSource {
        /// The upstream publishes conditional prices.
        Published = "published",
        /// The list price moved at the same hours again and again.
        Observed = "observed",
        /// The list price was high and low at the same hours again and again, at changing amounts. Each price is the median
        /// of what was seen.
        Levels = "levels",
    }
}

/// List prices by time of the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceSchedule {
    /// `published`, `observed`, or `levels`: high and low at these times, at changing amounts.
    #[schema(value_type = String)]
    pub source: PriceSource,
    /// UTC days on which the schedule was observed; null for published prices.
    pub days: Option<usize>,
    /// The distinct prices over a week, cheapest input first.
    pub periods: Vec<PricePeriod>,
}

/// One price of a schedule with its times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PricePeriod {
    /// When it holds.
    pub times: Vec<WeekSpan>,
    /// List prices of a short prompt, USD per million tokens.
    pub list: Prices,
    /// Session cost by workload at these prices and the usual hit rate, USD; a workload is missing if its cost is unknown.
    pub session_cost: BTreeMap<String, f64>,
    /// Whether it holds at the time of the snapshot.
    pub now: bool,
}

/// A time of the week, UTC: half-open hours on some days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WeekSpan {
    /// Days of the week; if absent, all days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utc_days: Vec<Weekday>,
    /// From this time of day, HHMM.
    pub utc_start: i32,
    /// Until this time of day, HHMM, at most 2400; smaller than `utc_start` if it continues after midnight.
    pub utc_end: i32,
}

impl WeekSpan {
    /// The time in words: `Mon to Fri 01:00 to 04:00 UTC`, `Sat, Sun UTC`.
    pub fn words(&self) -> String {
        let clock = |hhmm: i32| format!("{:02}:{:02}", hhmm / 100, hhmm % 100);
        let whole = (self.utc_start, self.utc_end) == (0, 2400);
        let hours = (!whole).then(|| format!("{} to {}", clock(self.utc_start), clock(self.utc_end)));
        let days = match self.utc_days.as_slice() {
            [] if whole => Some("always".to_owned()),
            [] => None,
            days => Some(days_in_words(days)),
        };
        let parts: Vec<String> = days.into_iter().chain(hours).collect();
        format!("{} UTC", parts.join(" "))
    }
}

fn days_in_words(days: &[Weekday]) -> String {
    let place = |day: &Weekday| Weekday::ALL.iter().position(|one| one == day).unwrap_or(0);
    let in_a_row = days.windows(2).all(|pair| place(&pair[1]) == place(&pair[0]) + 1);
    let missing: Vec<&Weekday> = Weekday::ALL.iter().filter(|day| !days.contains(day)).collect();
    if let [one] = missing.as_slice() {
        return format!("every day except {}", one.short());
    }
    match days {
        [first, .., last] if in_a_row && days.len() > 2 => format!("{} to {}", first.short(), last.short()),
        _ => days.iter().map(|day| day.short()).collect::<Vec<_>>().join(", "),
    }
}

impl PricePeriod {
    /// Its times in words.
    pub fn words(&self) -> String {
        self.times.iter().map(WeekSpan::words).collect::<Vec<_>>().join("; ")
    }

    /// A moment at which it holds, in the week of `as_of`.
    pub fn moment(&self, as_of: DateTime<Utc>) -> DateTime<Utc> {
        let Some(span) = self.times.first() else { return as_of };
        let day = span.utc_days.first().copied().unwrap_or(Weekday::Monday);
        moment(as_of, day, span.utc_start / 100 * 60 + span.utc_start % 100)
    }
}

impl PriceSchedule {
    /// The cost of a session in each period, USD, in the order of the periods: `usual` are the list prices that hold
    /// whenever no condition does, `tiers` the conditional ones. `None` for a period whose cost is unknown.
    pub fn costs(
        &self,
        (usual, tiers): (&Prices, &[PriceTier]),
        workload: &Workload,
        basis: &CostBasis,
        as_of: DateTime<Utc>,
    ) -> Vec<Option<f64>> {
        let cost = |period: &PricePeriod| {
            let list = match self.source {
                PriceSource::Published => usual,
                PriceSource::Observed | PriceSource::Levels => &period.list,
            };
            let pricing = Pricing::listed(list, tiers.to_vec());
            session_cost(&pricing, workload, basis, period.moment(as_of)).map(|cost| cost.total())
        };
        self.periods.iter().map(cost).collect()
    }
}

/// A moment of the week of `as_of`: the minute of a day of the week.
fn moment(as_of: DateTime<Utc>, day: Weekday, minute: i32) -> DateTime<Utc> {
    let place = |day: Weekday| Weekday::ALL.iter().position(|one| *one == day).unwrap_or(0) as i64;
    let ahead = place(day) - place(Weekday::of(as_of));
    let midnight = as_of.date_naive().and_time(NaiveTime::MIN).and_utc();
    midnight + Duration::days(ahead) + Duration::minutes(i64::from(minute))
}

/// A part of a day: its day of the week and the minutes at which it begins and ends.
type Piece = (Weekday, i32, i32);

/// The distinct values of a function over the week, each with its times. The function may change its value only at
/// midnight and at `bounds` (minutes of the day).
pub fn over_the_week<K: PartialEq>(
    bounds: impl IntoIterator<Item = i32>,
    value: impl Fn(Weekday, i32) -> Option<K>,
) -> Vec<(K, Vec<WeekSpan>)> {
    let mut bounds: Vec<i32> =
        bounds.into_iter().filter(|minute| (0..=DAY).contains(minute)).chain([0, DAY]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let mut found: Vec<(K, Vec<Piece>)> = Vec::new();
    for day in Weekday::ALL {
        for pair in bounds.windows(2) {
            let Some(key) = value(day, pair[0]) else { continue };
            let at = found.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
                found.push((key, Vec::new()));
                found.len() - 1
            });
            match found[at].1.last_mut() {
                Some((of, _, end)) if *of == day && *end == pair[0] => *end = pair[1],
                _ => found[at].1.push((day, pair[0], pair[1])),
            }
        }
    }
    found.into_iter().map(|(key, pieces)| (key, spans(&pieces))).collect()
}

/// The pieces of single days as few spans.
fn spans(pieces: &[Piece]) -> Vec<WeekSpan> {
    let mut by_hours: Vec<((i32, i32), Vec<Weekday>)> = Vec::new();
    for (day, start, end) in pieces {
        match by_hours.iter_mut().find(|(hours, _)| *hours == (*start, *end)) {
            Some((_, days)) => days.push(*day),
            None => by_hours.push(((*start, *end), vec![*day])),
        }
    }
    let daily = |days: &[Weekday]| days.len() == Weekday::ALL.len();
    // Every night is one span, not two.
    let evening = by_hours.iter().position(|((_, end), days)| *end == DAY && daily(days));
    let morning = by_hours.iter().position(|((start, end), days)| *start == 0 && *end < DAY && daily(days));
    if let (Some(evening), Some(morning)) = (evening, morning) {
        by_hours[evening].0.1 = by_hours[morning].0.1;
        by_hours.remove(morning);
    }
    let hhmm = |minute: i32| minute / 60 * 100 + minute % 60;
    let span = |((start, end), days): ((i32, i32), Vec<Weekday>)| WeekSpan {
        utc_days: if daily(&days) { Vec::new() } else { days },
        utc_start: hhmm(start),
        utc_end: hhmm(end),
    };
    by_hours.into_iter().map(span).collect()
}

/// The schedule that published conditional prices make of the list prices; `None` if none of them depends on the time.
pub fn published(list: &Prices, tiers: &[PriceTier], as_of: DateTime<Utc>) -> Option<PriceSchedule> {
    let minute = |hhmm: i32| hhmm / 100 * 60 + hhmm % 100;
    let timed: Vec<&PriceTier> = tiers.iter().filter(|tier| tier.is_timed()).collect();
    let bounds = timed.iter().flat_map(|tier| [tier.utc_start, tier.utc_end]).flatten().map(minute);
    let value = |day: Weekday, minute: i32| {
        let at = moment(as_of, day, minute);
        // Prices of long prompts may move on their own.
        let long = |tier: &&&PriceTier| tier.min_prompt_tokens.is_some();
        let of_long: Vec<bool> = timed.iter().filter(long).map(|tier| tier.holds_at(at)).collect();
        Some((short_list(list, tiers, at), of_long))
    };
    let found = over_the_week(bounds, value);
    if found.len() < 2 {
        return None;
    }
    let periods = found.into_iter().map(|((list, _), times)| (list, times)).collect();
    Some(schedule(PriceSource::Published, None, periods, as_of))
}

/// A schedule of these prices, cheapest first.
pub fn schedule(
    source: PriceSource,
    days: Option<usize>,
    periods: Vec<(Prices, Vec<WeekSpan>)>,
    as_of: DateTime<Utc>,
) -> PriceSchedule {
    let period = |(list, times): (Prices, Vec<WeekSpan>)| {
        let now = times.iter().any(|span| holds(span, as_of));
        PricePeriod { times, list, session_cost: BTreeMap::new(), now }
    };
    let mut periods: Vec<PricePeriod> = periods.into_iter().map(period).collect();
    let order = |period: &PricePeriod| period.list.with_output(0.05).unwrap_or(f64::INFINITY);
    periods.sort_by(|a, b| order(a).total_cmp(&order(b)));
    PriceSchedule { source, days, periods }
}

fn holds(span: &WeekSpan, at: DateTime<Utc>) -> bool {
    let tier = PriceTier {
        utc_days: span.utc_days.clone(),
        utc_start: Some(span.utc_start),
        utc_end: Some(span.utc_end),
        ..PriceTier::default()
    };
    tier.holds_at(at)
}

/// The list prices of a short prompt at a time.
fn short_list(list: &Prices, tiers: &[PriceTier], at: DateTime<Utc>) -> Prices {
    let mut now = list.clone();
    for tier in tiers.iter().filter(|tier| tier.min_prompt_tokens.is_none() && tier.holds_at(at)) {
        now.input = tier.input.map(|p| p.to_f64()).or(now.input);
        now.output = tier.output.map(|p| p.to_f64()).or(now.output);
        now.cache_read = tier.cache_read.map(|p| p.to_f64()).or(now.cache_read);
        now.cache_write = tier.cache_write.map(|p| p.to_f64()).or(now.cache_write);
        now.cache_write_1h = tier.cache_write_1h.map(|p| p.to_f64()).or(now.cache_write_1h);
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::units::UsdPerMtok;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    fn usd(text: &str) -> Option<UsdPerMtok> {
        Some(UsdPerMtok(text.parse().expect("a price")))
    }

    /// 2026-08-07 is a Friday.
    #[test]
    fn peak_hours_of_working_days_are_one_period_and_the_rest_is_the_other() {
        let list = Prices { input: Some(1.0), output: Some(4.0), ..Prices::default() };
        let peak = PriceTier {
            utc_days: Weekday::ALL[..5].to_vec(),
            utc_start: Some(100),
            utc_end: Some(430),
            input: usd("2"),
            ..PriceTier::default()
        };
        let found = published(&list, &[peak], at("2026-08-07T02:00:00Z")).expect("a schedule");
        let words: Vec<(String, bool)> = found.periods.iter().map(|p| (p.words(), p.now)).collect();
        assert_eq!(words[1], ("Mon to Fri 01:00 to 04:30 UTC".to_owned(), true));
        let rest = "Mon to Fri 00:00 to 01:00 UTC; Mon to Fri 04:30 to 24:00 UTC; Sat, Sun UTC";
        assert_eq!(words[0], (rest.to_owned(), false));
        let inputs: Vec<Option<f64>> = found.periods.iter().map(|p| p.list.input).collect();
        assert_eq!((inputs, found.source), (vec![Some(1.0), Some(2.0)], PriceSource::Published));
        for period in &found.periods {
            let moment = period.moment(at("2026-08-09T23:00:00Z"));
            assert!(period.times.iter().any(|span| holds(span, moment)), "{moment} in {}", period.words());
        }
    }

    #[test]
    fn a_night_is_one_span_across_midnight() {
        let list = Prices { input: Some(1.0), output: Some(4.0), ..Prices::default() };
        let night =
            PriceTier { utc_start: Some(1630), utc_end: Some(30), input: usd("0.5"), ..PriceTier::default() };
        let found = published(&list, &[night], at("2026-08-07T12:00:00Z")).expect("a schedule");
        let words: Vec<String> = found.periods.iter().map(PricePeriod::words).collect();
        assert_eq!(words, ["16:30 to 00:30 UTC", "00:30 to 16:30 UTC"]);
        assert!(found.periods[1].now && !found.periods[0].now);
    }

    #[test]
    fn prices_without_a_time_make_no_schedule() {
        let list = Prices { input: Some(1.0), output: Some(4.0), ..Prices::default() };
        let long = PriceTier { min_prompt_tokens: Some(200_000), input: usd("2"), ..PriceTier::default() };
        assert_eq!(published(&list, &[long], at("2026-08-07T12:00:00Z")), None);
        let same =
            PriceTier { utc_start: Some(0), utc_end: Some(600), input: usd("1"), ..PriceTier::default() };
        assert_eq!(published(&list, &[same], at("2026-08-07T12:00:00Z")), None, "the same price at night");
    }
}
