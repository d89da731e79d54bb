//! How much an endpoint's hit rate varies from day to day, and the resulting interval for its next day.

use super::intervals::student_t;
use crate::domain::statistics::median;
use crate::domain::thresholds::{COST_PRIOR_DAYS, FULL_RECORD_DAYS};

/// The hit rates of an endpoint's days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct HitDays {
    /// Days with a hit rate; at least 1.
    pub days: usize,
    /// Those that were observed; the others are derived from the price chart.
    pub observed: usize,
    /// Their mean, 0..1.
    pub mean: f64,
    /// Their variance (n - 1); `None` with one day.
    pub variance: Option<f64>,
}

impl HitDays {
    /// The unit of a share's variance: a rate near 0 or 1 has no room to move.
    fn room(&self) -> f64 {
        self.mean * (1.0 - self.mean)
    }
}

/// The pooled scatter of all endpoints: variance divided by `h(1-h)`, the median over the endpoints with enough days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scatter(Option<f64>);

/// Rates closer to 0 or 1 than this do not count for the pooled scatter.
const EDGE: f64 = 0.02;

impl Scatter {
    /// The pooled scatter of the endpoints with at least [`FULL_RECORD_DAYS`] days.
    pub fn over<'a>(all: impl Iterator<Item = &'a HitDays>) -> Self {
        let eligible = all.filter(|d| d.days >= FULL_RECORD_DAYS && d.mean > EDGE && d.mean < 1.0 - EDGE);
        Self(median(eligible.filter_map(|d| Some(d.variance? / d.room()))))
    }

    /// The interval that contains another day's hit rate in 90 % of all cases, within 0..1: the mean plus and minus the
    /// 95th percentile of Student's t times `s * sqrt(1 + 1/n)`, where `s` mixes the endpoint's own variance with the
    /// pooled one. `None` as long as no endpoint has enough days.
    pub fn interval(self, own: &HitDays) -> Option<(f64, f64)> {
        let common = self.0? * own.room();
        let own_freedom = own.variance.map_or(0, |_| own.days - 1);
        let freedom = own_freedom + COST_PRIOR_DAYS;
        let sum = own.variance.unwrap_or(0.0) * own_freedom as f64 + common * COST_PRIOR_DAYS as f64;
        let spread = (sum / freedom as f64 * (1.0 + 1.0 / own.days as f64)).sqrt();
        let half = student_t(freedom) * spread;
        Some(((own.mean - half).max(0.0), (own.mean + half).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: usize, mean: f64, variance: f64) -> HitDays {
        HitDays { days, observed: days, mean, variance: (days > 1).then_some(variance) }
    }

    #[test]
    fn the_interval_is_the_one_worked_out_by_hand() {
        let all = [days(7, 0.5, 0.01), days(7, 0.8, 0.0016), days(7, 0.0, 0.0), days(2, 0.5, 0.2)];
        let scatter = Scatter::over(all.iter());
        // Of the first two: 0.04 and 0.01, their median 0.025.
        assert!((scatter.0.expect("a scatter") - 0.025).abs() < 1e-12);
        let (low, high) = scatter.interval(&all[0]).expect("an interval");
        let variance = (6.0 * 0.01 + 3.0 * 0.025 * 0.25) / 9.0;
        let half = 1.833 * (variance * (8.0_f64 / 7.0)).sqrt();
        assert!((low - (0.5 - half)).abs() < 1e-3 && (high - (0.5 + half)).abs() < 1e-3, "{low} {high}");
        let one = scatter.interval(&days(1, 0.5, 0.0)).expect("borrowed alone");
        assert!(one.1 - one.0 > high - low, "one day is less sure than seven");
    }

    #[test]
    fn a_host_that_never_hits_is_sure_of_it_and_a_young_record_of_nothing() {
        let all = [days(7, 0.5, 0.01), days(7, 0.0, 0.0)];
        assert_eq!(Scatter::over(all.iter()).interval(&all[1]), Some((0.0, 0.0)));
        assert_eq!(Scatter::over(all[1..].iter()).interval(&all[0]), None);
    }
}
