//! The last seven days of an endpoint: one window for its hit rate and its price.

use crate::domain::window::Basis;
use crate::snapshot::{Endpoint, EndpointDay, Snapshot};
use chrono::{Days, NaiveDate};

/// Number of UTC days, the day of the newest data included.
pub const DAYS: u64 = 7;

/// Means over the days of the window; `None` without a day that has a value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Week {
    /// Mean of the observed daily hit rates, 0..1; derived ones do not count.
    pub hit_rate: Option<f64>,
    /// Lowest and highest of them; `None` with fewer than two.
    pub range: Option<(f64, f64)>,
    /// Mean of the daily effective input prices, USD per million tokens.
    pub price: Option<f64>,
}

impl Week {
    /// The week up to the day of the newest data.
    pub fn of(endpoint: &Endpoint, snapshot: &Snapshot) -> Self {
        Self::until(&endpoint.days, snapshot.as_of.date_naive())
    }

    fn until(days: &[EndpointDay], last: NaiveDate) -> Self {
        let first = last - Days::new(DAYS - 1);
        let days = || days.iter().filter(|day| (first..=last).contains(&day.day));
        let is_observed = |day: &&EndpointDay| day.basis != Some(Basis::Derived);
        let rates: Vec<f64> = days().filter(is_observed).filter_map(|day| finite(day.hit_rate)).collect();
        let prices: Vec<f64> = days().filter_map(|day| finite(day.effective_input)).collect();
        let low = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let high = rates.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self { hit_rate: mean(&rates), range: (rates.len() > 1).then_some((low, high)), price: mean(&prices) }
    }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_ends_with_the_newest_day_and_counts_what_was_observed() {
        let last = NaiveDate::from_ymd_opt(2026, 8, 10).expect("a day");
        let day = |back: u64, hit_rate: Option<f64>, basis: Basis, price: Option<f64>| EndpointDay {
            day: last - Days::new(back),
            hit_rate,
            basis: Some(basis),
            effective_input: price,
            ..EndpointDay::default()
        };
        let days = [
            day(7, Some(0.9), Basis::Observed, Some(9.0)),
            day(6, Some(0.4), Basis::Observed, Some(1.0)),
            day(3, Some(0.1), Basis::Derived, Some(2.0)),
            day(0, Some(0.6), Basis::Comparison, None),
        ];
        let week = Week::until(&days, last);
        assert_eq!(week, Week { hit_rate: Some(0.5), range: Some((0.4, 0.6)), price: Some(1.5) });
        assert_eq!(Week::until(&days[..1], last), Week::default(), "absent is not zero");
        assert_eq!(Week::until(&days[1..2], last).range, None);
    }
}
