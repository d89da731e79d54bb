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
    pub fn newest(self) -> Option<&'a Pricing> {
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

    /// Whether no mix of the prices in force between the start of a day and a moment can explain an effective input
    /// price; `None` if none of them is known.
    pub fn is_impossible(self, effective_input: f64, day: NaiveDate, until: DateTime<Utc>) -> Option<bool> {
        let first = self.0.partition_point(|row| row.from <= midnight(day)).saturating_sub(1);
        let end = self.0.partition_point(|row| row.from <= until);
        let in_force = self.0.get(first..end).filter(|rows| !rows.is_empty())?;
        Some(Pricing::are_impossible(in_force.iter().map(|row| &row.pricing), effective_input))
    }
}

fn list_cost(pricing: &Pricing) -> Option<f64> {
    pricing.input.zip(pricing.output).and_then(|(input, output)| cost(input, output))
}
