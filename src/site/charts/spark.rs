//! The sparkline of a provider's or an endpoint's days.

use crate::snapshot::{EndpointDay, ProviderDay, Snapshot};
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::NaiveDate;

const WIDTH: f64 = 96.0;
const HEIGHT: f64 = 24.0;
/// Margin for the thickness of the line.
const MARGIN: f64 = 2.0;

/// A line over days, with a hit rate of 0 at the bottom and 1 at the top; gaps stay open.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/spark.html")]
pub struct Spark {
    path: String,
    /// Days without a neighbour, drawn as dots.
    lone: String,
    label: String,
    ends: (f64, f64),
}
impl HtmlSafe for Spark {}

/// The range of days that all sparklines of a table share, so that equal positions are equal days.
#[derive(Debug, Clone, Copy)]
pub struct DayAxis {
    first: NaiveDate,
    days: i64,
}

impl DayAxis {
    /// From the first to the last of `days`; `None` if there is none.
    pub fn over(days: impl Iterator<Item = NaiveDate>) -> Option<Self> {
        let (first, last) = days.fold(None, |range: Option<(NaiveDate, NaiveDate)>, day| {
            Some(range.map_or((day, day), |(first, last)| (first.min(day), last.max(day))))
        })?;
        Some(Self { first, days: (last - first).num_days() + 1 })
    }

    /// The days of all providers of a snapshot.
    pub fn of_providers(snapshot: &Snapshot) -> Option<Self> {
        Self::over(snapshot.providers.iter().flat_map(|p| p.days.iter().map(|d| d.day)))
    }

    /// The number of days.
    pub fn days(self) -> i64 {
        self.days
    }

    /// The position of a day between 0 and 1.
    pub fn place(self, day: NaiveDate) -> f64 {
        (day - self.first).num_days() as f64 / (self.days - 1).max(1) as f64
    }

    /// Every day of the range.
    pub fn each(self) -> impl Iterator<Item = NaiveDate> {
        (0..self.days).map(move |n| self.first + chrono::Duration::days(n))
    }
}

impl Spark {
    /// Draws a provider's days; `None` if no day has a hit rate.
    pub fn new(days: &[ProviderDay], axis: DayAxis) -> Option<Self> {
        Self::of_rates(days.iter().map(|d| (d.day, d.hit_rate)), axis)
    }

    /// Draws an endpoint's days, without those whose hit rate is derived; `None` if no other day has one.
    pub fn of_endpoint(days: &[EndpointDay], axis: DayAxis) -> Option<Self> {
        Self::of_rates(days.iter().filter(|d| !d.derived()).map(|d| (d.day, d.hit_rate)), axis)
    }

    fn of_rates(days: impl Iterator<Item = (NaiveDate, Option<f64>)>, axis: DayAxis) -> Option<Self> {
        let known: Vec<(NaiveDate, f64)> =
            days.filter_map(|(day, rate)| Some((day, rate.filter(|rate| rate.is_finite())?))).collect();
        let (first, last) = (known.first()?, known.last()?);
        let (mut path, mut lone) = (String::new(), String::new());
        let next_to = |a: Option<&(NaiveDate, f64)>, b: NaiveDate| {
            a.is_some_and(|(day, _)| (b - *day).num_days().abs() == 1)
        };
        for (index, (day, hit_rate)) in known.iter().enumerate() {
            let x = MARGIN + axis.place(*day) * (WIDTH - 2.0 * MARGIN);
            let y = HEIGHT - MARGIN - hit_rate.clamp(0.0, 1.0) * (HEIGHT - 2.0 * MARGIN);
            let follows = next_to(index.checked_sub(1).and_then(|i| known.get(i)), *day);
            match (follows, next_to(known.get(index + 1), *day)) {
                (true, _) => path += &format!("L{x:.1} {y:.1}"),
                (false, true) => path += &format!("M{x:.1} {y:.1}"),
                // A line of zero length: its round cap draws a dot.
                (false, false) => lone += &format!("M{x:.1} {y:.1}h0"),
            }
        }
        let percent = crate::site::parts::format::percent;
        let label =
            format!("hit rate on {} days, from {} to {}", known.len(), percent(first.1), percent(last.1));
        Some(Self { path, lone, label, ends: (first.1, last.1) })
    }

    /// The hit rates of the first and the last day, 0..1.
    pub fn ends(&self) -> (f64, f64) {
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u32, hit_rate: Option<f64>) -> ProviderDay {
        ProviderDay { day: NaiveDate::from_ymd_opt(2026, 8, n).expect("a day"), hit_rate, tokens: 1 }
    }

    #[test]
    fn a_missing_day_is_a_gap() {
        let days = [day(1, Some(0.5)), day(2, None), day(3, Some(0.5)), day(4, Some(0.6))];
        let axis = DayAxis::over(days.iter().map(|d| d.day)).expect("days");
        let spark = Spark::new(&days, axis).expect("a line");
        assert_eq!((spark.path.matches('M').count(), spark.lone.matches('M').count()), (1, 1), "{spark:?}");
        assert_eq!(spark.path.matches('L').count(), 1, "{}", spark.path);
        assert_eq!(axis.days(), 4);
    }

    #[test]
    fn without_a_hit_rate_there_is_no_line() {
        let days = [day(1, None)];
        let axis = DayAxis::over(days.iter().map(|d| d.day)).expect("days");
        assert!(Spark::new(&days, axis).is_none());
    }
}
