//! The windows of an allowance, simulated over calls.

use super::plan_file::Starts;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use std::collections::VecDeque;

/// A call as an allowance sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Use {
    /// When it starts.
    pub at: DateTime<Utc>,
    /// When it ends; `None` if the log does not state it.
    pub ends: Option<DateTime<Utc>>,
    /// What it uses, in the unit of the allowance.
    pub amount: f64,
}

/// A window with a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Its length, hours.
    pub hours: f64,
    /// Its limit.
    pub limit: f64,
    /// When it starts.
    pub starts: Starts,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The plan serves it.
    Served,
    /// It does not fit into what is left of a window.
    OverAllowance,
    /// Too many requests are in flight.
    OverConcurrency,
}

/// How calls fit into an allowance.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fit {
    /// Calls that the plan serves.
    pub served: usize,
    /// Calls that are refused because a window is used up.
    pub over_allowance: usize,
    /// Calls that are refused because too many requests are in flight.
    pub over_concurrency: usize,
    /// Calls of offered models that are refused, as a share, 0..1; null without any call.
    pub refused_share: Option<f64>,
    /// What the served calls use, in the unit of the allowance.
    pub used: f64,
    /// What all calls would use.
    pub requested: f64,
    /// Whether the number of requests in flight could be checked: a limit is published and the log states durations.
    pub concurrency_checked: bool,
}

/// A window while calls pass.
struct State {
    window: Window,
    length: TimeDelta,
    start: Option<DateTime<Utc>>,
    used: f64,
    recent: VecDeque<(DateTime<Utc>, f64)>,
}

impl State {
    fn new(window: Window) -> Self {
        let length = TimeDelta::milliseconds((window.hours * 3_600_000.0).round() as i64);
        Self { window, length, start: None, used: 0.0, recent: VecDeque::new() }
    }

    /// Moves the window to the time of a call.
    fn advance(&mut self, at: DateTime<Utc>) {
        match self.window.starts {
            Starts::Rolling => {
                while let Some((_, amount)) =
                    self.recent.front().filter(|(used, _)| at - *used >= self.length)
                {
                    self.used -= amount;
                    self.recent.pop_front();
                }
                if self.recent.is_empty() {
                    self.used = 0.0;
                }
            }
            Starts::FirstUse => {
                if self.start.is_some_and(|start| at - start >= self.length) {
                    (self.start, self.used) = (None, 0.0);
                }
            }
            Starts::Period => {
                let midnight = at.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
                let start = *self.start.get_or_insert(midnight);
                let whole = (at - start).num_milliseconds() / self.length.num_milliseconds().max(1);
                if whole > 0 {
                    let passed = self.length.num_milliseconds().saturating_mul(whole);
                    (self.start, self.used) = (Some(start + TimeDelta::milliseconds(passed)), 0.0);
                }
            }
        }
    }

    fn fits(&self, amount: f64) -> bool {
        // A rounding error in the last bit is not more than the limit.
        self.used + amount <= self.window.limit * (1.0 + 1e-12)
    }

    fn take(&mut self, at: DateTime<Utc>, amount: f64) {
        self.used += amount;
        // A refused call does not open the window.
        if self.window.starts == Starts::FirstUse {
            self.start.get_or_insert(at);
        }
        if self.window.starts == Starts::Rolling {
            self.recent.push_back((at, amount));
        }
    }
}

/// Passes calls, sorted by time, through all windows. A call is served if it fits into every window; a refused one uses
/// nothing.
pub(super) fn simulate(uses: &[Use], windows: &[Window], concurrency: Option<u32>) -> (Vec<Outcome>, Fit) {
    let mut states: Vec<State> = windows.iter().copied().map(State::new).collect();
    let mut in_flight: Vec<DateTime<Utc>> = Vec::new();
    let mut fit = Fit {
        concurrency_checked: concurrency.is_some() && uses.iter().any(|one| one.ends.is_some()),
        ..Fit::default()
    };
    let mut outcomes = Vec::with_capacity(uses.len());
    for one in uses {
        fit.requested += one.amount;
        in_flight.retain(|ends| *ends > one.at);
        states.iter_mut().for_each(|state| state.advance(one.at));
        let outcome = if concurrency.is_some_and(|most| in_flight.len() >= most as usize) {
            fit.over_concurrency += 1;
            Outcome::OverConcurrency
        } else if states.iter().all(|state| state.fits(one.amount)) {
            states.iter_mut().for_each(|state| state.take(one.at, one.amount));
            in_flight.extend(one.ends.filter(|_| concurrency.is_some()));
            fit.served += 1;
            fit.used += one.amount;
            Outcome::Served
        } else {
            fit.over_allowance += 1;
            Outcome::OverAllowance
        };
        outcomes.push(outcome);
    }
    let refused = fit.over_allowance + fit.over_concurrency;
    fit.refused_share = (!uses.is_empty()).then(|| refused as f64 / uses.len() as f64);
    (outcomes, fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-11-02T10:00:00Z".parse::<DateTime<Utc>>().expect("a time") + TimeDelta::minutes(minute)
    }

    fn uses(rows: &[(i64, f64)]) -> Vec<Use> {
        rows.iter().map(|(minute, amount)| Use { at: at(*minute), ends: None, amount: *amount }).collect()
    }

    fn served(rows: &[(i64, f64)], windows: &[Window]) -> Vec<bool> {
        let (outcomes, _) = simulate(&uses(rows), windows, None);
        outcomes.into_iter().map(|outcome| outcome == Outcome::Served).collect()
    }

    #[test]
    fn a_window_opens_with_the_first_use_and_is_empty_again_after_its_length() {
        let window = Window { hours: 1.0, limit: 10.0, starts: Starts::FirstUse };
        let rows = [(30, 6.0), (40, 5.0), (50, 4.0), (89, 1.0), (90, 10.0)];
        assert_eq!(served(&rows, &[window]), [true, false, true, false, true]);
    }

    #[test]
    fn a_rolling_window_frees_each_use_after_its_length() {
        let window = Window { hours: 1.0, limit: 10.0, starts: Starts::Rolling };
        let rows = [(0, 6.0), (30, 4.0), (59, 1.0), (60, 6.0), (89, 1.0), (90, 4.0)];
        assert_eq!(served(&rows, &[window]), [true, true, false, true, false, true]);
    }

    #[test]
    fn consecutive_windows_begin_at_midnight_and_every_window_limits() {
        let day = Window { hours: 24.0, limit: 10.0, starts: Starts::Period };
        assert_eq!(
            served(&[(0, 10.0), (839, 1.0), (840, 1.0)], &[day]),
            [true, false, true],
            "14 h to midnight"
        );
        let hour = Window { hours: 1.0, limit: 4.0, starts: Starts::FirstUse };
        let rows = [(0, 4.0), (60, 4.0), (120, 4.0), (120, 2.0)];
        assert_eq!(served(&rows, &[day, hour]), [true, true, false, true], "the day has 2 left");
    }

    #[test]
    fn a_call_that_another_window_refuses_opens_none() {
        let day = Window { hours: 24.0, limit: 10.0, starts: Starts::Period };
        let hour = Window { hours: 1.0, limit: 4.0, starts: Starts::FirstUse };
        // The refused call at minute 30 would have opened an hour that ends at minute 90.
        let rows = [(30, 11.0), (50, 4.0), (95, 1.0), (110, 4.0)];
        assert_eq!(served(&rows, &[day, hour]), [false, true, false, true]);
    }

    #[test]
    fn refused_calls_use_nothing_and_requests_in_flight_count() {
        let window = Window { hours: 1.0, limit: 100.0, starts: Starts::FirstUse };
        let long = |minute| Use { at: at(minute), ends: Some(at(minute + 10)), amount: 1.0 };
        let (outcomes, fit) = simulate(&[long(0), long(1), long(2), long(10)], &[window], Some(2));
        use Outcome::{OverConcurrency, Served};
        assert_eq!(outcomes, [Served, Served, OverConcurrency, Served]);
        assert_eq!((fit.served, fit.over_concurrency, fit.used, fit.requested), (3, 1, 3.0, 4.0));
        assert_eq!((fit.refused_share, fit.concurrency_checked), (Some(0.25), true));
        let (_, none) = simulate(&[], &[window], Some(2));
        assert_eq!((none.refused_share, none.concurrency_checked), (None, false));
    }
}
