//! The list prices of an endpoint as known at a moment.

use super::policy::cost;
use crate::domain::backtest::Listed;
use crate::domain::session::Pricing;
use crate::domain::window::midnight;
use chrono::{DateTime, NaiveDate, Utc};

/// The known list prices of one endpoint, oldest first; each is in force until the next one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lists<'a>(&'a [Listed]);

impl<'a> Lists<'a> {
    /// All of `listed`.
    pub fn all(listed: &'a [Listed]) -> Self {
        Self(listed)
    }

    /// Those of `listed` that were known at a moment.
    pub fn known(listed: &'a [Listed], at: DateTime<Utc>) -> Self {
        Self(&listed[..listed.partition_point(|row| row.known_at <= at)])
    }

    /// The newest prices.
    fn newest(self) -> Option<&'a Pricing> {
        self.0.last().map(|row| &row.pricing)
    }

    /// The newest list cost, USD per million prompt tokens with their output.
    pub fn cost(self) -> Option<f64> {
        self.newest().and_then(list_cost)
    }

    /// The mean list cost over a UTC day, weighted by the time it was in force, over the part of the day for which it is
    /// known.
    fn mean(self, day: NaiveDate) -> Option<f64> {
        let (start, end) = (midnight(day), midnight(day.succ_opt()?));
        let (mut sum, mut seconds) = (0.0, 0.0);
        for (at, row) in self.0.iter().enumerate() {
            let until = self.0.get(at + 1).map_or(end, |next| next.from.min(end));
            let held = (until - row.from.max(start)).as_seconds_f64();
            if held > 0.0
                && let Some(cost) = list_cost(&row.pricing)
            {
                sum += cost * held;
                seconds += held;
            }
        }
        (seconds > 0.0).then(|| sum / seconds)
    }

    /// Logarithm of the newest list cost divided by the mean of a day.
    pub fn step_since(self, day: NaiveDate) -> Option<f64> {
        Some((self.cost()? / self.mean(day)?).ln())
    }

    /// Whether no mix of the prices that may have been in force between the start of a day and a moment can explain an
    /// effective input price; `None` if none of them is known.
    pub fn is_impossible(self, effective_input: f64, day: NaiveDate, until: DateTime<Utc>) -> Option<bool> {
        let in_force = self.in_force(midnight(day), until);
        (!in_force.is_empty())
            .then(|| Pricing::are_impossible(in_force.iter().map(|row| &row.pricing), effective_input))
    }

    /// The lowest price that a prompt token may have had between two moments, USD per million; `None` if no list of
    /// that time is known.
    pub fn lowest_input(self, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<f64> {
        let ranges = self.in_force(from, until).iter().filter_map(|row| row.pricing.input_range());
        ranges.map(|(lowest, _)| lowest).min_by(f64::total_cmp)
    }

    /// The prices that may have been in force between two moments. Prices that the next sweep was the first to see may
    /// have come into force at any time since the sweep before it.
    fn in_force(self, from: DateTime<Utc>, until: DateTime<Utc>) -> &'a [Listed] {
        let first = self.0.partition_point(|row| row.from <= from).saturating_sub(1);
        let end = self.0.partition_point(|row| row.from <= until || row.after < until);
        self.0.get(first..end).unwrap_or_default()
    }
}

fn list_cost(pricing: &Pricing) -> Option<f64> {
    pricing.input.zip(pricing.output).and_then(|(input, output)| cost(input, output))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn listed(from: &str, known_at: &str, input: f64) -> Listed {
        let pricing = Pricing { input: Some(input), output: Some(0.0), ..Pricing::default() };
        Listed { endpoint: 1, after: time(from), from: time(from), known_at: time(known_at), pricing }
    }

    #[test]
    fn the_mean_counts_the_hours_that_each_price_held() {
        let rows = [
            listed("2026-09-01T06:00:00Z", "2026-09-01T06:05:00Z", 4.0),
            listed("2026-09-01T18:00:00Z", "2026-09-01T18:05:00Z", 1.0),
            listed("2026-09-02T12:00:00Z", "2026-09-02T12:05:00Z", 2.0),
        ];
        let (first, second) = (time("2026-09-01T00:00:00Z").date_naive(), time("2026-09-02T00:00:00Z"));
        let step = |lists: Lists<'_>| lists.step_since(first).map(f64::exp);
        let near = |found: Option<f64>, wanted: f64| {
            assert!(found.is_some_and(|found| (found - wanted).abs() < 1e-9), "{found:?}, not {wanted}");
        };
        // Twelve hours of 4 and six of 1; the first six hours are unknown.
        near(step(Lists::all(&rows)), 2.0 / 3.0);
        near(step(Lists::known(&rows, time("2026-09-02T12:04:00Z"))), 1.0 / 3.0);
        near(step(Lists::known(&rows, time("2026-09-02T12:05:00Z"))), 2.0 / 3.0);
        assert_eq!(step(Lists::all(&rows[2..])), None, "nothing is known of that day");
        assert_eq!(step(Lists::all(&[])), None);
        near(Lists::all(&rows).step_since(second.date_naive()).map(f64::exp), 2.0 / 1.5);
    }

    #[test]
    fn a_price_of_a_day_is_compared_with_all_lists_of_that_day() {
        let rows = [
            listed("2026-09-01T00:00:00Z", "2026-09-01T00:00:00Z", 4.0),
            listed("2026-09-02T12:00:00Z", "2026-09-02T12:00:00Z", 1.0),
        ];
        let day = time("2026-09-02T00:00:00Z").date_naive();
        let lists = Lists::all(&rows);
        assert_eq!(lists.is_impossible(2.0, day, time("2026-09-02T11:00:00Z")), Some(true));
        assert_eq!(lists.is_impossible(2.0, day, time("2026-09-02T12:00:00Z")), Some(false));
        assert_eq!(
            lists.is_impossible(2.0, day.succ_opt().expect("a day"), time("2026-09-03T01:00:00Z")),
            Some(true)
        );
        assert_eq!(Lists::all(&[]).is_impossible(2.0, day, time("2026-09-02T12:00:00Z")), None);
    }

    #[test]
    fn a_list_counts_from_the_sweep_before_the_one_that_saw_it() {
        let with = |after: &str| {
            let moved = listed("2026-09-02T00:57:00Z", "2026-09-02T00:58:00Z", 0.169);
            [
                listed("2026-09-01T00:57:00Z", "2026-09-01T00:58:00Z", 0.218),
                Listed { after: time(after), ..moved },
            ]
        };
        let (start, end) = (time("2026-09-01T00:00:00Z"), time("2026-09-02T00:00:00Z"));
        let impossible = |rows: &[Listed]| Lists::all(rows).is_impossible(0.162, start.date_naive(), end);
        assert_eq!(impossible(&with("2026-09-01T23:57:00Z")), Some(false));
        assert_eq!(impossible(&with("2026-09-02T00:00:00Z")), Some(true), "it moved on the day after");
        let rows = with("2026-09-01T23:57:00Z");
        assert_eq!(Lists::all(&rows).lowest_input(start, end), Some(0.169));
        assert_eq!(Lists::all(&rows).lowest_input(start, time("2026-09-01T23:57:00Z")), Some(0.218));
        let known = Lists::known(&rows, time("2026-09-02T00:57:30Z"));
        assert_eq!(known.lowest_input(start, end), Some(0.218), "not known yet");
        assert_eq!(Lists::all(&[]).lowest_input(start, end), None);
    }
}
