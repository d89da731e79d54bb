//! The period that a reading covers.

use super::ids::names;
use super::thresholds;
use chrono::{DateTime, NaiveTime, Utc};

names! {
    /// The period that the upstream's usage summaries of one run cover. The upstream has changed it without notice.
    #[derive(Default)]
    WindowKind {
        /// A short period, roughly an hour bucket published late; its bounds are unknown.
        Hour = "hour",
        /// The current UTC day so far.
        DayToDate = "day_to_date",
        /// A complete, closed UTC day.
        Day = "day",
        /// The witnesses disagree, or there were none.
        #[default]
        Unknown = "unknown",
    }
}

impl WindowKind {
    /// The bounds `[start, end)` of a reading taken at `observed_at`; `None` if they are unknown.
    pub fn bounds(self, observed_at: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let midnight = midnight(observed_at.date_naive());
        match self {
            Self::DayToDate => Some((midnight, observed_at)),
            Self::Day => Some((midnight, midnight + chrono::Duration::days(1))),
            Self::Hour | Self::Unknown => None,
        }
    }
}

names! {
    /// Source of the hit rate of an endpoint's UTC day. The three are never averaged.
    Basis {
        /// The last reading of the day.
        Observed = "observed",
        /// The closing value for the whole day from the upstream's comparison series.
        Comparison = "comparison",
        /// Derived from the day's closing price.
        Derived = "derived",
    }
}

/// The first moment of a UTC day.
pub fn midnight(day: chrono::NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The last moment of a UTC day, to the microsecond.
pub fn end_of_day(day: chrono::NaiveDate) -> DateTime<Utc> {
    midnight(day.succ_opt().unwrap_or(day)) - chrono::Duration::microseconds(1)
}

/// Parses a moment: a date means the end of that UTC day; anything else must be an RFC 3339 time.
///
/// # Errors
/// The expected formats, if it is neither.
pub fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<chrono::NaiveDate>() {
        return Ok(end_of_day(day));
    }
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .map_err(|_| "neither a date (2026-08-03) nor a time (2026-08-03T12:00:00Z)".to_owned())
}

/// Parses the start of a range: a UTC day such as `2026-08-03` means its midnight; anything else must be an RFC 3339
/// time.
///
/// # Errors
/// The expected forms, if it is neither.
pub fn start(text: &str) -> Result<DateTime<Utc>, String> {
    if let Some(day) = Some(text).filter(|text| is_day(text)).and_then(|text| text.parse().ok()) {
        return Ok(midnight(day));
    }
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| {
        "expected an RFC 3339 time such as 2026-08-08T12:00:00Z, or a UTC day such as 2026-08-08".to_owned()
    })
}

/// Whether a text has the form of a day: `2026-08-08`.
fn is_day(text: &str) -> bool {
    let is_dash = |at: usize| at == 4 || at == 7;
    text.len() == 10
        && text.bytes().enumerate().all(|(at, c)| if is_dash(at) { c == b'-' } else { c.is_ascii_digit() })
}

/// The number of summaries of a run that could be compared with the last point of their daily chart, and the number
/// that equal it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowWitness {
    /// Summaries whose chart ends on the run's UTC day with a price that is not 0.
    pub compared: usize,
    /// Summaries whose effective input price equals that point (relative tolerance 1e-9).
    pub equal: usize,
}

impl WindowWitness {
    /// Adds one summary's effective input price and the last chart point of the same endpoint.
    pub fn see(&mut self, summary: f64, chart: f64) {
        if chart == 0.0 || !chart.is_finite() || !summary.is_finite() {
            return;
        }
        self.compared += 1;
        if ((summary - chart) / chart).abs() <= thresholds::WINDOW_PRICE_TOLERANCE {
            self.equal += 1;
        }
    }

    /// The window kind of the run (method 1). In the first hour of a UTC day both kinds look alike, so the last kind is
    /// kept.
    pub fn detect(self, observed_at: DateTime<Utc>, last: Option<WindowKind>) -> WindowKind {
        use chrono::Timelike;
        if observed_at.hour() == 0 {
            return last.unwrap_or(WindowKind::Unknown);
        }
        if self.compared < thresholds::WINDOW_MIN_WITNESSES {
            return WindowKind::Unknown;
        }
        let share = self.equal as f64 / self.compared as f64;
        if share >= thresholds::WINDOW_DAY_SHARE {
            WindowKind::DayToDate
        } else if share <= thresholds::WINDOW_HOUR_SHARE {
            WindowKind::Hour
        } else {
            WindowKind::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn witness(compared: usize, equal: usize) -> WindowWitness {
        WindowWitness { compared, equal }
    }

    #[test]
    fn the_share_of_equal_prices_tells_the_kind() {
        let noon = at("2026-07-21T12:00:00Z");
        assert_eq!(witness(100, 100).detect(noon, None), WindowKind::DayToDate);
        assert_eq!(witness(100, 7).detect(noon, None), WindowKind::Hour);
        assert_eq!(witness(100, 50).detect(noon, None), WindowKind::Unknown);
        assert_eq!(witness(0, 0).detect(noon, None), WindowKind::Unknown);
    }

    #[test]
    fn the_first_hour_of_a_day_keeps_the_last_kind() {
        let early = at("2026-07-21T00:40:00Z");
        let kept = witness(100, 100).detect(early, Some(WindowKind::Hour));
        assert_eq!(kept, WindowKind::Hour);
        assert_eq!(witness(100, 100).detect(early, None), WindowKind::Unknown);
    }

    #[test]
    fn free_models_are_no_witnesses() {
        let mut seen = WindowWitness::default();
        seen.see(0.0, 0.0);
        seen.see(1.0, 1.0 + 1e-12);
        seen.see(1.0, 1.1);
        assert_eq!(seen, witness(2, 1));
    }

    #[test]
    fn a_moment_is_a_time_or_the_end_of_a_day() {
        assert_eq!(moment("2026-08-03"), Ok(at("2026-08-03T23:59:59.999999Z")));
        assert_eq!(moment("2026-08-03T14:00:00+02:00"), Ok(at("2026-08-03T12:00:00Z")));
        assert!(moment("yesterday").is_err_and(|error| error.contains("2026-08-03")));
    }

    #[test]
    fn a_range_starts_at_a_time_or_at_the_midnight_of_a_day() {
        let midnight = at("2026-08-03T00:00:00Z");
        assert_eq!(start("2026-08-03"), Ok(midnight));
        assert_eq!(start("2026-08-03T02:00:00+02:00"), Ok(midnight));
        for junk in ["", "2026-02-30", "2026-8-3", " 2026-08-03", "2026-08-03 ", "yesterday", "+026-08-08"] {
            assert!(start(junk).is_err_and(|error| error.contains("2026-08-08T12:00:00Z")), "{junk}");
        }
    }

    #[test]
    fn only_day_windows_have_bounds() {
        let t = at("2026-07-21T16:24:19Z");
        let midnight = at("2026-07-21T00:00:00Z");
        assert_eq!(WindowKind::DayToDate.bounds(t), Some((midnight, t)));
        assert_eq!(WindowKind::Hour.bounds(t), None);
    }
}
